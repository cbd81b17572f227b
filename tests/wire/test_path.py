"""Paths: what they find, and that only plain ones load."""

from __future__ import annotations

from typing import Any

import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.wire.path import json_text, path

BODY: dict[str, Any] = {
    "a": [{"b": 1}, {"c": 2}],
    "x/": {"y": 1},
    "k": {"n": None, "l": []},
    "m": {"n": [{"o": {"p": [1, 2]}}]},
}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a", BODY["a"]),
        ("@", BODY),
        ('"x/".y', 1),
        ("a[0].b", 1),
        ("a[-1].c", 2),
        ("a[7]", None),
        ("a.b", None),
        ("k.n", None),
        ("k.gone", None),
        ("gone.b", None),
        ("[a]", [BODY["a"]]),
        ("[gone]", [None]),
        ("m.n[*].o.p", [[1, 2]]),
        ("m.n[0].o.p[1]", 2),
        ("k[*]", None),
        ("k.l[*].z", []),
    ],
)
def test_what_a_path_finds(text: str, found: Any) -> None:
    assert path(text).get(BODY, {}) == found


def test_an_item_without_the_field_is_not_dropped() -> None:
    """JMESPath drops nulls from a projection: an item would be gone for want of a field."""
    assert jmespath.search("a[*].b", BODY) == [1]
    assert path("a[*].b").get(BODY, {}) == [1, None]


@pytest.mark.parametrize(
    "text",
    [
        "a[]",
        "a[?b]",
        "a[?b=='c']",
        "length(a)",
        "a||b",
        "a&&b",
        "!a",
        "a[0:1]",
        "*",
        "a.*",
        "a.{b: b}",
        "a.[b]",
        "[a, b]",
        "a | b",
        "`1`",
        "'x'",
        "a == b",
        "a < b",
        "&a",
        "sort_by(a, &b)",
        "a[*][]",
        "a[0:2].b",
        "",
        "a..b",
    ],
)
def test_anything_but_a_plain_path_is_refused_when_loaded(text: str) -> None:
    with pytest.raises(ValueError, match="path"):
        path(text)


def test_with_braces_it_is_a_template() -> None:
    assert path("{{ 'drill-app' }}").get({}, {}) == "drill-app"
    assert path("{{ address }}#{{ item.right }}").get({"right": "read"}, {"address": "box"}) == "box#read"
    assert path("{{ item.n }}").get({"n": 7}, {}) == 7
    assert path("{{ gid }}").of_item is False
    assert path("{{ item.id }}").of_item is True
    assert path("id").of_item is True


@pytest.mark.parametrize(
    ("text", "left_out"),
    [("k.gone", True), ("k.n", True), ("gone", True), ("gone.deep", False), ("a.gone", False), ("[gone]", False)],
)
def test_only_the_last_field_may_be_left_out(text: str, left_out: bool) -> None:
    assert path(text).left_out(BODY) is left_out


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=12,
)


@given(_JSON, st.sampled_from(["a", "a.b", "a.b.c", "a[0]", "a[0].b", "a[-1]", "[0]", "@", "b.a[1].c"]))
def test_without_projections_it_is_jmespath(body: Any, text: str) -> None:
    assert json_text(path(text).get(body, {})) == json_text(jmespath.search(text, body))


def test_values_of_different_types_are_different_texts() -> None:
    assert len({json_text(value) for value in (1, True, "1", "true", None, "null", [1], {"a": 1})}) == 8
    assert json_text({"b": 1, "a": 2}) == json_text({"a": 2, "b": 1})
