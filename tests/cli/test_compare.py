"""`exitproof diff` and `exitproof history` as a person calls them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.command import call
from tests.report.lineage import Q2, Q3
from tests.report.sample import DRILLS as HOME
from tests.report.sample import FOLDER


@pytest.fixture
def place(tmp_path: Path) -> Path:
    shutil.copytree(HOME, tmp_path / "reports")
    shutil.copytree(FOLDER, tmp_path / "reports" / "newest")
    return tmp_path


def test_diff(place: Path) -> None:
    ended = call(place, "diff", f"reports/{Q3}", "reports/newest", "--reports", "reports")
    assert ended.code == 1
    assert ended.lines[0].startswith(f"{Q3} -> 2026-11-20-0900-7f3a (staging): 1 new, ")
    assert "failing for 3 drills" in ended.out
    assert call(place, "diff", "reports/newest", "reports/newest").code == 0
    told = json.loads(call(place, "diff", f"reports/{Q2}", f"reports/{Q3}", "--json").out)
    assert told["counts"]["fixed"] == 1
    assert told["before"]["id"] == Q2


def test_runs_of_different_fleets_are_not_compared(place: Path) -> None:
    file = place / "reports" / Q2 / "results.json"
    file.write_text(file.read_text().replace('"fleet": "staging"', '"fleet": "other"'))
    ended = call(place, "diff", f"reports/{Q2}", "reports/newest")
    assert ended.code == 4
    assert "runs of different fleets: other (test), staging (test)" in ended.err


def test_history(place: Path) -> None:
    ended = call(place, "history")
    assert ended.code == 0
    assert ended.lines[0] == "staging (test)"
    assert [line for line in ended.lines if line.startswith("2026-")] == [
        f"{name}  fail, 14 of 54 places seen" for name in (Q2, Q3, "2026-11-20-0900-7f3a")
    ]
    assert "flapping: code credential laptop-key, admin" in ended.out
    told = json.loads(call(place, "history", "--json", "--last", "1").out)
    assert [drill["id"] for drill in told["staging (test)"]["drills"]] == ["2026-11-20-0900-7f3a"]
    assert call(place, "history", "nowhere").code == 4
    assert call(place, "history", "--fleet", "nobody").out == "no runs below reports\n"
