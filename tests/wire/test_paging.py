"""Pages to the end, and each way in which they lie: a loop, a repeat, a short end, a changed total, another host."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from responses import matchers

from harness.wire import paging
from harness.wire.call import Answer, Unknown
from harness.wire.links import parse_links
from harness.wire.paging import Pages, PageSpec, pages
from tests.wire.world import T0, TOKEN, World, look

USERS = "http://api.test/v1/users"
NEXT = PageSpec.model_validate({"next": "next"})
CURSOR = PageSpec.model_validate({"cursor": "meta.cursor", "param": "after"})
LINK = PageSpec.model_validate("link")
SCIM = PageSpec.model_validate("scim")


def items(document: Any) -> Any:
    return document["items"]


def total(document: Any) -> Any:
    return document.get("total")


def read(spec: PageSpec | None, total_of: Callable[[Any], Any] | None = None, **more: Any) -> Pages:
    return pages(World().wire.send, look(accept=frozenset((200, 404))), spec, items, total_of, **more)


def reason(spec: PageSpec | None, total_of: Callable[[Any], Any] | None = None, **more: Any) -> str:
    with pytest.raises(Unknown) as caught:
        read(spec, total_of, **more)
    assert caught.value.sent == T0
    assert len(caught.value.evidence) == len({*caught.value.evidence}) >= 1
    return caught.value.reason


def page(query: str, document: object, **more: Any) -> None:
    match = [matchers.query_string_matcher(query)]
    responses.get(USERS, json=document, match=match, **more)


@responses.activate
@pytest.mark.parametrize("how", ["?p={}", "/v1/users?p={}", "http://api.test/v1/users?p={}", "users?p={}#top"])
def test_next_as_any_kind_of_url(how: str) -> None:
    page("", {"items": [1, 2], "next": how.format(2)})
    page("p=2", {"items": [3], "next": how.format(3)})
    page("p=3", {"items": [4], "next": None})
    found = read(NEXT)
    assert found.items == [1, 2, 3, 4]
    assert found.count == len(found.evidence) == 3
    assert all(TOKEN in call.request.headers["Authorization"] for call in responses.calls)


@responses.activate
def test_cursor_keeps_the_other_parameters() -> None:
    page("q=x", {"items": [1], "meta": {"cursor": "b c"}})
    page("q=x&after=b%20c", {"items": [2], "meta": {"cursor": 7}})
    page("q=x&after=7", {"items": [3], "meta": {"cursor": ""}})
    found = pages(World().wire.send, look(params=(("q", "x"),)), CURSOR, items)
    assert found.items == [1, 2, 3]


@responses.activate
def test_link_header() -> None:
    page("", {"items": [1]}, headers={"Link": f'<{USERS}?p=2>; rel="last next", <{USERS}>; rel=first'})
    page("p=2", {"items": [2]}, headers={"Link": f'<{USERS}>; rel="first"'})
    assert read(LINK).items == [1, 2]


def scim(start: int, *ids: int, all_of: int = 5) -> dict[str, Any]:
    return {"totalResults": all_of, "startIndex": start, "itemsPerPage": len(ids), "items": list(ids)}


@responses.activate
def test_scim_goes_by_what_really_came() -> None:
    page("startIndex=1&count=100", scim(1, 10, 11))
    page("startIndex=3&count=100", scim(3, 12))
    page("startIndex=4&count=100", scim(4, 13, 14))
    assert read(SCIM).items == [10, 11, 12, 13, 14]


@responses.activate
def test_scim_with_nothing() -> None:
    page("startIndex=1&count=100", {"totalResults": 0, "items": []})
    assert read(SCIM).items == []


@responses.activate
def test_one_page_without_a_form() -> None:
    page("", {"items": [1, 1], "total": 2, "next": "ignored"})
    assert read(None, total).items == [1, 1]


@responses.activate
def test_an_empty_page_with_a_next_one_goes_on() -> None:
    page("", {"items": [], "next": "?p=2"})
    page("p=2", {"items": [1], "next": ""})
    assert read(NEXT).items == [1]


Said = list[tuple[str, Any]]
LIES: dict[str, tuple[PageSpec | None, Any, Said, str]] = {}


def lie(name: str, spec: PageSpec, said: Said, reason: str, total_of: Any = None) -> None:
    LIES[name] = (spec, total_of, said, reason)


def one(**document: Any) -> Said:
    return [("", {"items": [1], **document})]


def two(first: dict[str, Any], query: str, second: dict[str, Any]) -> Said:
    return [("", {"items": [1], **first}), (query, {"items": [2], **second})]


def lists(first: dict[str, Any], second: int, then: dict[str, Any]) -> Said:
    return [("startIndex=1&count=100", first), (f"startIndex={second}&count=100", then)]


lie("same url", NEXT, one(next="/v1/users"), "the pages go in a circle: the next page was asked for already")
lie("a ring", NEXT, two({"next": "?p=2"}, "p=2", {"next": "/v1/users"}), "the pages go in a circle")
lie(
    "cursor", CURSOR, two({"meta": {"cursor": "a"}}, "after=a", {"meta": {"cursor": "a"}}), "the same cursor came again"
)
lie("same page", NEXT, two({"next": "?p=2"}, "p=2", {"next": "?p=3", "items": [1]}), "page 2 is the same as an earlier")
lie("short", NEXT, one(total=3), "the list is short: 1 items were read, but the total says 3", total)
lie("long", NEXT, one(total=0), "the total disagrees: 1 items were read, but the total says 0", total)
lie("changed", NEXT, two({"total": 3, "next": "?p=2"}, "p=2", {"total": 4}), "the total changed from 3 to 4", total)
lie("no total", NEXT, one(), "the total is missing", total)
lie("null total", NEXT, one(total=None), "the total is missing", total)
lie("a word", NEXT, one(total="1"), "the total is not a number", total)
lie("a truth", NEXT, one(total=True), "the total is not a number", total)
lie("another host", NEXT, one(next="http://evil.test/users"), "another host")
lie("another port", NEXT, one(next="http://api.test:8080/users"), "another host")
lie("another scheme", NEXT, one(next="file:///etc/passwd"), "another host")
lie("userinfo", NEXT, one(next="http://a:b@api.test/users"), "another host")
lie("without a scheme", NEXT, one(next="//evil.test/users"), "another host")
lie("unreadable", NEXT, one(next="http://[::1"), "the next page's address cannot be read")
lie("wrong type", NEXT, one(next=2), "the next page's address is not a text")
lie("wrong cursor", CURSOR, one(meta={"cursor": [1]}), "neither a text nor a number")
lie("no list", NEXT, one(items={"a": 1}), "the items are not a list")
lie("null items", NEXT, one(items=None), "the items are not a list")
lie("scim short", SCIM, lists(scim(1, 1, 2), 3, scim(3)), "the list is short: 2 items were read, but the total says 5")
lie("scim restarts", SCIM, lists(scim(1, 1), 2, scim(1, 2)), "the page starts at 1 although 2 was asked for")
lie("scim ignores", SCIM, lists(scim(1, 1), 2, {**scim(2, 1), "startIndex": None}), "page 2 is the same as an earlier")
lie("scim no total", SCIM, [("startIndex=1&count=100", {"items": [1]})], "the total is missing")


@responses.activate
@pytest.mark.parametrize(("spec", "total_of", "answers", "said"), LIES.values(), ids=LIES.keys())
def test_pages_that_lie(spec: PageSpec, total_of: Any, answers: list[tuple[str, Any]], said: str) -> None:
    for query, document in answers:
        page(query, document)
    assert said in reason(spec, total_of)
    assert all(str(call.request.url).startswith("http://api.test/") for call in responses.calls)


@responses.activate
def test_no_end() -> None:
    count = iter(range(10**6))
    responses.add_callback("GET", USERS, lambda r: (200, {}, f'{{"items": [{(n := next(count))}], "next": "?p={n}"}}'))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paging, "MOST_PAGES", 50)
        assert reason(NEXT) == "the pages do not end (50 were read)"
    assert len(responses.calls) == 50


@responses.activate
def test_empty_pages_without_end() -> None:
    count = iter(range(10**6))
    responses.add_callback("GET", USERS, lambda r: (200, {}, f'{{"items": [], "next": "?p={next(count)}"}}'))
    assert reason(NEXT) == "100 empty pages in a row, each with a next one"


@responses.activate
def test_a_failure_in_the_middle_cites_all_pages() -> None:
    page("", {"items": [1], "next": "?p=2"})
    page("p=2", {}, status=403)
    with pytest.raises(Unknown, match="the reader may not look") as caught:
        read(NEXT)
    assert len(caught.value.evidence) == 2
    assert caught.value.status == 403


@responses.activate
def test_absent_on_counts_for_the_first_page_only() -> None:
    page("", {}, status=404)
    found = read(NEXT, absent_on=frozenset((404,)))
    assert found.gone
    assert found.items == []
    responses.reset()
    page("", {"items": [1], "next": "?p=2"})
    page("p=2", {}, status=404)
    assert reason(NEXT, absent_on=frozenset((404,))) == "page 2 answered 404 although page 1 was there"


@responses.activate
def test_a_path_that_fails_is_unknown() -> None:
    page("", {"items": [1]})

    def refuses(_: Any) -> list[Any]:
        raise ValueError("items: a field is missing")

    with pytest.raises(Unknown, match="items: a field is missing") as caught:
        pages(World().wire.send, look(), NEXT, refuses)
    assert caught.value.evidence


WRONG: list[object] = ["pages", 1, {}, {"next": "a", "cursor": "b"}, {"cursor": "a"}, {"param": "p"}]


@pytest.mark.parametrize("value", [*WRONG, {"style": "link"}, {"next": 1}, {"nxt": "a"}])
def test_a_wrong_page_key_is_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        PageSpec.model_validate(value)


def test_the_schema_of_the_page_key_knows_all_forms() -> None:
    schema = PageSpec.model_json_schema()
    for good in ("link", "scim", {"next": "a"}, {"cursor": "a", "param": "p"}):
        jsonschema.validate(good, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"cursor": "a"}, schema)


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ('<a?p=2>; rel="next"', {"next": "http://h/x/a?p=2"}),
        ("<a,b;c>;rel=next", {"next": "http://h/x/a,b;c"}),
        ('<a>; title="x, y; rel=prev"; REL="Next"', {"next": "http://h/x/a"}),
        ('<a>; rel="next", <b>; rel="next"', {"next": "http://h/x/a"}),
        ('<a>; rel="prev",<b>; rel="next"', {"prev": "http://h/x/a", "next": "http://h/x/b"}),
        ("<a>", {}),
        ("", {}),
        ("garbage", {}),
    ],
)
def test_link_headers(header: str, found: dict[str, str]) -> None:
    assert parse_links(header, "http://h/x/y") == found


@given(st.text(alphabet='<>;,="\\ relnxt'))
def test_no_link_header_breaks_it(header: str) -> None:
    parse_links(header, "http://h/x/y")


@given(st.lists(st.lists(st.integers(), max_size=3), min_size=1, max_size=8), st.booleans())
def test_whatever_the_pages_all_items_are_read_or_it_is_unknown(made: list[list[int]], by_cursor: bool) -> None:
    """Against an in-memory system: complete, or (for a repeated page) unknown; never short."""

    def send(call: Any) -> Answer:
        at = int(dict(call.params).get("after", "0") if by_cursor else call.url.rpartition("=")[2])
        mark = at + 1 if at + 1 < len(made) else None
        body = {"items": made[at], "meta": {"cursor": mark}, "next": f"?p={mark}" if mark else None}
        return Answer(200, f"http://api.test/?p={at}", {}, json.dumps(body).encode(), 1, 2, (f"e{at}",))

    first = look("http://api.test/?p=0")
    full = [page for page in made if page]
    repeats = len({str(page) for page in full}) != len(full)
    if repeats:
        with pytest.raises(Unknown, match="same as an earlier one"):
            pages(send, first, CURSOR if by_cursor else NEXT, items)
    else:
        found = pages(send, first, CURSOR if by_cursor else NEXT, items)
        assert found.items == [item for page in made for item in page]
