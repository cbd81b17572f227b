"""System `ldap`: any directory that speaks LDAP (RFC 4511), read by immutable id and from every side that names it."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import Any

from harness.adapter import SystemAdapter
from harness.model import Account, Entitlement, Floor, Grant, Kind, Made, ObjectSpec, Presence, Secret, Touches, Used
from harness.ports import Declaration, Person, Tools, WriteFailed
from harness.systems.ldap_config import LdapConfig
from harness.systems.ldap_former import Names
from harness.systems.ldap_look import LdapSurvey
from harness.systems.ldap_session import Sessions
from harness.systems.ldap_write import Writer, values
from harness.wire.call import Unknown
from harness.wire.context import context
from harness.wire.dialogue import Told
from harness.wire.ldap import Bound, LdapWire
from harness.wire.ldap_names import below
from harness.wire.once import Once
from harness.wire.survey import Asking, SurveyRound
from harness.wire.using import used
from harness.wire.writing import account_of, complaints, written

_NO_PLACE = "not looked for in a directory: no attribute of the standard schemas gives it"
_SCOPES = (
    "read and search on `base`: entry, the id, naming, locking, member and reference attributes; no password",
    "lists without a size limit as long as they are read in pages",
)


class Ldap:
    """Implements `ports.System`, `ports.Provisions` and `ports.Exercises`."""

    def __init__(self, name: str, config: LdapConfig, reader: LdapWire, writer: LdapWire) -> None:
        self.name = name
        self._config = config
        self._wires = (reader, writer)
        self._survey = LdapSurvey(name, config, reader, Names())
        self._writer = Writer(writer, config)
        self._written = LdapSurvey(name, config, writer, self._survey.names)  # the same eyes, with the writer's rights
        self._sessions = Sessions()
        self._numbers = count(1)

    def declaration(self) -> Declaration:
        config = self._config
        kinds = config.declared()
        without = {kind: _NO_PLACE for kind in Kind if kind not in kinds and kind not in config.not_listable}
        without[Kind.CREDENTIAL] = "the password is the only one, and it is tried by the login"
        without |= dict(config.without)
        not_listable = dict(config.not_listable)
        if config.connections is None:
            not_listable.setdefault(Kind.SESSION, "this server shows no open connections (`connections`)")
        for gone in (Kind.ACCOUNT, *kinds, *not_listable):
            without.pop(gone, None)
        auth = config.reader_auth
        return Declaration(
            type="ldap",
            url=config.address().url,
            reader=auth.basic.username if auth.basic is not None else "nobody (anonymous)",
            independent=config.independent,
            owner=config.owner,
            kinds=kinds,
            without=without,
            not_listable=not_listable,
            login=Touches.CHANGES,  # a policy may note it, or count it
            floor=Floor.DELETED,
            searches=config.external is not None,
            scopes=_SCOPES,
        )

    def round(self) -> SurveyRound:
        return SurveyRound(self._survey, self._survey.strangers if self._config.external else None)

    def check(self) -> list[str]:
        """The base, read as the reader."""
        return complaints(self.name, self._see_base)

    def _see_base(self) -> None:
        if self._wires[0].read(self._config.base, ("1.1",)).value is None:
            raise Unknown(f"{self._config.base} is not there, or the reader may not see it")

    def close(self) -> None:
        self._sessions.close()
        for wire in self._wires:
            wire.close()

    # --- Provisions ---------------------------------------------------------------------------

    def create(self, person: Person) -> Account:
        config = self._config
        with written():
            made = values(self._attributes(person))
            if not made.get(config.rdn):
                raise WriteFailed(f"a new account has no {config.rdn} to be named by")
            dn = below((config.rdn, made[config.rdn][0]), config.people or config.base)
            self._writer.wire.add(dn, made)
            return self._written.account(self._writer.entry_of(dn))

    def remove(self, person: Person) -> None:
        """Only what still is the identity's is removed, and then nothing may go on calling it by its names."""
        account = account_of(person)
        self._sessions.drop_all(account.id)  # what the harness opened may not outlive it: a server lets it
        with written():
            entry = self._writer.by_id(account.id)
            if entry is not None:
                if self._written.mistaken(entry, person):
                    raise WriteFailed("the id belongs to another identity now: not removed")
                self._written.account(entry)
                self._writer.wire.delete(entry.dn, accept=(32,))
            self._writer.forget(*self._survey.names.of(account))

    def grant(self, person: Person, entitlement: Entitlement, made: Made | None) -> Grant:
        account = account_of(person)
        kind = entitlement.kind
        with written():
            dn, user = self._now(account)
            if kind is Kind.SESSION:
                return self._open(person, entitlement, account, dn)
            entry = self._writer.by_id(made.id) if made is not None else self._writer.object(kind, entitlement.name)
            if entry is None:
                raise WriteFailed(f"there is no {kind} {entitlement.name!r}")
            found = self._written.id_of(entry)
            if kind is Kind.GROUP:
                self._writer.join(found, dn, user)
                return Grant(entitlement, found, object_id=found, vars={"id": found})
            attribute = self._attribute(entitlement)
            if attribute.startswith("own-"):
                self._writer.wire.modify(dn, [("add", attribute.removeprefix("own-"), [entry.dn])], accept=(20,))
                locator = f"{account.id}#{attribute}:{entry.dn}"
            else:
                self._writer.refer(entry, attribute, dn)
                locator = f"{found}#{attribute}"
            return Grant(entitlement, locator, object_id=found, vars={"id": locator})

    def revoke(self, person: Person, grant: Grant) -> None:
        account = account_of(person)
        kind = grant.entitlement.kind
        if kind is Kind.SESSION:
            self._sessions.drop(grant.id or "")
            return
        with written():
            self._now(account)
            dns, users = self._survey.names.of(account)
            if kind is Kind.GROUP:
                self._writer.leave(grant.id or grant.object_id or "", dns, users)
                return
            holder, _, attribute = (grant.id or "").partition("#")
            if attribute.startswith("own-"):
                name, _, dn = attribute.removeprefix("own-").partition(":")
                self._writer.unrefer(holder, name, [dn])
            else:
                self._writer.unrefer(holder, attribute, dns)

    def find_object(self, spec: ObjectSpec, owner: Person | None) -> Made | None:  # noqa: ARG002
        with written():
            entry = self._writer.object(spec.kind, spec.name)
            return None if entry is None else self._made(spec, entry, created=False)

    def create_object(self, spec: ObjectSpec, owner: Person | None) -> Made:  # noqa: ARG002
        with written():
            return self._made(spec, self._writer.create(spec.kind, spec.name), created=True)

    def remove_object(self, made: Made) -> None:
        if not made.created:
            raise WriteFailed(f"{made.spec.name!r} was found, not made: not removed")
        with written():
            self._writer.delete(made.id)

    # --- Exercises ----------------------------------------------------------------------------

    def login(self, person: Person) -> Used:
        """A new bind as the entry, where it is now, or where it was last."""
        return used(lambda: self._signed_in(account_of(person), person.identity.password), _means)

    def use(self, person: Person, grant: Grant, channel: str) -> Used:  # noqa: ARG002
        return self._sessions.ask(grant.id or "")

    def _signed_in(self, account: Account, password: Secret) -> Told[tuple[str, Bound]]:
        entry = self._survey.entry(Asking(Once()), account)
        if entry is not None:
            self._survey.account(entry)
        dns, _ = self._survey.names.of(account)
        dn = entry.dn if entry is not None else dns[-1]
        told = self._wires[0].bind_as(dn, password, self._config.refused)
        return Told((dn, told.value), told.sent, told.answered, told.evidence)

    # --- names and places ---------------------------------------------------------------------

    def _attributes(self, person: Person) -> dict[str, Any]:
        """A new entry: the defaults, then what `attributes` says."""
        config, who = self._config, person.identity
        body: dict[str, Any] = {
            "objectClass": list(config.object_classes),
            config.name: who.username,
            "cn": f"{who.given_name} {who.family_name}",
            "sn": who.family_name,
            "givenName": who.given_name,
            "mail": who.email,
            "userPassword": who.password.reveal(),
        }
        if config.external:
            body[config.external] = who.external_id
        words = context(person) if config.attributes else {}
        return body | {
            key: None if wanted is None else wanted.value(words) for key, wanted in config.attributes.items()
        }

    def _now(self, account: Account) -> tuple[str, str]:
        """Its name and user name as they are now; the last known ones where it is gone."""
        entry = self._writer.by_id(account.id)
        if entry is not None:
            self._written.account(entry)
        dns, users = self._survey.names.of(account)
        if not dns:
            raise Unknown("the account's name is not known")
        return entry.dn if entry is not None else dns[-1], users[-1] if users else ""

    def _attribute(self, entitlement: Entitlement) -> str:
        """The attribute that a scenario means: the entitlement's right, or the only one of its kind."""
        config, kind = self._config, entitlement.kind
        fits = [name for name, given in config.references.items() if given is kind]
        fits += [f"own-{name}" for name, given in config.own.items() if given is kind]
        if entitlement.right is not None:
            fits = [name for name in fits if name == entitlement.right]
        if len(fits) != 1:
            raise WriteFailed(f"which attribute gives {kind} {entitlement.label!r}? say it as `right`")
        return fits[0]

    def _made(self, spec: ObjectSpec, entry: Any, *, created: bool) -> Made:
        found = self._written.id_of(entry)
        return Made(spec, found, created=created, vars={"id": found, "dn": entry.dn})

    def _open(self, person: Person, entitlement: Entitlement, account: Account, dn: str) -> Grant:
        """A connection as the leaver; its id is the server's own number of it, where it shows one."""
        config, wire = self._config, self._wires[1]
        before = self._written.connections(Asking(Once()), [dn]) if config.connections else []
        held = wire.hold(dn, person.identity.password).value
        locator = f"{account.id}/{next(self._numbers)}"
        if config.connections:
            now = self._written.connections(Asking(Once()), [dn])
            new = [each for each in now if each not in before]
            if len(new) != 1:
                held.close()
                raise Unknown(f"{len(new)} new connections are shown where one was opened")
            locator = new[0]
        self._sessions.keep(locator, account.id, held)
        return Grant(entitlement, locator, vars={"id": locator})


def _means(told: tuple[str, Bound]) -> tuple[Presence, str]:
    dn, bound = told
    return (Presence.PRESENT, f"signs in as {dn}") if bound.works else (Presence.ABSENT, f"refused ({bound.code})")


def build(name: str, config: LdapConfig, tools: Tools, *, timeout_s: float = 30.0, attempts: int = 3) -> Ldap:
    """The system with its own connections; `timeout_s` and `attempts` are the wire's."""
    tools = replace(tools, limits=config.limits.limits())
    how: dict[str, Any] = {"timeout_s": timeout_s, "attempts": attempts, "page_size": config.page_size}
    reader = LdapWire(config.address(), config.reader_auth, tools, **how)
    writer = LdapWire(config.address(), config.writer_auth, tools, gate=reader.gate, **how)
    return Ldap(name, config, reader, writer)


ADAPTER = SystemAdapter("ldap", "any directory that speaks LDAP: OpenLDAP, 389 Directory Server", LdapConfig, build)
