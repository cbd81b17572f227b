"""What became of those on whom no event was fired, and which cases answer for it."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.engine.baseline import read_all
from harness.engine.context import Context
from harness.engine.party import Party, Track
from harness.engine.pools import Pools
from harness.engine.prints import BYSTANDERS, fingerprint
from harness.engine.telling import Teller
from harness.judge import Expects, Question, judge
from harness.model import (
    SECOND,
    CaseResult,
    Duration,
    Finding,
    Instant,
    Outcome,
    Phase,
    Presence,
    Subject,
    Vantage,
    Verdict,
)

if TYPE_CHECKING:
    from harness.engine.life import Life


def bystander_question(party: Party, track: Track, cases: Sequence[str], owed: Sequence[str] = ()) -> Question:
    return Question(
        subject=Subject.BYSTANDER,
        system=track.system,
        kind=track.kind,
        name=track.name,
        grant_id=track.grant_id,
        vantage=track.vantage,
        channel=track.channel,
        expects=Expects.INTACT,
        identity=party.key,
        owed=tuple(owed),
        notes=(f"shared by {len(cases)} cases",) if len(cases) > 1 else (),
    )


def judged_bystander(party: Party, cases: Sequence[str], owed: Sequence[str] = (), settle: int = 0) -> list[Finding]:
    """Every grant of a bystander that was in its baseline."""
    findings = []
    for track in party.tracks.values():
        if track.void or track.appeared or track.vantage is Vantage.LEAVER:
            continue
        question = replace(bystander_question(party, track, cases, owed), settle=settle)
        found = judge(question, track.observations)
        findings.append(replace(found, cases=tuple(cases), fingerprint=fingerprint(BYSTANDERS, found, party)))
    return findings


def collateral(life: Life) -> list[Finding]:
    """What bystanders lost in an interval in which this case fired an event."""
    fired = [at for at, _ in life.events]
    settle = life.case.settle_of(life.case.within.default)
    found = []
    for party in life.pool:
        for finding in judged_bystander(party, (life.case.id,), settle=settle):
            if finding.outcome is not Outcome.COLLATERAL:
                continue
            low, high = finding.last_present or 0, finding.first_absent or life.context.now()
            if any(low - SECOND <= at <= high for at in fired):
                found.append(finding)
    return found


def blame(
    result: CaseResult, bystanders: Sequence[Finding], events: Mapping[str, Sequence[Instant]], now: Instant
) -> CaseResult:
    """A collateral seen only at the very end still fails the cases that it may belong to: one alone, if only its
    events lie in the interval, otherwise all that share the bystander."""
    known = {(f.identity, f.system, f.kind, f.name) for f in result.findings if f.subject is Subject.BYSTANDER}

    def guilty(finding: Finding) -> Sequence[str]:
        low, high = finding.last_present or 0, finding.first_absent or now
        inside = [c for c in finding.cases if any(low <= at <= high for at in events.get(c, ()))]
        return inside if len(inside) == 1 else finding.cases

    late = tuple(
        b
        for b in bystanders
        if b.outcome is Outcome.COLLATERAL
        and result.case.id in guilty(b)
        and (b.identity, b.system, b.kind, b.name) not in known
    )
    return replace(result, findings=result.findings + late, verdict=Verdict.FAIL) if late else result


async def last_look(context: Context, pools: Pools, ready: Container[str], settle: Duration) -> list[Finding]:
    """Every bystander once more, when all cases are over."""
    findings: list[Finding] = []
    teller = Teller(context.vault)

    async def one(party: Party) -> None:
        pool = pools.of(party)
        others = [p for p in pools.parties if p is not party and p.key in ready]
        systems = [name for name in context.fleet.systems if party.current(name)]
        for _ in range(2):  # twice, `settle` apart: an absence must be confirmed
            readings = await read_all(context, party, systems, others)
            for name, reading in readings.items():
                context.observer.apply(party, name, reading, Phase.HOLD, "the end")
            lost = any(
                t.observations and t.observations[-1].presence is not Presence.PRESENT
                for t in party.tracks.values()
                if t.vantage is Vantage.ADMIN and not t.void and not t.appeared
            )
            if not lost:
                break
            await context.kernel.pause(settle)
        findings.extend(map(teller.finding, judged_bystander(party, pool.cases, ("the end",), settle)))

    await context.kernel.gather([one(p) for p in pools.parties if p.key in ready])
    return findings
