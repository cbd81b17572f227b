"""Every defect that can show is seen by a story, nothing is said of the correct connector, and the page says so.

The whole matrix takes two cores for many minutes, so a run of the tests makes a part of it again: every seventh defect
and two trials. `make docs` makes all of it, and so do these tests with EXITPROOF_WHOLE_MATRIX=1.
"""

from __future__ import annotations

import os

import pytest

from harness.commands.examination import SEEDS
from harness.examine import Examination, examine
from harness.session.virtual import planted
from tests.library.detection import PAGE, row_line, trial_line
from tests.library.drilled import FILES

SHARE, TRIALS = (1, SEEDS) if os.environ.get("EXITPROOF_WHOLE_MATRIX") else (7, 2)


@pytest.fixture(scope="module")
def made() -> Examination:
    return examine(FILES, planted()[::SHARE], TRIALS)


@pytest.fixture(scope="module")
def told() -> str:
    return PAGE.read_text("utf-8")


@pytest.mark.timeout(1500)
def test_every_planted_defect_is_seen(made: Examination) -> None:
    assert [row.id for row in made.missed] == []
    assert made.counted


def test_nothing_is_said_of_the_correct_connector(made: Examination) -> None:
    assert [alarm for trial in made.trials for alarm in trial.alarms] == []


def test_the_page_says_what_is_seen_now(made: Examination, told: str) -> None:
    lines = [row_line(row) for row in made.counted] + [trial_line(trial) for trial in made.trials]
    assert [line for line in lines if line not in told.splitlines()] == [], "run `make docs`"


def test_the_page_holds_every_defect_and_every_trial_and_misses_none(told: str) -> None:
    assert [each.id for each in planted() if f"| [{each.id}](" not in told] == []
    assert all(f"| [{file.id}](scenarios.md#" in told for file in FILES)
    assert "**none**" not in told
    assert sum(line.startswith("| ") and line.endswith(" | 0 |") for line in told.splitlines()) >= SEEDS >= 20
    assert "**0 false alarms**" in told
