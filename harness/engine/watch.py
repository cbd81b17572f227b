"""After the event: looks that are tight at first and wider later, at every deadline, never past the last one.

Each system is watched by itself, so a slow one delays no other. What leaves traces (a sign-in) is asked when all
quiet looks have settled, or just before its deadline.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.engine.context import Context
from harness.engine.exercise import exercise, mark_own, quiet
from harness.engine.party import Party, Track
from harness.engine.tasks import Signal
from harness.model import SECOND, Case, Duration, Instant, Kind, Phase, Presence, Vantage

TIGHT: Duration = SECOND // 4


def next_look(t0: Instant, now: Instant, poll: Duration) -> Instant:
    """Tight after the event, wider with the time that has passed, at most `poll` apart. Instants fall on a grid, so
    that cases which wait for the same system share its rounds."""
    tight = min(TIGHT, poll)
    step = max(tight, min(poll, (now - t0) // 5))
    grid = max(1, step // 4)
    return (now + step + grid - 1) // grid * grid


def margin_of(within: Duration) -> Duration:
    """How long before its deadline the last look is sent, so that it is answered in time."""
    return max(20_000, min(2 * SECOND, within // 20))


def early_of(within: Duration) -> Duration:
    """How long before its deadline a sign-in is asked where only other systems are still waited for: all such cases ask
    then, and an answer must not come late because of the queue."""
    return max(margin_of(within), min(60 * SECOND, within // 4))


class Watch:
    def __init__(
        self,
        context: Context,
        case: Case,
        party: Party,
        pool: Sequence[Party],
        systems: Sequence[str],
        t0: Instant,
        awaited: Callable[[Track], str],
    ) -> None:
        """`awaited` tells what a track waits for: "gone", "there", or "" (nothing: kept by policy)."""
        self.context = context
        self.case = case
        self.party = party
        self.pool = pool
        self.systems = systems
        self.t0 = t0
        self.awaited = awaited
        self.removed = case.account == "removed"
        self._spans: dict[tuple[str, Kind], tuple[Instant, Duration]] = {}
        self._quiet_ones: dict[int, bool] = {}

    async def run(self) -> None:
        kernel = self.context.kernel
        settled = Signal()

        async def all_quiet() -> None:
            await kernel.gather([self._system(name) for name in self.systems])
            settled.set()

        await kernel.gather([all_quiet(), *(self._closing(name, settled) for name in self.systems)])

    def deadline(self, track: Track) -> Instant:
        return self._span(track)[0]

    def settle(self, track: Track) -> Duration:
        return self._span(track)[1]

    def _span(self, track: Track) -> tuple[Instant, Duration]:
        """Deadline and settle, worked out once for each system and kind: looks are many."""
        place = (track.system, track.kind)
        if place not in self._spans:
            within = self.case.within.of(*place)
            self._spans[place] = (self.t0 + within, self.case.settle_of(within))
        return self._spans[place]

    def pending(self, track: Track) -> bool:
        """Not decided yet: neither settled nor looked at past its deadline."""
        wish = self.awaited(track)
        if not wish or track.void or track.taken or (track.baseline is not Presence.PRESENT and not track.wanted):
            return False
        looks = track.observations
        if looks and looks[-1].phase is not Phase.BASELINE and looks[-1].sent >= self.deadline(track):
            return False
        complete = track.complete
        if wish == "there":
            return not complete or complete[-1].presence is not Presence.PRESENT
        settle = self.settle(track)
        return not track.history(settle).settled(settle, 2)

    async def _system(self, name: str) -> None:
        kernel = self.context.kernel
        within = self.case.within.of(name, Kind.ACCOUNT)
        entry = self.context.entry(name)
        poll = entry.poll or self.case.poll_of(within)
        waiting = self._waiting(name)
        while waiting:
            reading = await self.context.desks[name].read(self.party, self.pool)
            self.context.observer.apply(self.party, name, reading, Phase.WATCH, removed=self.removed)
            uses = [t for t in waiting if t.vantage is Vantage.LEAVER]
            await exercise(self.context, self.party, self.pool, uses, Phase.WATCH, number=reading.round)
            waiting = self._waiting(name)
            if waiting:
                await kernel.sleep_until(self._due(waiting, poll))

    def _due(self, waiting: Sequence[Track], poll: Duration) -> Instant:
        now = self.context.now()
        due = next_look(self.t0, now, poll)
        marks: list[Instant] = []
        unsettled: list[Instant] = []
        for track in waiting:
            end = self.deadline(track)
            marks += [end - margin_of(end - self.t0), end]
            since = track.history(self.settle(track)).first_absent
            unsettled.append(since.sent + self.settle(track) if since else 0)
        if all(unsettled) and max(unsettled) > now:  # all gone, none confirmed: one more look when the last has settled
            due = max(unsettled)
        return min([due, *(m for m in marks if m > now)])

    def _waiting(self, name: str) -> list[Track]:
        """What every round may ask and is not decided yet."""
        mine = (t for t in self.party.of(name) if t.vantage is Vantage.ADMIN or self._is_quiet(t))
        return [t for t in mine if self.pending(t)]

    def _is_quiet(self, track: Track) -> bool:
        if id(track) not in self._quiet_ones:
            self._quiet_ones[id(track)] = not track.consumes and quiet(self.context, track)
        return self._quiet_ones[id(track)]

    def _touching(self, name: str) -> list[Track]:
        return [
            t
            for t in self.party.of(name, Vantage.LEAVER)
            if not quiet(self.context, t) and not t.consumes and self.awaited(t)
        ]

    def _pace(self, name: str, uses: int) -> Duration:
        """How long the closing looks take, going by the baseline, when the same crowd asked the same systems: a round,
        then each use, and a control's beside it; a refusal takes what the system says. An answer that comes after the
        deadline cannot say that something was gone before it."""
        first = [o for t in self.party.of(name, Vantage.ADMIN) for o in t.observations if o.phase is Phase.BASELINE]
        looks = max(o.answered for o in first) - min(o.sent for o in first) if first else 0
        return looks + 3 * self.party.pace.get(name, 0) + uses * self.context.declared(name).refuses_after

    async def _closing(self, name: str, settled: Signal) -> None:
        """The last admin look of the watch, then what a look may not touch: sent no later than its deadline."""
        asked = [track for track in self._touching(name) if not _closed(track)]
        if not asked:
            return
        kernel = self.context.kernel
        end = min(self.deadline(t) for t in asked)
        within = end - self.t0
        pace = min(self._pace(name, len(asked)), within // 4)
        latest = end - margin_of(within)
        early = end - max(early_of(within), pace)
        await settled.wait(kernel, early)
        if self._waiting(name):  # a sign-in could tidy up what is still there: it must be seen until the last moment
            await settled.wait(kernel, latest - pace)
        while True:
            last = kernel.now() >= latest
            reading = await self.context.desks[name].read(self.party, self.pool)
            self.context.observer.apply(self.party, name, reading, Phase.CLOSING, removed=self.removed)
            worked = await exercise(self.context, self.party, self.pool, asked, Phase.CLOSING, number=reading.round)
            for track in self.party.of(name, Vantage.ADMIN):
                track.signed_in = True
            if worked:
                await mark_own(self.context, self.party, name)
            works = [t for t in asked if t.complete and t.complete[-1].presence is Presence.PRESENT]
            if last or not works:
                return
            asked = works
            await kernel.sleep_until(latest)


def _closed(track: Track) -> bool:
    """An earlier process asked at the close already, and was refused."""
    complete = track.complete
    return bool(complete) and complete[-1].phase is Phase.CLOSING and complete[-1].presence is Presence.ABSENT
