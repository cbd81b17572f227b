"""Filters stand in the address; whatever they hide, a link shows its target; without a script everything is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.chromium import Browser

pytestmark = pytest.mark.browser

SHOWN = "[...document.querySelectorAll('%s')].filter(one => one.checkVisibility())"
FINDINGS = SHOWN % ".findings > tbody"
TARGET = "#terminate/contractor-end-date.directory.account.zz-leaver-7-5.admin"


def opened(browser: Browser, page: Path, fragment: str = "", *, script: bool = True) -> None:
    browser.look(1280)
    browser.open(page, script=script)
    if fragment:
        browser.evaluate(f"location.hash = {fragment!r}")
        settle(browser)


def settle(browser: Browser) -> None:
    """Until the page has heard of its new address. (Without scripts a page has no timers, and this would never end.)"""
    browser.send("Runtime.evaluate", {"expression": "new Promise(r => setTimeout(r, 100))", "awaitPromise": True})


def choose(browser: Browser, control: int, value: str) -> None:
    browser.evaluate(
        f"(() => {{ const one = document.querySelectorAll('#filter select, #filter input')[{control}];"
        f" one.value = {value!r}; one.dispatchEvent(new Event('change', {{bubbles: true}})); }})()"
    )


def test_an_address_filters(browser: Browser, pages: dict[str, Path]) -> None:
    opened(browser, pages["sample"], "#?verdict=fail&system=crm")
    facets = browser.evaluate(f"{FINDINGS}.map(one => one.dataset.f)")
    assert facets
    assert all(one.startswith("fail|") and one.endswith("|crm") for one in facets), facets
    assert browser.evaluate("document.querySelector('#filter [role=status]').textContent").startswith(
        f"{len(facets)} of "
    )
    assert browser.evaluate(f"{SHOWN % 'details.case'}.length") < browser.evaluate(
        "document.querySelectorAll('details.case').length"
    )


def test_a_choice_goes_into_the_address_and_back(browser: Browser, pages: dict[str, Path]) -> None:
    opened(browser, pages["sample"])
    whole = browser.evaluate("document.querySelectorAll('.findings > tbody').length")
    assert browser.evaluate("document.querySelector('#filter [role=status]').textContent") == ""
    choose(browser, 1, "kept")
    assert browser.evaluate("location.hash") == "#?outcome=kept"
    assert browser.evaluate(f"{FINDINGS}.length") == 1
    choose(browser, 1, "")
    choose(browser, 4, "API-TOKEN")
    assert browser.evaluate("location.hash") == "#?text=API-TOKEN"
    assert browser.evaluate("document.querySelector('#filter button').disabled") is False
    browser.evaluate("document.querySelector('#filter button').click()")
    assert browser.evaluate("[location.hash, document.activeElement.tagName]") == ["", "SELECT"]
    closed = "document.querySelectorAll('details').forEach(one => one.open = true)"
    browser.evaluate(closed)
    assert browser.evaluate(f"{FINDINGS}.length") == whole


@pytest.mark.parametrize("script", [True, False])
def test_a_link_shows_its_target_whatever_hides_it(browser: Browser, pages: dict[str, Path], script: bool) -> None:
    opened(browser, pages["sample"], "#?verdict=fail&system=crm" if script else "", script=script)
    place = f"document.getElementById('{TARGET[1:]}')"
    assert browser.evaluate(f"{place}.checkVisibility()") is False
    browser.evaluate(f"document.querySelector('a[href=\"{TARGET}\"]').click()")
    if script:
        settle(browser)
    assert browser.evaluate(f"{place}.checkVisibility()") is True
    assert browser.evaluate(f"{place}.closest('details').open") is True


def test_what_nobody_has_is_ignored_and_hostile_values_are_text(browser: Browser, pages: dict[str, Path]) -> None:
    odd = "<img src=x onerror=alert(1)>"
    opened(browser, pages["hostile"], f"#?verdict=nonsense&system=%00&text={odd}")
    assert browser.heard("Page.javascriptDialogOpening", "Runtime.exceptionThrown", "Log.entryAdded") == []
    assert browser.evaluate("document.images.length") == 0
    assert browser.evaluate(f"{FINDINGS}.length") > 0  # those that are called so


def test_without_a_script_there_is_no_dead_control(browser: Browser, pages: dict[str, Path]) -> None:
    opened(browser, pages["sample"], script=False)
    assert browser.evaluate("document.getElementById('filter').getClientRects().length") == 0
    assert browser.evaluate("document.querySelectorAll('select, input, button').length") == 0


def test_paper_leaves_nothing_out(browser: Browser, pages: dict[str, Path]) -> None:
    opened(browser, pages["sample"], "#?outcome=kept")
    browser.send("Emulation.setEmulatedMedia", {"media": "print"})
    assert browser.evaluate("document.querySelectorAll('.off').length") > 0
    assert browser.evaluate(f"{SHOWN % '.off'}.length") == browser.evaluate("document.querySelectorAll('.off').length")
    browser.send("Emulation.setEmulatedMedia", {"media": ""})
