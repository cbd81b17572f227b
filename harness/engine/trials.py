"""One system put to the test: plant, look, break the reader, take away, look; every kind from every vantage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from harness.engine.cleanup import remove_object
from harness.engine.exercise import exercise, mark_own
from harness.engine.party import Party
from harness.engine.planted import Bench, Plot, Row
from harness.engine.planting import Seed
from harness.engine.saying import account_said, said
from harness.measure import Seen
from harness.model import SECOND, Duration, Found, Kind, Look, Phase, Presence, Used, Vantage
from harness.ports import Exercises, System, WriteFailed
from harness.qualification import BREAKS, Demand, Probe

T = TypeVar("T")
RESIGNED: Duration = 3 * SECOND  # a reader that is refused is asked no longer than this


class SystemTest:
    """`plant`, `take_away` and `remove`, each for all systems before the next: one server may be several systems, and
    access in one may hang on an account in another. Then `probes` has every answer."""

    def __init__(self, bench: Bench, name: str, seeds: Sequence[Seed]) -> None:
        self.bench, self.name = bench, name
        self.context = bench.context
        self.plot = Plot(bench, name, seeds)
        self.look: Look | None = None  # the subject's latest
        self.found: Found | None = None

    async def plant(self) -> None:
        """Also breaks the reader, which changes nothing."""
        await self.plot.plant()
        await self._planted()
        await self._break()

    def untested(self, why: str, blind: bool) -> list[Probe]:
        """The accounts could not be made, because of this; `blind`: the reader could not even look for them."""
        for seed in (None, *self.plot.seeds):
            self.plot.unplanted(seed, why, blind=blind)
        return self.probes()

    def probes(self) -> list[Probe]:
        clean = self.context.vault.scrub
        return [
            replace(row.probe, trials=tuple(replace(t, reason=clean(t.reason)) for t in row.trials))
            for row in sorted(self.plot.rows, key=lambda row: list(Kind).index(row.probe.kind))
        ]

    # --- looking ------------------------------------------------------------------------------

    async def _planted(self) -> None:
        await self._until(Phase.BASELINE, Presence.PRESENT, self.plot.admin)
        for row in self.plot.admin:
            self._judge(row, Demand.PLANTED)
        await self._use(self.plot.leaver, Phase.BASELINE, Demand.PLANTED)

    def _judge(self, row: Row, demand: Demand) -> None:
        track = row.track
        if track is None or not track.observations:
            row.add(demand, Presence.UNKNOWN, "the look told nothing of it")
            return
        last = track.observations[-1]
        seen, reason, record = last.presence, last.reason, last.id
        if demand is Demand.PLANTED and seen is not Presence.PRESENT:
            # No law may hide it: an answer that is complete, and does not have what is there, is a false one.
            told = self._said(row)
            seen, reason = (told.presence, told.reason) if told.presence is Presence.ABSENT else (seen, reason)
            if row.made is not None and seen is Presence.ABSENT:  # that it is its owner's is only our assumption
                row.add(demand, None, "the object that was made for its owner is not in the owner's list")
                return
        row.add(demand, seen, reason, record)

    def _said(self, row: Row) -> Seen:
        if row.probe.kind is Kind.ACCOUNT:
            return account_said(self.look, self.found, self.plot.account_id)
        return said(self.look, row.track)

    async def _read(self, phase: Phase) -> None:
        bench, desk = self.bench, self.context.desks[self.name]
        if phase is Phase.BASELINE:
            theirs = await desk.read(bench.control, [bench.subject])
            self.context.observer.apply(bench.control, self.name, theirs, phase)
        mine = await desk.read(bench.subject, [bench.control], find=True)
        self.context.observer.apply(bench.subject, self.name, mine, phase)
        self.found = mine.found
        self.look = next((look for account, look in mine.looks if account.id == self.plot.account_id), None)
        for row in self.plot.admin:
            if row.probe.kind is Kind.ACCOUNT:
                accounts = bench.subject.of(self.name, Vantage.ADMIN)
                row.track = next((t for t in accounts if t.kind is Kind.ACCOUNT and not t.void), None)

    async def _until(self, phase: Phase, wanted: Presence, rows: Sequence[Row]) -> None:
        """Looks again until all is as it should be, or patience ends; sooner where the reader is only refused."""
        kernel, began, step = self.context.kernel, self.context.now(), SECOND // 5
        while True:
            await self._read(phase)
            late = [row for row in rows if not _is(row, wanted)]
            spent = self.context.now() - began
            refused = all(self._said(row).presence is Presence.UNKNOWN for row in late)
            if not late or spent >= self.bench.patience or (refused and spent >= min(RESIGNED, self.bench.patience)):
                return
            await kernel.pause(min(step, self.bench.patience))
            step = min(step * 3 // 2, 5 * SECOND)

    async def _use(self, rows: Sequence[Row], phase: Phase, demand: Demand) -> None:
        bench = self.bench
        tracks = [row.track for row in rows if row.track is not None]
        if await exercise(self.context, bench.subject, [bench.control], tracks, phase, last=True):
            await mark_own(self.context, bench.subject, self.name)
        for row in rows:
            if row.track is not None and row.track.observations:
                last = row.track.observations[-1]
                row.add(demand, last.presence, last.reason, last.id)

    # --- breaking -----------------------------------------------------------------------------

    async def _break(self) -> None:
        for demand in BREAKS:
            system = self.bench.broken.get(demand, {}).get(self.name, "it was not asked for")
            if isinstance(system, str):
                for row in self.plot.admin:
                    row.add(demand, None, system)
                continue
            look, found = await self._broken_look(system)
            for row in self.plot.admin:
                told = said(look, row.track)
                if row.probe.kind is Kind.ACCOUNT:
                    told = account_said(look, found, self.plot.account_id)
                self._tell(row, demand, told)
            for row in self.plot.leaver if demand is Demand.REFUSED else ():
                used = await self._call(_using(system, row, self.bench.subject))
                told = Seen(used.presence, used.reason) if used else Seen(Presence.UNKNOWN, "the adapter failed")
                self._tell(row, demand, told)

    async def _broken_look(self, system: System) -> tuple[Look | None, Found | None]:
        person = self.bench.subject.person(self.name)
        look = await self._call(lambda: system.round().look(person))
        return look, await self._call(lambda: system.round().find(person))

    async def _call(self, work: Callable[[], T]) -> T | None:
        """An adapter that breaks has seen nothing."""
        try:
            return await self.context.kernel.call(self.context.lane(self.name), work)
        except Exception:  # noqa: BLE001
            return None

    def _tell(self, row: Row, demand: Demand, seen: Seen) -> None:
        record = {"type": "trial", "system": self.name, "kind": str(row.probe.kind), "vantage": str(row.probe.vantage)}
        record |= {"channel": row.probe.channel, "demand": str(demand), "presence": str(seen.presence)}
        told = {**record, "reason": seen.reason, "evidence": list(seen.evidence)}
        row.add(demand, seen.presence, seen.reason, self.context.observer.ledger.append(told))

    # --- taking away --------------------------------------------------------------------------

    async def take_away(self) -> None:
        gone: list[Row] = []
        failed: dict[Kind, str] = {}
        done: set[Kind] = set()
        for row in reversed([r for r in self.plot.rows if r.probe.kind is not Kind.ACCOUNT and r.track is not None]):
            kind = row.probe.kind
            if kind not in done | failed.keys():
                why = await self._revoke(row)
                done |= set() if why else {kind}
                failed |= {kind: why} if why else {}
            if kind in failed:
                row.add(Demand.TAKEN_AWAY, None, failed[kind])
            elif row.seen:
                gone.append(row)
        admin = [row for row in gone if row.probe.vantage is Vantage.ADMIN]
        if gone:
            await self._until(Phase.WATCH, Presence.ABSENT, admin)
        for row in admin:
            self._judge(row, Demand.TAKEN_AWAY)
        await self._use([row for row in gone if row.probe.vantage is Vantage.LEAVER], Phase.HOLD, Demand.TAKEN_AWAY)

    async def _revoke(self, row: Row) -> str:
        """Why it could not be taken away; empty if it was asked for, which a look must confirm."""
        bench, system = self.bench, self.context.provisions(self.name)
        if row.made is not None:
            why = await remove_object(self.context, row.made)
            if not why:
                bench.objects.made.pop((self.name, row.probe.kind, row.made.spec.name), None)
            return why
        assert row.track is not None  # noqa: S101  the caller's choice
        given = row.track.grant
        if system is None or given is None:
            return "the harness does not hold it"
        what = {"kind": str(row.probe.kind), "name": row.probe.name}
        person = bench.subject.person(self.name)
        try:
            await self.context.change("revoke", bench.subject, self.name, lambda: system.revoke(person, given), **what)
        except WriteFailed as failed:
            return failed.reason
        return ""

    async def remove(self) -> None:
        """The account itself, last."""
        bench, system, person = self.bench, self.context.provisions(self.name), self.bench.subject.person(self.name)
        mine = [row for row in self.plot.rows if row.probe.kind is Kind.ACCOUNT and row.seen]
        if system is None or not mine:
            return
        try:
            await self.context.change(
                "remove", bench.subject, self.name, lambda: system.remove(person), id=self.plot.account_id
            )
        except WriteFailed as failed:
            for row in mine:
                row.add(Demand.TAKEN_AWAY, None, failed.reason)
            return
        admin = [row for row in mine if row.probe.vantage is Vantage.ADMIN]
        await self._until(Phase.WATCH, Presence.ABSENT, admin)
        for row in admin:
            self._judge(row, Demand.TAKEN_AWAY)
        await self._use([row for row in mine if row.probe.vantage is Vantage.LEAVER], Phase.HOLD, Demand.TAKEN_AWAY)


def _is(row: Row, wanted: Presence) -> bool:
    return bool(row.track and row.track.observations and row.track.observations[-1].presence is wanted)


def _using(system: System, row: Row, party: Party) -> Callable[[], Used]:
    person, track = party.person(row.probe.system), row.track

    def work() -> Used:
        if not isinstance(system, Exercises):
            return Used(Presence.UNKNOWN, "the system has no use to try")
        if row.probe.kind is Kind.ACCOUNT:
            return system.login(person)
        if track is None or track.grant is None:
            return Used(Presence.UNKNOWN, "the harness does not hold this credential")
        return system.use(person, track.grant, row.probe.channel)

    return work
