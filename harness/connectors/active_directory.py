"""Connector `active-directory`: plays the tool or the person that offboards in a domain, over LDAP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field, model_validator

from harness.adapter import ConnectorAdapter, ConnectorConfig
from harness.model import Claim, Event, EventTraits, Progress, Receipt
from harness.ports import Person, Tools
from harness.wire.ad import DISABLED, NORMAL, Domain, at, dns_name, new_user, number, plain, thing
from harness.wire.auth import Auth
from harness.wire.call import Unknown
from harness.wire.dialogue import Told
from harness.wire.event import EventOptions
from harness.wire.ldap import Change, LdapWire
from harness.wire.ldap_codes import NO_SUCH_OBJECT
from harness.wire.ldap_entry import Entry
from harness.wire.ldap_link import Address
from harness.wire.ldap_names import all_of, any_of, below, equals, rdn

EVENTS = ("join", "rejoin", "enable", "disable", "suspend", "move", "terminate", "delete", "rename")
_FIND = ("objectGUID", "sAMAccountName", "cn", "ou", "userAccountControl", "userPrincipalName", "memberOf")


class AdConnectorConfig(ConnectorConfig):
    type: Literal["active-directory"]
    url: str
    starttls: bool = False
    ca: str | None = None
    people: str = Field(description="the DN of the container that `join` makes accounts in")
    left: str | None = Field(default=None, description="the DN of the container that `move` and `terminate` move to")
    external_id: str = "employeeNumber"
    events: dict[str, EventOptions] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _known(self) -> AdConnectorConfig:
        strange = sorted(set(self.events) - self.event_names())
        if strange:
            raise ValueError(f"unknown event: {', '.join(strange)} (allowed: {', '.join(sorted(self.event_names()))})")
        return self

    def event_names(self) -> frozenset[str]:
        return frozenset(EVENTS if self.left is not None else [name for name in EVENTS if name != "move"])


@dataclass(frozen=True, slots=True)
class _Write:
    """One change, so that a replay sends the same again."""

    verb: Literal["add", "modify", "delete", "rename"]
    dn: str
    values: Any = None
    parent: str | None = None

    def send(self, wire: LdapWire) -> Told[int]:
        if self.verb == "add":
            return wire.add(self.dn, self.values)
        if self.verb == "modify":
            return wire.modify(self.dn, self.values)
        if self.verb == "delete":
            return wire.delete(self.dn, accept=(NO_SUCH_OBJECT,))
        return wire.rename(self.dn, self.values, self.parent)


class _Stop(Exception):
    """Nothing more is sent, and why."""


class AdConnector:
    """Implements `ports.Connector`."""

    def __init__(self, name: str, config: AdConnectorConfig, domain: Domain, tools: Tools) -> None:
        self.name = name
        self.owner = config.owner
        self._config = config
        self._domain = domain
        self._clock = tools.clock
        self._written: dict[str, tuple[list[_Write], dict[str, Any]]] = {}

    def events(self) -> Mapping[str, EventTraits]:
        default = EventOptions()
        given = {name: self._config.events.get(name, default) for name in sorted(self._config.event_names())}
        return {name: EventTraits(one.idempotent, returns_within=one.returns_within) for name, one in given.items()}

    def close(self) -> None:
        self._domain.close()

    def fire(self, event: Event, person: Person) -> Receipt:
        sent = self._clock.now()
        done = 0
        evidence: tuple[str, ...] = ()
        told: dict[str, Any] = {}
        try:
            if event.id not in self._written:
                self._written[event.id] = self._plan(event.name, person)
            writes, told = self._written[event.id]
            for write in writes:
                answer = write.send(self._domain.wire)
                evidence += answer.evidence
                done += 1
        except _Stop as stop:
            return Receipt(Claim.ERROR, sent, self._clock.now(), told, str(stop))
        except Unknown as unknown:
            evidence += unknown.evidence
            if unknown.status is None and (unknown.in_doubt or done):
                return Receipt(Claim.NONE, sent, None, told, unknown.reason, in_doubt=True, evidence=evidence)
            answered = unknown.answered or self._clock.now()
            claim = Claim.NONE if unknown.status is None else Claim.ERROR
            return Receipt(claim, sent, answered, told, unknown.reason, in_doubt=bool(done), evidence=evidence)
        return Receipt(Claim.SUCCESS, sent, self._clock.now(), told, evidence=evidence)

    def done(self, event: Event, person: Person) -> tuple[Progress, str]:  # noqa: ARG002
        return Progress.UNKNOWN, "a directory answers at once: there is nothing to wait for"

    def arrived(self, event: Event, person: Person) -> tuple[bool | None, str]:  # noqa: ARG002
        return None, "a directory keeps no list of what it was asked"

    # --- what each event sends ------------------------------------------------------------------

    def _plan(self, name: str, person: Person) -> tuple[list[_Write], dict[str, Any]]:
        who = person.identity
        if name in ("join", "rejoin"):
            upn = f"{who.username}@{dns_name(self._domain.base)}"
            values = new_user(who, upn, {self._config.external_id: who.external_id})
            return [_Write("add", below(("CN", who.username), self._config.people), values)], {}
        found = self._user(person)
        one = thing(found)
        told = {"id": one.guid, "dn": one.dn}
        if name == "delete":
            return [_Write("delete", one.dn)], told
        if name == "rename":
            return self._renamed(person, one.dn), told
        writes = []
        if name != "move":
            writes.append(_Write("modify", one.dn, [self._control(found, off=name != "enable")]))
        if name == "terminate":
            writes += [_Write("modify", plain(group), [("delete", "member", [at(one.guid)])])
                       for group in found.texts("memberOf")]  # fmt: skip
        if name in ("move", "terminate") and self._config.left is not None:
            writes.append(_Write("rename", one.dn, rdn(one.dn), self._config.left))
        return writes, told

    def _user(self, person: Person) -> Entry:
        """By the name that it has now, or had before a rename: a connector knows people by their names."""
        names = dict.fromkeys((person.identity.username, person.identity.was.get("username", "")))
        wanted = any_of(*(equals("sAMAccountName", name) for name in names if name))
        found = self._domain.search(all_of("(objectClass=user)", wanted), _FIND).value
        if len(found) != 1:
            raise _Stop(f"{len(found)} users are called {person.identity.username!r}: nothing was sent")
        return found[0]

    def _control(self, found: Entry, *, off: bool) -> Change:
        was = number(found, "userAccountControl")
        if was is None:
            raise _Stop("userAccountControl cannot be read: nothing was sent")
        wanted = was | DISABLED if off else was & ~DISABLED
        return ("replace", "userAccountControl", [str(wanted or NORMAL)])

    def _renamed(self, person: Person, dn: str) -> list[_Write]:
        """As a person's marriage does it: all names, and the object's own."""
        who = person.identity
        upn = f"{who.username}@{dns_name(self._domain.base)}"
        names: list[Change] = [
            ("replace", "sAMAccountName", [who.username]),
            ("replace", "userPrincipalName", [upn]),
            ("replace", "sn", [who.family_name]),
            ("replace", "displayName", [f"{who.given_name} {who.family_name}"]),
            ("replace", "mail", [who.email]),
        ]
        return [_Write("modify", dn, names), _Write("rename", dn, below(("CN", f"{who.family_name} {who.n}"), ""))]


def build(name: str, config: AdConnectorConfig, tools: Tools) -> AdConnector:
    address = Address.of(config.url, starttls=config.starttls, ca=config.ca)
    return AdConnector(name, config, Domain(LdapWire(address, config.auth or Auth(none=True), tools)), tools)


ADAPTER = ConnectorAdapter(
    "active-directory", "disables, moves and deletes accounts of a domain", AdConnectorConfig, build
)
