"""How one SCIM system is looked at: what identities are called there, and what its records have shown in this run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from harness.model import Kind
from harness.ports import Person
from harness.wire.scim_client import Client

ATTRIBUTES: Mapping[Kind, str] = {Kind.ROLE: "roles", Kind.LICENSE: "entitlements"}


@dataclass(frozen=True, slots=True)
class Naming:
    """What an identity is called: `asked` by `find`, and `known`, one of which its record must still carry."""

    asked: Mapping[str, str]
    known: frozenset[str]

    def carried(self, data: Mapping[str, Any]) -> frozenset[str]:
        """The identifiers that stand in a record."""
        found = {data.get("userName"), data.get("externalId")}
        emails = data.get("emails")
        found |= {e.get("value") for e in emails if isinstance(e, Mapping)} if isinstance(emails, list) else set()
        return frozenset(value for value in found if isinstance(value, str) and value)

    def matches(self, data: Mapping[str, Any]) -> bool:
        """One known identifier is in the record, or the record has none at all and the id alone counts."""
        known = {value.casefold() for value in self.known}
        carried = self.carried(data)
        return not carried or any(value.casefold() in known for value in carried)


@dataclass(slots=True)
class Looks:
    """How one system is looked at; shared by all its rounds."""

    system: str
    client: Client
    naming: Callable[[Person], Naming]
    kinds: tuple[Kind, ...]
    sides: str = "both"
    member_filter: str = "members.value"
    find: tuple[str, ...] = ("userName", "externalId")
    search: bool = False
    # What the two sides have shown of themselves so far in this run: a filter that never finds anything while
    # `User.groups` does is not applied to an empty set, it is not understood (Snowflake's answered 200 and nothing).
    filter_found: bool = False
    only_user_side: bool = False
    showing: set[str] = field(default_factory=set)  # accounts whose own record has listed groups
    named: set[str] = field(default_factory=set)  # accounts whose record has carried an identifier
    lock: Lock = field(default_factory=Lock)

    def mistaken(self, id: str, data: Mapping[str, Any], naming: Naming) -> str:
        """Why this record is another identity's by now; "" if it is not. One that carried an identifier must carry one
        for ever: ids are given to somebody else."""
        if not naming.matches(data):
            return "the id belongs to another identity"
        with self.lock:
            if naming.carried(data):
                self.named.add(id)
            elif id in self.named:
                return "the id belongs to another identity: the record has no identifier any more"
        return ""
