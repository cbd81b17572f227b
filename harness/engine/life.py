"""The life of one case, phase by phase: from nobody, through the event, to a verdict and nothing left behind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from harness.engine import finish
from harness.engine.cleanup import clean
from harness.engine.context import Context, SetupFailed
from harness.engine.exercise import exercise, follow_login, mark_own
from harness.engine.hold import Hold
from harness.engine.party import Party, Track
from harness.engine.policy import keep_for, means
from harness.engine.pools import Pools
from harness.engine.setup import (
    Objects,
    accessed,
    baseline,
    create,
    grant,
    join,
    owner_of,
    preflight,
    read_all,
    systems_of,
)
from harness.engine.steps import Sent, Steps
from harness.engine.tasks import Cancelled, Lock, Signal
from harness.engine.trail import read_trails, without
from harness.engine.watch import Watch
from harness.model import (
    Case,
    CaseResult,
    Cleanup,
    Entitlement,
    Instant,
    Kind,
    Phase,
    Presence,
    Subject,
    Trail,
    Vantage,
)
from harness.ports import WriteFailed


@dataclass(slots=True)
class Together:
    """All cases of a matrix wait for each other before they leave."""

    waiting: int
    signal: Signal = field(default_factory=Signal)
    alone: set[tuple[str, str, str]] = field(default_factory=set)  # what one of them must have to itself

    def arrive(self) -> None:
        self.waiting -= 1
        if self.waiting <= 0:
            self.signal.set()


class Life:
    """One case as a state machine; `phase` says where it is."""

    def __init__(
        self,
        context: Context,
        case: Case,
        pools: Pools,
        objects: Objects,
        together: Together | None,
        on_phase: Callable[[Life], None],
    ) -> None:
        self.context = context
        self.case = case
        self.pools = pools
        self.objects = objects
        self.together = together
        self.on_phase = on_phase
        self.phase = "waiting"
        self.systems = systems_of(context, case)
        self.party: Party | None = None
        self.pool: list[Party] = []
        self.sent: Sent | None = None
        self.steps: Steps | None = None
        self.events: list[tuple[Instant, str]] = []
        self.notes: list[str] = []
        self.trails: dict[str, Trail] = {}
        self.failure = ""  # why nothing can be judged
        self.loose: list[str] = []  # why the case cannot pass, though each grant is judged
        self.owed: list[str] = []
        self._exclusive: list[Lock] = []
        self.started = context.now()

    async def live(self) -> CaseResult:
        self.started = self.context.now()
        cleanup = Cleanup(complete=True)
        try:
            try:
                await self._set_up()
            except (SetupFailed, WriteFailed) as failed:
                self.failure = str(failed)
                self._arrive()
            if not self.failure:
                try:
                    await self._offboard()
                except (SetupFailed, WriteFailed) as failed:
                    self.loose.append(str(failed))
        except Cancelled:
            self.failure = "stopped before it was finished"
        except Exception as fault:  # noqa: BLE001  what was measured until then is still judged, and nothing passes
            why = self.context.vault.scrub(f"internal error: {type(fault).__name__}: {fault}")
            self.loose.append(why)
            self.failure = "" if self.sent else why
        finally:
            self._arrive()
            self._enter("cleanup")
            try:
                task = self.context.kernel.spawn(self._clean())
                await self.context.kernel.outlast(task)  # who stops a run still wants it taken back
                cleanup = await task
            finally:
                for lock in self._exclusive:
                    lock.release()
        self._enter("done")
        return finish.result(self, cleanup)

    def _enter(self, phase: str) -> None:
        self.phase = phase
        self.on_phase(self)

    def log(self, text: str) -> None:
        self.events.append((self.context.now(), text))

    def _arrive(self) -> None:
        if self.together is not None:
            self.together.arrive()
            self.together = None

    # --- before the event ---------------------------------------------------------------------

    async def _set_up(self) -> None:
        context, case = self.context, self.case
        self._enter("setup")
        await self._alone()
        self.pool = await self.pools.lease(case, self.systems)
        people = {"custodian": self.pool[0], "manager": self.pool[min(1, len(self.pool) - 1)]} if self.pool else {}
        attributes = {role: party.identity.username for role, party in people.items()} | dict(case.attributes)
        party = self.party = context.newcomer(Subject.LEAVER, attributes, case.id)
        await preflight(context, party, self.systems)
        reached = accessed(case.access, context.fleet.systems)
        if case.join is not None:
            await join(context, party, case, reached)
            self.log(f"{case.join.event} through {case.join.via}")
        else:
            await create(context, party, reached)
        for spec in case.objects:
            await self.objects.ensure(spec, owner_of(spec, party, self.pool), may_create=True)
        await grant(context, party, case, case.access, self.objects)
        self._enter("baseline")
        await baseline(context, party, self.systems, self.pool, removed=case.account == "removed")
        self.steps = Steps(self)
        if case.before:
            await self.steps.before(case.before)
            before = [t for t in party.tracks.values() if t.baseline is Presence.PRESENT]
            await baseline(context, party, self.systems, self.pool, removed=case.account == "removed", all_there=False)
            for track in before:
                track.taken = track.baseline is Presence.ABSENT
        for name in self.systems:
            follow_login(context, party, name)
        for name in self.systems:
            uses, began = list(party.of(name, Vantage.LEAVER)), context.now()
            left_traces = await exercise(context, party, self.pool, uses, Phase.BASELINE)
            party.pace[name] = context.now() - began
            if left_traces:
                await mark_own(context, party, name)
        for track in party.tracks.values():
            track.taken |= track.vantage is Vantage.LEAVER and self._taken(track)
        self.want(case.demand.has)
        self.trails = await read_trails(context, party, self.systems, self.started)

    def _taken(self, use: Track) -> bool:
        """The record that this credential belongs to was taken away by an earlier step."""
        assert self.party is not None  # noqa: S101  set up
        records = self.party.of(use.system, Vantage.ADMIN)
        return any(t.taken and (t.kind, t.name, t.account_id) == (use.kind, use.name, use.account_id) for t in records)

    async def _alone(self) -> None:
        """A last member must really be the last, and a leaver's own object only its own: one case at a time."""
        sole = {(e.system, str(e.kind), e.name) for e in self.case.access if e.sole}
        owned = {(o.system, str(o.kind), o.name) for o in self.case.objects if o.owner is Subject.LEAVER}
        if self.together is not None:
            if twice := (sole | owned) & self.together.alone:  # each would wait for the other to leave first
                raise SetupFailed(f"cases that leave together cannot each be alone with {sorted(twice)[0][2]}")
            self.together.alone |= sole | owned
        for key in sorted(sole | owned):
            lock = self.context.lock("alone", *key)
            await lock.acquire()
            self._exclusive.append(lock)

    def want(self, has: Sequence[Entitlement]) -> None:
        """Access that is demanded is followed even where nobody holds it yet."""
        assert self.party is not None  # noqa: S101  set up
        for wanted in has:
            if wanted.kind is Kind.ACCOUNT:
                continue
            mine = [t for t in self.party.of(wanted.system, Vantage.ADMIN) if means(wanted, t)]
            account = self.party.current(wanted.system)
            if mine:
                continue
            self.party.track(
                Track(
                    wanted.system,
                    wanted.kind,
                    wanted.label,
                    None,
                    account.id if account else "",
                    entitlement=wanted,
                    wanted=True,
                )
            )

    # --- the event and after --------------------------------------------------------------------

    async def _offboard(self) -> None:
        context, case, party, steps = self.context, self.case, self.party, self.steps
        assert party is not None  # noqa: S101  set up
        assert steps is not None  # noqa: S101  set up
        if case.leave.together and self.together is not None:
            self._enter("waiting for the others")
            signal = self.together.signal
            self._arrive()
            await signal.wait(context.kernel)
        self._enter("leaving")
        self.sent = await steps.leave(case.leave)
        party.left = True
        self._enter("watching")
        await Watch(context, case, party, self.pool, self.systems, self.sent.t0, self.awaited).run()
        await steps.outcome()
        self._enter("after")
        for index, step in enumerate(case.then, 1):
            await steps.then(index, step)
        self._enter("holding")
        await Hold(self).run()
        trails = await read_trails(context, party, self.systems, self.sent.receipt.sent)
        self.trails = {name: without(trail, self.trails.get(name)) for name, trail in trails.items()}

    def awaited(self, track: Track) -> str:
        """What the watch waits for: `gone`, `there`, or nothing."""
        if any(means(e, track) for e in self.case.demand.has):
            return "there"
        keep, _ = keep_for(self.case, track, self.party, self.context.now())
        return "" if keep is not None else "gone"

    async def full_round(self, phase: Phase, checkpoint: str, *, uses: bool = False, last: bool = False) -> None:
        """The whole inventory of every system; a look that could not see is tried again a few times."""
        assert self.party is not None  # noqa: S101  set up
        context, party = self.context, self.party
        removed = self.case.account == "removed"
        pending, pause = list(self.systems), self.case.settle_of(self.case.within.default) // 2
        for attempt in range(3):
            if attempt:
                await context.kernel.pause(max(pause, 100_000))
            readings = await read_all(context, party, pending, self.pool)
            for name, reading in readings.items():
                context.observer.apply(party, name, reading, phase, checkpoint, removed=removed)
            pending = [name for name in pending if self._blind(name, checkpoint)]
            if not pending:
                break
        if uses:
            for name in self.systems:
                mine = list(party.of(name, Vantage.LEAVER))
                if await exercise(context, party, self.pool, mine, phase, checkpoint, last=last):
                    await mark_own(context, party, name)

    def _blind(self, name: str, checkpoint: str) -> bool:
        assert self.party is not None  # noqa: S101  set up
        return any(
            t.observations
            and t.observations[-1].checkpoint == checkpoint
            and t.observations[-1].presence is Presence.UNKNOWN
            for t in self.party.of(name, Vantage.ADMIN)
        )

    # --- afterwards ------------------------------------------------------------------------------

    async def _clean(self) -> Cleanup:
        if self.party is None:
            return Cleanup(complete=True)
        return await clean(self.context, self.party, self.pool, self.systems)
