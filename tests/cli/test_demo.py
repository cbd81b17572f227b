"""`exitproof demo`: in any folder, however hostile, it ends with what still works and where the report is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.command import call, results


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-flag\nfilterwarnings = error\n")
    (tmp_path / "conftest.py").write_text("raise SystemExit(9)\n")
    (tmp_path / "fixtures").mkdir()
    (tmp_path / "fixtures/__init__.py").write_text("raise RuntimeError('a folder of the user')\n")
    (tmp_path / "fleet.yaml").write_text("fleet: [not, a, fleet]\n")
    return tmp_path


def test_it_finds_the_mistakes_and_says_so_last(hostile: Path) -> None:
    env = {"PYTEST_ADDOPTS": "--no-such-flag", "PYTEST_PLUGINS": "no_such_plugin"}
    ended = call(hostile, "demo", "-k", "nested", env=env)
    assert ended.code == 0, ended
    assert " grants still work after offboarding: code " in ended.lines[-2]
    report = Path(ended.lines[-1].removeprefix("report: "))
    assert report.parent.parent == hostile / "reports"
    assert report.is_file()
    data = results(hostile)
    assert data["run"]["verdict"] == "fail"
    remaining = [f for case in data["cases"] for f in case["findings"] if f["outcome"] == "residual"]
    assert {(f["system"], f["kind"]) for f in remaining} == {("code", "group")}
    assert sorted(path.name for path in hostile.iterdir() if path.name != "reports") == [
        "conftest.py",
        "fixtures",
        "fleet.yaml",
        "pytest.ini",
    ]


def test_stories_that_meet_no_mistake_show_nothing(tmp_path: Path) -> None:
    ended = call(tmp_path, "demo", "-k", "licence", "--out", "here")
    assert ended.code == 1
    assert ended.lines[-1] == "The demonstration did not work: no mistake of the connector was found."
    assert results(tmp_path / "here")["run"]["verdict"] == "pass"


def test_nothing_selected_is_exit_5(tmp_path: Path) -> None:
    assert call(tmp_path, "demo", "-k", "nobody").code == 5
