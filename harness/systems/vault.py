"""System `vault`: OpenBao and HashiCorp Vault, from the entity and its groups to every token and secret-id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Literal

from pydantic import Field

from harness.adapter import SystemAdapter, SystemConfig
from harness.config import Config
from harness.model import Account, Entitlement, Grant, Kind, Made, ObjectSpec, Touches, Used
from harness.ports import Declaration, KindTraits, Person, Tools, WriteFailed
from harness.wire.http import HttpWire
from harness.wire.survey import SurveyRound
from harness.wire.vault_api import VaultApi
from harness.wire.vault_look import VaultSurvey
from harness.wire.vault_sweep import VaultSweep
from harness.wire.vault_use import VaultLeaver
from harness.wire.vault_write import VaultWriter
from harness.wire.writing import account_of, written

_NONE = "a secrets server has none"
_WITHOUT = (
    *(Kind.LICENSE, Kind.MAILBOX, Kind.DELEGATION, Kind.FORWARDING),
    *(Kind.CONSENT, Kind.OWNERSHIP, Kind.DEVICE),
)
_LEASES = "a lease does not tell whom it was given to; name some in `leases`"
_TOKENS = ("login", "child", "orphan")
_SCOPES = (
    "read sys/auth, sys/locked-users, auth/token/lookup-self",
    "list and read identity/entity, identity/entity-alias, identity/group",
    "list and read auth/+/users, list auth/+/role and auth/+/role/+/secret-id",
    "update auth/+/role/+/secret-id-accessor/lookup, auth/token/lookup-accessor",
    "list and sudo auth/token/accessors",
)


class LeaseConfig(Config):
    """A secret that the server makes on demand: a database login, a certificate, a one-time password."""

    path: str = Field(description="below `/v1`; its leases are listed under the same path")
    body: dict[str, Any] | None = Field(default=None, description="what is posted; without it the path is read")


class VaultConfig(SystemConfig):
    type: Literal["vault"]
    url: str = Field(description="with `/v1`")
    namespace: str | None = Field(default=None, description="sent as `X-Vault-Namespace`")
    userpass: str = Field(default="userpass", description="where logins are made, and signed in to")
    approle: str = Field(default="approle", description="whose roles secret-ids are made of")
    mounts: list[str] | None = Field(
        default=None, min_length=1, description="the auth methods that are looked at; default all that `sys/auth` shows"
    )
    policies: list[str] = Field(default_factory=list, description="the `token_policies` of a new login")
    create_missing: bool = False
    group_policies: list[str] = Field(default_factory=list, description="of a group that `create_missing` makes")

    leases: dict[str, LeaseConfig] = Field(default_factory=dict, description="what a `share` of this name is")

    def declared(self) -> Mapping[Kind, KindTraits]:
        made = self.create_missing
        plain = KindTraits(True, grantable=True, revocable=True)
        found = {
            Kind.GROUP: replace(plain, finds_objects=True, creates_objects=made, creates_missing=made),
            Kind.ROLE: plain,
            Kind.SESSION: replace(plain, uses={"": Touches.NOTHING}),
            Kind.CREDENTIAL: replace(plain, uses={"": Touches.CHANGES}),  # an AppRole login makes a token
        }
        if self.leases:
            found[Kind.SHARE] = plain
        left_out = {*self.without, *self.not_listable}
        return {kind: traits for kind, traits in found.items() if kind not in left_out}

    def able(self) -> frozenset[str]:
        return frozenset({"create", "login"})


class Vault:
    """Implements `System`, `Provisions` and `Exercises`."""

    def __init__(self, name: str, config: VaultConfig, reader: HttpWire, writer: HttpWire, tools: Tools) -> None:
        self.name = name
        self._config = config
        self._close = (reader.close, writer.close)
        self._userpass, self._approle = config.userpass.strip("/"), config.approle.strip("/")
        api = VaultApi(reader.send, config.namespace)
        self._sweep = VaultSweep(api, config.mounts)
        paths = tuple(lease.path.strip("/") for lease in config.leases.values())
        self._survey = VaultSurvey(name, self._sweep, config.declared(), paths)
        self._leaver = VaultLeaver(reader.send, api, partial(self._sweep.locked, self._userpass), tools)
        self._writer = VaultWriter(
            writer.send, VaultApi(writer.send, config.namespace), self._userpass, self._approle, tools.vault.learn
        )

    def declaration(self) -> Declaration:
        config = self._config
        kinds = config.declared()
        blind = {} if Kind.SHARE in {*kinds, *config.without} else {Kind.SHARE: _LEASES}
        return Declaration(
            type="vault",
            url=config.url,
            reader=config.reader_auth.kind,
            independent=config.independent,
            owner=config.owner,
            kinds=kinds,
            without={kind: _NONE for kind in _WITHOUT if kind not in config.not_listable} | dict(config.without),
            not_listable=blind | dict(config.not_listable),
            login=Touches.CHANGES,  # it makes a token, and an entity where there is none
            scopes=_SCOPES,
        )

    def round(self) -> SurveyRound:
        return SurveyRound(self._survey)

    def close(self) -> None:
        """Closes every pooled connection."""
        for close in self._close:
            close()

    def check(self) -> list[str]:
        """One cheap read that only a reader with its policy may do."""
        return self._survey.check()

    # --- Provisions ---------------------------------------------------------------------------

    def create(self, person: Person) -> Account:
        with written():
            made = self._writer.create(person, self._config.policies)
        return Account(self.name, made, {"id": made})

    def remove(self, person: Person) -> None:
        """The entity only while it carries one of the identity's names, and all that is listed as its own."""
        account_of(person)
        with written():
            self._writer.remove(person.identity.username, self._survey.removable(person))

    def grant(self, person: Person, entitlement: Entitlement, made: Made | None) -> Grant:
        account, name = account_of(person), entitlement.name
        with written():
            match entitlement.kind:
                case Kind.GROUP:
                    group = made.id if made is not None else self._group(name, person)
                    self._writer.member(group, account.id, there=True)
                    return Grant(entitlement, group, object_id=group, vars={"id": group})
                case Kind.ROLE:
                    self._writer.policy(account.id, name, there=True)
                    return Grant(entitlement, name, vars={"id": name})
                case Kind.SESSION:
                    return self._token(person, entitlement)
                case Kind.CREDENTIAL:
                    held = dict(self._writer.secret_id(person, name))
                    return Grant(entitlement, held["id"], secret=held.pop("secret"), vars=held)
                case Kind.SHARE if name in self._config.leases:
                    wanted = self._config.leases[name]
                    held = dict(self._writer.lease(person, wanted.path.strip("/"), wanted.body))
                    return Grant(entitlement, held["id"], vars=held)
        raise WriteFailed(f"there is no {entitlement.kind} {name!r} to give here")

    def revoke(self, person: Person, grant: Grant) -> None:
        account, name = account_of(person), grant.entitlement.name
        with written():
            match grant.entitlement.kind:
                case Kind.GROUP:
                    self._writer.member(grant.id or self._group(name, None), account.id, there=False)
                case Kind.ROLE:
                    self._writer.policy(account.id, grant.id or name, there=False)
                case Kind.SESSION:
                    for accessor in (grant.id, grant.vars.get("parent")):  # and the login that it was made with
                        if accessor:
                            self._writer.end_token(accessor)
                case Kind.CREDENTIAL:
                    self._writer.destroy_secret_id(f"{self._approle}/{name}", _known(grant))
                case Kind.SHARE:
                    self._writer.end_lease(_known(grant))
                    self._writer.end_token(str(grant.vars["parent"]))
                case other:
                    raise WriteFailed(f"{_NONE}: {other}")

    def find_object(self, spec: ObjectSpec, owner: Person | None) -> Made | None:  # noqa: ARG002
        with written():
            found = self._writer.group(_only_group(spec))
        return None if found is None else Made(spec, found, created=False, vars={"id": found})

    def create_object(self, spec: ObjectSpec, owner: Person | None) -> Made:
        if not self._config.create_missing:
            raise WriteFailed(f"the group {spec.name!r} is not there, and `create_missing` is not set")
        with written():
            mark = "exitproof" if owner is None else f"exitproof-{owner.run_id}"
            made = self._writer.make_group(_only_group(spec), self._config.group_policies, mark)
        return Made(spec, made, created=True, vars={"id": made})

    def remove_object(self, made: Made) -> None:
        if not made.created:
            raise WriteFailed(f"the group {made.spec.name!r} was found, not made: not removed")
        with written():
            self._writer.remove_group(made.id)

    def _group(self, name: str, person: Person | None) -> str:
        spec = ObjectSpec(name, self.name, Kind.GROUP)
        found = self.find_object(spec, person)
        return (found or self.create_object(spec, person)).id

    def _token(self, person: Person, entitlement: Entitlement) -> Grant:
        """`login`: what signing in gives; `child` and `orphan`: what is made with that, below it or without parent."""
        name = entitlement.name
        if name not in _TOKENS:
            raise WriteFailed(f"a token is one of {', '.join(_TOKENS)}, not {name!r}")
        login = self._writer.sign_in(person)
        if name == "login":
            return Grant(entitlement, login["id"], secret=login["secret"], vars={"id": login["id"]})
        made = self._writer.token(login, name, orphan=name == "orphan")
        vars_ = {"id": made["id"]}
        if name == "orphan":
            self._writer.sign_out(login)
        else:
            vars_["parent"] = login["id"]  # a child ends with its parent, so that one must stay
        return Grant(entitlement, made["id"], secret=made["secret"], vars=vars_)

    # --- Exercises ----------------------------------------------------------------------------

    def use(self, person: Person, grant: Grant, channel: str) -> Used:  # noqa: ARG002  there is one channel each
        if grant.entitlement.kind is Kind.SESSION:
            return self._leaver.token(grant)
        if grant.entitlement.kind is Kind.CREDENTIAL:
            return self._leaver.secret_id(grant, self._approle)
        return self._leaver.unasked(f"{grant.entitlement.kind} has no use to try")

    def login(self, person: Person) -> Used:
        return self._leaver.login(person, self._userpass)


def _known(grant: Grant) -> str:
    if grant.id is None:
        raise WriteFailed("which one was made is not known")
    return grant.id


def _only_group(spec: ObjectSpec) -> str:
    if spec.kind is not Kind.GROUP:
        raise WriteFailed(f"a secrets server has groups as objects, no {spec.kind}")
    return spec.name


def build(
    name: str,
    config: VaultConfig,
    tools: Tools,
    *,
    timeout_s: float = 30.0,
    patience_s: float = 60.0,
    attempts: int = 4,
) -> Vault:
    """The system with its own connections; `timeout_s`, `patience_s`, `attempts` are the wire's."""
    tools = replace(tools, limits=config.limits.limits())
    how: dict[str, Any] = {"timeout_s": timeout_s, "patience_s": patience_s, "attempts": attempts}
    reader = writer = HttpWire(config.url, config.reader_auth, tools, **how)
    if config.independent:
        writer = HttpWire(config.url, config.writer_auth, tools, gate=reader.gate, **how)
    return Vault(name, config, reader, writer, tools)


ADAPTER = SystemAdapter("vault", "OpenBao and HashiCorp Vault, by their HTTP API", VaultConfig, build)
