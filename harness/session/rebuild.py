"""`exitproof report --from RUN`: everything that a run tells, made once more from its ledger and exchanges alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import report
from harness.evidence.bundle import Folder, Hostile
from harness.evidence.names import RUNS, is_ledger
from harness.evidence.strict import exact
from harness.evidence.verify_ledger import LONGEST, walk
from harness.model import BadInput, Problem, RunResult
from harness.report.index import before
from harness.report.record import Share, share
from harness.session.drill import Naming, merge


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """One file, and whether it is byte for byte the one that lies in the run's folder; None: there is none."""

    path: Path
    same: bool | None


def rebuild(run: Path, out: Path) -> list[Rebuilt]:
    """Reads ledgers and exchanges of `run`, and no other file; writes into `out`. Raises BadInput where a ledger is
    missing, broken, or ends too early: what nobody recorded is not made up."""
    if not run.is_dir():
        raise _bad(run, "not the folder of a run")
    if out.resolve() == run.resolve():
        raise _bad(out, "a run's own files are not written over: choose another folder")
    files = Folder(run)
    try:
        names = sorted(name for name in files.sizes() if is_ledger(name))
        shares = [_share(files, run, name) for name in names]
    except Hostile as hostile:
        raise _bad(run / hostile.name, str(hostile)) from None
    if not shares:
        raise _bad(run, "no ledger is here")
    if names == ["ledger.jsonl"]:
        whole: RunResult = shares[0].result
    else:
        naming = Naming(shares[0].result.id, 0)
        whole = merge(naming, [each.result for each in shares], shares[0].deselected)

    def exchange(name: str) -> Mapping[str, Any] | None:
        try:
            made: Mapping[str, Any] = json.loads(files.read(f"exchanges/{name}.json", LONGEST))
        except (FileNotFoundError, Hostile, ValueError):
            return None
        return made

    about = shares[0].about
    earlier = []
    if (run.resolve().parent / RUNS).is_file():  # what it was compared with lies beside it, and in no ledger of its own
        earlier = before(run.resolve().parent, about.fleet, about.environment, whole.started)
    written = report.write(out, whole, about, exchange, earlier=earlier)
    return [Rebuilt(path, _same(path, run / path.relative_to(out))) for path in written]


def _share(files: Folder, run: Path, name: str) -> Share:
    lines = list(files.lines(name, LONGEST))
    walked = walk(lines)
    if walked.wrong or walked.torn or not walked.closed:
        raise _bad(run / name, walked.wrong or "it ends without a close: the process did not live to tell")
    try:
        made = share([exact(line[:-1]) for line in lines], walked.hashes)
    except ValueError as error:
        raise _bad(run / name, str(error)) from None
    if made is None:
        raise _bad(run / name, "it holds observations, and not what was made of them: written by an older version")
    return made


def _same(made: Path, old: Path) -> bool | None:
    return made.read_bytes() == old.read_bytes() if old.is_file() else None


def _bad(path: Path, message: str) -> BadInput:
    return BadInput([Problem(str(path), 1, 1, message)])
