"""What an adapter's module offers at its entry point, and the config keys that all of them share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from pydantic import Field, model_validator

from harness.config import Config, DurationField, KindField
from harness.ports import Connector, System, Tools
from harness.wire.auth import Auth, Credential


class LimitsConfig(Config):
    rate: str | None = Field(default=None, pattern=r"^[0-9]+(\.[0-9]+)?/(s|m|h)$")
    concurrency: int = Field(default=4, ge=1, le=256)


class SystemConfig(Config):
    """Keys of every system, whatever its type."""

    type: str
    owner: str
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
        """The reader is not the writer."""
        return self.auth is None and self.writer is not None


class ConnectorConfig(Config):
    """Keys of every connector, whatever its type; `events` is each type's own."""

    type: str
    owner: str
    auth: Auth | None = None


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
