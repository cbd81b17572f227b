"""Text that deceives the eye shows itself; text that does not stays as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model import SECOND
from harness.report.html import css_text
from harness.report.show import clip, encodable, plain_url, span, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("Zoë 李", "Zoë 李"),
        ("a\u202eb", "a\\u202eb"),
        ("a\u200bb\ufeff", "a\\u200bb\\ufeff"),
        ("\x1b[31m\x00\x7f\x9b", "\\u001b[31m\\u0000\\u007f\\u009b"),
        ("line\nfeed\r", "line\\u000afeed\\u000d"),
        ("half\ud800", "half\\ud800"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("blank\u3164\u2800\u00a0", "blank\\u3164\\u2800\\u00a0"),
        ("e\u0301", "e\u0301"),
        ("z" + "\u0301" * 4, "z\u0301\u0301\\u0301\\u0301"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text(st.characters(codec=None, categories=None), max_size=60))
def test_always_printable_and_encodable(text: str) -> None:
    shown = visible(text)
    assert shown.isprintable()
    shown.encode()
    assert visible(shown) is shown
    encodable(text).encode()


def test_lines_stay_only_where_asked() -> None:
    assert visible("a\nb\r", lines=True) == "a\nb\\u000d"


def test_clip_tells_how_much_is_missing() -> None:
    assert clip("x" * 400) == "x" * 400
    assert clip("x" * 500, 10) == "x" * 10 + " … (490 more characters)"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://u:p@h.test:9/a?token=x#f", "http://h.test:9/a"),
        ("http://[bad", "(not a URL)"),
        ("", ""),
    ],
)
def test_addresses_hold_no_keys(url: str, shown: str) -> None:
    assert plain_url(url) == shown


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (0, "0 ms"),
        (0.25, "250 ms"),
        (41.29, "41.2 s"),
        (907, "15 m 07 s"),
        (3725, "1 h 02 m"),
        (280_000, "3 d 5 h"),
        (-4, "−4.0 s"),
    ],
)
def test_span(length: float, text: str) -> None:
    assert span(round(length * SECOND)) == text


def test_css_text_cannot_end_its_string() -> None:
    assert css_text('a"; } body { x: "\n') == "a\\000022 \\00003b  \\00007d  body \\00007b  x: \\000022 \\00005c u000a"
