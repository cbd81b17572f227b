"""`exitproof report --pdf`: by the browser that is there, else by WeasyPrint, else with the way to get one."""

from __future__ import annotations

import importlib.util
import io
import shutil
from pathlib import Path

import pytest
from pypdf import PdfReader

from harness.commands.paper import BROWSERS, _fetch, browser, paper
from harness.model import BadInput
from tests.browser.chromium import found

ANSWER = "No: 4 of 20 grants remain."
NO_BROWSER = {"PATH": ""}


@pytest.fixture
def page(pages: dict[str, Path], tmp_path: Path) -> Path:
    return Path(shutil.copy(pages["sample"], tmp_path / "report.html"))


def read(path: Path) -> list[str]:
    return [sheet.extract_text() for sheet in PdfReader(io.BytesIO(path.read_bytes())).pages]


@pytest.mark.browser
def test_by_a_browser(page: Path) -> None:
    program = found()
    if program is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium, or set CHROMIUM")
    out, maker = paper(page, {"CHROMIUM": program})
    assert (out, maker) == (page.with_suffix(".pdf"), Path(program).name)
    sheets = read(out)
    assert ANSWER in sheets[0]
    assert all(f"page {n} of {len(sheets)}" in sheet for n, sheet in enumerate(sheets, 1))


def test_by_weasyprint_where_there_is_no_browser(page: Path) -> None:
    if importlib.util.find_spec("weasyprint") is None:
        pytest.skip("no WeasyPrint here: pip install 'exitproof[pdf]'")
    out, maker = paper(page, NO_BROWSER)
    assert maker == "WeasyPrint"
    sheets = read(out)
    assert ANSWER in " ".join(sheets[0].split())
    assert all(f"page {n} of {len(sheets)}" in sheet for n, sheet in enumerate(sheets, 1))
    assert all("exitproof 2026-11-20-0900-7f3a results.json " in sheet for sheet in sheets)


def test_weasyprint_asks_nobody() -> None:
    for url in ("http://evil.example.test/x.css", "file:///etc/passwd"):
        with pytest.raises(ValueError, match="refused"):
            _fetch(url)


def test_a_browser_that_fails_is_one_line(page: Path) -> None:
    with pytest.raises(BadInput, match="could not print it: CalledProcessError"):
        paper(page, {"CHROMIUM": shutil.which("false") or "/bin/false"})
    with pytest.raises(BadInput, match="ended, and printed nothing"):
        paper(page, {"CHROMIUM": shutil.which("true") or "/bin/true"})
    with pytest.raises(BadInput, match="could not print it: FileNotFoundError"):
        paper(page, {"CHROMIUM": "/nowhere/chromium"})


def test_the_first_browser_of_the_path_is_taken(tmp_path: Path) -> None:
    for name in BROWSERS[1:3]:
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    assert browser({"PATH": str(tmp_path)}) == str(tmp_path / BROWSERS[1])
    assert browser({"PATH": str(tmp_path), "CHROMIUM": "/x"}) == "/x"
    assert browser(NO_BROWSER) is None
