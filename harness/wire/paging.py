"""Pages to the end: every form of the `page` key, and every way in which pages can lie."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import urljoin

import jmespath
from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from harness.config import Config
from harness.model import Instant
from harness.wire.call import Answer, Call, Unknown
from harness.wire.http import origin

MOST_PAGES = 10_000
MOST_EMPTY = 100  # in a row, each with a next mark: some vendors send a few
SCIM_COUNT = 100

_CIRCLE = "the pages go in a circle: the next page was asked for already"
_WORDS = ["link", "scim", "{next: PATH}", "{cursor: PATH, param: NAME}"]


class PageSpec(Config):
    """The `page` key: `link` (RFC 8288), `scim` (RFC 7644 §3.4.2.4), `{next: path}` to the next page's URL, or
    `{cursor: path, param: NAME}` to a mark that goes into a query parameter."""

    style: Literal["link", "scim"] | None = Field(default=None, exclude=True)
    next: str | None = None
    cursor: str | None = None
    param: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _words(cls, value: Any) -> Any:
        if isinstance(value, cls):
            return value
        if isinstance(value, str) and value in ("link", "scim"):
            return {"style": str(value)}
        if not isinstance(value, dict) or "style" in value:
            raise PydanticCustomError("page", "not a form of paging", {"allowed": _WORDS})
        return value

    @model_validator(mode="after")
    def _one(self) -> PageSpec:
        forms = [self.style is not None, self.next is not None, self.cursor is not None]
        if sum(forms) != 1 or (self.cursor is None) != (self.param is None):
            raise PydanticCustomError("page", "exactly one form of paging is needed", {"allowed": _WORDS})
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        text = {"type": "string", "minLength": 1}

        def closed(**keys: object) -> dict[str, object]:
            return {"type": "object", "properties": keys, "required": list(keys), "additionalProperties": False}

        return {
            "description": "how to come to the next page",
            "anyOf": [{"enum": ["link", "scim"]}, closed(next=text), closed(cursor=text, param=text)],
        }


@dataclass(slots=True)
class Pages:
    """All items of a list, complete. `gone`: the first answer was one of `absent_on`. `sent`/`answered` bound all
    pages; `evidence` cites each of them; `count` is how many there were."""

    items: list[Any] = field(default_factory=list)
    total: int | None = None
    sent: Instant = 0
    answered: Instant = 0
    evidence: tuple[str, ...] = ()
    count: int = 0
    gone: bool = False
    first: Any = None  # the first page's document


def pages(
    send: Callable[[Call], Answer],
    first: Call,
    spec: PageSpec | None,
    items_of: Callable[[Any], Sequence[Any]],
    total_of: Callable[[Any], Any] | None = None,
    *,
    absent_on: frozenset[int] = frozenset(),
    mark_of: Callable[[Any], Any] | None = None,
) -> Pages:
    """Reads `first` and every page after it. `spec` None: there is one page.

    `items_of(document)` gives a page's items and `total_of(document)` the declared number of all; both may raise
    ValueError with a sentence. `mark_of(document)` gives the next URL or cursor where its path is no plain JMESPath.
    Raises Unknown for anything but a complete list: a loop, a page seen before, a total that disagrees or changes,
    a next page on another host, no end.
    """
    reader = _Reader(send, spec, items_of, total_of, mark_of, absent_on)
    try:
        return reader.read(first)
    except Unknown as unknown:
        seen = tuple(e for e in reader.made.evidence if e not in unknown.evidence)
        unknown.evidence = seen + unknown.evidence
        unknown.sent = reader.made.sent or unknown.sent
        unknown.answered = unknown.answered or reader.made.answered
        raise


class _Reader:
    def __init__(
        self,
        send: Callable[[Call], Answer],
        spec: PageSpec | None,
        items_of: Callable[[Any], Sequence[Any]],
        total_of: Callable[[Any], Any] | None,
        mark_of: Callable[[Any], Any] | None,
        absent_on: frozenset[int],
    ) -> None:
        self.made = Pages()
        self._send = send
        self._spec = spec
        self._scim = spec is not None and spec.style == "scim"
        self._items_of = items_of
        self._total_of = total_of or (_scim_total if self._scim else None)
        self._absent_on = absent_on
        path = (spec.next or spec.cursor) if spec else None
        self._mark_of = mark_of or (jmespath.compile(path).search if path else None)
        self._first: Call
        self._bodies: set[str] = set()
        self._marks: set[str] = set()
        self._urls: set[str] = set()
        self._empty = 0

    def read(self, first: Call) -> Pages:
        made = self.made
        call: Call | None = self._start(first)
        self._first = call or first
        asked: set[tuple[Any, ...]] = set()
        while call is not None:
            if call.key() in asked:
                raise self._unknown(_CIRCLE)
            asked.add(call.key())
            if made.count >= MOST_PAGES:
                raise self._unknown(f"the pages do not end ({MOST_PAGES:,} were read)")
            answer = self._send(call)
            made.count += 1
            made.sent = made.sent or answer.sent
            made.answered = answer.answered
            made.evidence += answer.evidence
            self._urls.add(answer.url)
            if answer.status in self._absent_on:
                if made.count > 1:
                    raise self._unknown(f"page {made.count} answered {answer.status} although page 1 was there")
                made.gone = True
                return made
            call = self._page(answer)
        if made.total is not None and made.total != len(made.items):
            what = "the list is short" if len(made.items) < made.total else "the total disagrees"
            raise self._unknown(f"{what}: {len(made.items)} items were read, but the total says {made.total}")
        return made

    def _start(self, first: Call) -> Call:
        if not self._scim:
            return first
        names = {name for name, _ in first.params}
        added = tuple((n, v) for n, v in (("startIndex", "1"), ("count", str(SCIM_COUNT))) if n not in names)
        return replace(first, params=(*first.params, *added))

    def _page(self, answer: Answer) -> Call | None:
        """Takes one page in; answers the call for the next."""
        made = self.made
        document = answer.json()
        if made.count == 1:
            made.first = document
        items = self._read(self._items_of, document)
        if not isinstance(items, list | tuple):
            raise self._unknown("the items are not a list")
        self._check_total(document)
        if items:
            body = json.dumps(items, sort_keys=True, default=str)
            if body in self._bodies:
                raise self._unknown(f"page {made.count} is the same as an earlier one (is paging ignored?)")
            if self._spec is not None:
                self._bodies.add(body)
            self._empty = 0
        else:
            self._empty += 1
        made.items.extend(items)
        following = self._next(answer, document, len(items))
        if following is not None and self._empty >= MOST_EMPTY:
            raise self._unknown(f"{MOST_EMPTY} empty pages in a row, each with a next one")
        return following

    def _check_total(self, document: Any) -> None:
        if self._total_of is None:
            return
        made = self.made
        total = self._read(self._total_of, document)
        if total is None and made.count > 1:
            return  # some vendors count on the first page only
        if isinstance(total, bool) or not isinstance(total, int) or total < 0:
            raise self._unknown("the total is missing" if total is None else "the total is not a number")
        if made.total is not None and made.total != total:
            raise self._unknown(f"the total changed from {made.total} to {total} while the pages were read")
        made.total = total

    def _next(self, answer: Answer, document: Any, got: int) -> Call | None:
        spec = self._spec
        if spec is None:
            return None
        if spec.style == "scim":
            return self._next_scim(document, got)
        if spec.style == "link":
            mark: Any = answer.links.get("next")
        else:
            assert self._mark_of is not None  # noqa: S101  next and cursor have one
            mark = self._read(self._mark_of, document)
        if mark is None or mark == "":
            return None
        if spec.cursor is not None:
            return self._next_cursor(mark)
        if not isinstance(mark, str):
            raise self._unknown("the next page's address is not a text")
        try:
            url = urljoin(answer.url, mark)
        except ValueError:
            raise self._unknown("the next page's address cannot be read") from None
        if origin(url) != origin(answer.url) or "@" in url.partition("://")[2].partition("/")[0]:
            raise self._unknown("the next page is on another host: the credential is not sent there")
        url = url.partition("#")[0]
        if url in self._urls:
            raise self._unknown(_CIRCLE)
        return replace(self._first, url=url, params=())

    def _next_cursor(self, mark: Any) -> Call:
        if isinstance(mark, bool) or not isinstance(mark, str | int):
            raise self._unknown("the next page's cursor is neither a text nor a number")
        text = str(mark)
        if text in self._marks:
            raise self._unknown("the pages go in a circle: the same cursor came again")
        self._marks.add(text)
        name = self._spec.param if self._spec else None
        assert name is not None  # noqa: S101  checked by PageSpec
        kept = tuple(pair for pair in self._first.params if pair[0] != name)
        return replace(self._first, params=(*kept, (name, text)))

    def _next_scim(self, document: Any, got: int) -> Call | None:
        """By the number of items that really came: a server may give fewer than `count` (RFC 7644 §3.4.2.4)."""
        made = self.made
        asked = dict(self._first.params)["startIndex"] if made.count == 1 else str(len(made.items) - got + 1)
        started = document.get("startIndex") if isinstance(document, dict) else None
        if got and started is not None and str(started) != asked:
            raise self._unknown(f"the page starts at {str(started)[:20]} although {asked} was asked for")
        if made.total is None or len(made.items) >= made.total or not got:
            return None  # a short end is found by its total
        kept = tuple(pair for pair in self._first.params if pair[0] != "startIndex")
        return replace(self._first, params=(*kept, ("startIndex", str(len(made.items) + 1))))

    def _read(self, how: Callable[[Any], Any], document: Any) -> Any:
        try:
            return how(document)
        except ValueError as error:
            raise self._unknown(str(error)) from None

    def _unknown(self, reason: str) -> Unknown:
        made = self.made
        return Unknown(reason, evidence=made.evidence, sent=made.sent, answered=made.answered)


def _scim_total(document: Any) -> Any:
    return document.get("totalResults") if isinstance(document, dict) else None
