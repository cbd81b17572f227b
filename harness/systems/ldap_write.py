"""Changes to a directory: new entries, references to them added and taken away, and nothing of anybody else's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from harness.model import Kind
from harness.systems.ldap_config import LdapConfig
from harness.wire.call import Unknown
from harness.wire.ldap import Change, LdapWire
from harness.wire.ldap_entry import Entry, Search
from harness.wire.ldap_names import all_of, any_of, below, equals, same

_GONE = (16, 32)  # noSuchAttribute, noSuchObject: it is as good as done
_THERE = (20,)  # attributeOrValueExists
_GIDS = 600_000  # gidNumber is demanded of a posixGroup, and means nothing here
_HOLDS = {
    "groupofnames": "member", "groupofuniquenames": "uniqueMember", "posixgroup": "memberUid",
    "groupofentries": "member", "group": "member",
}  # fmt: skip


@dataclass(slots=True)
class Writer:
    """Every method raises `Unknown` when the change did not happen as asked."""

    wire: LdapWire
    config: LdapConfig
    _lock: Lock = field(default_factory=Lock)  # a member list is read and changed by one thread at a time

    def by_id(self, id: str) -> Entry | None:
        found = self._search(equals(self.config.id, id))
        if len(found) > 1:
            raise Unknown(f"{len(found)} entries have the id {id}")
        return found[0] if found else None

    def entry_of(self, dn: str) -> Entry:
        """What was just made, with its id."""
        found = self.wire.read(dn, ("*", self.config.id)).value
        if found is None:
            raise Unknown("the new entry cannot be read: may the writer see it?", in_doubt=True)
        return found

    # --- objects ------------------------------------------------------------------------------

    def object(self, kind: Kind, name: str) -> Entry | None:
        """The one entry of this name that can hold access of this kind; None: certainly none."""
        holding = tuple(self._attributes(kind)) if kind is not Kind.GROUP else ()
        wanted = equals("cn", name)
        if kind is Kind.GROUP:
            wanted = all_of(wanted, any_of(*(equals("objectClass", word) for word in self._group_classes())))
        found = self._search(wanted, *holding)
        if len(found) > 1:
            raise Unknown(f"{len(found)} entries are called {name!r}")
        return found[0] if found else None

    def create(self, kind: Kind, name: str) -> Entry:
        object_class, under = self.config.object_class(kind, name)
        dn = below(("cn", name), under)
        values: dict[str, list[str]] = {"objectClass": [object_class], "cn": [name]}
        holds = _HOLDS.get(object_class.lower())
        if holds in ("member", "uniqueMember"):
            values[holds] = [self.config.nobody]  # RFC 4519 §3.5: a group has a member
        elif holds == "memberUid":
            values["gidNumber"] = [str(_GIDS + sum(name.encode()) % 10_000)]
        elif object_class.lower() == "inetorgperson":
            values["sn"] = [name]
        self.wire.add(dn, values)
        return self.entry_of(dn)

    def delete(self, id: str) -> None:
        entry = self.by_id(id)
        if entry is not None:
            self.wire.delete(entry.dn, accept=(32,))

    # --- references ---------------------------------------------------------------------------

    def join(self, id: str, dn: str, user: str) -> None:
        """The account becomes a member, as this group calls its members; the placeholder goes."""
        with self._lock:
            group = self.by_id(id)
            if group is None:
                raise Unknown(f"the group {id} is gone")
            self._join(group, dn, user)

    def _join(self, group: Entry, dn: str, user: str) -> None:
        attribute = self._holds(group)
        value = user if self.config.members.get(attribute) == "name" else dn
        changes: list[Change] = [("add", attribute, [value])]
        here = [each for each in group.texts(attribute) if attribute != "memberUid" and same(each, self.config.nobody)]
        if here and len(group.texts(attribute)) == 1:
            changes.append(("delete", attribute, here))
        self.wire.modify(group.dn, changes, accept=_THERE)

    def leave(self, id: str, dns: Sequence[str], users: Sequence[str]) -> None:
        """Takes every name of the account out of a group; the last member leaves the placeholder behind."""
        with self._lock:
            group = self.by_id(id)
            if group is not None:
                self._leave(group, dns, users)

    def _leave(self, group: Entry, dns: Sequence[str], users: Sequence[str]) -> None:
        for attribute, means in self.config.members.items():
            there = group.texts(attribute)
            if means == "name":
                known = {user.casefold() for user in users}
                mine = [each for each in there if each.casefold() in known]
            else:
                mine = [each for each in there if any(same(each, dn) for dn in dns)]
            if not mine:
                continue
            changes: list[Change] = [("delete", attribute, mine)]
            if means == "dn" and len(mine) == len(there):
                changes.insert(0, ("add", attribute, [self.config.nobody]))
            self.wire.modify(group.dn, changes, accept=_GONE)

    def refer(self, entry: Entry, attribute: str, dn: str) -> None:
        self.wire.modify(entry.dn, [("add", attribute, [dn])], accept=_THERE)

    def unrefer(self, id: str, attribute: str, dns: Sequence[str]) -> None:
        entry = self.by_id(id)
        mine = [each for each in entry.texts(attribute) if any(same(each, dn) for dn in dns)] if entry else []
        if entry is not None and mine:
            self.wire.modify(entry.dn, [("delete", attribute, mine)], accept=_GONE)

    def forget(self, dns: Sequence[str], users: Sequence[str]) -> None:
        """Takes these names out of everything that still calls them: only where nobody has them by now."""
        free = [dn for dn in dns if self.wire.read(dn, ("1.1",)).value is None]
        taken = [user for user in users if self._search(equals(self.config.name, user))]
        idle = [user for user in users if user not in taken]
        members = self.config.members
        parts = [equals(attribute, dn) for attribute, means in members.items() if means == "dn" for dn in free]
        for attribute, means in members.items():
            if means == "name":
                rules = (attribute, f"{attribute}:caseIgnoreIA5Match:")
                parts += [equals(rule, user) for user in idle for rule in rules]
        for group in self._search(any_of(*parts)) if parts else ():
            self.leave(str(group.text(self.config.id)), free, idle)
        for attribute in self.config.references if free else ():
            for entry in self._search(any_of(*(equals(attribute, dn) for dn in free))):
                self.unrefer(str(entry.text(self.config.id)), attribute, free)

    def _holds(self, group: Entry) -> str:
        for word in group.texts("objectClass"):
            if word.lower() in _HOLDS:
                return _HOLDS[word.lower()]
        raise Unknown(f"{group.dn} is no group of a class that is known here")

    def _group_classes(self) -> tuple[str, ...]:
        made = {new.object_class for new in self.config.new if new.kind is Kind.GROUP}
        return tuple(sorted(made | {"groupOfNames", "groupOfUniqueNames", "posixGroup"}))

    def _attributes(self, kind: Kind) -> list[str]:
        return [attribute for attribute, given in self.config.references.items() if given is kind]

    def _search(self, wanted: str, *attributes: str) -> tuple[Entry, ...]:
        named = ("*", self.config.id, *attributes)
        return self.wire.search(Search(self.config.base, wanted, attributes=named)).value


def values(body: dict[str, Any]) -> dict[str, list[str]]:
    """Attributes as templates gave them: one value or several, nothing for null."""
    made: dict[str, list[str]] = {}
    for name, given in body.items():
        each = given if isinstance(given, list) else [given]
        made[name] = [value if isinstance(value, str) else str(value) for value in each if value is not None]
    return {name: found for name, found in made.items() if found}
