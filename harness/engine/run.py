"""A run: every case started together, each waited for by name, and everything taken back at the end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.engine.bystanders import blame, last_look
from harness.engine.cleanup import clean_all
from harness.engine.context import Context, Render, SetupFailed, Waiting
from harness.engine.controls import find_controls
from harness.engine.coverage import Coverer
from harness.engine.guard import check_guard
from harness.engine.kernel import Kernel
from harness.engine.life import Life, Together
from harness.engine.observe import Observer
from harness.engine.party import Party
from harness.engine.policy import excepted
from harness.engine.pools import Pools
from harness.engine.resume import Interrupted, put_back, take_back
from harness.engine.rounds import Reading
from harness.engine.setup import Objects
from harness.engine.snapshot import Snapshot, snapshot
from harness.engine.tasks import Cancelled, Slots, Task
from harness.engine.telling import broken
from harness.evidence.plain import plain
from harness.model import (
    Case,
    CaseResult,
    Cleanup,
    Deselected,
    Finding,
    Instant,
    Keep,
    Phase,
    RunResult,
    Verdict,
    join,
)
from harness.ports import Fleet, Journal, Ledger, Strongbox, Vault
from harness.qualification import Qualification, downgraded, downgraded_case, downgraded_cells


@dataclass(frozen=True, slots=True)
class Options:
    """`concurrency`: leavers in flight. `stride`: this worker's number and how many there are. `leaves`: what has
    nothing to do for long is left to a later process."""

    run_id: str
    run_n: int
    concurrency: int = 64
    stride: tuple[int, int] = (0, 1)
    box: Strongbox | None = None
    leaves: bool = False
    password: Callable[[int], str] | None = None
    qualification: Qualification | None = None  # the newest self-test of this fleet: its blind probes pass nothing


class Run:
    """`start` begins every case; `result(id)` waits for one; `finish` cleans up and tells everything."""

    def __init__(
        self,
        fleet: Fleet,
        cases: Sequence[Case],
        kernel: Kernel,
        journal: Journal,
        ledger: Ledger,
        vault: Vault,
        render: Render,
        options: Options,
        deselected: Sequence[Deselected] = (),
        exceptions: Sequence[Keep] = (),
        found: Interrupted | None = None,
    ) -> None:
        """`found`: what there is of this run already, to go on with."""
        self.fleet, self.cases, self.kernel, self.options = fleet, tuple(cases), kernel, options
        self.deselected, self.exceptions = tuple(deselected), tuple(exceptions)
        check_guard(fleet, cases)
        self.context = Context(
            kernel,
            fleet,
            options.run_id,
            options.run_n,
            journal,
            Observer(ledger, journal),
            vault,
            render,
            stride=options.stride,
            box=options.box,
            leaves=options.leaves,
        )
        self.waiting: dict[str, Instant] = {}  # cases that are left to a later process, and until when
        self.found = found
        if found is not None:
            self.context.earlier, self.context.people = found.earlier, found.people
        if options.password is not None:
            self.context.password = options.password
        self.context.open_lanes(self._bystanders_seen)
        self.objects = Objects(self.context)
        self.pools = Pools(self.context, self.objects, lambda party, _pool: self._ready.add(party.key))
        self.started = kernel.now()
        self.lives: dict[str, Life] = {}
        self.results: dict[str, CaseResult] = {}
        self.outcome: RunResult | None = None
        self._ready: set[str] = set()
        self._revived: dict[str, Life] = {}
        self._done: dict[str, threading.Event] = {case.id: threading.Event() for case in cases}
        self._all = threading.Event()
        self._slots = Slots(max(1, options.concurrency))
        self._tasks: list[Task[None]] = []
        self._main: Task[None] | None = None
        self._fault: BaseException | None = None
        self._unready = ""  # why no case can begin
        self.on_change: Callable[[Life], None] = lambda _life: None

    # --- driving --------------------------------------------------------------------------------

    def run(self) -> RunResult:
        """Everything, in this thread: for virtual time. Raises `Waiting` as `finish` does."""
        self._main = self.kernel.spawn(self._story())
        self.kernel.run()
        return self._settle()

    def start(self) -> None:
        """Everything, in a thread of its own."""

        def body() -> None:
            try:
                self._main = self.kernel.spawn(self._story())
                self.kernel.run()
            except BaseException as fault:  # noqa: BLE001  told by `finish`
                self._fault = fault
            finally:
                for event in self._done.values():
                    event.set()
                self._all.set()

        threading.Thread(target=body, name="exitproof-engine", daemon=True).start()

    def has(self, case_id: str) -> bool:
        """Whether this run was asked for the case."""
        return case_id in self._done

    def result(self, case_id: str, timeout: float | None = None) -> CaseResult | None:
        """Blocks until the case is done; None when it never will be (stopped, or the engine failed)."""
        if not self._done[case_id].wait(timeout):
            return None
        return self.results.get(case_id)

    @property
    def ended(self) -> bool:
        return self._all.is_set()

    @property
    def fault(self) -> BaseException | None:
        return self._fault or (self._main.error if self._main else None)

    def stop(self) -> None:
        """Ends every case where it stands; cleanup still runs. From any thread."""

        def cancel() -> None:
            for task in self._tasks:
                task.cancel()

        self.kernel.post(cancel)

    def wait(self, timeout: float | None = None) -> bool:
        """Whether it ended in time; what it came to is for `finish` to say."""
        return self._all.wait(timeout)

    def finish(self, timeout: float | None = None) -> RunResult:
        """What it came to. Raises `Waiting` where the rest of it is left to a later process."""
        if not self.wait(timeout):
            raise TimeoutError("the run did not end in time")
        return self._settle()

    def _settle(self) -> RunResult:
        if self.fault is not None:
            raise self.fault
        if self.waiting:
            raise Waiting(min(self.waiting.values()))
        if self.outcome is None:
            raise RuntimeError("the engine stopped before the run was finished")
        return self.outcome

    # --- the story of the run -------------------------------------------------------------------

    async def _story(self) -> None:
        self.started = self.kernel.now()
        self.context.journal.write({"op": "begun", "at": self.started})
        try:
            await find_controls(self.context)
        except SetupFailed as failed:
            self._unready = str(failed)
        tidied = Cleanup(complete=True)
        tidying: Task[Cleanup] | None = None
        if self.found is not None:
            self.started = self.found.started
            self._revived = put_back(self, self.found)
            self.results |= self.found.told
            tidying = self.kernel.spawn(take_back(self, self.found))
        groups: dict[str, int] = {}
        for case in self.cases:
            if case.leave.together and case.id not in self.lives:
                groups[case.scenario] = groups.get(case.scenario, 0) + 1
        together = {scenario: Together(count) for scenario, count in groups.items()}
        self._tasks = [
            self.kernel.spawn(self._case(case, together.get(case.scenario) if case.leave.together else None))
            for case in sorted(self.cases, key=lambda case: case.id not in self._revived)  # they hold what they hold
        ]
        for task in self._tasks:
            try:
                await task
            except Cancelled:
                continue
        if tidying is not None:
            tidied = await tidying
        if self.waiting:
            now = self.kernel.now()
            self.context.journal.write({"op": "waiting", "until": min(self.waiting.values()), "at": now})
            return
        bystanders = self.found.judged if self.found is not None else None
        if bystanders is None:
            settle = max((c.settle_of(c.within.default) for c in self.cases), default=0)
            seen = await last_look(self.context, self.pools, self._ready, settle)
            bystanders = tuple(downgraded(each, self.options.qualification) for each in seen)
            self.context.journal.write({"op": "judged", "bystanders": plain(bystanders)})
        self.outcome = self._result(bystanders, await clean_all(self.context, self.pools.parties, self.objects, tidied))

    def life(self, case: Case, together: Together | None = None) -> Life:
        return Life(self.context, case, self.pools, self.objects, together, self.on_change)

    async def _case(self, case: Case, together: Together | None) -> None:
        if case.id in self.results:  # told by an earlier process
            self._done[case.id].set()
            return
        life = self._revived.get(case.id)
        slotted = False
        try:
            if self._unready and life is None:
                raise SetupFailed(self._unready)
            if together is None:  # those that wait for each other must all be in flight
                await self._slots.acquire()
                slotted = True
            life = self.lives[case.id] = life or self.life(case, together)
            self.results[case.id] = done = downgraded_case(await life.live(), self.options.qualification)
            self.context.journal.write({"op": "done", "case": case.id, "told": plain(done)})
        except Waiting as waiting:
            self.waiting[case.id] = waiting.until
        except (Cancelled, Exception) as fault:  # noqa: BLE001  one broken case must not take the run with it
            party = life.party if life is not None else None
            self.results[case.id] = broken(self.context.vault, case, party, fault, self.kernel.now())
        finally:
            if slotted:
                self._slots.release()
            self._done[case.id].set()

    def _bystanders_seen(self, system: str, _number: int, readings: dict[str, tuple[Party, Reading]]) -> None:
        for key, (party, reading) in readings.items():
            if key in self._ready:
                self.context.observer.apply(party, system, reading, Phase.WATCH)

    # --- telling --------------------------------------------------------------------------------

    def _result(self, bystanders: Sequence[Finding], cleanup: Cleanup) -> RunResult:
        coverer = Coverer()
        for life in self.lives.values():
            if life.party is not None:
                coverer.count(life.case.id, life.party.tracks.values())
        results = [self.results[case.id] for case in self.cases if case.id in self.results]
        events = {case_id: [at for at, _ in life.events] for case_id, life in self.lives.items()}
        results = [blame(r, bystanders, events, self.kernel.now()) for r in results]
        narrowed = [c.systems for c in self.cases]
        chosen = None if not narrowed or any(s is None for s in narrowed) else {n for s in narrowed for n in s or ()}
        faults = tuple(self.context.vault.scrub(f) for desk in self.context.desks.values() for f in desk.faults)
        verdicts = [r.verdict for r in results] + [b.verdict for b in bystanders]
        verdicts += [Verdict.INCONCLUSIVE] if faults else []  # somebody was not looked at as they should have been
        wide = excepted(self.exceptions, self.lives.values())
        if self.options.stride[1] == 1:  # of several shares, only all of them together tell which one is idle
            verdicts += [Verdict.INCONCLUSIVE for one in wide if one.idle]
        return RunResult(
            id=self.options.run_id,
            started=self.started,
            finished=self.kernel.now(),
            verdict=join(verdicts) if results else Verdict.INCONCLUSIVE,
            cases=tuple(results),
            bystanders=tuple(bystanders),
            deselected=self.deselected,
            coverage=downgraded_cells(coverer.cells(self.fleet, chosen), self.options.qualification),
            cleanup=cleanup,
            notes=(*faults, *(self.found.gaps() if self.found is not None else ())),
            exceptions=wide,
        )

    def snapshot(self) -> Snapshot:
        """Where everything stands; may be called from another thread."""
        return snapshot(list(self.lives.values()), self.context.lanes, len(self.results), len(self.cases))
