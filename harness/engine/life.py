"""The life of one case, phase by phase: from nobody, through the event, to a verdict and nothing left behind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from harness.engine import finish
from harness.engine.baseline import baseline
from harness.engine.checkpoints import LEFT, OVER, READY, WATCHED, of_life
from harness.engine.cleanup import clean
from harness.engine.context import Context, SetupFailed, Waiting
from harness.engine.exercise import exercise, follow_login, mark_own
from harness.engine.hold import Hold
from harness.engine.party import Party, Track
from harness.engine.policy import keep_for, means
from harness.engine.pools import Pools
from harness.engine.setup import Objects, accessed, create, grant, join, owner_of, preflight, systems_of
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
        self.stage = ""  # the last that is over, as the journal says: with `stepped` and `held`, where to go on
        self.stepped = 0  # of `then`
        self.held = 0  # checkpoints of `hold`
        self.holding_since: Instant | None = None
        self.gaps: list[tuple[Instant, Instant]] = []  # when no process was there to look
        self._exclusive: list[Lock] = []
        self.started = context.now()

    async def live(self) -> CaseResult:
        self.started = self.context.now()
        try:
            try:
                await (self._come_back() if self.stage else self._set_up())
            except (SetupFailed, WriteFailed) as failed:
                self.failure = str(failed)
                self._arrive()
            if not self.failure and self.stage != OVER:
                try:
                    await self._offboard()
                except (SetupFailed, WriteFailed) as failed:
                    self.loose.append(str(failed))
        except Waiting:
            raise
        except Cancelled:
            self.failure = "stopped before it was finished"
        except Exception as fault:  # noqa: BLE001  what was measured until then is still judged, and nothing passes
            why = self.context.vault.scrub(f"internal error: {type(fault).__name__}: {fault}")
            self.loose.append(why)
            self.failure = "" if self.sent else why
        self._arrive()
        self.mark(OVER)
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

    @property
    def may_leave(self) -> bool:
        """Not while others wait for what it has to itself."""
        return self.context.leaves and not self._exclusive

    def _enter(self, phase: str) -> None:
        self.phase = phase
        self.on_phase(self)

    def log(self, text: str, at: Instant | None = None) -> None:
        self.events.append((self.context.now() if at is None else at, text))

    def mark(self, stage: str = "") -> None:
        """Into the journal: from here another process could go on."""
        self.stage = stage or self.stage
        if self.party is not None:
            self.context.journal.write(of_life(self))

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
        await grant(context, party, case.objects, case.access, self.objects)
        self._enter("baseline")
        removed, settle = case.account == "removed", case.settle_of(case.within.default)
        acted = settle if case.join is not None and not case.before else 0  # the connector has, and more than was asked
        await baseline(context, party, self.systems, self.pool, removed=removed, settle=acted)
        self.steps = Steps(self)
        if case.before:
            await self.steps.before(case.before)
            never = [t for t in party.tracks.values() if t.baseline is not Presence.PRESENT]
            await baseline(context, party, self.systems, self.pool, removed=removed, all_there=False, settle=settle)
            for track in party.tracks.values():  # also what came with one step, went with the next, and was seen late
                track.taken = track.baseline is Presence.ABSENT and all(track is not t for t in never)
        for name in self.systems:
            follow_login(context, party, name)
        traces = []
        for name in self.systems:
            uses, began = list(party.of(name, Vantage.LEAVER)), context.now()
            if await exercise(context, party, self.pool, uses, Phase.BASELINE):
                traces.append(name)
            party.pace[name] = context.now() - began
        await context.kernel.pause(settle if traces else 0)  # a session of our own, seen late, is not a new one
        for name in traces:
            await mark_own(context, party, name)
        for track in party.tracks.values():
            track.taken |= track.vantage is Vantage.LEAVER and self._taken(track)
        self.want(case.demand.has)
        self.trails = await read_trails(context, party, self.systems, self.started)
        self.mark(READY)

    async def _come_back(self) -> None:
        """A case that an earlier process left in the middle: the same controls, and nobody else's in the meantime."""
        assert self.party is not None  # noqa: S101  revived
        self._enter("coming back")
        await self._alone()
        self.pool = await self.pools.lease(self.case, self.systems)
        for name in self.systems if self.stage != OVER else ():
            if (self.party.key, name) in self.context.earlier.unmarked:
                for _, kind, row in sorted(await mark_own(self.context, self.party, name)):
                    self.loose.append(f"{name}: {kind} {row} may have come from a sign-in that was cut off, or not")

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
        if self.sent is None:
            self._enter("leaving")
            self.sent = await steps.leave(case.leave)
            self.mark(LEFT)
        party.left = True
        if self.stage != WATCHED:
            self._enter("watching")
            await Watch(context, case, party, self.pool, self.systems, self.sent.t0, self.awaited).run()
            await steps.outcome()
            self.mark(WATCHED)
        self._enter("after")
        for index, step in enumerate(case.then[self.stepped :], self.stepped + 1):
            await steps.then(index, step)
            self.stepped = index
            self.mark()
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

    # --- afterwards ------------------------------------------------------------------------------

    async def _clean(self) -> Cleanup:
        if self.party is None:
            return Cleanup(complete=True)
        return await clean(self.context, self.party, self.pool, self.systems)
