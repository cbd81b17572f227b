"""`exitproof init`: from an empty folder to a green run and a red one, and nothing is ever overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.commands.scaffold import FILES, scaffold
from harness.model import BadInput
from harness.session.sandbox import embedded
from tests.cli.command import call, results


def test_an_empty_folder_becomes_a_green_run(tmp_path: Path) -> None:
    made = call(tmp_path, "init", "drill")
    assert (made.code, made.err) == (0, "")
    assert made.lines[-1] == "now: cd drill && exitproof run"
    assert sorted(str(p.relative_to(tmp_path / "drill")) for p in tmp_path.rglob("*.yaml")) == sorted(FILES)
    ran = call(tmp_path / "drill", "run")
    assert ran.code == 0, ran
    assert "0 grants still work" in ran.out
    assert "warning" not in ran.out.lower()
    data = results(tmp_path / "drill")
    assert [case["verdict"] for case in data["cases"]] == ["pass"]
    judged = {(f["system"], f["kind"], f["vantage"]) for f in data["cases"][0]["findings"]}
    assert {("crm", "license", "admin"), ("crm", "credential", "leaver"), ("directory", "group", "admin")} <= judged
    # every kind of every system is accounted for: the starter must not teach to be silent
    assert [cell for cell in data["coverage"] if cell["status"] == "undeclared"] == []


def test_what_is_there_stays_and_nothing_else_is_written(tmp_path: Path) -> None:
    (tmp_path / "fleet.yaml").write_text("mine")
    ended = call(tmp_path, "init")
    assert ended.code == 4
    assert ended.err == "fleet.yaml:1:1: it is there already, and nothing is overwritten\n"
    assert [path.name for path in tmp_path.iterdir()] == ["fleet.yaml"]
    assert (tmp_path / "fleet.yaml").read_text() == "mine"


@pytest.mark.parametrize("place", ["there", "there/scenarios"])
def test_a_file_where_a_folder_belongs(tmp_path: Path, place: str) -> None:
    blocked = tmp_path / place
    blocked.parent.mkdir(exist_ok=True)
    blocked.touch()
    with pytest.raises(BadInput) as bad:
        scaffold(tmp_path / "there")
    assert "not a folder" in str(bad.value)
    assert blocked.read_bytes() == b""


def test_when_a_run_starts_the_sandbox_itself(tmp_path: Path) -> None:
    fleet = tmp_path / "fleet.yaml"
    fleet.write_text('url: "${env:EXITPROOF_SANDBOX_CRM_URL}"\ntoken: "${env:EXITPROOF_SANDBOX_CRM_READ}"\n')
    one = {"EXITPROOF_SANDBOX_CRM_URL": "http://127.0.0.1:1"}
    assert embedded(str(fleet), "sandbox", {})
    assert not embedded(str(fleet), "sandbox", one)
    assert not embedded(str(fleet), "test", {})
    assert embedded("sandbox", "sandbox", one)
    fleet.write_text("url: http://127.0.0.1:9000\n")
    assert not embedded(str(fleet), "sandbox", {})
