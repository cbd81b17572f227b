"""A fleet, its cases and a run folder put together: what the pytest plugin and the commands drive."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness import __version__, fleet, report
from harness.engine.context import SetupFailed
from harness.engine.kernel import Kernel
from harness.engine.resume import Interrupted
from harness.engine.run import Options, Run
from harness.evidence.exchanges import Exchanges
from harness.evidence.journal import Journal
from harness.evidence.ledger import Ledger
from harness.evidence.plain import plain
from harness.evidence.register import Register
from harness.evidence.strongbox import Strongbox
from harness.evidence.vault import Vault
from harness.model import (
    SECOND,
    BadInput,
    Case,
    Cleanup,
    Coverage,
    CoverageCell,
    Deselected,
    Excepted,
    Problem,
    RunResult,
    Verdict,
    join,
)
from harness.ports import Fleet, Limits, Person, Tools
from harness.qualification import Qualification
from harness.report.record import Share, records
from harness.scenario import Loaded
from harness.session import keeping
from harness.session.about import about
from harness.session.qualified import newest
from harness.wire.context import context
from harness.wire.template import Unfilled, template


@dataclass(frozen=True, slots=True)
class Naming:
    """Who this run is. `n` makes the names of its people; both are the same for every worker of the run."""

    id: str
    n: int

    @classmethod
    def new(cls, now: datetime | None = None) -> Naming:
        now = now or datetime.now(UTC)
        # Minutes since 2026 and three random digits: short enough for a user name, unlikely to meet a crashed run's.
        n = int((now - datetime(2026, 1, 1, tzinfo=UTC)).total_seconds() // 60) * 1000 + secrets.randbelow(1000)
        return cls(f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}", n)


class Drill:
    """One process's share of a run: built, started, waited for, and closed."""

    def __init__(
        self,
        fleet_file: str,
        loaded: Loaded,
        folder: Path,
        naming: Naming,
        *,
        worker: str = "",
        stride: tuple[int, int] = (0, 1),
        concurrency: int = 64,
        env: Mapping[str, str] | None = None,
        vault_key: str = "",
        leaves: bool = False,
        qualification: Qualification | None = None,
    ) -> None:
        """`leaves`: a case whose next look is far away is left to `exitproof resume`."""
        self.fleet_file = fleet_file
        self.qualification = qualification
        self.naming = naming
        self.folder = folder
        self.worker = worker
        self.loaded = loaded
        self.vault = Vault()
        self.kernel = Kernel()
        self.exchanges = Exchanges(folder / "exchanges", self.vault)
        self.stride, self.concurrency = stride, concurrency
        self.env: Mapping[str, str] = os.environ if env is None else env
        self.fleet: Fleet = fleet.load(fleet_file, self.env, self._tools)
        self.run: Run | None = None
        self.vault.learn(vault_key)
        self._suffix = f"-{worker}" if worker else ""
        self._key = vault_key
        self._leaves = leaves

    def _tools(self, _name: str, limits: Limits) -> Tools:
        return Tools(clock=self.kernel, record=self.exchanges, vault=self.vault, limits=limits)

    def qualify(self, register: Register | None) -> None:
        """Cites the newest self-test of this fleet that lies beside the run; a folder of `--out` has no runs beside
        it, unless it has their register."""
        if register is not None:
            self.qualification = newest(self.folder.parent, self.fleet)

    def start(
        self, cases: Sequence[Case], begin: Callable[[], None] = lambda: None, told: report.About | None = None
    ) -> Run:
        """Begins every case at once; `begin` is called when they are allowed and none has begun. `told`: of the whole
        run. Raises `BadInput` when the guard does not allow them."""
        self._open()
        self.journal.write(self._told(cases, told or self.about()))
        for case in cases:
            self.journal.write({"op": "plan", "case": plain(case)})
        self.ledger = Ledger(self._ledger, self._opening(cases), self.vault)
        return self._run(cases, begin)

    def go_on(self, read: Callable[[Strongbox | None], Interrupted], cases: Sequence[Case]) -> Run:
        """The same for what an earlier process left, which `read` reads while nobody else can. Raises `BadInput`:
        somebody is at it, or the encrypted vault is another key's."""
        self._open()
        found = read(self.box)
        self.ledger = Ledger.reopen(self._ledger, self._opening(cases), self.vault)
        return self._run(cases, found=found)

    def _open(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"journal{self._suffix}.jsonl"
        try:
            self.journal = Journal(path, self.vault)
        except BlockingIOError:
            raise BadInput([Problem(str(path), 1, 1, "the run is still going on")]) from None
        self.box = keeping.opened(self.naming.id + self._suffix, self._key, self.env)

    @property
    def _ledger(self) -> Path:
        return self.folder / f"ledger{self._suffix}.jsonl"

    def _opening(self, cases: Sequence[Case]) -> dict[str, Any]:
        told = {"run": self.naming.id, "worker": self.worker, "tool": __version__, "fleet": self.fleet.name}
        told |= {"fleet_sha256": self.fleet.sha256, "selftest": self.qualification.sha256 if self.qualification else ""}
        return {**told, "cases": [case.id for case in cases]}

    def _run(
        self, cases: Sequence[Case], begin: Callable[[], None] = lambda: None, found: Interrupted | None = None
    ) -> Run:
        run = Run(
            self.fleet,
            cases,
            self.kernel,
            self.journal,
            self.ledger,
            self.vault,
            render,
            Options(
                self.naming.id,
                self.naming.n,
                self.concurrency,
                self.stride,
                self.box,
                self._leaves,
                qualification=self.qualification,
            ),
            self.loaded.deselected if not self.worker else (),
            self.loaded.exceptions.entries if self.loaded.exceptions else (),
            found,
        )
        begin()
        self.run = run
        run.start()
        return run

    def _told(self, cases: Sequence[Case], about: report.About) -> dict[str, Any]:
        """What a later process must know to take back what this one made, or to go on; a record per case follows."""
        told = {"op": "run", "run": self.naming.id, "n": self.naming.n, "worker": self.worker, "tool": __version__}
        return told | {
            "fleet": self.fleet_file,
            "fleet_sha256": self.fleet.sha256,
            "environment": self.fleet.environment,
            "stride": list(self.stride),
            "concurrency": self.concurrency,
            "leaves": self._leaves,
            "cases": len(cases),
            "deselected": plain(tuple(self.loaded.deselected)),
            "exceptions": plain(self.loaded.exceptions),
            "about": plain(about),
        }

    def close(self, told: report.About | None = None) -> RunResult:
        """Waits for cleanup, writes what was found, and `told` of the run, into the ledger, and closes it. Raises
        `Waiting` where the rest of the run is left to a later process: the ledger stays open for it."""
        assert self.run is not None  # noqa: S101  started
        try:
            outcome = self.run.finish()
            for record in records(Share(outcome, told or self.about(), tuple(self.loaded.deselected))):
                self.ledger.append(record)
            self.ledger.close({"run": self.naming.id, "verdict": outcome.verdict.word, "cases": len(outcome.cases)})
        finally:
            self.journal.close()
            hang_up((*(entry.system for entry in self.fleet.systems.values()), *self.fleet.connectors.values()))
            if self.box is not None:
                self.box.close()
        if outcome.cleanup.complete and all(case.cleanup.complete for case in outcome.cases):
            keeping.destroy(self.naming.id + self._suffix, self.env)
        return outcome

    def about(self) -> report.About:
        return replace(about(self.fleet, self.naming.id, self.loaded), selftest=self.qualification)


def hang_up(adapters: Iterable[object]) -> None:
    """Closes connections that adapters kept, and the leavers' sessions among them."""
    for adapter in adapters:
        close = getattr(adapter, "close", None)
        if close is not None:
            close()


def render(text: str, person: Person) -> str:
    """A template of a scenario (`set`), for one person."""
    try:
        return template(text).render(context(person))
    except Unfilled as missing:
        raise SetupFailed(f"{text!r} cannot be filled: {missing}") from None


def default_folder(naming: Naming, out: str | None) -> Path:
    return Path(out) if out else Path("reports") / naming.id


def merge(naming: Naming, parts: Sequence[RunResult], deselected: Sequence[Deselected]) -> RunResult:
    """The shares of several workers as one run."""
    cells: dict[tuple[str, str, str], CoverageCell] = {}
    for part in parts:
        for cell in part.coverage:
            key = (cell.system, cell.kind, cell.vantage)
            known = cells.get(key)
            cells[key] = cell if known is None else _better(known, cell)
    left = [text for part in parts for text in part.cleanup.leftovers]
    rest = [text for part in parts for text in part.cleanup.resting]
    now = int(datetime.now(UTC).timestamp()) * SECOND
    wide = excepted([part.exceptions for part in parts if part.exceptions])
    verdicts = [part.verdict for part in parts] + [Verdict.INCONCLUSIVE for one in wide if one.idle]
    return RunResult(
        id=naming.id,
        started=min((part.started for part in parts), default=now),
        finished=max((part.finished for part in parts), default=now),
        verdict=join(verdicts),
        cases=tuple(sorted((case for part in parts for case in part.cases), key=lambda c: c.case.id)),
        bystanders=tuple(b for part in parts for b in part.bystanders),
        deselected=tuple(deselected),
        coverage=tuple(cells.values()),
        cleanup=Cleanup(all(part.cleanup.complete for part in parts), tuple(left), tuple(rest)),
        notes=tuple(note for part in parts for note in part.notes),
        exceptions=wide,
    )


def excepted(shares: Sequence[Sequence[Excepted]]) -> tuple[Excepted, ...]:
    """What became of the fleet-wide exceptions over all shares of a run: each worker read the same file."""
    return tuple(
        Excepted(ones[0].keep, sum(one.cases for one in ones), sum(one.matched for one in ones))
        for ones in zip(*shares, strict=True)
    )


def lost(naming: Naming, worker: str) -> RunResult:
    """The share of a worker that died: what it saw is not known, and what it made is still there."""
    now = int(datetime.now(UTC).timestamp()) * SECOND
    left = f"worker {worker} died: what it made is in journal-{worker}.jsonl"
    note = f"worker {worker} died: its cases were not judged"
    return RunResult(
        naming.id, now, now, Verdict.INCONCLUSIVE, (), (), (), (), Cleanup(complete=False, leftovers=(left,)), (note,)
    )


_RANK = (Coverage.TESTED, Coverage.WITH_ACCOUNT_ONLY, Coverage.BLIND, Coverage.NOT_EXERCISED)


def _better(a: CoverageCell, b: CoverageCell) -> CoverageCell:
    """One cell seen by two workers: tested by one is tested, and the cases add up."""
    rank = {status: index for index, status in enumerate(_RANK)}
    best = min((a, b), key=lambda cell: rank.get(cell.status, len(_RANK)))
    return replace(best, cases=a.cases + b.cases)


def exit_code(run: RunResult) -> int:
    """0 all passed; 1 access remains or a bystander lost some; 6 inconclusive; 7 cleanup left something."""
    if run.verdict is Verdict.FAIL:
        return 1
    if run.verdict is Verdict.INCONCLUSIVE:
        return 6
    clean = run.cleanup.complete and all(case.cleanup.complete for case in run.cases)
    return 0 if clean else 7
