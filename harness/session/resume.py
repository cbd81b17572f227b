"""`exitproof resume`: an interrupted run goes on where its journal says, and is told and sealed like any other."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness import report
from harness.engine.context import Waiting
from harness.engine.resume import Interrupted, interrupted, standing
from harness.evidence.journal import records
from harness.evidence.plain import Reader
from harness.evidence.strict import exact
from harness.evidence.strongbox import Strongbox
from harness.evidence.vault import Vault
from harness.evidence.verify_ledger import Walked, walk
from harness.model import BadInput, Case, Deselected, Instant, Problem, Verdict, iso
from harness.report.record import Share, share
from harness.report.text import summary
from harness.scenario import Exceptions, Loaded
from harness.session import keeping, sealing
from harness.session.drill import Drill, Naming, exit_code, merge
from harness.session.upkeep import cleanups, source_of

Say = Callable[[str], None]
Record = Mapping[str, Any]

UNSURE = 6
STOPPED = "exitproof: stopped; taking back what was made (Ctrl-C again leaves it to the journal)"
LEFT = "exitproof: not cleaned up; `exitproof resume` goes on from the journal"


@dataclass(frozen=True, slots=True)
class _Part:
    """What one process of the run left: its journal, and as much of its ledger as is whole. `told`: all of it."""

    worker: str
    opening: Record
    written: Sequence[Record]
    ledger: Path
    walked: Walked
    looks: Sequence[Record]
    told: Share | None

    @property
    def waits(self) -> Instant:
        """Until when it was left to a later process; 0 if it was not."""
        last = self.written[-1]
        return last["until"] if last["op"] == "waiting" else 0

    @property
    def cases(self) -> tuple[Case, ...]:
        read = Reader()
        return tuple(read.value(Case, record["case"]) for record in self.written if record.get("op") == "plan")


def resume(folder: Path, env: Mapping[str, str], *, sign: str | None, vault_key: str | None, say: Say) -> int:
    """The exit code of the run. Raises `BadInput`: it goes on, is finished, or cannot be gone on with."""
    folder = folder.resolve()
    if (folder / "manifest.json").exists():
        raise _bad(folder, "the run is finished and sealed: there is nothing to go on with")
    if taken := cleanups(folder):
        raise _bad(taken[-1].parent, "a cleanup has taken back what there was to look at")
    parts = [_part(path) for path in sorted(folder.glob("journal*.jsonl"))]
    opening = parts[0].opening
    naming = Naming(opening["run"], opening["n"])
    until = min((part.waits for part in parts), default=0)
    if until > time.time_ns() // 1000:
        say(waits(folder, until))
        return UNSURE
    key = keeping.key_of(vault_key, env)
    seal = sealing.prepare(folder, naming.id, sign, env, named=True)
    drills = [_drill(part, folder, naming, key, env, say) for part in parts if part.told is None]
    if not _wait(drills, say):
        return 2
    first = parts[0].told  # a worker that lived to tell: `report --from` goes by the first as well
    about = replace(Reader().value(report.About, opening["about"]), signing_key=seal.keyid)
    about = first.about if first is not None else about
    shares = [part.told.result for part in parts if part.told is not None]
    try:
        shares += [drill.close(about) for drill in drills]
    except Waiting as waiting:
        say(waits(folder, waiting.until))
        told = [case for drill in drills if drill.run is not None for case in drill.run.results.values()]
        return 1 if any(case.verdict is Verdict.FAIL for case in told) else UNSURE
    deselected = Reader().value(tuple[Deselected, ...], opening["deselected"])
    outcome = shares[0] if [part.worker for part in parts] == [""] else merge(naming, shares, deselected)
    written = sealing.write(folder, outcome, about, seal.register)
    vault = Vault()
    for drill in drills:
        for secret in drill.vault.known():
            vault.learn(secret)
    unheard = [] if key else ["the process that was interrupted"]
    good, sealed = sealing.finish(seal, vault, env, outcome.verdict.word, unheard)
    left = [*outcome.cleanup.leftovers, *(text for case in outcome.cases for text in case.cleanup.leftovers)]
    for line in (*(f"left behind: {text}" for text in left), sealed, summary(outcome)):
        say(line)
    say(f"report: {next(path for path in written if path.suffix == '.html')}")
    return exit_code(outcome) if good else 3


def waits(folder: Path, until: Instant) -> str:
    return f"nothing is to be done before {iso(until)}: exitproof resume {folder} goes on from then"


def _part(journal: Path) -> _Part:
    written = list(records(journal))
    opening = next((record for record in written if record.get("op") == "run"), None)
    planned = sum(record.get("op") == "plan" for record in written)
    if opening is None or "about" not in opening or planned != opening["cases"]:
        raise _bad(journal, "it was interrupted before anything was planned: nothing was made, run it anew")
    ledger = journal.with_name(journal.name.replace("journal", "ledger", 1))
    lines = ledger.read_bytes().splitlines(keepends=True) if ledger.is_file() else []
    walked = walk(lines)
    if walked.wrong:
        raise _bad(ledger, f"its ledger is broken, so nothing in it can be believed: {walked.wrong}")
    found = [exact(line[:-1]) for line in lines[: walked.size]]
    told = share(found, walked.hashes) if walked.closed else None
    return _Part(opening["worker"], opening, written, ledger, walked, found, told)


def _drill(part: _Part, folder: Path, naming: Naming, key: str, env: Mapping[str, str], say: Say) -> Drill:
    opening, read = part.opening, Reader()
    source = source_of(folder, opening, env)
    deselected = read.value(tuple[Deselected, ...], opening["deselected"])
    drill = Drill(
        source,
        Loaded(part.cases, deselected, read.value(Exceptions | None, opening["exceptions"])),
        folder,
        naming,
        worker=part.worker,
        stride=(opening["stride"][0], opening["stride"][1]),
        concurrency=opening["concurrency"],
        env=env,
        vault_key=key,
        leaves=opening["leaves"],
        qualification=read.value(report.About, opening["about"]).selftest,
    )
    if drill.fleet.sha256 != opening["fleet_sha256"]:
        raise _bad(Path(source), "the fleet file has changed since the run: take back what it made with `cleanup`")
    looks = [
        (record, name)
        for record, name in zip(part.looks, part.walked.hashes, strict=True)
        if record["type"] == "observation"
    ]

    def found(box: Strongbox | None) -> Interrupted:
        return interrupted(part.written, looks, naming.id, naming.n, box, drill.vault.learn)

    drill.go_on(found, part.cases)
    say(str(standing(part.written)))
    return drill


def _wait(drills: Sequence[Drill], say: Say) -> bool:
    """Until all of it is over. Ctrl-C stops it, and takes back what was made; the second leaves the rest as it is."""
    runs = [drill.run for drill in drills if drill.run is not None]
    for patience in (STOPPED, LEFT):
        try:
            for run in runs:
                run.wait()
        except KeyboardInterrupt:
            say(patience)
            for run in runs:
                run.stop()
        else:
            return True
    return False


def _bad(path: Path, message: str) -> BadInput:
    return BadInput([Problem(str(path), 1, 1, message)])
