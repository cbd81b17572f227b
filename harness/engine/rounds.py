"""One desk per system: looks that are due together become one round, with its controls read once, after them.

A round is read leaver first and controls last: a reader that loses its permission in between is then caught by the
controls. A round takes at most a few members, so that one slow answer holds up few others; and few rounds run at once,
so that looks which come faster than the system answers share the next round, with its sweeps and its controls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from harness.engine.kernel import Kernel, Lane
from harness.engine.party import Party
from harness.engine.tasks import Signal, Slots
from harness.measure import Witness
from harness.model import Account, AccountSight, Found, Instant, ListState, Look, Presence
from harness.ports import Person, Round, SystemEntry


@dataclass(slots=True)
class Reading:
    """What one round saw of one identity, and the controls it was seen beside."""

    round: int
    looks: list[tuple[Account, Look]] = field(default_factory=list)
    found: Found | None = None
    witnesses: list[Witness] = field(default_factory=list)
    at: Instant = 0  # when the round was over
    finds: str = ""  # the control that `find` did find in this round


@dataclass(slots=True)
class _Member:
    party: Party
    pool: Sequence[Party]
    find: bool
    reading: Reading
    ready: Signal


class Desk:
    """The only way the engine reads a system."""

    CAPACITY = 16
    ABREAST = 2

    def __init__(
        self,
        kernel: Kernel,
        entry: SystemEntry,
        lane: Lane,
        on_bystanders: Callable[[str, int, dict[str, tuple[Party, Reading]]], None],
    ) -> None:
        self.kernel = kernel
        self.entry = entry
        self.lane = lane
        self.control: Party | None = None  # the fleet's own control account
        self._on_bystanders = on_bystanders
        self._open: list[_Member] | None = None
        self.count = 0  # of rounds so far
        self.faults: list[str] = []  # what went wrong in the harness itself
        self._slots = Slots(self.ABREAST)

    async def read(self, party: Party, pool: Sequence[Party], *, find: bool = False) -> Reading:
        """The whole inventory of every account that the identity ever had here; with `find`, also whether it has new
        ones. Joins the round that is about to start."""
        if self._open is None or len(self._open) >= self.CAPACITY:
            self._open = []
            self.count += 1
            self.kernel.spawn(self._run(self._open, self.count))
        member = _Member(party, pool, find, Reading(self.count), Signal())
        self._open.append(member)
        await member.ready.wait(self.kernel)
        return member.reading

    async def find(self, party: Party) -> Found:
        """Outside of any round: the preflight, and waiting for an account to appear."""
        return await self._find(self.entry.system.round(), party.person(self.entry.name))

    async def _run(self, members: list[_Member], number: int) -> None:
        await self.kernel.pause(0)  # everything due at this very moment joins, and what comes while others are read
        await self._slots.acquire()
        if self._open is members:
            self._open = None
        shared = self.entry.system.round()
        try:
            await self.kernel.gather([self._member(shared, m) for m in members])
            watched = {b.key: b for m in members for b in m.pool if b.current(self.entry.name)}
            if self.control is not None:
                watched[self.control.key] = self.control
            for mine in members:
                watched.pop(mine.party.key, None)
            parties = list(watched.values())
            looks = await self.kernel.gather([self._look(shared, b.person(self.entry.name)) for b in parties])
            witnesses = {
                b.key: Witness(b.key, look, b.holds(self.entry.name)) for b, look in zip(parties, looks, strict=True)
            }
            for member in members:
                keys = [b.key for b in member.pool] + ([self.control.key] if self.control else [])
                member.reading.witnesses = [witnesses[k] for k in keys if k in witnesses]
            if any(m.find and not m.reading.looks for m in members):
                finds = await self._finds(shared, parties)
                for member in members:
                    member.reading.finds = finds
            self._tell_bystanders(number, parties, looks, witnesses)
        except Exception as fault:  # noqa: BLE001  nobody awaits a round: the run must be told
            self.faults.append(f"{self.entry.name}: round {number} failed: {type(fault).__name__}: {fault}")
        finally:
            self._slots.release()
            for member in members:
                member.reading.at = self.kernel.now()
                member.ready.set()

    async def _member(self, shared: Round, member: _Member) -> None:
        name = self.entry.name
        for account in list(member.party.accounts.get(name, ())):
            person = member.party.person(name, account)
            member.reading.looks.append((account, await self._look(shared, person)))
        if member.find:
            person = member.party.person(name)
            found = member.reading.found = await self._find(shared, person)
            if found.state is ListState.COMPLETE:
                for account in found.accounts:
                    if all(account.id != known.id for known, _ in member.reading.looks):
                        other = member.party.person(name, account)
                        member.reading.looks.append((account, await self._look(shared, other)))

    async def _look(self, shared: Round, person: Person) -> Look:
        """An adapter that breaks has seen nothing: its fault becomes the reason, never an absence."""
        began = self.kernel.now()
        try:
            look = await self.kernel.call(self.lane, lambda: shared.look(person))
            if look.account.sent:
                return look
            # What was never sent (no token to be had, say) was looked at all the same: a look without a time would be
            # before every deadline, and the watch would wait for it for ever.
            timed = replace(look.account, sent=began, answered=look.account.answered or self.kernel.now())
            return replace(look, account=timed)
        except Exception as fault:  # noqa: BLE001
            now = self.kernel.now()
            why = f"the adapter failed: {type(fault).__name__}"
            return Look(AccountSight(Presence.UNKNOWN, record=True, reason=why, sent=now, answered=now))

    async def _finds(self, shared: Round, controls: list[Party]) -> str:
        """The first control that the same `find` request still finds."""
        for control in controls:
            found = await self._find(shared, control.person(self.entry.name))
            if found.state is ListState.COMPLETE and found.accounts:
                return control.key
        return ""

    async def _find(self, shared: Round, person: Person) -> Found:
        try:
            return await self.kernel.call(self.lane, lambda: shared.find(person))
        except Exception as fault:  # noqa: BLE001  as above
            now = self.kernel.now()
            why = f"the adapter failed: {type(fault).__name__}"
            return Found(ListState.UNKNOWN, reason=why, sent=now, answered=now)

    def _tell_bystanders(
        self, number: int, parties: list[Party], looks: list[Look], witnesses: dict[str, Witness]
    ) -> None:
        readings: dict[str, tuple[Party, Reading]] = {}
        for party, look in zip(parties, looks, strict=True):
            account = party.current(self.entry.name)
            if account is None or party is self.control:
                continue
            others = [w for key, w in witnesses.items() if key != party.key]
            readings[party.key] = (party, Reading(number, [(account, look)], None, others))
        self._on_bystanders(self.entry.name, number, readings)
