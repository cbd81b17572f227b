"""axe finds no violation of WCAG 2.2 A or AA in the report, in both themes, on wide and narrow screens, with and
without the page's own script."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from tests.browser.chromium import Browser

pytestmark = pytest.mark.browser

RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
RUN = """axe.run(document, {runOnly: %s, resultTypes: ["violations"]}).then(found => found.violations.map(one =>
    one.id + ": " + one.nodes.slice(0, 3).map(node => `${node.target} ${node.html.slice(0, 120)}`).join(" | ")))"""


@cache
def axe() -> str:
    """The engine, out of the package that carries it."""
    return (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


def violations(browser: Browser) -> list[str]:
    """axe waits with timers, which a page without scripts does not have: they are switched on once it is loaded, too
    late for the page's own script."""
    browser.send("Emulation.setScriptExecutionDisabled", {"value": False})
    browser.evaluate(axe())
    answer = browser.send(
        "Runtime.evaluate",
        {"expression": RUN % json.dumps(RULES), "awaitPromise": True, "returnByValue": True},
    )
    assert "exceptionDetails" not in answer, answer
    found: list[str] = answer["result"]["value"]
    return found


@pytest.mark.parametrize("name", ["sample", "hostile"])
@pytest.mark.parametrize(("script", "dark", "width"), [(True, False, 1280), (True, True, 390), (False, False, 390)])
def test_no_violation(
    browser: Browser, pages: dict[str, Path], name: str, script: bool, dark: bool, width: int
) -> None:
    browser.look(width, dark=dark)
    browser.open(pages[name], script=script)
    browser.evaluate("[...document.querySelectorAll('details')].forEach((one, n) => one.open = n % 12 == 0)")
    assert violations(browser) == []


@pytest.mark.parametrize(
    ("break_it", "rule"),
    [
        ("document.documentElement.removeAttribute('lang')", "html-has-lang"),
        ("document.querySelector('.lead').style.color = '#ccc'", "color-contrast"),
        ("document.querySelector('.scroll').insertAdjacentHTML('beforeend', '<button></button>')", "button-name"),
        ("document.querySelector('.skip').id = 'answer'; document.querySelector('table').role = 'lst'", "aria-roles"),
    ],
)
def test_axe_has_been_seen_finding(browser: Browser, pages: dict[str, Path], break_it: str, rule: str) -> None:
    browser.look(1280)
    browser.open(pages["sample"], script=True)
    browser.evaluate(break_it)
    found: list[Any] = violations(browser)
    assert any(one.startswith(f"{rule}: ") for one in found), found
