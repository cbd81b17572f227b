"""Since the last drill: page one tells it, the section shows it, and a first drill says nothing of it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from harness.model import iso
from harness.report import schema, write
from harness.report.document import document
from harness.report.drills import of, read
from harness.report.html import render
from harness.report.index import before
from harness.report.since import compare, since
from tests.report.lineage import Q2, Q3
from tests.report.sample import DRILLS, FOLDER, sample

RUN, ABOUT, WORLD = sample()
EARLIER = [read(path) for path in sorted(DRILLS.iterdir())]


def test_page_one_and_the_section_tell_what_changed(tmp_path: Path) -> None:
    write(tmp_path, RUN, ABOUT, WORLD.exchanges.get, earlier=EARLIER)
    html = (tmp_path / "report.html").read_text()
    assert "1 new, 8 still open, 1 flapping, 1 no longer covered, 1 fixed, 1 now covered." in html
    assert '<section id="since">' in html
    assert "3 drills" in html
    told = json.loads((tmp_path / "results.json").read_text())
    jsonschema.validate(told, schema())
    assert told["run"]["compared"]["before"]["id"] == Q3
    assert [drill["id"] for drill in told["run"]["compared"]["trend"]] == [Q2, Q3, RUN.id]


def test_a_first_drill_is_compared_with_nothing() -> None:
    assert compare(document(RUN, ABOUT), ()) is None
    html = render(RUN, ABOUT, WORLD.exchanges.get)
    assert "#since" not in html
    assert document(RUN, ABOUT)["run"]["compared"] is None


def test_no_change_is_said_as_such() -> None:
    found = since(compare(document(RUN, ABOUT), [replace(read(FOLDER), id="twin", started="2026-11-01")]))
    assert found is not None
    text = "".join(part.text for part in found.sentence)
    assert text == "Since the drill of 2026-11-01: 10 still open."
    assert {one.change for one in found.moved} == {"still open"}


@pytest.mark.parametrize("hostile", ["<img src=x onerror=alert(1)>", "\u202egpj", "a" * 3000])
def test_names_of_an_earlier_run_are_text(hostile: str) -> None:
    told = json.loads((DRILLS / Q3 / "results.json").read_text())
    told["cases"][0]["findings"][-1]["name"] = hostile
    told["run"]["id"] = hostile
    about = replace(ABOUT, compared=compare(document(RUN, ABOUT), [of(told)]))
    html = render(RUN, about, WORLD.exchanges.get)
    assert "<img src=x" not in html
    assert "\u202e" not in html
    assert hostile not in html or len(hostile) < 3000


def test_a_system_without_a_drill_leaves_a_gap_in_its_line() -> None:
    told = document(RUN, ABOUT)
    middle = replace(EARLIER[1], findings={k: f for k, f in EARLIER[1].findings.items() if f.system != "mail"})
    found = since(compare(told, [EARLIER[0], middle]))
    assert found is not None
    mail = next(line for line in found.lines if line.system == "mail")
    assert mail.cells[1] == "–"
    assert len(mail.dots) == 2
    assert mail.points == ()  # no line across what was not measured


def test_only_earlier_runs_of_the_same_fleet_and_environment(tmp_path: Path) -> None:
    shutil.copytree(DRILLS, tmp_path / "reports")
    reports = tmp_path / "reports"
    assert [run.id for run in before(reports, "staging", "test", RUN.started)] == [Q2, Q3]
    assert before(reports, "staging", "production", RUN.started) == []
    assert before(reports, "other", "test", RUN.started) == []
    early = RUN.started - 200 * 86_400 * 1_000_000
    assert iso(early) < "2026-05-22"
    assert before(reports, "staging", "test", early) == []
    assert before(tmp_path / "nowhere", "staging", "test", RUN.started) == []
