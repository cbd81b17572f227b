"""System `matrix`: a Synapse homeserver, read through its admin API; no account is ever deleted there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from harness.adapter import SystemAdapter, SystemConfig
from harness.config import DurationField
from harness.model import SECOND, Account, Entitlement, Floor, Grant, Kind, Made, ObjectSpec, Presence, Touches, Used
from harness.ports import Declaration, KindTraits, Person, Tools, WriteFailed
from harness.systems.matrix_look import ADMIN, Looks
from harness.systems.matrix_write import Writer
from harness.wire.call import Unknown
from harness.wire.http import HttpWire
from harness.wire.survey import SurveyRound
from harness.wire.synapse import Api
from harness.wire.synapse_answers import tried
from harness.wire.writing import account_of, written

DAY = 86_400 * SECOND
WITHOUT = {
    Kind.LICENSE: "Matrix has none",
    Kind.MAILBOX: "Matrix has none",
    Kind.DELEGATION: "Matrix has none",
    Kind.DEVICE: "a Matrix device is a session: see `session`",
}
UNLISTED = "Synapse lists login-as tokens nowhere: only its use tells"
_PLAIN = KindTraits(listed=True, grantable=True, revocable=True)


class MatrixConfig(SystemConfig):
    type: Literal["matrix"]
    url: str
    server_name: str = Field(description="what stands after the colon in its user ids")
    rooms: Literal["own", "all"] = Field(
        default="own", description="where power is looked for: rooms the user ever had to do with, or every room"
    )
    create_missing: bool = False
    room_version: str | None = Field(default=None, description="of rooms that the harness makes")
    tokens_last: DurationField = Field(default=40 * DAY, description="after which a login-as token ends by itself")
    page_size: int = Field(default=100, ge=1, le=1000)

    def declared(self) -> Mapping[Kind, KindTraits]:
        made = self.create_missing
        room = replace(_PLAIN, finds_objects=True, creates_objects=made, creates_missing=made)
        every = {
            Kind.GROUP: room,
            Kind.ROLE: room,
            Kind.OWNERSHIP: room,
            Kind.CREDENTIAL: replace(_PLAIN, listed=False, uses={"": Touches.NOTHING}),
            Kind.SESSION: replace(_PLAIN, uses={"": Touches.NOTHING}),
            Kind.CONSENT: _PLAIN,
            Kind.FORWARDING: _PLAIN,
            Kind.SHARE: _PLAIN,
        }
        left_out = {*self.without, *self.not_listable}
        return {kind: traits for kind, traits in every.items() if kind not in left_out}

    def able(self) -> frozenset[str]:
        return frozenset({"create", "login"})


class Matrix:
    """Implements `ports.System`, `ports.Provisions` and `ports.Exercises`."""

    def __init__(
        self,
        name: str,
        config: MatrixConfig,
        reader: Api,
        writer: Api,
        tools: Tools,
        close: Iterable[Callable[[], None]] = (),
    ) -> None:
        self.name = name
        self._config = config
        self._reader = reader
        self._tools = tools
        self._close = tuple(close)
        kinds = frozenset(config.declared())
        self._looks = Looks(name, reader, config.server_name, kinds, config.rooms == "all")
        self._writer = Writer(
            writer, config.server_name, config.create_missing, config.room_version, config.tokens_last
        )

    def declaration(self) -> Declaration:
        config = self._config
        kinds = config.declared()
        unlisted = {Kind.CREDENTIAL: UNLISTED} if Kind.CREDENTIAL in kinds else {}
        return Declaration(
            type="matrix",
            url=config.url,
            reader=config.reader_auth.kind,
            independent=config.independent,
            owner=config.owner,
            kinds=kinds,
            without={**WITHOUT, **config.without},
            not_listable={**unlisted, **config.not_listable},
            login=Touches.CHANGES,
            floor=Floor.DISABLED,
            scopes=("server admin (Synapse has no admin that may only read)",),
        )

    def round(self) -> SurveyRound:
        return SurveyRound(self._looks)

    def close(self) -> None:
        """Closes every pooled connection."""
        for close in self._close:
            close()

    def check(self) -> list[str]:
        """Who the reader is, and one page of what only a server admin may read."""
        try:
            who = self._reader.whoami().value
            self._reader.user(who)
        except Unknown as error:
            return [f"{self.name}: {error.reason}"]
        if who.partition(":")[2] != self._config.server_name:
            return [f"{self.name}: `server_name` is {self._config.server_name!r}, but the reader is {who}"]
        return []

    # --- Provisions ---------------------------------------------------------------------------

    def create(self, person: Person) -> Account:
        user = self._looks.user_id(person)
        with written():
            return Account(self.name, user, self._writer.create(user, person))

    def remove(self, person: Person) -> None:
        """Deactivated and erased: the floor of this system."""
        account = account_of(person)
        with written():
            data = self._reader.user(account.id).value
            if data is None:
                return
            if account.vars.get("created", data.get("creation_ts")) != data.get("creation_ts"):
                raise WriteFailed("the id belongs to another account now: not removed")
            self._writer.remove(account.id)

    def grant(self, person: Person, entitlement: Entitlement, made: Made | None) -> Grant:
        with written():
            return self._writer.give(person, entitlement, made.id if made is not None else None)

    def revoke(self, person: Person, grant: Grant) -> None:
        with written():
            self._writer.take(person, grant)

    def find_object(self, spec: ObjectSpec, owner: Person | None) -> Made | None:  # noqa: ARG002
        if spec.name == ADMIN and spec.kind is Kind.ROLE:
            return Made(spec, ADMIN, created=False)  # no room: the flag of the account
        with written():
            found = self._writer.find_room(spec.name)
        return None if found is None else Made(spec, found, created=False)

    def create_object(self, spec: ObjectSpec, owner: Person | None) -> Made:  # noqa: ARG002
        if not self._config.create_missing:
            raise WriteFailed(f"the room {spec.name!r} is not there, and `create_missing` is not set")
        with written():
            return Made(spec, self._writer.make_room(spec.name), created=True)

    def remove_object(self, made: Made) -> None:
        if not made.created:
            raise WriteFailed(f"the room {made.spec.name!r} was found, not made: not removed")
        with written():
            self._writer.remove_room(made.id)

    # --- Exercises ------------------------------------------------------------------------------

    def use(self, person: Person, grant: Grant, channel: str) -> Used:  # noqa: ARG002  there is one
        """Asks Synapse whose token it is, with the token: of a session, or of an admin who acts as the user."""
        account, token = account_of(person), grant.secret
        if token is None:
            return Used(Presence.UNKNOWN, "the token is not known")
        return tried(self._tools, lambda: self._reader.own(account.id, token))

    def login(self, person: Person) -> Used:
        """A sign-in with the password; the session that it makes is signed out at once."""
        account = account_of(person)
        return tried(self._tools, lambda: self._reader.login(account.id, person.identity.password))


def build(
    name: str,
    config: MatrixConfig,
    tools: Tools,
    *,
    timeout_s: float = 30.0,
    patience_s: float = 60.0,
    attempts: int = 4,
) -> Matrix:
    """The system with its own connections; `timeout_s`, `patience_s`, `attempts` are the wire's."""
    tools = replace(tools, limits=config.limits.limits())
    how: dict[str, Any] = {"timeout_s": timeout_s, "patience_s": patience_s, "attempts": attempts}
    reader = writer = HttpWire(config.url, config.reader_auth, tools, **how)
    if config.independent:
        writer = HttpWire(config.url, config.writer_auth, tools, gate=reader.gate, **how)
    size = config.page_size
    return Matrix(
        name, config, Api(reader.send, tools, size), Api(writer.send, tools, size), tools, (reader.close, writer.close)
    )


ADAPTER = SystemAdapter("matrix", "a Synapse homeserver (Matrix), through its admin API", MatrixConfig, build)
