"""A leaver and a bystander with the same access in a running system, and what a look says of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from harness.model import (
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
from harness.ports import Person, Provisions, System
from harness.testing.bench import Bench, identity, person


class Peopled:
    """A running system with other people in it, whatever it speaks: the base of every world."""

    secrets: tuple[str, ...] = ()  # the credentials of reader and writer
    entitlements: tuple[Entitlement, ...]  # at least one of each kind; several of one kind fill its pages
    tag: str = ""  # ends the names of its people, where the system never forgets one
    outlives: frozenset[Kind] = frozenset()  # kinds that this system goes on listing for an account that was removed

    def made(self, system: System, entitlement: Entitlement) -> Made | None:  # noqa: ARG002
        """The object that an entitlement hangs on."""
        return None

    def join(self, system: System, who: Person) -> Account:
        return provisions(system).create(who)

    def give(self, system: System, who: Person, entitlement: Entitlement) -> Grant:
        return provisions(system).grant(who, entitlement, self.made(system, entitlement))


@dataclass
class Scene:
    """Both are made and equipped as it is built."""

    world: Any
    bench: Bench
    system: System
    leaver: Person = field(init=False)
    bystander: Person = field(init=False)

    def __post_init__(self) -> None:
        self.leaver = self._settle("leaver", 1, Subject.LEAVER)
        self.bystander = self._settle("bystander", 2, Subject.BYSTANDER)

    def _settle(self, key: str, n: int, subject: Subject) -> Person:
        who = identity(key, n, subject, self.world.tag)
        self.bench.vault.learn(who.password.reveal())
        newcomer = person(who)
        account = self.world.join(self.system, newcomer)
        newcomer = replace(newcomer, account=account, accounts={self.system.name: account})
        grants = tuple(self.world.give(self.system, newcomer, e) for e in self.world.entitlements)
        return replace(newcomer, grants=grants)

    def look(self, who: Person | None = None) -> Look:
        return self.system.round().look(who or self.leaver)

    def find(self, who: Person | None = None) -> Found:
        return self.system.round().find(who or self.leaver)

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
