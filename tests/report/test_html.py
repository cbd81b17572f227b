"""report.html: inert whatever it shows, every link leads somewhere, both themes readable."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

import harness.report
from harness.report import html
from harness.report.exchanges import body, view
from harness.report.show import label
from tests.report.hostile import IMAGE, crowd, hostile
from tests.report.sample import sample

HERE = Path(harness.report.__file__).parent


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def all(self, name: str) -> list[str]:
        return [attrs[name] for _, attrs in self.tags if name in attrs]


def rendered(world: str) -> str:
    if world == "hostile":
        run, about, exchanges = hostile()
        return html.render(run, about, exchanges.get)
    run, about, made = sample()
    return html.render(run, about, made.exchanges.get)


@pytest.fixture(scope="module", params=["sample", "hostile"])
def text(request: pytest.FixtureRequest) -> str:
    return rendered(request.param)


def test_nothing_can_run_and_nothing_is_fetched(text: str) -> None:
    page = Page(text)
    assert not {tag for tag, _ in page.tags} & {"img", "iframe", "object", "form", "base", "embed", "input"}
    assert [attrs for tag, attrs in page.tags if tag == "script"] == [{}]  # our own, allowed by its hash
    for _, attrs in page.tags:
        assert not [name for name in attrs if name.startswith("on") or name in ("style", "src", "action", "srcdoc")]
    for link in page.all("href"):
        assert link.startswith(("#", "exchanges/")) or link == "data:,", link
    assert "url(http" not in text
    text.encode()
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\x00\x1b\x7f]", text)


def test_every_link_leads_to_one_place(text: str) -> None:
    page = Page(text)
    ids = Counter(page.all("id"))
    assert [name for name, number in ids.items() if number > 1] == []
    assert not [name for name in ids if re.search(r"\s", name)]
    dead = {link for link in page.all("href") if link.startswith("#") and unquote(link[1:]) not in ids}
    assert not dead


def test_the_policy_comes_first_and_names_the_style(text: str) -> None:
    head = text.partition("<head>")[2].lstrip()
    assert head.startswith('<meta http-equiv="Content-Security-Policy"')
    style = re.search(r"<style>(.*?)</style>", text, re.S)
    assert style is not None
    script = re.search(r"<script>(.*?)</script>", text, re.S)
    assert script is not None
    first, second = (base64.b64encode(hashlib.sha256(one[1].encode()).digest()).decode() for one in (script, style))
    policy = next(attrs["content"] for tag, attrs in Page(text).tags if tag == "meta" and "http-equiv" in attrs)
    assert policy.startswith(f"default-src 'none'; script-src 'sha256-{first}'; style-src 'sha256-{second}'; img-src")
    assert "unsafe" not in policy
    assert '<meta name="referrer" content="no-referrer">' in text


def test_hostile_names_are_text() -> None:
    page = Page(rendered("hostile"))
    shown = "".join(page.text)
    assert IMAGE in shown
    assert "{{ 7*7 }}" in shown
    assert "\\u202e" in shown
    assert "\\ud800" in shown
    assert "z" * 401 not in shown
    assert "user:pw" not in shown


def test_a_megabyte_of_controls_and_bidi_is_cut_and_shown() -> None:
    run, about, world = sample()
    flood = ("\u202e\x00\x1b[31m<script>alert(1)</script>" * 30_000)[: 2**20]
    first = replace(run.cases[0].findings[0], name=flood, reason=flood, grant_id=flood, notes=(flood,))
    case = replace(run.cases[0], findings=(first,), claim_detail=flood, reason=flood)
    told = {
        sha: {**found, "response": {"headers": {flood: flood}, "body": flood}} for sha, found in world.exchanges.items()
    }
    text = html.render(replace(run, cases=(case,), notes=(flood,)), about, told.get)
    assert len(text) < 1_500_000
    assert not re.search("[\u202a-\u202e\x00\x1b]", text)
    assert text.count("<script>") == 1
    assert "more characters)" in text


def test_page_one_says_what_it_must() -> None:
    shown = " ".join("".join(Page(rendered("sample")).text).split())
    for words in (
        "Did access end everywhere?",
        "No: 4 of 20 grants remain.",
        "Synthetic leavers test the control, not every real leaver.",
        "Unsigned: not evidence.",
        "What did the connector claim?",
        "staging",
        "reader not independent",
        "exception CH-114 expired",
        "matched by the system's own immutable id",
    ):
        assert words in shown, words


def test_every_poll_leads_to_its_exchange() -> None:
    run, about, world = sample()
    text = html.render(run, about, world.exchanges.get)
    for sha in world.exchanges:
        assert f'id="x-{sha[:16]}"' in text
        assert f'href="#x-{sha[:16]}"' in text
    missing = html.render(run, about, lambda sha: None)
    assert f"{len(world.exchanges)} cited exchanges are not in this folder" in missing


def test_an_exchange_of_any_shape_is_shown() -> None:
    for odd in ({}, {"request": 3, "response": [], "url": "http://[", "sent": "?", "redactions": ["a"]}, {"status": 0}):
        assert view("a" * 64, "x", odd).anchor == "x"
    assert body('{"a":1}') == '{"a": 1}'
    assert body([{"a": "b" * 90}]) == '[\n  {\n    "a": "' + "b" * 90 + '"\n  }\n]'
    assert body("[" * 5_000).startswith("[[[")
    assert body(["deep"]) == '["deep"]'
    assert body("a\r\n\u202eb") == "a\\u000d\n\\u202eb"


def test_a_body_that_was_not_stored_is_not_called_none() -> None:
    stored = {"sent": "2026-11-22T21:28:25.271Z", "answered": "2026-11-22T21:28:25.279Z"}
    shown = view("a" * 64, "x", {**stored, "response": {"bytes": 49, "keyed_hash": "hmac-sha256:a69", "body": None}})
    assert shown.response.none == "body not stored: 49 bytes, hmac-sha256:a69"
    assert shown.request.none == "no body"
    assert shown.took == "8 ms"


def test_an_account_is_named_once() -> None:
    assert label("account", "account") == "account"
    assert label("group", "finance") == "group finance"


def test_the_script_makes_no_markup_and_asks_nobody() -> None:
    script = (HERE / "report.js").read_text()
    for word in ("innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval", "Function(", "fetch", "XMLHttp"):
        assert word not in script, word
    assert "import" not in script
    assert "</" not in script


def test_templates_cannot_turn_escaping_off() -> None:
    for template in (HERE / "templates").iterdir():
        source = template.read_text().replace("<script>{{ script }}</script>", "")
        assert not re.search(r"\|\s*safe|autoescape|<script|\sstyle=|\son\w+=", source), template.name
    assert "safe" not in html._environment().filters
    for path in HERE.glob("*.py"):
        assert path.read_text().count("Markup(") == (1 if path.name == "html.py" else 0), path.name


def _luminance(colour: str) -> float:
    channels = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_in_both_themes() -> None:
    """WCAG 2.2, 1.4.3: 4.5:1 for text; 1.4.11: 3:1 for shapes."""
    css = (HERE / "report.css").read_text()
    blocks = re.findall(r":root \{(.*?)\}", css, re.S)[:2]
    states = ("fail", "pass", "inconclusive", "kept", "unseen")
    for block in blocks:
        colours = {
            name: value * (2 if len(value) == 4 else 1) for name, value in re.findall(r"--([\w-]+): (#\w{6})", block)
        }
        pairs = [(ink, paper) for ink in ("ink", "muted", "link", *states) for paper in ("paper", "card")]
        pairs += [(state, f"{state}-bg") for state in states] + [("ink", f"{state}-bg") for state in states]
        pairs += [("muted", f"{state}-bg") for state in states]
        for ink, paper in pairs:
            assert _contrast(colours[ink], colours[paper]) >= 4.5, (ink, paper)
        assert _contrast(colours["bar"], colours["card"]) >= 3


def test_a_hundred_leavers() -> None:
    run, about, exchanges = crowd(100)
    start = time.perf_counter()
    text = html.render(run, about, exchanges.get)
    assert time.perf_counter() - start < 30
    assert len(text) < 7_500_000
    assert "more looks, all present: in the ledger" in text
