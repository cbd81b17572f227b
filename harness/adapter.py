"""What an adapter's module offers at its entry point, and the config keys that all of them share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from pydantic import Field, model_validator

from harness.config import Config, DurationField, KindField
from harness.model import Kind, Touches
from harness.ports import Connector, KindTraits, Limits, System, Tools
from harness.wire.auth import Auth, Credential

_PER = {"s": 1.0, "m": 60.0, "h": 3600.0}


class LimitsConfig(Config):
    """What a system bears from the whole run: requests a second, minute or hour, and how many at once."""

    rate: str | None = Field(default=None, pattern=r"^[0-9]+(\.[0-9]+)?/(s|m|h)$", examples=["10/s", "600/m"])
    concurrency: int = Field(default=4, ge=1, le=256)

    def limits(self) -> Limits:
        """The same with the rate as requests a second."""
        if self.rate is None:
            return Limits(None, self.concurrency)
        count, unit = self.rate.split("/")
        return Limits(float(count) / _PER[unit], self.concurrency)


class SystemConfig(Config):
    """Keys of every system, whatever its type."""

    type: str
    owner: str = ""
    auth: Auth | None = None
    reader: Credential | None = None
    writer: Credential | None = None
    limits: LimitsConfig = LimitsConfig()
    poll: DurationField | None = None
    control: dict[str, str] | None = None
    without: dict[KindField, str] = Field(default_factory=dict)
    not_listable: dict[KindField, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _credentials(self) -> SystemConfig:
        if self.auth is not None and (self.reader or self.writer):
            raise ValueError("`auth` stands for both reader and writer: give either `auth`, or `reader` and `writer`")
        if self.auth is None and self.reader is None:
            raise ValueError("no credential: give `auth`, or `reader` (and `writer`)")
        return self

    @property
    def reader_auth(self) -> Auth:
        found = self.auth or (self.reader.auth if self.reader else None)
        assert found is not None  # noqa: S101  checked by _credentials
        return found

    @property
    def writer_auth(self) -> Auth:
        return self.auth or (self.writer.auth if self.writer else self.reader_auth)

    @property
    def independent(self) -> bool:
        """The reader is not the writer: two credentials, and not the same one twice."""
        return self.reader is not None and self.writer is not None and self.reader.auth != self.writer.auth

    def declared(self) -> Mapping[Kind, KindTraits]:
        """What this system can do with each kind, without building it: scenarios are bound against it. The account
        itself is not in it (every system has accounts). The base reads a `kinds` attribute whose values have
        `list`, `use`, `grant`, `revoke` and `object: {find, create}`; an adapter with another shape overrides."""
        return {kind: _traits(conf) for kind, conf in (getattr(self, "kinds", None) or {}).items()}

    def able(self) -> frozenset[str]:
        """What the account can do, in the words of `needs`: among `create`, `login`, `search`, `audit`."""
        account = getattr(self, "account", None)
        found = {word for word in ("create", "login", "search") if getattr(account, word, None) is not None}
        if getattr(self, "audit", None) is not None:
            found.add("audit")
        return frozenset(found)

    def addresses(self) -> tuple[str, ...]:
        """Every URL (or host) that this system is reached at: `environment: sandbox` demands loopback of them all."""
        return _addresses(self)


class ConnectorConfig(Config):
    """Keys of every connector, whatever its type; `events` is each type's own."""

    type: str
    owner: str
    auth: Auth | None = None
    actor: str | None = Field(default=None, description="whom the systems' audit trails know this connector as")

    def event_names(self) -> frozenset[str]:
        """The events it can fire; `replay` and waiting are the engine's. The base reads an `events` mapping."""
        return frozenset(getattr(self, "events", None) or ())

    def addresses(self) -> tuple[str, ...]:
        """Every URL (or host) that it is reached at."""
        return _addresses(self)


def _traits(conf: Any) -> KindTraits:
    use = getattr(conf, "use", None)
    uses: dict[str, Touches] = {}
    if use is not None:
        channels = use if isinstance(use, Mapping) else {"": use}
        uses = {str(channel): _touches(request) for channel, request in channels.items()}
    made = getattr(conf, "object", None)
    return KindTraits(
        listed=getattr(conf, "list", None) is not None,
        uses=uses,
        grantable=getattr(conf, "grant", None) is not None,
        revocable=getattr(conf, "revoke", None) is not None,
        creates_objects=getattr(made, "create", None) is not None,
        finds_objects=getattr(made, "find", None) is not None,
        scope=getattr(conf, "scope", None) or "",
    )


def _touches(request: Any) -> Touches:
    first = request[0] if isinstance(request, list | tuple) and request else request
    found = getattr(first, "touches", None)
    return found if isinstance(found, Touches) else Touches.CHANGES


def _addresses(config: Config) -> tuple[str, ...]:
    found = [getattr(config, "url", None)]
    auths = [getattr(config, "auth", None)]
    auths += [credential.auth for side in ("reader", "writer") if (credential := getattr(config, side, None))]
    found += [auth.oauth2.token_url for auth in auths if auth is not None and auth.oauth2 is not None]
    return tuple(dict.fromkeys(str(address) for address in found if address is not None))


@dataclass(frozen=True, slots=True)
class SystemAdapter:
    """`build(name, config, tools)` makes the system; `config` is its strict model."""

    name: str
    summary: str
    config: type[SystemConfig]
    build: Callable[[str, Any, Tools], System]


@dataclass(frozen=True, slots=True)
class ConnectorAdapter:
    name: str
    summary: str
    config: type[ConnectorConfig]
    build: Callable[[str, Any, Tools], Connector]


@cache
def systems() -> dict[str, SystemAdapter]:
    """Every registered system type; built-ins use the same door as third parties."""
    return {point.name: point.load() for point in sorted(entry_points(group="exitproof.systems"), key=_name)}


@cache
def connectors() -> dict[str, ConnectorAdapter]:
    return {point.name: point.load() for point in sorted(entry_points(group="exitproof.connectors"), key=_name)}


def _name(point: Any) -> str:
    return str(point.name)
