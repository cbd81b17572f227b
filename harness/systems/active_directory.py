"""System `active-directory`: one domain of Active Directory or Samba over LDAP, by objectGUID and objectSid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from harness.adapter import SystemAdapter, SystemConfig
from harness.config import Config
from harness.model import Account, Entitlement, Floor, Grant, Kind, Made, ObjectSpec, Presence, Touches, Used
from harness.ports import Declaration, KindTraits, Person, Tools, WriteFailed
from harness.systems.ad_look import AdLooks, account_vars
from harness.systems.ad_sessions import Sessions
from harness.systems.ad_write import AdWriter
from harness.wire import ad_values
from harness.wire.ad import Domain, dns_name, known
from harness.wire.call import Unknown
from harness.wire.kerberos import Tickets
from harness.wire.ldap import Bound, LdapWire
from harness.wire.ldap_link import Address
from harness.wire.survey import SurveyRound
from harness.wire.using import used
from harness.wire.writing import account_of, written

WITHOUT = {
    Kind.ROLE: "in a domain every role is a group",
    Kind.LICENSE: "a domain sells none",
    Kind.MAILBOX: "mailboxes are Exchange's; who may use them is seen as delegation",
    Kind.FORWARDING: "Exchange forwards, the domain does not",
    Kind.CONSENT: "there is none in a domain",
    Kind.DEVICE: "computers are objects: owning and managing them is ownership, rights on them are share",
}
# AcceptSecurityContext's codes (MS-ERREF) that say: this person may not sign in any more.
REFUSED = {
    "525": "there is no such user (525)",
    "52e": "name and password do not go together (52e)",
    "533": "the account is disabled (533)",
    "701": "the account has expired (701)",
}
DOUBTED = {
    "530": "signing in is not allowed at this hour (530)",
    "531": "signing in is not allowed from here (531)",
    "532": "the password has expired (532): it can be changed",
    "773": "the password must be changed first (773)",
    "775": "the account is locked for a while after wrong passwords (775)",
}
_HELD = KindTraits(uses={"": Touches.NOTHING}, grantable=True, revocable=True)
_TICKET = KindTraits(uses={"": Touches.CHANGES}, grantable=True, revocable=True)
_LISTED = KindTraits(True, grantable=True, revocable=True, creates_objects=True, finds_objects=True)


class KerberosConfig(Config):
    """How a leaver gets a service ticket and signs in with it."""

    config: str | None = Field(default=None, description="a krb5.conf; default the machine's own")
    realm: str | None = Field(default=None, description="default the domain's DNS name in capitals")
    service: str | None = Field(default=None, description="default `ldap/` and the host of `url`")


class AdConfig(SystemConfig):
    type: Literal["active-directory"]
    url: str = Field(description="`ldap://host` or `ldaps://host` of one domain controller")
    starttls: bool = False
    ca: str | None = Field(default=None, description="a file with the certificates to trust")
    people: str = Field(description="the DN of the container that accounts are made in")
    things: str | None = Field(default=None, description="where objects are made; default `people`")
    upn_suffix: str | None = Field(default=None, description="default the domain's DNS name")
    external_id: str = Field(default="employeeNumber", description="the attribute that holds identity.external_id")
    search: bool = Field(default=False, description="ask in each look for other accounts with this external_id")
    sweep: Literal["forest", "domain"] = Field(
        default="forest", description="whose security descriptors are read: every partition's but the schema's, or one"
    )
    kerberos: KerberosConfig | None = None
    page_size: int = Field(default=500, ge=1, le=1000)

    def declared(self) -> Mapping[Kind, KindTraits]:
        every = dict.fromkeys((Kind.GROUP, Kind.DELEGATION, Kind.OWNERSHIP, Kind.SHARE), _LISTED)
        every[Kind.SESSION] = _HELD
        if self.kerberos is not None:
            every[Kind.CREDENTIAL] = _TICKET
        left_out = {*self.without, *self.not_listable}
        return {kind: traits for kind, traits in every.items() if kind not in left_out}

    def able(self) -> frozenset[str]:
        return frozenset({"create", "login", "search"} if self.search else {"create", "login"})


class ActiveDirectory:
    """Implements `ports.System`, `ports.Provisions` and `ports.Exercises`."""

    def __init__(self, name: str, config: AdConfig, reader: Domain, writer: Domain, tickets: Tickets | None) -> None:
        self.name = name
        self._config = config
        self._reader = reader
        self._domains = (reader,) if writer is reader else (reader, writer)
        self._looks = AdLooks(
            name, reader, frozenset(config.declared()), config.sweep == "forest", config.external_id
        )  # fmt: skip
        self._writer = AdWriter(writer, config.people, config.things or config.people)
        self._sessions = Sessions(reader, tickets, self._realm)

    def declaration(self) -> Declaration:
        config = self._config
        kinds = config.declared()
        without = {k: why for k, why in WITHOUT.items() if k not in kinds} | dict(config.without)
        not_listable = dict(config.not_listable)
        if Kind.CREDENTIAL not in kinds and Kind.CREDENTIAL not in without:
            not_listable.setdefault(Kind.CREDENTIAL, "tickets are nowhere listed; with `kerberos` one is tried")
        return Declaration(
            type="active-directory",
            url=config.url,
            reader=config.reader_auth.basic.username if config.reader_auth.basic else "anonymous",
            independent=config.independent,
            owner=config.owner,
            kinds=kinds,
            without={k: why for k, why in without.items() if k not in not_listable},
            not_listable=not_listable,
            login=Touches.CHANGES,  # lastLogon, and with a wrong password badPwdCount
            floor=Floor.DELETED,
            searches=config.search,
            scopes=("read everything below the domain, the permissions too", "list and read Deleted Objects"),
        )

    def round(self) -> SurveyRound:
        return SurveyRound(self._looks, self._looks.search if self._config.search else None)

    def close(self) -> None:
        self._sessions.close()
        for domain in self._domains:
            domain.close()

    def check(self) -> list[str]:
        """One cheap authorised read: the domain's own object, which nobody sees without signing in."""
        try:
            found = self._reader.wire.read(self._reader.base, ("objectGUID",)).value
        except Unknown as error:
            return [f"{self.name}: {error.reason}"]
        return [] if found is not None else [f"{self.name}: the reader does not see the domain"]

    # --- Provisions ---------------------------------------------------------------------------

    def create(self, person: Person) -> Account:
        who = person.identity
        with written():
            suffix = self._config.upn_suffix or dns_name(self._writer.domain.base)
            found = self._writer.create(who, f"{who.username}@{suffix}", {self._config.external_id: who.external_id})
            told = account_vars(found)
        return Account(self.name, told["id"], told)

    def remove(self, person: Person) -> None:
        account = account_of(person)
        with written():
            self._writer.remove(account.id, known(account.vars))

    def grant(self, person: Person, entitlement: Entitlement, made: Made | None) -> Grant:
        account = account_of(person)
        with written():
            if entitlement.kind is Kind.SESSION:
                return self._sessions.open(entitlement, self._who(account), person.identity.password)
            if entitlement.kind is Kind.CREDENTIAL:
                return self._sessions.ticket(entitlement, str(account.vars["username"]), person.identity.password)
            if made is None:
                raise WriteFailed(f"{entitlement.kind} {entitlement.name}: no object of this name was found")
            return self._writer.grant(account.id, known(account.vars), entitlement, made)

    def revoke(self, person: Person, grant: Grant) -> None:
        account = account_of(person)
        if grant.entitlement.kind in (Kind.SESSION, Kind.CREDENTIAL):
            self._sessions.end(grant)
            return
        with written():
            self._writer.revoke(account.id, known(account.vars), grant)

    def find_object(self, spec: ObjectSpec, owner: Person | None) -> Made | None:  # noqa: ARG002
        with written():
            return self._writer.find(spec)

    def create_object(self, spec: ObjectSpec, owner: Person | None) -> Made:
        with written():
            account = owner.account if owner is not None else None
            return self._writer.make(spec, account.id if account is not None else None)

    def remove_object(self, made: Made) -> None:
        if not made.created:
            raise WriteFailed(f"{made.spec.name!r} was found, not made: not removed")
        with written():
            self._writer.remove(made.id, "")

    # --- Exercises ----------------------------------------------------------------------------

    def login(self, person: Person) -> Used:
        """A new simple bind by SID, which no rename changes (MS-ADTS §5.1.1.1.1)."""
        account = account_of(person)
        return used(lambda: self._reader.sign_in(self._who(account), person.identity.password), _bound)

    def use(self, person: Person, grant: Grant, channel: str) -> Used:  # noqa: ARG002
        return self._sessions.use(grant)

    def _who(self, account: Account) -> str:
        return known(account.vars) or str(account.vars.get("dn", ""))

    def _realm(self) -> str:
        given = self._config.kerberos.realm if self._config.kerberos is not None else None
        return given or dns_name(self._reader.base).upper()


def _bound(bound: Bound) -> tuple[Presence, str]:
    if bound.works:
        return Presence.PRESENT, "signed in"
    code = ad_values.refusal(bound.message)
    if code in REFUSED:
        return Presence.ABSENT, REFUSED[code]
    return Presence.UNKNOWN, DOUBTED.get(code, f"refused for a reason that is not known here ({code or bound.code})")


def build(name: str, config: AdConfig, tools: Tools, *, timeout_s: float = 30.0, attempts: int = 3) -> ActiveDirectory:
    """Raises `ImportError` without ldap3, `ValueError` for a credential or an address of another kind."""
    tools = replace(tools, limits=config.limits.limits())
    address = Address.of(config.url, starttls=config.starttls, ca=config.ca)
    how: dict[str, Any] = {"timeout_s": timeout_s, "attempts": attempts, "page_size": config.page_size}
    first = LdapWire(address, config.reader_auth, tools, **how)
    reader = writer = Domain(first)
    if config.independent:
        writer = Domain(LdapWire(address, config.writer_auth, tools, gate=first.gate, **how))
    tickets = None
    if config.kerberos is not None:
        service = config.kerberos.service or f"ldap/{address.host}"
        tickets = Tickets(
            config.url, service, tools, config=config.kerberos.config, timeout_s=timeout_s, gate=first.gate
        )  # fmt: skip
    return ActiveDirectory(name, config, reader, writer, tickets)


ADAPTER = SystemAdapter("active-directory", "one domain of Active Directory or Samba", AdConfig, build)
