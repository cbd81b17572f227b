"""A world to test an adapter in: a system with people in it, a leaver and a bystander, and what a look says."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from harness.model import (
    NOTHING,
    Account,
    Entitlement,
    Found,
    Grant,
    Kind,
    Listing,
    ListState,
    Look,
    Made,
    Presence,
    Subject,
)
from harness.ports import Person, Provisions, System, Tools
from harness.testing.bench import Bench, identity, person
from harness.testing.faults import Fault, Shape, Trouble
from harness.testing.proxy import FaultProxy


class World(ABC):
    """A running system with other people in it, and how to point the adapter at it."""

    upstream: str  # its base URL
    shape: Shape
    secrets: tuple[str, ...] = ()  # the credentials of reader and writer
    entitlements: tuple[Entitlement, ...]  # at least one of each kind; several of one kind fill its pages
    cannot: Mapping[str, str] = NOTHING  # fault -> why it cannot happen here

    @abstractmethod
    def build(self, url: str, tools: Tools, timeout_s: float) -> System:
        """The adapter at this address, with this timeout and few attempts."""

    @abstractmethod
    def record_path(self, account: Account) -> str:
        """The path at which the account's own record is read."""

    def made(self, system: System, entitlement: Entitlement) -> Made | None:  # noqa: ARG002
        """The object that an entitlement hangs on."""
        return None

    def absent_on(self, path: str) -> bool:  # noqa: ARG002
        """Whether 404 at this collection is declared to mean no items."""
        return False

    def join(self, system: System, who: Person) -> Account:
        return provisions(system).create(who)

    def give(self, system: System, who: Person, entitlement: Entitlement) -> Grant:
        return provisions(system).grant(who, entitlement, self.made(system, entitlement))


@dataclass
class Stage:
    """A leaver and a bystander with the same access, seen through the proxy."""

    world: World
    proxy: FaultProxy
    bench: Bench
    system: System
    leaver: Person = field(init=False)
    bystander: Person = field(init=False)

    def __post_init__(self) -> None:
        self.leaver = self._settle("leaver", 1, Subject.LEAVER)
        self.bystander = self._settle("bystander", 2, Subject.BYSTANDER)
        self.proxy.take_log()

    def _settle(self, key: str, n: int, subject: Subject) -> Person:
        who = identity(key, n, subject)
        self.bench.vault.learn(who.password.reveal())
        newcomer = person(who)
        account = self.world.join(self.system, newcomer)
        newcomer = replace(newcomer, account=account, accounts={self.system.name: account})
        grants = tuple(self.world.give(self.system, newcomer, e) for e in self.world.entitlements)
        return replace(newcomer, grants=grants)

    @contextmanager
    def trouble(self, fault: Fault, path: str) -> Iterator[Trouble]:
        """This path goes wrong in this way for a while; where nothing is answered, the adapter is a hasty one."""
        patient = self.system
        if fault.name == "timeout":
            self.system = self.world.build(self.proxy.url, self.bench.tools, 0.3)
        try:
            yield self.proxy.plant(fault, path)
        finally:
            self.proxy.clear()
            if self.system is not patient:
                close(self.system)
            self.system = patient

    def look(self, who: Person | None = None) -> Look:
        return self.system.round().look(who or self.leaver)

    def find(self, who: Person | None = None) -> Found:
        return self.system.round().find(who or self.leaver)

    def paths(self) -> dict[str, int]:
        """Path -> how often a clean look asks for it."""
        self.proxy.take_log()
        self.look()
        counts: dict[str, int] = {}
        for asked in self.proxy.take_log():
            counts[asked.path] = counts.get(asked.path, 0) + 1
        return counts

    def suited(self, fault: Fault) -> list[str]:
        """The paths of a look on which this fault makes sense."""
        record = self.world.record_path(self.leaver.account) if self.leaver.account else ""
        counts = self.paths()
        collections = [path for path in counts if path != record]
        if fault.place == "record":
            return [record] if self.world.shape.state is not None else []
        if fault.place == "paged":
            return [path for path in collections if counts[path] > 1]
        if fault.place == "collection":
            return [p for p in collections if not (fault.name.startswith("404") and self.world.absent_on(p))]
        return list(counts) if fault.place == "any" else []

    @property
    def writer(self) -> Provisions:
        return provisions(self.system)


def close(system: System) -> None:
    """Closes what the adapter keeps open, if it can be closed."""
    found = getattr(system, "close", None)
    if found is not None:
        found()


def provisions(system: System) -> Provisions:
    if not isinstance(system, Provisions):
        raise TypeError("this system cannot make accounts: override `join` and `give` of its world")
    return system


def listing(look: Look, kind: Kind) -> Listing | None:
    return next((found for found in look.listings if found.kind is kind), None)


def stands(look: Look, grant: Grant) -> Presence:
    """What a look says of a grant before any control was asked: whatever could become absent, is."""
    found = listing(look, grant.entitlement.kind)
    if found is None:
        return Presence.UNKNOWN
    for row in found.rows:
        if row.id == grant.id or (grant.id is None and row.name == grant.entitlement.label):
            return row.presence
    return Presence.UNKNOWN if found.state is ListState.UNKNOWN else Presence.ABSENT


def timeless(look: Look) -> Any:
    """A look without its instants and evidence."""
    lists = {found.kind: (found.state, frozenset(found.rows), found.reason) for found in look.listings}
    return (look.account.presence, look.account.record, lists, look.strangers)


def unknowns(look: Look) -> list[str]:
    """The reasons of all that a look could not see."""
    reasons = [look.account.reason] if look.account.presence is Presence.UNKNOWN else []
    return reasons + [found.reason for found in look.listings if found.state is ListState.UNKNOWN]
