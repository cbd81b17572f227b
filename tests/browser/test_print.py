"""On paper: everything is open, and every page carries its number, the run and the run's fingerprint."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from pathlib import Path

import pytest
from pypdf import PdfReader

from harness.report import write
from tests.browser.chromium import Browser
from tests.report.sample import sample

pytestmark = pytest.mark.browser


def printed(browser: Browser, page: Path) -> list[str]:
    browser.look(1280)
    browser.open(page)
    return [page.extract_text() for page in PdfReader(io.BytesIO(browser.pdf())).pages]


def test_every_page_says_which_run_and_which_page_it_is(browser: Browser, pages: dict[str, Path]) -> None:
    for name in ("sample", "hostile"):
        sheets = printed(browser, pages[name])
        digest = hashlib.sha256((pages[name].parent / "results.json").read_bytes()).hexdigest()
        assert len(sheets) > 5
        for number, sheet in enumerate(sheets, 1):
            assert f"page {number} of {len(sheets)}" in sheet
            assert f"exitproof 2026-11-20-0900-7f3a results.json {digest[:16]}" in sheet
            assert "UNSIGNED: NOT EVIDENCE" in sheet
        if name == "sample":
            assert digest in "".join(sheets).replace("\n", "")


def test_a_run_that_is_to_be_signed_does_not_call_itself_unsigned(browser: Browser, tmp_path: Path) -> None:
    run, about, world = sample()
    write(tmp_path, run, replace(about, signing_key="ab" * 32), world.exchanges.get)
    sheets = printed(browser, tmp_path / "report.html")
    assert all("TO BE VERIFIED: key abababababababab" in sheet for sheet in sheets)
    assert not any("UNSIGNED" in sheet for sheet in sheets)


def test_a_run_id_cannot_break_out_of_the_margin(browser: Browser, tmp_path: Path) -> None:
    run, about, world = sample()
    odd = '7"; } @page { @bottom-right { content: "page 1 of 1'
    write(tmp_path, replace(run, id=odd), replace(about, run_id=odd), world.exchanges.get)
    sheets = printed(browser, tmp_path / "report.html")
    assert all(odd in sheet for sheet in sheets)
    assert f"page 2 of {len(sheets)}" in sheets[1]


def test_paper_opens_every_detail(browser: Browser, pages: dict[str, Path]) -> None:
    browser.look(1280)
    browser.open(pages["sample"])
    browser.send("Emulation.setEmulatedMedia", {"media": "print"})
    height = "document.querySelector('details.polls:not([open]) table').getBoundingClientRect().height"
    assert browser.evaluate(height) > 0
    assert browser.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
    browser.send("Emulation.setEmulatedMedia", {"media": ""})
