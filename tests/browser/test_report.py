"""The report opens from disk in a real browser, with scripts disabled, quietly and readably."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.chromium import Browser
from tests.report.hostile import IMAGE

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("name", ["sample", "hostile"])
@pytest.mark.parametrize("script", [False, True])
def test_quiet_from_disk(browser: Browser, pages: dict[str, Path], name: str, script: bool) -> None:
    browser.look(1280)
    browser.open(pages[name], script=script)
    assert browser.evaluate("document.querySelector('h1').innerText") == "Did access end everywhere?"
    assert browser.heard("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown") == []
    assert browser.heard("Page.javascriptDialogOpening") == []
    asked = {event["request"]["url"] for event in browser.heard("Network.requestWillBeSent")}
    assert {url for url in asked if not url.startswith("data:")} == {pages[name].as_uri()}


def test_a_hostile_name_is_shown_as_text(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["hostile"])
    assert IMAGE in browser.evaluate("document.body.innerText")
    assert browser.evaluate("[document.images.length, document.scripts.length]") == [0, 1]  # the page's own
    assert browser.evaluate("document.title").startswith("No: ")


@pytest.mark.parametrize("name", ["sample", "hostile"])
@pytest.mark.parametrize("width", [320, 400, 768, 1280])
def test_no_screen_needs_sideways_scrolling(browser: Browser, pages: dict[str, Path], name: str, width: int) -> None:
    browser.look(width)
    browser.open(pages[name])
    assert browser.evaluate("document.documentElement.scrollWidth") <= width


def test_the_style_sheet_is_in_force_in_both_themes(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["sample"])
    papers = []
    for dark in (False, True):
        browser.look(1280, dark=dark)
        papers.append(browser.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert papers == ["rgb(251, 250, 247)", "rgb(20, 23, 26)"]


def test_targets_are_large_enough(browser: Browser, pages: dict[str, Path]) -> None:
    """WCAG 2.2, 2.5.8: 24 px, but for links inside a sentence or a cell of text."""
    browser.look(400)
    browser.open(pages["sample"])
    small = "[...document.querySelectorAll('nav a, .chip, summary')].filter(e => e.getClientRects().length"
    assert browser.evaluate(f"{small} && e.getBoundingClientRect().height < 24).map(e => e.innerText)") == []


def test_a_link_opens_what_it_leads_to(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["sample"])
    hidden = "#terminate/contractor-end-date.directory.account.zz-leaver-7-5.admin"
    assert browser.evaluate(f"document.getElementById('{hidden[1:]}').closest('details').open") is False
    browser.evaluate(f"document.querySelector('a[href=\"{hidden}\"]').click()")
    assert browser.evaluate(f"document.getElementById('{hidden[1:]}').closest('details').open") is True
