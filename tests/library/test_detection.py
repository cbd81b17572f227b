"""Every defect that can show is seen by a story, nothing is said of the correct connector, and the page says so."""

from __future__ import annotations

import pytest

from harness.examine import Examination
from tests.library.detection import PAGE, examined, page


@pytest.fixture(scope="module")
def made() -> Examination:
    """The whole matrix: minutes, on every core."""
    return examined()


@pytest.mark.timeout(1500)
def test_every_planted_defect_is_seen(made: Examination) -> None:
    assert [row.id for row in made.missed] == []
    assert made.counted


def test_nothing_is_said_of_the_correct_connector(made: Examination) -> None:
    assert len(made.trials) >= 20
    assert [alarm for trial in made.trials for alarm in trial.alarms] == []


def test_the_page_is_up_to_date(made: Examination) -> None:
    assert PAGE.read_text("utf-8") == page(made), "run `make docs`"
