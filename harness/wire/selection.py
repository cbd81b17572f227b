"""The words of a `list`, `each`, `find` and `search`: which items, whose they are, what they are called."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, WithJsonSchema, model_validator

from harness.config import Config
from harness.model import Presence
from harness.wire.paging import PageSpec
from harness.wire.path import Path, PathField, json_text, path
from harness.wire.request import METHODS, Request
from harness.wire.template import Context, JsonTemplate


def alike(value: Any) -> str:
    """A value as the text by which `where` and `match` compare: as JSON text, but a number and the same number
    written as a string are one, because skipping somebody's item for its type would look like absence."""
    if isinstance(value, str):
        return f"={value}"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"={json_text(value)}"
    return json_text(value)


class Conditions:
    """`{path: value}`: what an item must hold. Keys are paths, values JSON with templates."""

    __slots__ = ("names", "needs_item", "pairs")

    def __init__(self, source: dict[str, Any]) -> None:
        self.pairs = tuple((path(key), JsonTemplate(value)) for key, value in source.items())
        self.names = frozenset[str]().union(*(value.names for _, value in self.pairs))
        self.needs_item = "item" in self.names

    def expected(self, context: Context) -> tuple[str, ...]:
        return tuple(alike(value.value(context)) for _, value in self.pairs)

    def found(self, item: Any, context: Context) -> tuple[str, ...]:
        return tuple(alike(key.get(item, context)) for key, _ in self.pairs)

    def differs(self, item: Any, context: Context) -> str | None:
        """The first path whose value is not the expected one; None when all are. Raises `Unfilled`."""
        for key, value in self.pairs:
            if alike(key.get(item, context)) != alike(value.value({**context, "item": item})):
                return key.text
        return None

    def __bool__(self) -> bool:
        return bool(self.pairs)

    def __repr__(self) -> str:
        return f"Conditions({', '.join(key.text for key, _ in self.pairs)})"


def _conditions(value: Any) -> Any:
    if isinstance(value, Conditions):
        return value
    if not isinstance(value, dict) or not value:
        raise ValueError("a mapping of path: value is needed")
    return Conditions(value)


ConditionsField = Annotated[
    Conditions, BeforeValidator(_conditions), WithJsonSchema({"type": "object", "minProperties": 1})
]


class Closed(Config):
    """`value` in `present` or `absent`; null, missing or anything else is unknown."""

    value: PathField | None = None
    present: list[Any] = Field(default_factory=list)
    absent: list[Any] = Field(default_factory=list)

    @model_validator(mode="after")
    def _closed(self) -> Closed:
        if self.value is None and (self.present or self.absent):
            raise ValueError("`present` and `absent` need `value`: the path to what they are compared with")
        if self.value is not None and not self.present:
            raise ValueError("`value` needs `present`: the closed set of values that mean it can be used")
        both = {json_text(v) for v in self.present} & {json_text(v) for v in self.absent}
        if both:
            raise ValueError(f"a value is both present and absent: {', '.join(sorted(both))}")
        return self

    def presence(self, item: Any, context: Context) -> tuple[Presence, str]:
        """What an item's value says, and the reason where it says nothing. Raises `Unfilled`."""
        if self.value is None:
            return Presence.PRESENT, ""
        found = self.value.get(item, context)
        if found is None:
            return Presence.UNKNOWN, f"`{self.value.text}` is missing or null"
        text = json_text(found)
        if text in {json_text(value) for value in self.present}:
            return Presence.PRESENT, ""
        if text in {json_text(value) for value in self.absent}:
            return Presence.ABSENT, ""
        return Presence.UNKNOWN, f"`{self.value.text}` is {_short(text)}, which is in no closed set"


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:40] + "…"


class Asked(Request):
    """A request that only reads, and is looked at page by page."""

    items: PathField
    page: PageSpec | None = None
    total: PathField | None = None
    touches: Literal["nothing"] | None = None

    @model_validator(mode="after")
    def _reads_only(self) -> Asked:
        check_look(self)
        assert self.mark is None or self.mark.text  # noqa: S101  raises for what is no plain path
        return self

    @property
    def mark(self) -> Path | None:
        """Where the next page's URL or cursor stands."""
        where = (self.page.next or self.page.cursor) if self.page is not None else None
        return None if where is None else path(where)


def check_look(request: Any) -> None:
    """A look never changes what it measures, and is the admin's: what a non-GET does must be said."""
    if any(getattr(request, method) is not None for method in METHODS[1:]) and request.touches != "nothing":
        raise ValueError("a look that is not GET must say `touches: nothing`")
    if request.vantage is not None:
        raise ValueError("`as: leaver` has no place in a look from the admin's vantage")


class Each(Asked):
    """One level of `each`: its rows give the variables of the requests below it."""

    @model_validator(mode="after")
    def _takes(self) -> Each:
        if not self.take:
            raise ValueError("`each` needs `take`: the variables that each of its rows gives")
        return self


def _kind_of_each(value: Any) -> str:
    return "many" if isinstance(value, list) else "one"


EachField = Annotated[
    Annotated[Each, Tag("one")] | Annotated[Annotated[list[Each], Field(min_length=1)], Tag("many")],
    Discriminator(_kind_of_each),
]


class Selection(Asked):
    """`find` and everything a list can say about whose items it reads."""

    where: ConditionsField | None = None
    match: ConditionsField | None = None
    id: PathField
    empty: Literal["omitted"] | None = None


class ListSpec(Selection, Closed):
    """`list`, and `account.search`: the admin's vantage on one kind."""

    source: Literal["account"] | None = Field(default=None, alias="from")
    each: EachField | None = None
    name: PathField | None = None
    gone_with: Literal["account"] | None = None

    @model_validator(mode="after")
    def _listed(self) -> ListSpec:
        if self.source is not None:
            if any(getattr(self, method) is not None for method in METHODS):
                raise ValueError("`from: account` has no request of its own")
            if self.each is not None or self.page is not None or self.total is not None or self.absent_on:
                raise ValueError("`from: account` reads one record: no `each`, `page`, `total` or `absent_on`")
        return self

    def _needs_method(self) -> bool:
        return self.source is None

    @property
    def levels(self) -> tuple[Each, ...]:
        """The levels of `each`, outer first."""
        if self.each is None:
            return ()
        return (self.each,) if isinstance(self.each, Each) else tuple(self.each)

    @cached_property
    def shared(self) -> bool:
        """Whether all identities of a round ask the same: then one sweep serves them all."""
        if self.source is not None:
            return False
        asked: tuple[Asked, ...] = (*self.levels, self)
        paths = [self.id, *(key for key, _ in (self.where.pairs if self.where else ()))]
        for one in asked:
            paths += [one.items, *one.take.values(), *(p for p in (one.total, one.mark) if p is not None)]
        names = frozenset[str]().union(*(one.names for one in asked), *(p.names for p in paths))
        return names <= variables(self.levels) | self.take.keys() | {"item", "run"}

    @property
    def by_name(self) -> bool:
        """The system has no id: `id: name`, or the same path for both."""
        return self.name is not None and (self.id.text == "name" or self.id == self.name)


def _named(value: ListSpec) -> ListSpec:
    if value.name is None:
        raise ValueError("a list needs `name`: what an item is called in scenarios and results")
    return value


NamedList = Annotated[ListSpec, AfterValidator(_named)]


def variables(levels: Sequence[Each]) -> frozenset[str]:
    return frozenset(name for level in levels for name in level.take)
