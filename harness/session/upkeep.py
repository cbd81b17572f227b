"""What a run folder's journals say of it afterwards: whether it ended, what it left, and a cleanup of its own."""

from __future__ import annotations

import fcntl
import glob
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness import __version__, fleet
from harness.engine.journalled import Restored, restore
from harness.engine.kernel import Kernel
from harness.engine.recover import recover
from harness.engine.resume import standing
from harness.evidence.exchanges import Exchanges
from harness.evidence.journal import Journal, records
from harness.evidence.ledger import Ledger
from harness.evidence.names import RESULTS, SELFTEST
from harness.evidence.vault import Vault
from harness.model import BadInput, Cleanup, Problem, iso
from harness.ports import Limits, Tools
from harness.session import keeping
from harness.session.sandbox import embedded

REPORTS = Path("reports")
ENDS = (RESULTS, SELFTEST)  # one of them is the last that is written
CLEANUP = "-cleanup-"  # a finished run is sealed as it is: what comes later lies beside it


def folder_of(run: Path) -> Path:
    """The run folder that a path or an id names. Raises `BadInput`."""
    for folder in (run, REPORTS / run):
        if (folder / "journal.jsonl").is_file() or list(folder.glob("journal-*.jsonl")):
            return folder
    raise BadInput([Problem(str(run), 1, 1, "no run folder: there is no journal in it", "")])


@dataclass(frozen=True, slots=True)
class State:
    """Where a run stands. `open`: identities that were made and that no look has found gone yet, and what each had."""

    id: str
    folder: str
    word: str  # "going on", "finished", "waiting until …", "interrupted"
    people: int
    open: Mapping[str, Sequence[str]]
    objects: tuple[str, ...]
    resume: str  # what `resume` would do; empty where there is nothing to go on with

    def __str__(self) -> str:
        left = len(self.open) + len(self.objects)
        lines = [f"{self.id}: {self.word}, {self.people} identities" + ("" if left else ", nothing left")]
        lines += [f"  {who}: {', '.join(what) or 'nothing that is known'}" for who, what in self.open.items()]
        lines += [f"  object {name}" for name in self.objects]
        if self.resume:
            lines += [f"  {self.resume}", f"  exitproof resume {self.folder}"]
        if left and self.word != "going on":
            lines.append(f"  exitproof cleanup {self.folder}")
        return "\n".join(lines)

    def plain(self) -> dict[str, Any]:
        open_ = {who: list(what) for who, what in self.open.items()}
        told = {"id": self.id, "folder": self.folder, "state": self.word, "identities": self.people, "open": open_}
        return {**told, "objects": list(self.objects), "resume": self.resume}


@dataclass(frozen=True, slots=True)
class Tidied:
    """One cleanup: what it came to, and where it is written down."""

    folder: Path
    outcome: Cleanup

    def lines(self) -> Iterator[str]:
        yield from (f"left: {text}" for text in self.outcome.leftovers)
        yield from (f"at rest: {text}" for text in self.outcome.resting)
        yield "nothing is left" if self.outcome.complete else f"{len(self.outcome.leftovers)} left behind"
        yield f"evidence: {self.folder}"

    def plain(self) -> dict[str, Any]:
        done = self.outcome
        told = {"complete": done.complete, "leftovers": list(done.leftovers), "resting": list(done.resting)}
        return {**told, "evidence": str(self.folder)}


def states(reports: Path) -> list[State]:
    found = {path.parent for path in reports.glob("*/journal*.jsonl")} if reports.is_dir() else set()
    folders = sorted(folder for folder in found if CLEANUP not in folder.name)
    return [state(folder) for folder in folders]


def state(folder: Path) -> State:
    written = _written(folder)
    opening = _opening(written)
    found = restore(written, opening.get("run", folder.name), opening.get("n", 0))
    going_on = any(_busy(path) for path in _journals(folder))
    word = "going on" if going_on else "finished" if any((folder / name).is_file() for name in ENDS) else "interrupted"
    if word == "interrupted" and written and written[-1].get("op") == "waiting":
        word = f"waiting until {iso(written[-1]['until'])}"
    planned = any(record.get("op") == "plan" for record in written) and not cleanups(folder)
    return State(
        id=opening.get("run", folder.name),
        folder=str(folder),
        word=word,
        people=len(found.parties),
        open={key: tuple(_had(found, key)) for key in found.parties if key not in found.cleaned},
        objects=tuple(f"{system} {kind} {name}" for system, kind, name in (*found.objects, *sorted(found.doubtful))),
        resume=str(standing(written)) if planned and word not in ("going on", "finished") else "",
    )


def cleanup(folder: Path, fleet_file: str | None, env: Mapping[str, str], vault_key: str | None = None) -> Tidied:
    """Takes back what the journals know and no look has found gone. Raises `BadInput`: the run is going on, or its
    fleet is another one by now, or none."""
    with _held(folder):
        written = _written(folder)
        opening = _opening(written)
        source = fleet_file or source_of(folder, opening, env)
        home = folder.with_name(f"{folder.name}{CLEANUP}{datetime.now(UTC):%Y%m%d-%H%M%S}")
        vault, kernel = Vault(), Kernel()
        exchanges = Exchanges(home / "exchanges", vault)

        def tools(_name: str, limits: Limits) -> Tools:
            return Tools(clock=kernel, record=exchanges, vault=vault, limits=limits)

        key = keeping.key_of(vault_key, env)
        vault.learn(key)
        loaded = fleet.load(source, env, tools)
        if fleet_file is None and loaded.sha256 != opening["fleet_sha256"]:
            text = "the fleet file has changed since the run: name it with --fleet if it still describes these systems"
            raise BadInput([Problem(source, 1, 1, text, "")])
        run, number = opening["run"], opening["n"]
        ledger = Ledger(home / "ledger.jsonl", {"run": run, "cleanup": True, "tool": __version__}, vault)
        with Journal(home / "journal.jsonl", vault) as journal:
            done = recover(loaded, written, run, number, kernel, journal, ledger, vault, keeping.Boxes(run, key, env))
        ledger.close({"run": run, "complete": done.complete, "leftovers": list(done.leftovers)})
        if done.complete:
            keeping.destroy(run, env)
        return Tidied(home, done)


def source_of(folder: Path, opening: Mapping[str, Any], env: Mapping[str, str]) -> str:
    """The fleet file that a run names. Raises `BadInput` where it names none, or one that is gone."""
    source = str(opening.get("fleet", ""))
    if not source:
        raise BadInput([Problem(str(folder), 1, 1, "its journal does not say of which fleet it was: use --fleet", "")])
    if embedded(source, str(opening.get("environment", "")), env):
        raise BadInput([Problem(source, 1, 1, "the embedded sandbox ended with its run: nothing of it is left", "")])
    return source


def _had(found: Restored, key: str) -> Iterator[str]:
    party = found.parties[key]
    for system, accounts in party.accounts.items():
        yield from (f"{system} account {account.id}" for account in accounts)
    yield from (f"{system} account in doubt" for system in sorted(party.doubtful))


def _journals(folder: Path) -> list[Path]:
    """Those of the run, or of its workers, and then those of earlier cleanups, in the order they were begun."""
    return [*sorted(folder.glob("journal*.jsonl")), *cleanups(folder)]


def cleanups(folder: Path) -> list[Path]:
    here = folder.resolve()
    return sorted(here.parent.glob(f"{glob.escape(here.name)}{CLEANUP}*/journal.jsonl"))


def _written(folder: Path) -> list[dict[str, Any]]:
    return [record for path in _journals(folder) for record in records(path)]


def _opening(written: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    return next((record for record in written if record.get("op") == "run"), {})


def _busy(path: Path) -> bool:
    """Whether somebody is writing it: a journal is locked as long as its process lives."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        return False


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Nobody else runs or cleans up here meanwhile."""
    files = [path.open("rb") for path in _journals(folder)]
    try:
        for file in files:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise BadInput([Problem(str(folder), 1, 1, "the run is still going on", "")]) from None
        yield
    finally:
        for file in files:
            file.close()
