"""A run that was interrupted, as its journal and its ledger tell it, put back into a new process.

A case whose event was never handed over is taken back and begun afresh, as somebody new. One whose event was, or may
have been, goes on from its last checkpoint: its looks are those of the ledger, and the time in which no process was
there to look stays a gap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.engine.checkpoints import OVER, returned, revive
from harness.engine.cleanup import clean
from harness.engine.context import Context
from harness.engine.earlier import ENDED, Earlier, earlier
from harness.engine.guard import pool_key
from harness.engine.journalled import Restored, restore
from harness.engine.party import Party
from harness.engine.recover import in_doubt
from harness.engine.steps import LEAVE
from harness.evidence.plain import Reader
from harness.measure import Seen
from harness.model import CaseResult, Cleanup, Finding, Instant, Kind, Phase, Presence, Vantage, iso
from harness.ports import Strongbox

if TYPE_CHECKING:
    from harness.engine.life import Life
    from harness.engine.run import Run

Record = Mapping[str, Any]

NO_SECRET = "the secret that it is asked with ended with the process that made it"  # noqa: S105  no secret
ENDED_WITH_IT = "it was a connection of the process that ended"


@dataclass(slots=True)
class Interrupted:
    """`points`: the last checkpoint of each case; `told`: cases that are done; `judged`: the bystanders, if they are.
    `since`: when the last process was last heard of."""

    restored: Restored
    earlier: Earlier
    points: dict[str, Record] = field(default_factory=dict)
    told: dict[str, CaseResult] = field(default_factory=dict)
    judged: tuple[Finding, ...] | None = None
    pools: list[Record] = field(default_factory=list)
    looks: dict[str, list[tuple[Record, str]]] = field(default_factory=dict)
    rounds: dict[str, int] = field(default_factory=dict)
    started: Instant = 0
    since: Instant = 0
    pauses: list[tuple[Instant, Instant, bool]] = field(default_factory=list)
    asked: bool = False  # the last process left it waiting, as it was told to

    def goes_on(self, case_id: str) -> bool:
        point = self.points.get(case_id)
        return point is not None and case_id not in self.told and _goes_on(point, self.earlier)

    def gaps(self) -> list[str]:
        words = {True: "left waiting for its next look", False: "interrupted: no process of this run was there"}
        return [f"{words[asked]} from {iso(a)} to {iso(b)}" for a, b, asked in self.pauses]

    @property
    def people(self) -> int:
        return len(self.restored.parties)


def _goes_on(point: Record, sent: Earlier) -> bool:
    """Whether a case is one to go on with: its event may have been handed over, or all but cleanup is done."""
    return point["stage"] == OVER or point["sent"] is not None or sent.left(point["identity"], LEAVE)


@dataclass(frozen=True, slots=True)
class Standing:
    """The cases of a journal: told already, to be gone on with, to begin afresh. `secret`: whether what goes on made
    secrets that no encrypted vault keeps."""

    told: tuple[str, ...]
    goes_on: tuple[str, ...]
    afresh: tuple[str, ...]
    secret: bool

    def __str__(self) -> str:
        told = f"{len(self.told)} cases are told, {len(self.goes_on)} go on, {len(self.afresh)} begin afresh"
        lost = "; without a vault key (EXITPROOF_VAULT_KEY) no leaver's own credential can be tried any more"
        return told + (lost if self.secret else "")


def standing(records: Sequence[Record]) -> Standing:
    """What `resume` would do."""
    cases = [record["case"]["id"] for record in records if record.get("op") == "plan"]
    points = {record["case"]: record for record in records if record.get("op") == "checkpoint"}
    told = {record["case"] for record in records if record.get("op") == "done"}
    kept = {record["identity"] for record in records if record.get("op") == "identity" and "kept" in record}
    sent = earlier(records)
    open_ = [case for case in cases if case not in told and case in points and _goes_on(points[case], sent)]
    secret = any(points[case]["identity"] not in kept and points[case]["stage"] != OVER for case in open_)
    afresh = tuple(case for case in cases if case not in told and case not in open_)
    return Standing(tuple(case for case in cases if case in told), tuple(open_), afresh, secret)


def interrupted(
    records: Sequence[Record],
    looks: Iterable[tuple[Record, str]],
    run_id: str,
    run_n: int,
    box: Strongbox | None,
    learn: Callable[[str], object] = str,
) -> Interrupted:
    """`looks`: the records of a ledger's observations, each with the hash of its line, in order. `learn` is told every
    secret that `box` holds."""
    found = Interrupted(restore(records, run_id, run_n, box, learn), earlier(records))
    seen: dict[str, Record] = {}
    for look, name in looks:
        seen[name] = look
        found.looks.setdefault(look["identity"], []).append((look, name))
        found.rounds[look["system"]] = max(found.rounds.get(look["system"], 0), look["round"])
        found.since = max(found.since, look["answered"])
    read = Reader(seen)
    for record in records:
        found.since, found.asked = max(found.since, record.get("at", 0)), record["op"] == "waiting"
        match record["op"]:
            case "begun":
                found.started = found.started or record["at"]
            case "resumed":
                found.pauses.append((record["since"], record["at"], record["asked"]))
            case "checkpoint":
                found.points[record["case"]] = record
            case "pool":
                found.pools.append(record)
            case "done":
                found.told[record["case"]] = read.value(CaseResult, record["told"])
            case "judged":
                found.judged = read.value(tuple[Finding, ...], record["bystanders"])
    return found


def put_back(run: Run, found: Interrupted) -> dict[str, Life]:
    """Bystanders, objects and the cases to go on with; answers these by their ids, and keeps in `run` those that are
    done. Writes down that the run goes on."""
    context, now = run.context, run.kernel.now()
    context.journal.write({"op": "resumed", "since": found.since, "at": now, "asked": found.asked})
    found.pauses.append((found.since, now, found.asked))
    run.objects.made = {key: made for key, made in found.restored.objects.items() if key[0] in run.fleet.systems}
    cases = {case.id: case for case in run.cases}
    for name, desk in context.desks.items():
        desk.count = found.rounds.get(name, 0)
    for record in found.pools:
        key = pool_key(cases[record["case"]]) if "case" in record else ("bare", record["bare"])
        run.pools.restore(key, [_returned(found, told) for told in record["people"]])
    lives: dict[str, Life] = {}
    for case_id, point in found.points.items():
        if case_id not in cases or not (case_id in found.told or found.goes_on(case_id)):
            continue
        life = run.life(cases[case_id])
        party = _returned(found, {"identity": point["identity"], **point["party"]})
        revive(life, point, party)
        run.lives[case_id] = life
        if case_id in found.told:
            continue
        lives[case_id] = life
        if life.stage != OVER and not found.asked:
            life.gaps.append((found.since, now))
            life.notes.append(f"interrupted: nobody looked from {iso(found.since)} to {iso(now)}")
            _unheard(context, party, found)
    return lives


def _returned(found: Interrupted, record: Record) -> Party:
    party = found.restored.parties[record["identity"]]
    returned(party, record, found.looks.get(party.key, ()), found.earlier.uses.get(party.key, ()))
    without = not party.identity.password.reveal()
    for track in party.tracks.values():
        if without and track.vantage is Vantage.LEAVER:
            track.lost = NO_SECRET
        held = (party.key, track.grant.id) if track.grant is not None else None
        if track.kind is Kind.SESSION and held in found.restored.bare:
            track.lost = ENDED_WITH_IT
    return party


def _unheard(context: Context, party: Party, found: Interrupted) -> None:
    """A use that was sent and whose answer nobody lived to write down was asked all the same: it counts among the few
    sign-ins that a case may have refused, and what it consumes is not asked again. It is no look at a checkpoint."""
    numbered = {track.number: track for track in party.tracks.values()}
    for use in found.earlier.uses.get(party.key, ()):
        track = numbered.get(use.track)
        if track is not None and all(look.sent < use.at for look in track.observations):
            unheard = Seen(Presence.UNKNOWN, ENDED, "", use.at, use.at)
            context.observer.note(party, track, unheard, 0, Phase(use.phase), "")


async def take_back(run: Run, found: Interrupted) -> Cleanup:
    """Whoever was made for a case that begins afresh, or for bystanders that were never ready."""
    kept = {party.key for party in run.pools.parties} | {life.party.key for life in run.lives.values() if life.party}
    gone = found.restored.cleaned | kept
    lost = [party for key, party in found.restored.parties.items() if key not in gone]
    done = await run.kernel.gather([clean(run.context, party, [], list(run.fleet.systems)) for party in lost])
    left = [text for each in done for text in each.leftovers]
    for key in sorted(found.restored.doubtful):
        async with run.objects.alone(key):
            made = run.objects.made.get(key)
            if (made is None or not made.created) and (text := await in_doubt(run.context, key)):
                left.append(text)
    return Cleanup(not left, tuple(left), tuple(text for each in done for text in each.resting))
