"""System `postgresql`: the roles of a PostgreSQL server, by oid, with all that they hold in all of its databases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from pydantic import Field, field_validator, model_validator

from harness.adapter import SystemAdapter, SystemConfig
from harness.model import Account, Entitlement, Grant, Kind, Made, ObjectSpec, Presence, Touches, Used
from harness.ports import Declaration, KindTraits, Person, Tools
from harness.systems import postgresql_catalog as catalog
from harness.systems.postgresql_look import People, PostgresqlSurvey, oid_of
from harness.systems.postgresql_names import role_name
from harness.systems.postgresql_write import RE_ENABLE, Writer
from harness.wire.auth import Basic
from harness.wire.call import Unknown
from harness.wire.dialogue import Told
from harness.wire.sql import Place, Sql, Statement
from harness.wire.survey import SurveyRound
from harness.wire.template import Template, TemplateField, template
from harness.wire.writing import written

_PLAIN = KindTraits(True, grantable=True, revocable=True)
# A sign-in opens a session that looks can see, and some servers count failures.
_KINDS: Mapping[Kind, KindTraits] = {
    Kind.GROUP: replace(_PLAIN, finds_objects=True, creates_objects=True),
    Kind.ROLE: _PLAIN,
    Kind.DELEGATION: _PLAIN,
    Kind.SHARE: _PLAIN,
    Kind.OWNERSHIP: _PLAIN,
    Kind.CREDENTIAL: replace(_PLAIN, uses={"": Touches.CHANGES}),
    Kind.SESSION: replace(_PLAIN, uses={"": Touches.NOTHING}),
}
_MAY_NOT = {"42501": "permission denied", "22004": "the role was dropped"}
_NONE = "a database server has none"
_SCOPES = ("LOGIN", "CONNECT on every database", "pg_read_all_stats")


def _username() -> Template:
    return template("{{ identity.username }}")


class PostgresqlConfig(SystemConfig):
    type: Literal["postgresql"]
    url: str = Field(description="postgresql://HOST:PORT/DATABASE: where looks begin and leavers sign in")
    username: TemplateField = Field(default_factory=_username, description="what an identity's role is called")
    search: bool = Field(default=False, description="ask in each look for other roles with this identity's mark")
    sslmode: Literal["disable", "prefer", "require", "verify-ca", "verify-full"] = "prefer"
    sslrootcert: str | None = Field(default=None, description="the file that a server's certificate is checked with")

    @field_validator("url")
    @classmethod
    def _url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("postgresql", "postgres") or not parts.hostname or not parts.path.strip("/"):
            raise ValueError("not of the form postgresql://HOST:PORT/DATABASE")
        if parts.username or parts.password or parts.query:
            raise ValueError("names and passwords belong to `reader` and `writer`, options to keys of their own")
        return value

    @model_validator(mode="after")
    def _roles(self) -> PostgresqlConfig:
        if self.reader_auth.basic is None or self.writer_auth.basic is None:
            raise ValueError("PostgreSQL knows roles with passwords: give `basic: {username, password}`")
        return self

    def declared(self) -> Mapping[Kind, KindTraits]:
        left_out = {*self.without, *self.not_listable}
        return {kind: traits for kind, traits in _KINDS.items() if kind not in left_out}

    def able(self) -> frozenset[str]:
        return frozenset({"create", "login", *(["search"] if self.search else [])})


class Postgresql:
    """Implements `ports.System`, `ports.Provisions` and `ports.Exercises`."""

    def __init__(self, name: str, config: PostgresqlConfig, reader: Sql, writer: Sql, tools: Tools) -> None:
        self.name = name
        self._config = config
        self._reader = reader
        self._survey = PostgresqlSurvey(name, reader, config.username, frozenset(config.declared()), People())
        self._writer = Writer(name, writer, tools, config.username)

    def declaration(self) -> Declaration:
        config = self._config
        kinds = config.declared()
        rest = {kind: _NONE for kind in Kind if kind not in kinds and kind not in config.not_listable}
        rest.pop(Kind.ACCOUNT)
        return Declaration(
            type="postgresql",
            url=config.url,
            reader=f"role {_who(config.reader_auth.basic).username}",
            independent=config.independent,
            owner=config.owner,
            kinds=kinds,
            without=rest | dict(config.without),
            not_listable=dict(config.not_listable),
            login=Touches.CHANGES,
            searches=config.search,
            scopes=_SCOPES,
        )

    def round(self) -> SurveyRound:
        return SurveyRound(self._survey, self._survey.strangers if self._config.search else None)

    def close(self) -> None:
        """Ends every connection, the leavers' open sessions too."""
        self._reader.close()
        self._writer.sql.close()
        for held in self._writer.held.values():
            held.connection.close()

    def check(self) -> list[str]:
        """Whether the reader gets in and may look everywhere; never what is there."""
        try:
            databases = self._reader.ask(catalog.DATABASES).value
            hidden = any(row["since"] is None for row in self._reader.ask(catalog.SESSIONS).value)
        except Unknown as error:
            return [f"{self.name}: {error.reason}"]
        closed = sorted(each["name"] for each in databases if each["open"] and not each["readable"])
        found = [f"{self.name}: the reader may not connect to {', '.join(closed)}"] if closed else []
        return found + ([f"{self.name}: sessions of others are hidden: grant pg_read_all_stats"] if hidden else [])

    # --- Provisions ---------------------------------------------------------------------------

    def create(self, person: Person) -> Account:
        with written():
            return self._writer.create(person)

    def remove(self, person: Person) -> None:
        with written():
            self._writer.remove(person)

    def grant(self, person: Person, entitlement: Entitlement, made: Made | None) -> Grant:
        with written():
            return self._writer.grant(person, entitlement, made)

    def revoke(self, person: Person, grant: Grant) -> None:
        with written():
            self._writer.revoke(person, grant)

    def find_object(self, spec: ObjectSpec, owner: Person | None) -> Made | None:  # noqa: ARG002
        with written():
            return self._writer.find_object(spec)

    def create_object(self, spec: ObjectSpec, owner: Person | None) -> Made:
        with written():
            return self._writer.create_object(spec, owner.run_id if owner is not None else "")

    def remove_object(self, made: Made) -> None:
        with written():
            self._writer.remove_object(made)

    # --- Exercises ----------------------------------------------------------------------------

    def login(self, person: Person) -> Used:
        who = self._writer.who(person, role_name(self._config.username, person))
        return used(lambda: self._writer.sql.login(who, self._writer.sql.main))

    def use(self, person: Person, grant: Grant, channel: str) -> Used:  # noqa: ARG002  there is one
        if grant.entitlement.kind is Kind.CREDENTIAL:
            if grant.secret is None:
                return Used(Presence.UNKNOWN, "the harness does not hold this password")
            who = Basic(username=str(grant.vars["login"]), password=grant.secret)
            return used(lambda: self._writer.sql.login(who, self._writer.sql.main))
        held = self._writer.held.get(grant.id or "")
        if held is None:
            return Used(Presence.UNKNOWN, "the harness does not hold this session")
        if grant.entitlement.right == RE_ENABLE:
            # Rolled back: it shows that the session could let the leaver in again, and does not.
            return used(lambda: self._writer.sql.on(held, catalog.re_enabled(oid_of(person)), _MAY_NOT, undo=True))
        return used(lambda: self._writer.sql.on(held, Statement("SELECT 1"), {}, undo=False))


def used(ask: Any) -> Used:
    """An empty answer: it works. Words: why it was refused for certain. Everything else is unknown."""
    told = _told(ask)
    if isinstance(told, Unknown):
        return Used(Presence.UNKNOWN, told.reason, told.sent, told.answered, told.evidence)
    if told.value:
        return Used(Presence.ABSENT, f"refused: {told.value}", told.sent, told.answered, told.evidence)
    return Used(Presence.PRESENT, "works", told.sent, told.answered, told.evidence)


def _told(ask: Any) -> Told[str] | Unknown:
    try:
        told: Told[str] = ask()
    except Unknown as unknown:
        return unknown
    return told


def _who(basic: Basic | None) -> Basic:
    if basic is None:
        raise ValueError("PostgreSQL knows roles with passwords: give `basic: {username, password}`")
    return basic


def build(
    name: str, config: PostgresqlConfig, tools: Tools, *, timeout_s: float = 30.0, attempts: int = 3
) -> Postgresql:
    """The system with its own connections; `timeout_s` and `attempts` are the wire's."""
    tools = replace(tools, limits=config.limits.limits())
    parts = urlsplit(config.url)
    place = Place(parts.hostname or "", parts.port or 5432, config.sslmode, config.sslrootcert)
    main = unquote(parts.path.strip("/"))
    how: dict[str, Any] = {"attempts": attempts, "timeout_s": timeout_s}
    reader = Sql(tools, place, _who(config.reader_auth.basic), main, read_only=True, **how)
    writer = Sql(tools, place, _who(config.writer_auth.basic), main, read_only=False, gate=reader.gate, **how)
    return Postgresql(name, config, reader, writer, tools)


_SUMMARY = "the roles of a PostgreSQL server, over all of its databases"
ADAPTER = SystemAdapter("postgresql", _SUMMARY, PostgresqlConfig, build)
