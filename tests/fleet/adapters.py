"""Small adapters of the fleet and scenario tests: real config models, systems and connectors that do nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, field_validator

from harness.adapter import ConnectorAdapter, ConnectorConfig, SystemAdapter, SystemConfig
from harness.config import Config, DurationField, KindField, SecretField
from harness.fleet import Registry
from harness.model import Event, EventTraits, Kind, Progress, Receipt
from harness.ports import Declaration, KindTraits, Person, Round, Tools


class ObjectConfig(Config):
    find: Any = None
    create: Any = None
    remove: Any = None


class KindConfig(Config):
    list: dict[str, Any] | None = None
    use: dict[str, Any] | None = None
    grant: Any = None
    revoke: Any = None
    object: ObjectConfig | None = None


class AccountConfig(Config):
    create: Any = None
    find: dict[str, Any] | None = None
    read: dict[str, Any] | None = None
    login: Any = None
    remove: Any = None
    search: Any = None


class RestConfig(SystemConfig):
    url: str
    account: AccountConfig
    kinds: dict[KindField, KindConfig] = Field(default_factory=dict)
    audit: dict[str, Any] | None = None

    @field_validator("url")
    @classmethod
    def _url(cls, value: str) -> str:
        if "://" not in value:
            raise ValueError(f"not a URL: {value}")
        return value


class ScimConfig(SystemConfig):
    url: str

    def declared(self) -> Mapping[Kind, KindTraits]:
        traits = KindTraits(listed=True, grantable=True, revocable=True, finds_objects=True)
        return dict.fromkeys((Kind.GROUP, Kind.ROLE, Kind.LICENSE), traits)

    def able(self) -> frozenset[str]:
        return frozenset(("create",))


class Sign(Config):
    header: str
    scheme: str
    secret: SecretField


class HookConfig(ConnectorConfig):
    url: str
    sign: Sign | None = None
    timeout: DurationField = 30_000_000
    events: dict[str, Any]


class Idle:
    """A system and a connector that only remember how they were built."""

    def __init__(self, name: str, config: Any, tools: Tools) -> None:
        if getattr(config, "url", "").endswith("/unbuildable"):
            raise ValueError(f"{config.url} is of no use")
        self.name = name
        self.owner: str = config.owner
        self.config = config
        self.tools = tools

    def declaration(self) -> Declaration:
        return Declaration(self.config.type, self.config.url, "reader", True, self.owner)

    def round(self) -> Round:
        raise NotImplementedError

    def events(self) -> Mapping[str, EventTraits]:
        return {name: EventTraits() for name in self.config.events}

    def fire(self, event: Event, person: Person) -> Receipt:
        raise NotImplementedError

    def done(self, event: Event, person: Person) -> tuple[Progress, str]:
        raise NotImplementedError

    def arrived(self, event: Event, person: Person) -> tuple[bool | None, str]:
        raise NotImplementedError


REGISTRY = Registry(
    systems={
        "http": SystemAdapter("http", "any REST API", RestConfig, Idle),
        "scim": SystemAdapter("scim", "a SCIM server", ScimConfig, Idle),
    },
    connectors={"webhook": ConnectorAdapter("webhook", "sends requests", HookConfig, Idle)},
)
