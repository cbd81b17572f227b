"""Templates: what they fill, what they refuse, and what keeps its type."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.config import Ref
from harness.wire.template import JsonTemplate, Unfilled, template

CONTEXT: dict[str, Any] = {
    "account": {"id": 42, "active": True, "none": None},
    "name": "a/b c",
    "held": ["x", "y"],
    "item": {"keys": 3, "items": "i"},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("{{ account.id }}", 42),
        ("{{account.active}}", True),
        ("{{ account.none }}", None),
        ("{{ held }}", ["x", "y"]),
        ("{{ held + [name] }}", ["x", "y", "a/b c"]),
        ("{{ held | reject('equalto', 'x') }}", ["y"]),
        ("{{ name == 'orphan' }}", False),
        ("{{ 'word' }}", "word"),
        ("id {{ account.id }}", "id 42"),
        ("{{ account.id }}{{ account.id }}", "4242"),
        ("{{ account.active }}!", "true!"),
        ("{{ held }} ", '["x","y"] '),
        ("{{ item.keys }}/{{ item.items }}", "3/i"),
        ("{{ missing | default('d') }}", "d"),
    ],
)
def test_one_expression_keeps_its_type_and_all_else_is_text(text: str, value: Any) -> None:
    got = template(text).value(CONTEXT)
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "{{ gone }}",
        "a{{ gone }}",
        "{{ account.gone }}",
        "{{ account.gone.deeper }}",
        "x{{ account.gone }}",
        "{{ [gone] }}",
        "{{ gone + 1 }}",
        "{{ account['gone'] }}",
        "{{ held[7] }}",
        "{{ {'a': gone} }}",
    ],
)
def test_undefined_is_an_error(text: str) -> None:
    with pytest.raises(Unfilled, match=r"cannot be filled"):
        template(text).value(CONTEXT)


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ held.append('z') }}",
        "{{ account.__class__ }}",
        "{{ range(3) }}x",
        "{{ lipsum }}",
        "{{ held.__init__.__globals__ }}",
        "{{ cycler }}x",
    ],
)
def test_the_sandbox_holds(text: str) -> None:
    with pytest.raises(Unfilled):
        template(text).value(CONTEXT)
    assert CONTEXT["held"] == ["x", "y"]


@pytest.mark.parametrize("text", ["{{ a", "{% for %}", "{{ a b }}", "{% if x %}", "{{ a | nofilter }}"])
def test_wrong_syntax_is_found_when_loaded(text: str) -> None:
    with pytest.raises(ValueError, match="template"):
        template(text)


def test_null_is_no_text() -> None:
    with pytest.raises(Unfilled, match="null"):
        template("/users/{{ account.none }}").render(CONTEXT)


def test_values_in_a_path_are_encoded() -> None:
    assert template("/u/{{ account.id }}/{{ name }}").path(CONTEXT) == "/u/42/a%2Fb%20c"
    assert template("/u/{{ name | path }}/x").path(CONTEXT) == "/u/a/b%20c/x"
    assert template("/u?q={{ name }}&m={{ mail }}").path({**CONTEXT, "mail": "a+b@x.test"}) == (
        "/u?q=a%2Fb%20c&m=a%2Bb@x.test"
    )


@pytest.mark.parametrize("value", ["", ".", ".."])
def test_a_value_that_would_address_something_else_is_refused(value: str) -> None:
    with pytest.raises(Unfilled, match="path"):
        template("/users/{{ id }}").path({"id": value})
    with pytest.raises(Unfilled, match="path"):
        template("/users/{{ id | path }}").path({"id": f"a/{value}/b"})


def test_a_whole_address_is_left_as_it_is() -> None:
    assert template("{{ href }}").path({"href": "https://x.test/a/b?c=d"}) == "https://x.test/a/b?c=d"


@given(st.text(min_size=1))
def test_no_value_leaves_its_segment(value: str) -> None:
    try:
        made = template("/users/{{ id }}/keys").path({"id": value})
    except Unfilled:
        assert value in (".", "..")
        return
    assert made.count("/") == 3
    assert not set(made) & set("?#\\ ")


def test_half_a_character_is_refused() -> None:
    with pytest.raises(Unfilled):
        template("/users/{{ id }}").path({"id": "\ud800"})


def test_json_keeps_types_all_the_way_down() -> None:
    made = JsonTemplate({"a": ["{{ account.id }}", {"b": "x{{ account.id }}"}], "{{ held[0] }}": None, "n": 1.5})
    assert made.value(CONTEXT) == {"a": [42, {"b": "x42"}], "x": None, "n": 1.5}
    assert made.names == {"account", "held"}


def test_a_resolved_reference_is_not_shown() -> None:
    made = template(Ref("s3cret {{ gone }}", "${env:S} {{ gone }}"))
    with pytest.raises(Unfilled) as caught:
        made.render({})
    assert "s3cret" not in caught.value.reason + repr(made)
    assert "${env:S}" in caught.value.reason


def test_the_same_text_is_compiled_once() -> None:
    assert template("{{ a }}/1") is template("{{ a }}/1")
