"""`exitproof examine` from outside: its files, its exit codes, and what it says of input that is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema

from harness.examine import schema
from tests.cli.command import call
from tests.library.drilled import SCENARIOS

SEATS = str(SCENARIOS / "terminate/licence-holder.yaml")


def test_what_is_detected_and_no_false_alarm_exits_with_0(tmp_path: Path) -> None:
    ended = call(tmp_path, "examine", SEATS, "--defect", "disabled-still-counted", "--seeds", "1")
    assert ended.code == 0, ended.out + ended.err
    assert "Yes: the planted defect is seen." in ended.out
    told = json.loads((tmp_path / "reports/detection/detection.json").read_text())
    jsonschema.validate(told, schema())
    assert told["counts"] == {"planted": 1, "detected": 1, "trials": 1, "false_alarms": 0}
    assert "detected" in (tmp_path / "reports/detection/detection.html").read_text()
    assert "1/2 " in ended.err


def test_what_no_story_detects_exits_with_1(tmp_path: Path) -> None:
    arguments = ("--defect", "outside-collaborator", "--seeds", "0", "--json", "--out", str(tmp_path / "here"))
    ended = call(tmp_path, "examine", SEATS, *arguments)
    assert ended.code == 1
    assert json.loads(ended.out)["counts"]["detected"] == 0
    assert (tmp_path / "here/detection.html").is_file()


def test_bad_input_exits_with_4(tmp_path: Path) -> None:
    unknown = call(tmp_path, "examine", SEATS, "--defect", "no-such-thing")
    assert unknown.code == 4
    assert "unknown defect 'no-such-thing' (allowed: realistic" in unknown.err
    nowhere = call(tmp_path, "examine", "not-here.yaml")
    assert nowhere.code == 4
    assert "not-here.yaml" in nowhere.err
