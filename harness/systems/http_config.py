"""The fleet file's words for a system of `type: http`: `account`, `kinds`, `audit`, checked when loaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from harness.adapter import SystemConfig
from harness.config import Config, KindField
from harness.model import Floor, Kind, Touches
from harness.ports import KindTraits
from harness.wire.request import METHODS, Request, Requests, Take, as_list
from harness.wire.selection import Asked, Closed, ConditionsField, ListSpec, NamedList, Selection, check_look
from harness.wire.template import Template

Status = Annotated[int, Field(ge=100, le=599)]


class Judged(Request):
    """A request of the leaver's vantage. The first of a list is judged by `works` and `refused`; the others sign
    out."""

    works: list[Status] = Field(default_factory=list)
    refused: list[Status] = Field(default_factory=list)
    touches: Annotated[Touches | None, Field(strict=False)] = None

    @property
    def touching(self) -> Touches:
        return self.touches or (Touches.NOTHING if self.reads else Touches.CHANGES)


def _judged(value: Judged | list[Judged]) -> Judged | list[Judged]:
    first, *rest = [value] if isinstance(value, Judged) else value
    if not first.works or not first.refused:
        raise ValueError("`works` and `refused` are needed: the closed sets of answers to a judged request")
    if set(first.works) & set(first.refused):
        raise ValueError("a status is both in `works` and in `refused`")
    if any(other.works or other.refused or other.touches for other in rest):
        raise ValueError("only the first request of a list is judged: the others sign out")
    return value


def _shape(value: Any) -> str:
    if isinstance(value, list):
        return "many"
    if isinstance(value, Mapping) and value and not any(method in value for method in METHODS):
        return "channels"
    return "one"


_Steps = Annotated[list[Judged], Field(min_length=1)]
JudgedField = Annotated[
    Annotated[Judged, Tag("one")] | Annotated[_Steps, Tag("many")],
    Discriminator(lambda value: "many" if isinstance(value, list) else "one"),
    AfterValidator(_judged),
]
UseField = Annotated[
    Annotated[Judged, AfterValidator(_judged), Tag("one")]
    | Annotated[_Steps, AfterValidator(_judged), Tag("many")]
    | Annotated[dict[str, JudgedField], Tag("channels")],
    Discriminator(_shape),
]


class Read(Request, Closed):
    """`account.read`: is the account, read by its immutable id, usable, and is it still the same identity's?"""

    match: ConditionsField | None = None
    touches: Literal["nothing"] | None = None

    @model_validator(mode="after")
    def _reads_only(self) -> Read:
        check_look(self)
        return self


def _gives_id(value: Request | list[Request]) -> Request | list[Request]:
    if not any("id" in request.take for request in as_list(value)):
        raise ValueError("no request takes `id`: the system's own immutable id is needed")
    return value


def _one_level(value: ListSpec) -> ListSpec:
    if value.source is not None or value.gone_with is not None:
        raise ValueError("`search` has a request of its own: no `from` and no `gone_with`")
    return value


class AccountConfig(Config):
    create: Annotated[Requests, AfterValidator(_gives_id)] | None = None
    find: Selection
    read: Read
    search: Annotated[ListSpec, AfterValidator(_one_level)] | None = None
    login: JudgedField | None = None
    remove: Requests | None = None


class ObjectConfig(Config):
    """How an object that access hangs on is found, made and removed."""

    find: Selection | None = None
    create: Annotated[Requests, AfterValidator(_gives_id)] | None = None
    remove: Requests | None = None

    @model_validator(mode="after")
    def _whole(self) -> ObjectConfig:
        if self.find is None and self.create is None:
            raise ValueError("`object` needs `find` or `create`")
        if self.create is not None and self.remove is None:
            raise ValueError("`object.create` needs `remove`: what a run makes it must be able to take away")
        return self


class KindConfig(Config):
    grant: Requests | None = None
    listing: NamedList | None = Field(default=None, alias="list")
    use: UseField | None = None
    revoke: Requests | None = None
    object: ObjectConfig | None = None
    scope: str | None = Field(default=None, description="what the reader needs for it, in the vendor's words")

    @model_validator(mode="after")
    def _seen(self) -> KindConfig:
        if self.listing is None and self.use is None:
            raise ValueError("a kind needs `list` (the admin's vantage), `use` (the leaver's), or both")
        if self.grant is not None and self.revoke is None:
            raise ValueError("`grant` needs `revoke`: what a run gives it must be able to take back")
        return self

    @property
    def channels(self) -> Mapping[str, tuple[Judged, ...]]:
        """Channel -> its requests; a `use` without channels has the one channel "" ."""
        if self.use is None:
            return {}
        channels = self.use if isinstance(self.use, dict) else {"": self.use}
        return {name: judged(requests) for name, requests in channels.items()}

    @property
    def traits(self) -> KindTraits:
        return KindTraits(
            listed=self.listing is not None,
            uses={name: requests[0].touching for name, requests in self.channels.items()},
            grantable=self.grant is not None,
            revocable=self.revoke is not None,
            creates_objects=self.object is not None and self.object.create is not None,
            finds_objects=self.object is not None and self.object.find is not None,
            scope=self.scope or "",
        )


class AuditConfig(Asked):
    """The system's own trail: one item a change; `take` reads each item."""

    where: ConditionsField | None = None
    take: Take

    @model_validator(mode="after")
    def _rows(self) -> AuditConfig:
        wanted, known = {"actor", "target", "action", "at"}, {"reason", "result"}
        if not wanted <= self.take.keys() or self.take.keys() - wanted - known:
            raise ValueError("`take` of an audit names actor, target, action and at, and may name reason and result")
        return self


class HttpConfig(SystemConfig):
    """`type: http`: any system with a JSON API, described in the fleet file alone."""

    url: str = Field(pattern=r"^https?://")
    account: AccountConfig
    kinds: dict[KindField, KindConfig] = Field(default_factory=dict)
    audit: AuditConfig | None = None
    floor: Annotated[Floor, Field(strict=False)] = Floor.DELETED

    @model_validator(mode="after")
    def _kinds(self) -> HttpConfig:
        if Kind.ACCOUNT in self.kinds:
            raise ValueError("the account is described by `account`, not as a kind")
        for kind in self.kinds:
            if kind in self.without or kind in self.not_listable:
                raise ValueError(f"`{kind}` is declared, and also in `without` or `not_listable`")
        both = self.without.keys() & self.not_listable.keys()
        if both:
            raise ValueError(f"both in `without` and in `not_listable`: {', '.join(sorted(both))}")
        return self

    def addresses(self) -> tuple[str, ...]:
        """The base URL, those of the credentials, and every full URL that a request names."""
        return tuple(dict.fromkeys((*super().addresses(), *_full_urls(self.account), *_full_urls(self.kinds))))

    def declared(self) -> Mapping[Kind, KindTraits]:
        return {kind: config.traits for kind, config in self.kinds.items()}


def judged(requests: Judged | Sequence[Judged]) -> tuple[Judged, ...]:
    return (requests,) if isinstance(requests, Judged) else tuple(requests)


def _full_urls(part: Any) -> Iterator[str]:
    if isinstance(part, Template):
        if part.text.startswith(("http://", "https://")):
            yield part.text
    elif isinstance(part, Config):
        for name in type(part).model_fields:
            yield from _full_urls(getattr(part, name))
    elif isinstance(part, Mapping | list | tuple):
        for inner in part.values() if isinstance(part, Mapping) else part:
            yield from _full_urls(inner)
