"""A fleet, its cases and a run folder put together: what the pytest plugin and the commands drive."""

from __future__ import annotations

import getpass
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness import __version__, fleet, report
from harness.engine.context import SetupFailed
from harness.engine.kernel import Kernel
from harness.engine.run import Options, Run
from harness.evidence.exchanges import Exchanges
from harness.evidence.journal import Journal
from harness.evidence.ledger import Ledger
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
    human,
    join,
)
from harness.ports import Fleet, Limits, Person, Tools
from harness.report.record import Share, records
from harness.scenario import Loaded
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
    ) -> None:
        self.fleet_file = fleet_file
        self.naming = naming
        self.folder = folder
        self.worker = worker
        self.loaded = loaded
        self.vault = Vault()
        self.kernel = Kernel()
        self.exchanges = Exchanges(folder / "exchanges", self.vault)
        self.stride, self.concurrency = stride, concurrency
        self.fleet: Fleet = fleet.load(fleet_file, os.environ if env is None else env, self._tools)
        self.run: Run | None = None

    def _tools(self, _name: str, limits: Limits) -> Tools:
        return Tools(clock=self.kernel, record=self.exchanges, vault=self.vault, limits=limits)

    def start(self, cases: Sequence[Case], begin: Callable[[], None] = lambda: None) -> Run:
        """Begins every case at once; `begin` is called when they are allowed and none has begun. Raises `BadInput`
        when the guard does not allow them."""
        suffix = f"-{self.worker}" if self.worker else ""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.journal = Journal(self.folder / f"journal{suffix}.jsonl", self.vault)
        self.journal.write(self._told())
        opening = {
            "run": self.naming.id,
            "worker": self.worker,
            "tool": __version__,
            "fleet": self.fleet.name,
            "fleet_sha256": self.fleet.sha256,
            "cases": [case.id for case in cases],
        }
        self.ledger = Ledger(self.folder / f"ledger{suffix}.jsonl", opening, self.vault)
        run = Run(
            self.fleet,
            cases,
            self.kernel,
            self.journal,
            self.ledger,
            self.vault,
            render,
            Options(self.naming.id, self.naming.n, self.concurrency, self.stride),
            self.loaded.deselected if not self.worker else (),
            self.loaded.exceptions.entries if self.loaded.exceptions else (),
        )
        begin()
        self.run = run
        run.start()
        return run

    def _told(self) -> dict[str, Any]:
        """What a later process must know to take back what this one made."""
        told = {"op": "run", "run": self.naming.id, "n": self.naming.n, "worker": self.worker, "tool": __version__}
        return told | {
            "fleet": self.fleet_file,
            "fleet_sha256": self.fleet.sha256,
            "environment": self.fleet.environment,
        }

    def close(self, told: report.About | None = None) -> RunResult:
        """Waits for cleanup, writes what was found, and `told` of the run, into the ledger, and closes it."""
        assert self.run is not None  # noqa: S101  started
        try:
            outcome = self.run.finish()
            for record in records(Share(outcome, told or self.about(), tuple(self.loaded.deselected))):
                self.ledger.append(record)
            self.ledger.close({"run": self.naming.id, "verdict": outcome.verdict.word, "cases": len(outcome.cases)})
        finally:
            self.journal.close()
            self._hang_up()
        return outcome

    def _hang_up(self) -> None:
        """Connections that adapters kept, and the leavers' sessions among them."""
        for adapter in (*(entry.system for entry in self.fleet.systems.values()), *self.fleet.connectors.values()):
            close = getattr(adapter, "close", None)
            if close is not None:
                close()

    def about(self) -> report.About:
        return about(self.fleet, self.naming, self.loaded)


def render(text: str, person: Person) -> str:
    """A template of a scenario (`set`), for one person."""
    try:
        return template(text).render(context(person))
    except Unfilled as missing:
        raise SetupFailed(f"{text!r} cannot be filled: {missing}") from None


def about(of: Fleet, naming: Naming, loaded: Loaded) -> report.About:
    """What the report says about the run besides its findings."""
    cases = loaded.cases
    inputs = {(of.source, of.sha256)} | {(case.source, case.sha256) for case in cases}
    if loaded.exceptions is not None:
        inputs.add((loaded.exceptions.file, loaded.exceptions.sha256))
    systems = []
    for name, entry in of.systems.items():
        told = entry.system.declaration()
        systems.append(report.SystemInfo(name, told.type, told.url, told.reader, told.independent, told.owner))
    looked = [case.systems for case in cases]
    narrowed: tuple[str, ...] = ()
    if looked and all(looked):
        seen = {name for names in looked for name in names or ()}
        narrowed = tuple(name for name in of.systems if name not in seen)
    return report.About(
        run_id=naming.id,
        fleet=of.name,
        environment=of.environment,
        operator=operator(),
        ci=next((os.environ[v] for v in ("CI_JOB_URL", "BUILD_URL") if os.environ.get(v)), _github()),
        inputs=tuple(report.Input(path, digest) for path, digest in sorted(inputs)),
        systems=tuple(systems),
        narrowed=narrowed,
        timing={key: _shown(value) for key, value in of.timing.items()},
    )


def operator() -> str:
    """Who runs this: `EXITPROOF_OPERATOR`, else the user's name."""
    try:
        return os.environ.get("EXITPROOF_OPERATOR") or getpass.getuser()
    except (KeyError, OSError):  # no name for this uid
        return ""


def _github() -> str | None:
    server, repo, run = (os.environ.get(f"GITHUB_{v}") for v in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
    return f"{server}/{repo}/actions/runs/{run}" if server and repo and run else None


def _shown(value: Any) -> str:
    if isinstance(value, int):
        return human(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_shown(each)}" for key, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_shown(each) for each in value)
    return str(value)


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


def consent(given: str | None, wanted: str, environment: str, source: str) -> None:
    """Outside the sandbox nothing runs without the digest that `exitproof plan` printed. Raises `BadInput`."""
    if environment == "sandbox" or given == wanted:
        return
    text = "the plan has changed since this consent" if given else "outside the sandbox a run needs --consent DIGEST"
    raise BadInput([Problem(source, 1, 1, f"{text}; see `exitproof plan`", given or "")])
