"""YAML text to plain data: YAML 1.2 words, refusals with their places, and nothing but BadInput whatever comes in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.model import BadInput, Problem
from harness.source import MAX_BYTES, Source, parse, read
from harness.source.reading import whole


def data(text: str) -> Any:
    return parse("f.yaml", text.encode()).data


def refused(raw: str | bytes) -> list[str]:
    with pytest.raises(BadInput) as bad:
        parse("f.yaml", raw.encode() if isinstance(raw, str) else raw)
    return [str(problem) for problem in bad.value.problems]


def outcome(call: Callable[[], Any]) -> Any:
    """What it answers, or the problems it raises."""
    try:
        return call()
    except BadInput as bad:
        return list(bad.problems)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("on", "on"),
        ("no", "no"),
        ("yes", "yes"),
        ("Off", "Off"),
        ("y", "y"),
        ("12:30", "12:30"),
        ("2027-03-31", "2027-03-31"),
        ("2027-03-31T10:00:00Z", "2027-03-31T10:00:00Z"),
        ("0o17", "0o17"),
        ("0x1f", "0x1f"),
        ("1_000", "1_000"),
        ("1e", "1e"),
        ("+", "+"),
        (".inf", ".inf"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-3", -3),
        ("+3", 3),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("'12'", "12"),
        ('"true"', "true"),
        ("''", ""),
    ],
)
def test_words_are_those_of_yaml_1_2(written: str, meant: Any) -> None:
    found = data(f"a: {written}\n")["a"]
    assert found == meant
    assert type(found) is type(meant)


def test_keys_are_words_even_where_they_look_like_something_else() -> None:
    assert data("{on: 1, 12: 2, true: 3, null: 4, 2027-01-01: 5}") == {
        "on": 1,
        "12": 2,
        "true": 3,
        "null": 4,
        "2027-01-01": 5,
    }


def test_anchors_stand_for_what_they_name() -> None:
    assert data("a: &x [1, {b: 2}]\nc: *x\nd: &y word\ne: *y\n") == {
        "a": [1, {"b": 2}],
        "c": [1, {"b": 2}],
        "d": "word",
        "e": "word",
    }


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a: 1\nb: 2\na: 3\n", ["f.yaml:3:1: duplicate key: 'a'"]),
        ("x:\n  a: 1\n  a: 2\n  a: 3\n", ["f.yaml:3:3: duplicate key: 'a'", "f.yaml:4:3: duplicate key: 'a'"]),
        ("a: {b: 1, 'b': 2}\n", ["f.yaml:1:11: duplicate key: 'b'"]),
        ("a: !!python/name:os.system x\n", ["f.yaml:1:4: tags are refused: 'tag:yaml.org,2002:python/name:os.system'"]),
        ("a: !secret x\n", ["f.yaml:1:4: tags are refused: '!secret'"]),
        ("!!str a: 1\n", ["f.yaml:1:1: tags are refused: 'tag:yaml.org,2002:str'"]),
        ("a: &x {b: 1}\nc: {<<: *x}\n", ["f.yaml:2:5: merge keys are refused: '<<'"]),
        ("a: 1\n---\nb: 2\n", ["f.yaml:2:1: a second document: one file holds one document"]),
        ("", ["f.yaml:1:1: the file is empty"]),
        ("# only words\n", ["f.yaml:1:1: the file is empty"]),
        ("[1, 2]\n", ["f.yaml:1:1: a mapping (`key: value` lines) is expected"]),
        ("word\n", ["f.yaml:1:1: a mapping (`key: value` lines) is expected"]),
        ("a: *x\n", ["f.yaml:1:4: no complete anchor of this name comes before: '*x'"]),
        ("a: &x [*x]\n", ["f.yaml:1:8: no complete anchor of this name comes before: '*x'"]),
        ("? [a, b]\n: 1\n", ["f.yaml:1:3: a key must be a word"]),
        ("a: 1e999\n", ["f.yaml:1:4: the number is too large: '1e999'"]),
        ("a: " + "9" * 5000 + "\n", ["f.yaml:1:4: the number is too large: '99999999999999999999…'"]),
        ("a:\n\t- b\n", ["f.yaml:2:1: not valid YAML: found character that cannot start any token"]),
        ("a: [1, 2\n", ["f.yaml:2:1: not valid YAML: did not find expected ',' or ']'"]),
        ("a: 'open\n", ["f.yaml:2:1: not valid YAML: found unexpected end of stream"]),
        (b"a: 1\nb: \xff\n", ["f.yaml:2:4: not UTF-8 text"]),
        ("a: b\x07\n", ["f.yaml:1:5: a control character: U+0007"]),
        ("a: " + "[" * 80 + "]" * 80 + "\n", ["f.yaml:1:63: nested too deeply"]),
    ],
)
def test_what_is_not_plain_data_is_refused(text: str | bytes, lines: list[str]) -> None:
    assert refused(text) == lines


def test_an_alias_bomb_is_refused_before_it_goes_off() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    for n in range(1, 12):
        bomb += f"a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * 9) + "]\n"
    assert "aliases stand for more than" in refused(bomb)[0]


def test_a_huge_file_is_refused() -> None:
    assert refused("a: " + "x" * MAX_BYTES) == [f"f.yaml:1:1: larger than {MAX_BYTES} bytes"]


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"gone\.yaml:1:1: cannot be read: No such file or directory"):
        read(tmp_path / "gone.yaml")


def test_places_of_values_and_keys() -> None:
    source = parse("f.yaml", b"# note\na:\n  - b: 1\n    c: [x, {d: y}]\ne: z\n")
    assert source.place(("a", 0, "c", 1, "d")) == (4, 16)
    assert source.place(("a", 0, "c", 1, "d"), key=True) == (4, 13)
    assert source.place(("a", 0, "nothing")) == (3, 5)
    assert source.place(("nothing",)) == (2, 1)
    assert source.line(source.data["a"][0]) == 3
    assert source.line(source.data["a"][0]["c"][1]) == 4


def test_a_block_seen_before_keeps_the_lines_of_each_file() -> None:
    block = "keep:\n  - {a: 1}\n  - {a: 2}\n"
    first = parse("one.yaml", f"x: 1\n{block}".encode())
    second = parse("two.yaml", f"# a word\n\nx: 1\ny: 2\n{block}z: 3\n".encode())
    assert first.line(first.data["keep"][1]) == 4
    assert second.line(second.data["keep"][1]) == 7
    assert second.place(("keep", 1)) == (7, 5)


@pytest.mark.parametrize(
    "text",
    [
        'a: "foo\nb: bar"\nc: 1\n',
        'a: "foo\nc: x"\n"c": 1\n',
        "a: |\n  text\n\nb: >-\n  folded\n  more\nc:\n- 1\n- 2\n",
        "a: {x: 1,\n b: 2}\nb: [1,\n  2]\n",
        "a: one\n  two\nb:\n",
        "a: |+\n  text\n\n\nb: 1\n",
        "---\na: 1\nb: 2\n...\n",
        "a: &x 1\nb: *x\n",
    ],
)
def test_reading_by_blocks_is_reading_whole(text: str) -> None:
    for _ in range(2):  # the second time from memory
        assert outcome(lambda: data(text)) == outcome(lambda: whole("f.yaml", text)[1])


_lines = st.sampled_from(
    [
        *("a: 1", "b: x", 'c: "x', 'x"', '"c": 1', "  y: 2", "- 1", "  - z", "d:", "[", "]", "e: [1,", "2]", "# n"),
        *("", "'", "f: >", "   text", "a: &x 1", "g: *x", "---", "...", "? k", ": v", "h: {i: 1}", "\tx", "é: ü"),
        *("j: 'it''s'", "k: |", "l: {m: 1,", "n: 2}"),
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(_lines, max_size=8).map("\n".join))
def test_blocks_never_change_what_a_text_means(text: str) -> None:
    assert outcome(lambda: data(text)) == outcome(lambda: whole("f.yaml", text)[1])


def inside(problem: Problem, text: str) -> bool:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x85", "\n")
    rows = lines.replace("\u2028", "\n").replace("\u2029", "\n").split("\n")
    return 1 <= problem.line <= len(rows) and 1 <= problem.column <= len(rows[problem.line - 1]) + 1


@settings(max_examples=400, deadline=None)
@given(st.text(alphabet=st.sampled_from(list("ab:-[]{}&*!|>'\"#%@`?, \n\r\t0.e~<\x07é\u2028\x85\ufeff")), max_size=60))
def test_any_text_loads_or_is_bad_input_with_places_inside_it(text: str) -> None:
    found = outcome(lambda: parse("f.yaml", text.encode()))
    if isinstance(found, Source):
        line, column = found.place(("nothing",))
        found = [Problem("f", line, column, "")]
    assert all(inside(problem, text.removeprefix("\ufeff")) for problem in found)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_load_or_are_bad_input(raw: bytes) -> None:
    assert outcome(lambda: parse("f.yaml", raw))


_words = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=20)
_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _words,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(_words, below, max_size=4),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(_words, _json, max_size=4))
def test_json_means_the_same_in_yaml(value: dict[str, Any]) -> None:
    assert parse("f.yaml", json.dumps(value, ensure_ascii=False).encode()).data == value
