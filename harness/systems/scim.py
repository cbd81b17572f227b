"""System `scim`: any SCIM 2.0 service provider (RFC 7643, RFC 7644), read by immutable id and from both sides."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from harness.adapter import SystemAdapter, SystemConfig
from harness.model import (
    Account,
    Entitlement,
    Floor,
    Grant,
    Kind,
    Made,
    ObjectSpec,
)
from harness.ports import Declaration, KindTraits, Person, Tools, WriteFailed
from harness.wire import scim
from harness.wire.auth import Auth
from harness.wire.call import Unknown
from harness.wire.context import context
from harness.wire.http import HttpWire
from harness.wire.scim_attributes import overlaid
from harness.wire.scim_client import Client
from harness.wire.scim_look import ScimRound
from harness.wire.scim_naming import ATTRIBUTES, Looks, Naming
from harness.wire.scim_write import Writer
from harness.wire.template import JsonField
from harness.wire.writing import account_of, written

_NO_PLACE = "SCIM has no place for it (RFC 7643)"


class ScimConfig(SystemConfig):
    type: Literal["scim"]
    url: str
    attributes: dict[str, JsonField | None] = Field(
        default_factory=dict, description="attributes of a new User, as templates; null leaves a default one out"
    )
    find: list[Literal["userName", "externalId"]] = Field(default=["userName", "externalId"], min_length=1)
    search: bool = Field(default=False, description="ask in each look for other accounts with this externalId")
    groups: Literal["both", "user", "group"] = Field(default="both", description="the sides that groups are read from")
    member_filter: Literal["members.value", "members"] = "members.value"
    create_missing: bool = False
    writes: Literal["patch", "put"] = "patch"
    remove: Literal["delete", "deactivate"] = "delete"
    floor: Literal["deleted", "soft-deleted", "disabled"] | None = None
    page_size: int = Field(default=100, ge=1, le=1000)

    def declared(self) -> Mapping[Kind, KindTraits]:
        made = self.create_missing
        plain = KindTraits(True, grantable=True, revocable=True)
        objects = replace(plain, finds_objects=True, creates_objects=made, creates_missing=made)
        left_out = {*self.without, *self.not_listable}
        return {
            kind: objects if kind is Kind.GROUP else plain for kind in (Kind.GROUP, *ATTRIBUTES) if kind not in left_out
        }

    def able(self) -> frozenset[str]:
        return frozenset({"create", "search"} if self.search else {"create"})


class Scim:
    """Implements `ports.System` and `ports.Provisions`."""

    def __init__(
        self, name: str, config: ScimConfig, reader: Client, writer: Client, close: Iterable[Callable[[], None]] = ()
    ) -> None:
        self.name = name
        self._close = tuple(close)
        self._config = config
        self._looks = Looks(
            system=name,
            client=reader,
            naming=self._naming,
            kinds=tuple(config.declared()),
            sides=config.groups,
            member_filter=config.member_filter,
            find=tuple(config.find),
            search=config.search,
        )
        self._writer = Writer(writer, put=config.writes == "put")

    def declaration(self) -> Declaration:
        config = self._config
        kinds = config.declared()
        without = {kind: _NO_PLACE for kind in Kind if kind not in kinds and kind not in config.not_listable} | dict(
            config.without
        )
        without.pop(Kind.ACCOUNT, None)
        floor = config.floor or ("deleted" if config.remove == "delete" else "disabled")
        return Declaration(
            type="scim",
            url=config.url,
            reader=_who(config.reader_auth),
            independent=config.independent,
            owner=config.owner,
            kinds=kinds,
            without=without,
            not_listable=dict(config.not_listable),
            floor=Floor(floor),
            searches=config.search,
        )

    def round(self) -> ScimRound:
        return ScimRound(self._looks)

    def close(self) -> None:
        """Closes every pooled connection."""
        for close in self._close:
            close()

    def check(self) -> list[str]:
        """One cheap authorised read: `count=0` (RFC 7644 §3.4.2.4)."""
        try:
            self._looks.client.count("/Users")
        except Unknown as error:
            return [f"{self.name}: {error.reason}"]
        return []

    # --- Provisions ---------------------------------------------------------------------------

    def create(self, person: Person) -> Account:
        with written():
            data = self._writer.create("Users", self._resource(person))
        return Account(self.name, data["id"], _vars(data))

    def remove(self, person: Person) -> None:
        """Only what still matches one of the identity's own identifiers is removed. A deleted user is also taken out of
        the groups that still list it: a service need not do that by itself."""
        account = account_of(person)
        with written():
            data = self._writer.client.user(account.id).data
            if data is not None and self._looks.mistaken(account.id, data, self._naming(person)):
                raise WriteFailed("the id belongs to another identity now: not removed")
            if self._config.remove == "deactivate":
                if data is not None:
                    self._writer.set("Users", account.id, "active", False)
                return
            if data is not None:
                self._writer.delete("Users", account.id)
            if self._config.groups != "user" and Kind.GROUP in self._config.declared():
                self._writer.leave_all(account.id, self._config.member_filter)

    def grant(self, person: Person, entitlement: Entitlement, made: Made | None) -> Grant:
        account = account_of(person)
        name = entitlement.name
        with written():
            if entitlement.kind is Kind.GROUP:
                group = made.id if made is not None else self._group(name, person)
                self._writer.add("Groups", group, "members", account.id)
                return Grant(entitlement, group, object_id=group, vars={"id": group})
            attribute = ATTRIBUTES.get(entitlement.kind)
            if attribute is None:
                raise WriteFailed(f"{_NO_PLACE}: {entitlement.kind}")
            self._writer.add("Users", account.id, attribute, name)
            return Grant(entitlement, name, vars={"id": name})

    def revoke(self, person: Person, grant: Grant) -> None:
        account = account_of(person)
        kind = grant.entitlement.kind
        with written():
            if kind is Kind.GROUP:
                group = grant.id or self._group(grant.entitlement.name, None)
                self._writer.discard("Groups", group, "members", account.id)
                if self._config.create_missing:
                    self._writer.delete_if_empty(group, _mark(person))
            elif kind in ATTRIBUTES:
                self._writer.discard("Users", account.id, ATTRIBUTES[kind], grant.id or grant.entitlement.name)
            else:
                raise WriteFailed(f"{_NO_PLACE}: {kind}")

    def find_object(self, spec: ObjectSpec, owner: Person | None) -> Made | None:  # noqa: ARG002
        with written():
            found = self._writer.group(_only_group(spec))
        return None if found is None else Made(spec, found, created=False, vars={"id": found})

    def create_object(self, spec: ObjectSpec, owner: Person | None) -> Made:
        if not self._config.create_missing:
            raise WriteFailed(f"the group {spec.name!r} is not there, and `create_missing` is not set")
        with written():
            group, created = self._writer.group_or_new(_only_group(spec), None if owner is None else _mark(owner))
        return Made(spec, group, created=created, vars={"id": group})

    def remove_object(self, made: Made) -> None:
        if not made.created:
            raise WriteFailed(f"the group {made.spec.name!r} was found, not made: not removed")
        with written():
            self._writer.delete("Groups", made.id)

    def _group(self, name: str, person: Person | None) -> str:
        if self._config.create_missing and person is not None:
            return self._writer.group_or_new(name, _mark(person))[0]
        found = self._writer.group(name)
        if found is None:
            raise WriteFailed(f"there is no group {name!r}, and `create_missing` is not set")
        return found

    # --- names --------------------------------------------------------------------------------

    def _resource(self, person: Person) -> dict[str, Any]:
        """A new User: the defaults, then what `attributes` says."""
        who = person.identity
        body: dict[str, Any] = {
            "schemas": [scim.USER],
            "userName": who.username,
            "externalId": who.external_id,
            "name": {"givenName": who.given_name, "familyName": who.family_name},
            "displayName": f"{who.given_name} {who.family_name}",
            "emails": [{"value": who.email, "type": "work", "primary": True}],
            "active": True,
        }
        return overlaid(body, self._config.attributes, lambda: context(person))

    def _naming(self, person: Person) -> Naming:
        """What this identity is called here: what `find` asks for, and what a record may match."""
        who = person.identity
        own: dict[str, Any] = {"userName": who.username, "externalId": who.external_id}
        if own.keys() & self._config.attributes.keys():
            body = self._resource(person)
            own = {key: body.get(key) for key in own}
        known = [*person.identifiers.values(), *who.was.values(), who.email, *own.values()]
        for account in (person.account, *person.former):
            known += [account.vars.get(key) for key in own] if account is not None else []
        return Naming(
            {key: value for key, value in own.items() if isinstance(value, str) and value},
            frozenset(value for value in known if isinstance(value, str) and value),
        )


def _only_group(spec: ObjectSpec) -> str:
    if spec.kind is not Kind.GROUP:
        raise WriteFailed(f"SCIM has groups as objects, no {spec.kind}")
    return spec.name


def _mark(person: Person) -> str:
    """What this run stamps on the groups that it makes, so that only those are removed again."""
    return f"exitproof-{person.run_id}"


def _vars(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: data[key] for key in ("id", "userName", "externalId") if isinstance(data.get(key), str)}


def _who(auth: Auth) -> str:
    if auth.basic is not None:
        return f"basic: {auth.basic.username}"
    if auth.oauth2 is not None:
        return f"oauth2: {auth.oauth2.client_id}"
    return auth.kind


def build(
    name: str,
    config: ScimConfig,
    tools: Tools,
    *,
    timeout_s: float = 30.0,
    patience_s: float = 60.0,
    attempts: int = 4,
) -> Scim:
    """The system with its own connections; `timeout_s`, `patience_s`, `attempts` are the wire's."""
    tools = replace(tools, limits=config.limits.limits())
    how: dict[str, Any] = {"timeout_s": timeout_s, "patience_s": patience_s, "attempts": attempts}
    reader = writer = HttpWire(config.url, config.reader_auth, tools, **how)
    if config.independent:
        writer = HttpWire(config.url, config.writer_auth, tools, gate=reader.gate, **how)
    size = config.page_size
    return Scim(name, config, Client(reader.send, size), Client(writer.send, size), (reader.close, writer.close))


ADAPTER = SystemAdapter("scim", "any SCIM 2.0 service provider", ScimConfig, build)
