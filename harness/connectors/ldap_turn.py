"""One event of the connector `ldap`: what is looked up first, what is written then, and how it was answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from harness.connectors.ldap_config import LdapConnectorConfig, LdapEvent, Modify, Move
from harness.model import Claim, Event, Receipt
from harness.ports import Person
from harness.wire.call import Unknown
from harness.wire.context import context
from harness.wire.dialogue import Told
from harness.wire.ldap import Change, LdapWire
from harness.wire.ldap_entry import Entry, Search
from harness.wire.ldap_names import all_of, any_of, below, dn_value, equals, parent, rdn, same

T = TypeVar("T")
_GONE = (16, 32)  # noSuchAttribute, noSuchObject


class Stop(Exception):
    """The connector sends nothing more, and why."""


@dataclass(frozen=True, slots=True)
class Write:
    """One change, as it is sent again when the event is replayed."""

    what: str
    send: Callable[[LdapWire], Told[int]]


@dataclass(slots=True)
class Turn:
    config: LdapConnectorConfig
    wire: LdapWire
    writes: list[Write] = field(default_factory=list)
    vars: dict[str, Any] = field(default_factory=dict)
    asked: str = ""
    writing: bool = False
    sent: int = 0
    answered: int = 0
    evidence: tuple[str, ...] = ()
    dn: str | None = None  # of the entry, as this turn has found or left it

    def play(self, options: LdapEvent, event: Event, person: Person) -> None:
        words = context(person, event=event)
        for step in options.do:
            if step == "create":
                self._create(person, words)
                continue
            if isinstance(step, Modify) and step.modify is not None:
                self._change(step.modify.render(words), step, words)
                continue
            dn = self._entry(person, words)
            if step == "lock":
                self._modify(dn, [("replace", name, list(values)) for name, values in self.config.lock.items()])
            elif step == "unlock":
                self._modify(dn, [("replace", name, []) for name in self.config.lock])
            elif step == "leave-groups":
                self._leave_groups(dn, person)
            elif step == "rename":
                self._rename(dn, person, words)
            elif step == "move" or isinstance(step, Move):
                self._move(dn, step.move if isinstance(step, Move) else str(self.config.leavers))
            elif step == "delete":
                self._write(f"DELETE {dn}", lambda wire, dn=dn: wire.delete(dn, accept=(32,)))  # type: ignore[misc]
            elif isinstance(step, Modify):
                self._change(dn, step, words)

    # --- the entry ----------------------------------------------------------------------------

    def _entry(self, person: Person, words: dict[str, Any]) -> str:
        if self.dn is None:
            self.dn = self._linked(person) or self._found(words)
            self.vars["dn"] = self.dn
        return self.dn

    def _linked(self, person: Person) -> str | None:
        if self.config.link == "search":
            return None
        known = [taken["dn"] for taken in person.receipts.values() if isinstance(taken.get("dn"), str)]
        if not known:
            raise Stop("the connector never met this identity: it has no name of an entry to act on")
        return str(known[0])

    def _found(self, words: dict[str, Any]) -> str:
        given = self.config.find
        wanted = (
            {name: made.render(words) for name, made in given.items()}
            if given
            else {"uid": words["identity"]["username"]}
        )
        classes = equals("objectClass", self.config.object_classes[0])
        found = self._ask(
            f"SEARCH {self.config.base}",
            lambda: self.wire.search(
                Search(
                    self.config.base,
                    all_of(classes, *(equals(name, value) for name, value in wanted.items())),
                    attributes=("1.1",),
                )
            ),
        )
        if len(found) != 1:
            told = ", ".join(f"{name}={value}" for name, value in wanted.items())
            raise Stop(f"{len(found) or 'no'} entries with {told}: nothing was sent")
        return found[0].dn

    # --- what is done to it -------------------------------------------------------------------

    def _create(self, person: Person, words: dict[str, Any]) -> None:
        values = self._attributes(person, words)
        name = values.get(self.config.rdn)
        if not name:
            raise Stop(f"a new entry has no {self.config.rdn} to be named by: nothing was sent")
        self.dn = below((self.config.rdn, name[0]), self.config.people or self.config.base)
        self.vars["dn"] = self.dn
        self._write(f"ADD {self.dn}", lambda wire, dn=self.dn: wire.add(dn, values))  # type: ignore[misc]

    def _attributes(self, person: Person, words: dict[str, Any]) -> dict[str, list[str]]:
        who = person.identity
        body: dict[str, Any] = {
            "objectClass": list(self.config.object_classes),
            "uid": who.username,
            "cn": f"{who.given_name} {who.family_name}",
            "sn": who.family_name,
            "givenName": who.given_name,
            "mail": who.email,
            "employeeNumber": who.external_id,
            "userPassword": who.password.reveal(),
        }
        body |= {name: None if made is None else made.value(words) for name, made in self.config.attributes.items()}
        return {name: found for name, value in body.items() if (found := _texts(value))}

    def _rename(self, dn: str, person: Person, words: dict[str, Any]) -> None:
        """A new name: in the entry's attributes, and in its own name below its parent."""
        values = self._attributes(person, words)
        wanted = f"{self.config.rdn}={dn_value(values[self.config.rdn][0])}"
        if not same(rdn(dn), wanted):
            self._write(f"MODDN {dn}", lambda wire: wire.rename(dn, wanted))
            above = parent(dn)
            self.dn = self.vars["dn"] = f"{wanted},{above}" if above else wanted
        fixed = {"objectclass", "userpassword", self.config.rdn.lower()}
        changes: list[Change] = [
            ("replace", name, found) for name, found in values.items() if name.lower() not in fixed
        ]
        self._modify(self.dn or dn, changes)

    def _move(self, dn: str, to: str) -> None:
        own = rdn(dn)
        self._write(f"MODDN {dn}", lambda wire: wire.rename(dn, own, to))
        self.dn = self.vars["dn"] = f"{own},{to}"

    def _leave_groups(self, dn: str, person: Person) -> None:
        """Out of every group that names the entry, or the user as the identity is called now."""
        values = {"dn": dn, "name": person.identity.username}
        members = self.config.members
        wanted = any_of(*(equals(name, values[means]) for name, means in members.items()))
        search = Search(self.config.base, wanted, attributes=("cn", *members))
        for group in self._ask(f"SEARCH {self.config.base}", lambda: self.wire.search(search)):
            changes: list[Change] = []
            for name, means in members.items():
                there = group.texts(name)
                mine = [each for each in there if _is(each, values[means], means)]
                if mine and len(mine) == len(there) and means == "dn" and self.config.placeholder:
                    changes.append(("add", name, [self.config.placeholder]))
                changes += [("delete", name, mine)] if mine else []
            if changes:
                self._modify(group.dn, changes, _GONE)

    def _change(self, dn: str, step: Modify, words: dict[str, Any]) -> None:
        changes: list[Change] = []
        for word, given in (("add", step.add), ("delete", step.delete), ("replace", step.replace)):
            changes += [(word, name, _texts(made.value(words))) for name, made in given.items()]  # type: ignore[misc]
        self._modify(dn, changes)

    def _modify(self, dn: str, changes: list[Change], accept: Iterable[int] = ()) -> None:
        self._write(f"MODIFY {dn}", lambda wire: wire.modify(dn, changes, accept))

    # --- what happened ------------------------------------------------------------------------

    def _ask(self, what: str, ask: Callable[[], Told[tuple[Entry, ...]]]) -> tuple[Entry, ...]:
        self.asked = what
        return self._noted(ask).value

    def _write(self, what: str, send: Callable[[LdapWire], Told[int]]) -> None:
        self.again(Write(what, send))

    def again(self, write: Write) -> None:
        self.writes.append(write)
        self.asked, self.writing = write.what, True
        told = self._noted(lambda: write.send(self.wire))
        self.sent, self.answered = self.sent or told.sent, told.answered
        self.writing = False

    def _noted(self, ask: Callable[[], Told[T]]) -> Told[T]:
        try:
            told = ask()
        except Unknown as error:
            self.evidence += error.evidence
            self.sent = self.sent or (error.sent if self.writing else 0)
            raise
        self.evidence += told.evidence
        return told

    def receipt(
        self, claim: Claim, began: int, answered: int | None, detail: str = "", in_doubt: bool = False
    ) -> Receipt:
        return Receipt(claim, self.sent or began, answered or None, dict(self.vars), detail, in_doubt, self.evidence)


def _texts(value: Any) -> list[str]:
    each = value if isinstance(value, list) else [value]
    return [one if isinstance(one, str) else str(one) for one in each if one is not None]


def _is(there: str, wanted: str, means: str) -> bool:
    return there == wanted if means == "name" else same(there, wanted)
