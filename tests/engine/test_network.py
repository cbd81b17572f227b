"""The network cut at every call: nothing passes that was not seen, no event arrives twice, and nothing is left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from harness.engine.recover import recover
from harness.engine.virtual import VirtualKernel
from harness.evidence.journal import MemoryJournal
from harness.evidence.vault import Vault
from harness.model import (
    SECOND,
    Account,
    AccountSight,
    Case,
    Claim,
    Duration,
    Entitlement,
    Event,
    Found,
    Grant,
    Kind,
    Listing,
    ListState,
    Look,
    Made,
    ObjectSpec,
    Outcome,
    Presence,
    Receipt,
    RunResult,
    Step,
    Used,
)
from harness.ports import Person, WriteFailed
from tests.engine.interrupted import Ended, Remote, told
from tests.engine.memory import MemoryRound, MemorySystem
from tests.engine.world import NoLedger, entitlement, make_case

T = TypeVar("T")
WHY = "the connection was reset"
SHARED = ObjectSpec("team-inbox", "mail", Kind.GROUP)
CASES = (
    make_case(
        "both",
        access=(entitlement("crm", "credential", "api"), entitlement("mail", "group", "team-inbox")),
        objects=(SHARED,),
        then=(Step(event="sync"),),
    ),
)


@dataclass
class Line:
    """The network between harness and systems. `at`: the call at which it is cut, and for how long; `arrives`: what was
    asked is done all the same, and only its answer is lost."""

    at: int = 10**9
    span: Duration = 0
    arrives: bool = False
    calls: int = 0
    until: int = -1
    said: list[str] = field(default_factory=list)

    def cut(self, now: int) -> bool:
        self.calls += 1
        if self.calls == self.at:
            self.until = now + self.span
            return True
        return now < self.until


@dataclass
class Far(MemorySystem):
    line: Line = field(default_factory=Line)

    def _write(self, name: str, work: Callable[[], T]) -> T:
        self.line.said.append(name)
        if not self.line.cut(self.clock.now()):
            return work()
        if self.line.arrives:
            work()
        raise WriteFailed(WHY, in_doubt=True)

    def create(self, person: Person) -> Account:
        return self._write("create", lambda: super(Far, self).create(person))

    def remove(self, person: Person) -> None:
        self._write("remove", lambda: super(Far, self).remove(person))

    def grant(self, person: Person, entitlement: Entitlement, made: Made | None) -> Grant:
        return self._write("grant", lambda: super(Far, self).grant(person, entitlement, made))

    def revoke(self, person: Person, grant: Grant) -> None:
        self._write("revoke", lambda: super(Far, self).revoke(person, grant))

    def find_object(self, spec: ObjectSpec, owner: Person | None) -> Made | None:
        return self._write("find_object", lambda: super(Far, self).find_object(spec, owner))

    def create_object(self, spec: ObjectSpec, owner: Person | None) -> Made:
        return self._write("create_object", lambda: super(Far, self).create_object(spec, owner))

    def remove_object(self, made: Made) -> None:
        self._write("remove_object", lambda: super(Far, self).remove_object(made))

    def use(self, person: Person, grant: Grant, channel: str) -> Used:
        return self._used("use", lambda: super(Far, self).use(person, grant, channel))

    def login(self, person: Person) -> Used:
        return self._used("login", lambda: super(Far, self).login(person))

    def _used(self, name: str, work: Callable[[], Used]) -> Used:
        self.line.said.append(name)
        cut, at = self.line.cut(self.clock.now()), self.clock.now()
        answer = work() if not cut or self.line.arrives else None
        return Used(Presence.UNKNOWN, WHY, at, self.clock.now()) if cut or answer is None else answer

    def round(self) -> MemoryRound:
        return FarRound(self)


class FarRound(MemoryRound):
    system: Far

    def find(self, person: Person) -> Found:
        self.system.line.said.append("find")
        if self.system.line.cut(self.system.clock.now()):
            now = self.system.clock.now()
            return Found(ListState.UNKNOWN, (), WHY, now, now)
        return super().find(person)

    def look(self, person: Person) -> Look:
        self.system.line.said.append("look")
        if not self.system.line.cut(self.system.clock.now()):
            return super().look(person)
        now, kinds = self.system.clock.now(), self.system.kinds
        blind = AccountSight(Presence.UNKNOWN, True, WHY, now, now)
        return Look(blind, tuple(Listing(kind, ListState.UNKNOWN, (), WHY, now, now) for kind in kinds))


@dataclass
class FarConnector(Remote):
    line: Line = field(default_factory=Line)

    def fire(self, event: Event, person: Person) -> Receipt:
        self.line.said.append(event.name)
        at = self.clock.now()
        if not self.line.cut(at):
            return super().fire(event, person)
        if self.line.arrives:
            super().fire(event, person)
        return Receipt(Claim.NONE, at, None, detail=WHY, in_doubt=True)

    def arrived(self, event: Event, person: Person) -> tuple[bool | None, str]:
        self.line.said.append("arrived")
        return (None, WHY) if self.line.cut(self.clock.now()) else super().arrived(event, person)


def drill(cases: Sequence[Case], line: Line, **more: Any) -> tuple[Ended, RunResult]:
    made = Ended()
    made.systems = {name: Far(name, made.kernel, line=line) for name in ("crm", "mail")}
    acts = {**made.connector.acts, "sync": []}
    made.connector = FarConnector("hr", made.kernel, made.kernel, made.systems, SECOND, acts=acts, line=line, **more)
    run = made.live(cases)
    assert run is not None
    return made, run


def tidy(made: Ended, line: Line) -> list[str]:
    """`exitproof cleanup`, once the network is there again."""
    line.until = -1
    kernel = VirtualKernel(made.kernel.now() + SECOND)
    made.connector.clock = made.connector.kernel = kernel
    for system in made.systems.values():
        system.clock = kernel
    done = recover(made.fleet(), made.journal.records, "run-1", 1, kernel, MemoryJournal(), NoLedger(), Vault())
    return [text for text in done.leftovers if "may have been made" not in text]


@pytest.mark.parametrize("more", [{"idempotent": True}, {"asks": True}, {}], ids=["idempotent", "asked", "neither"])
@pytest.mark.parametrize("arrives", [False, True], ids=["lost", "unanswered"])
def test_at_every_call(more: dict[str, bool], *, arrives: bool) -> None:
    whole = Line()
    expected = told(drill(CASES, whole, **more)[1])
    same = 0
    for at in range(1, whole.calls + 1):
        line = Line(at, 0, arrives)
        made, run = drill(CASES, line, **more)
        where = (at, whole.said[at - 1])
        found = told(run)
        changed = {found[key] for key in found if found[key] is not expected.get(key)}
        assert changed <= {Outcome.INCONCLUSIVE}, (*where, changed)
        same += found == expected
        if whole.said[at - 1] == "terminate":
            assert bool(changed) == (not more), where  # harmless to repeat, or it can be asked: as if nothing was
        assert len(made.connector.effective) == len(set(made.connector.effective)) <= 2, (*where, made.connector.fired)
        assert not tidy(made, line), where
        doubtful = "create_object" in where and arrives  # it may be somebody else's: told, and not removed
        assert made.left() == (["mail team-inbox"] if doubtful else []), where
    assert same > whole.calls // 3  # of a look that was cut off nothing is left but a wider interval


@pytest.mark.parametrize("span", [2 * SECOND, 30 * SECOND])
def test_for_a_while(span: Duration) -> None:
    whole = Line()
    expected = told(drill(CASES, whole, asks=True)[1])
    for at in range(1, whole.calls + 1, 7):
        line = Line(at, span)
        made, run = drill(CASES, line, asks=True)
        found = told(run)
        assert {found[key] for key in found if found[key] is not expected.get(key)} <= {Outcome.INCONCLUSIVE}, at
        assert len(made.connector.effective) == len(set(made.connector.effective)), at
        assert not tidy(made, line), at
        assert not made.left(), at
