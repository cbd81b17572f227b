"""Everything that can go wrong between a reader and a system: each fault as what it does to an answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode

Place = Literal["any", "collection", "record", "paged", "filter"]


@dataclass(frozen=True, slots=True)
class Shape:
    """What a fault must know of a system's answers. `items`: the field of a collection's items (None: the answer is
    the array), `total`: the field of the declared total, `state`: the record's field that tells whether the account
    is usable, `filters`: the query parameters that select an account. Where collections differ, `items` and `id` are
    all the names that they go by. A field that lies deeper has dots in its name: `data.keys`."""

    items: str | tuple[str, ...] | None = "items"
    id: str | tuple[str, ...] = "id"
    total: str | None = None
    state: str | None = None
    filters: tuple[str, ...] = ()


@dataclass(slots=True)
class Asked:
    """One request that came to the proxy."""

    method: str
    path: str
    query: str

    @property
    def target(self) -> str:
        return f"{self.path}?{self.query}" if self.query else self.path


@dataclass(slots=True)
class Given:
    """One answer on its way back."""

    status: int
    headers: dict[str, str]
    body: bytes
    cut: Literal["", "reset", "silence"] = ""

    def json(self) -> Any:
        return json.loads(self.body)

    def set_json(self, value: Any) -> None:
        self.body = json.dumps(value).encode()


Spoil = Callable[[Given, "Trouble"], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """One way of going wrong. `place`: on which requests it makes sense. `ask` may change the request, `spoil` the
    answer."""

    name: str
    place: Place
    spoil: Spoil
    ask: Callable[[Asked, Shape], None] | None = None


@dataclass(slots=True)
class Trouble:
    """A fault planted on one path, with what it has seen so far."""

    fault: Fault
    path: str
    shape: Shape
    first: Given | None = None
    hits: int = 0


def _status(code: int, text: bytes = b'{"error": "planted"}', **headers: str) -> Spoil:
    def spoil(given: Given, trouble: Trouble) -> None:  # noqa: ARG001
        kind = "text/html" if text[:1] == b"<" else "application/json"
        given.status, given.body = code, text
        given.headers = {"Content-Type": kind, **{k.replace("_", "-"): v for k, v in headers.items()}}

    return spoil


def _cut(how: Literal["reset", "silence"]) -> Spoil:
    def spoil(given: Given, trouble: Trouble) -> None:  # noqa: ARG001
        given.cut = how

    return spoil


def _truncated(given: Given, trouble: Trouble) -> None:  # noqa: ARG001
    given.body = given.body[: max(1, len(given.body) // 2)]


def _on_items(change: Callable[[list[Any], Shape], Any]) -> Spoil:
    """Changes the items of an answer; a change that gives None takes the field away."""

    def spoil(given: Given, trouble: Trouble) -> None:
        body = given.json()
        if isinstance(body, list):
            found = change(body, trouble.shape)
            given.set_json({} if found is None else found)
            return
        for path in _names(trouble.shape.items):
            holder, name = _holder(body, path)
            if isinstance(holder.get(name), list):
                found = change(holder[name], trouble.shape)
                holder.pop(name) if found is None else holder.update({name: found})
                given.set_json(body)
                return

    return spoil


def _names(given: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else given or ()


def _null_ids(items: list[Any], shape: Shape) -> Any:
    ids = _names(shape.id)
    return [{**item, **dict.fromkeys(ids, None)} if isinstance(item, dict) else None for item in items]


def _lost_ids(items: list[Any], shape: Shape) -> Any:
    ids = _names(shape.id)
    return [{k: v for k, v in item.items() if k not in ids} if isinstance(item, dict) else {} for item in items]


def _holder(body: Any, path: str | None) -> tuple[dict[str, Any], str]:
    """What the last field of a path is in, and the field; an empty one where there is no such place."""
    *outer, name = (path or "").split(".")
    for field in outer:
        body = body.get(field) if isinstance(body, dict) else None
    return (body if isinstance(body, dict) else {}), name


def _total(by: int) -> Spoil:
    def spoil(given: Given, trouble: Trouble) -> None:
        body = given.json()
        holder, name = _holder(body, trouble.shape.total)
        if isinstance(holder.get(name), int):
            holder[name] += by
            given.set_json(body)

    return spoil


def _loop(given: Given, trouble: Trouble) -> None:
    if trouble.first is None:
        trouble.first = Given(given.status, dict(given.headers), given.body)
    given.status, given.headers, given.body = trouble.first.status, dict(trouble.first.headers), trouble.first.body


def _state(value: Any) -> Spoil:
    def spoil(given: Given, trouble: Trouble) -> None:
        body = given.json()
        holder, name = _holder(body, trouble.shape.state)
        if trouble.shape.state is not None and holder:
            holder.pop(name, None)
            if value is not ...:
                holder[name] = value
            given.set_json(body)

    return spoil


def _unfiltered(asked: Asked, shape: Shape) -> None:
    pairs = parse_qsl(asked.query, keep_blank_values=True)
    asked.query = urlencode([(k, v) for k, v in pairs if k not in shape.filters])


def _nothing(given: Given, trouble: Trouble) -> None:
    pass


HTML = b"<!doctype html><title>Sign in</title><form action=/login></form>"

FAULTS: tuple[Fault, ...] = (
    Fault("401", "any", _status(401)),
    Fault("403", "any", _status(403)),
    Fault("404-on-a-collection", "collection", _status(404)),
    Fault("429-to-the-end", "any", _status(429, Retry_After="1")),
    Fault("500", "any", _status(500)),
    Fault("503", "any", _status(503)),
    Fault("302-to-a-login-page", "any", _status(302, b"", Location="/login?next=x")),
    Fault("200-html", "any", _status(200, HTML)),
    Fault("204-empty", "any", _status(204, b"")),
    Fault("timeout", "any", _cut("silence")),
    Fault("reset", "any", _cut("reset")),
    Fault("truncated-json", "any", _truncated),
    Fault("items-of-a-wrong-type", "collection", _on_items(lambda items, _: {"0": items[:1]})),
    Fault("items-missing", "collection", _on_items(lambda _items, _: None)),
    Fault("id-null", "collection", _on_items(_null_ids)),
    Fault("id-missing", "collection", _on_items(_lost_ids)),
    Fault("item-null", "collection", _on_items(lambda items, _: [*items[:-1], None])),
    Fault("empty-page", "paged", _on_items(lambda _items, _: [])),
    Fault("short-page", "paged", _on_items(lambda items, _: items[:-1])),
    Fault("looping-page", "paged", _loop),
    Fault("total-too-high", "paged", _total(7)),
    Fault("total-too-low", "paged", _total(-1)),
    Fault("state-missing", "record", _state(...)),
    Fault("state-null", "record", _state(None)),
    Fault("state-of-a-wrong-type", "record", _state({"is": 1})),
    Fault("state-in-no-closed-set", "record", _state("sleeping-in-limbo")),
    Fault("filter-ignored", "filter", _nothing, _unfiltered),
)
