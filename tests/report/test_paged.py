"""A large run: an index that opens at once, and one page for each case with all that is behind its findings."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import pytest

from harness.model import Verdict
from harness.report import html, write
from harness.report.ids import case_file
from tests.report.hostile import NAMES, crowd, hostile
from tests.report.test_html import Page

CASES = html.MANY // 12 + 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("large")
    run, about, exchanges = crowd(CASES)
    paths = write(made, run, about, exchanges.get)
    pages = [path for path in paths if path.suffix == ".html"]
    assert [path.relative_to(made).as_posix() for path in pages] == [
        "report.html",
        *(case_file(case.case.id) for case in run.cases),
    ]
    return made


def test_a_normal_run_is_one_file(tmp_path: Path) -> None:
    run, about, exchanges = crowd(CASES - 1)
    assert sum(len(case.findings) for case in run.cases) + len(run.bystanders) > html.MANY - 12
    names = [name for name, _ in html.files(replace(run, bystanders=()), about, exchanges.get)]
    assert names == ["report.html"]


def test_every_link_leads_to_a_place_that_is_there(folder: Path) -> None:
    pages = {path: Page(path.read_text()) for path in (folder / "report.html", *sorted(folder.glob("cases/*"))[:3])}
    ids: dict[Path, set[str]] = {}
    for path, page in pages.items():
        for link in page.all("href"):
            file, _, anchor = link.partition("#")
            if link == "data:," or file.startswith(("exchanges/", "../exchanges/")):
                continue
            target = (path.parent / unquote(file)).resolve() if file else path
            assert target.is_file(), link
            if target not in ids:
                ids[target] = set(map(unescape, re.findall(r' id="([^"]*)"', target.read_text())))
            assert not anchor or unquote(anchor) in ids[target], (path.name, link)


def test_the_index_has_every_case_and_says_what_it_leaves_out(folder: Path) -> None:
    text = (folder / "report.html").read_text()
    assert len(text) < 1_200_000
    assert text.count('href="cases/crowd-leaver-') >= CASES
    shown = " ".join("".join(Page(text).text).split())
    assert "This run is large: each case has a page of its own" in shown
    assert re.search(r"[0-9]+ more failed, the worst come first here", shown)
    assert "No: " in shown
    assert '<details class="case' not in text


def test_a_cases_page_has_every_look_and_is_as_inert(folder: Path) -> None:
    page = Page(next(folder.glob("cases/*")).read_text())
    tags = [tag for tag, _ in page.tags]
    assert not {"img", "iframe", "form", "input"} & set(tags)
    assert tags.index("meta") < tags.index("style")
    shown = "".join(page.text)
    assert "more looks, all present: in the ledger" not in shown
    assert "Unsigned: not evidence." in shown


def test_hostile_ids_make_files_of_harmless_names() -> None:
    names = [case_file(name) for name in (*NAMES, "A/b", "a/B", "../../etc/passwd", "")]
    assert len({name.lower() for name in names}) == len(names)
    assert all(re.fullmatch(r"cases/[a-z0-9-]{1,90}\.html", name) for name in names)
    run, about, exchanges = hostile()
    many = tuple(
        replace(case, case=replace(case.case, id=f"{case.case.id}{n}"), verdict=Verdict.FAIL)
        for n in range(html.MANY // 20)
        for case in run.cases
    )
    index = Page(next(iter(html.files(replace(run, cases=many), about, exchanges.get)))[1])
    assert "script" not in {tag for tag, _ in index.tags if tag == "img"}
    for link in index.all("href"):
        assert link.startswith(("#", "exchanges/", "cases/")) or link == "data:,", link
