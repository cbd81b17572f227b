"""What counts as detected: a finding where the defect must show, and no other; and what counts as a false alarm."""

from __future__ import annotations

from dataclasses import replace

import jsonschema
import pytest

from harness.examine import Examination, Trial, schema, work
from harness.examine.model import Row, plain
from harness.examine.page import answer, detection_page
from harness.examine.seeds import ground, named
from harness.model import SECOND
from harness.session.virtual import TIMING, Ground, Planted, load, planted
from tests.library.defects import HARMLESS
from tests.library.drilled import FILES

STORIES = [file for file in FILES if file.id in ("terminate/licence-holder", "terminate/last-member")]


def defect(id: str) -> Planted:
    (found,) = planted([id])
    return found


@pytest.fixture(scope="module")
def seats() -> Row:
    return work.row(STORIES, defect("disabled-still-counted"))


@pytest.fixture(scope="module")
def made(seats: Row) -> Examination:
    missed = replace(seats, id="shows-elsewhere", cells=tuple(replace(c, detected=False) for c in seats.cells))
    trials = (Trial(1, {"latency": "1 ms"}, 2, ()), Trial(2, {"latency": "2 ms"}, 2, ("a <b>: false alarm",)))
    return Examination(tuple(file.id for file in STORIES), (seats, missed), trials, 12_000)


def test_a_defect_is_detected_where_it_must_show_and_by_whom_it_meets(seats: Row) -> None:
    seen = {cell.story: cell for cell in seats.cells}
    assert seats.detected
    assert [cell.story for cell in seats.found_by] == ["terminate/licence-holder"]
    assert seen["terminate/last-member"].verdict == "pass"
    first = seen["terminate/licence-holder"].first
    assert first is not None
    assert (first.system, first.kind, first.vantage, first.outcome) == ("crm", "license", "admin", "residual")
    assert (first.after_ms or 0) * 1000 >= (TIMING.within or 0)  # before its deadline nothing remains too long


def test_a_finding_elsewhere_does_not_count() -> None:
    """The same run, of a defect that is said to show somewhere else: it fails, and it is missed."""
    elsewhere = replace(defect("disabled-still-counted"), shows=("mail/device", "crm/role"))
    row = work.row(STORIES, elsewhere)
    assert not row.detected
    assert row.fastest is None
    cell = next(each for each in row.cells if each.story == "terminate/licence-holder")
    assert (cell.verdict, cell.detected) == ("fail", False)
    assert cell.sightings
    assert not any(each.right for each in cell.sightings)


def test_what_bystanders_lose_is_seen_before_the_deadline() -> None:
    row = work.row(STORIES, defect("remove-one-removes-all"))
    assert row.fastest is not None
    first = row.fastest.first
    assert first is not None
    assert (first.subject, first.outcome) == ("bystander", "collateral")
    assert 0 < (first.after_ms or 0) < 12_000


def test_a_false_claim_is_detected_only_where_it_is_what_must_show() -> None:
    liar = defect("guard-after-write")
    assert work.row(STORIES[:1], liar).detected
    assert not work.row(STORIES[:1], replace(liar, shows=("hr/claim",))).detected


def test_the_same_again_is_the_same(seats: Row) -> None:
    assert work.row(STORIES, defect("disabled-still-counted")) == seats


def test_every_defect_says_where_it_shows_or_why_it_cannot() -> None:
    for each in planted():
        assert bool(each.shows) != bool(each.unseen), each.id
        assert each.id not in HARMLESS or each.shows in ((), ("claim",))


def test_whatever_does_not_pass_on_the_correct_connector_is_an_alarm() -> None:
    """Seen failing: with a connector that is not correct, a trial is full of alarms."""
    cases = load(STORIES).cases
    assert work._alarms(cases, Ground()) == []
    alarms = work._alarms(cases, Ground(defects=("disabled-still-counted",)))
    assert any("crm/license/invoicing residual" in alarm for alarm in alarms)


def test_a_trial_with_everything_around_it_raises_no_alarm() -> None:
    trial = work.trial(STORIES, 4)
    assert trial.alarms == ()
    assert trial.cases == len(load(STORIES).cases)


@pytest.mark.parametrize(
    ("story", "around"),
    [
        ("terminate/duplicate-and-late-events", Ground(seed=3, delay=0.25, latency=0.011, lag=0.6, jitter=True)),
        ("terminate/long-career", Ground(seed=2, delay=0.86, latency=0.019, lag=0.09, page=3)),
    ],
)
def test_what_an_earlier_step_did_may_be_seen_up_to_settle_late(story: str, around: Ground) -> None:
    """Both raised a false alarm once: a move just before the leaving, seen late, was taken for access of no origin."""
    assert work._alarms(load([file for file in FILES if file.id == story]).cases, around) == []


def test_seeds_vary_all_that_they_should_and_nothing_beyond_what_is_promised() -> None:
    grounds = [ground(seed) for seed in range(1, 21)]
    assert all(each.lag <= (TIMING.settle or 0) / SECOND for each in grounds)
    for what in ("delay", "latency", "lag", "jitter", "page", "traffic", "username"):
        assert len({getattr(each, what) for each in grounds}) > 1, what
    cases = load(STORIES).cases
    orders = {tuple(case.id for case in named(cases, seed)) for seed in range(20)}
    assert len(orders) > 1
    assert sorted(case.id for case in named(cases, 3)) == sorted(case.id for case in cases)


def test_the_document_is_what_its_schema_says(made: Examination) -> None:
    told = plain(made)
    jsonschema.validate(told, schema())
    assert told["counts"] == {"planted": 2, "detected": 1, "trials": 2, "false_alarms": 1}
    assert [row["detected"] for row in told["rows"]] == [True, False]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(told | {"more": 1}, schema())


def test_the_page_answers_first_and_escapes_all(made: Examination) -> None:
    text = detection_page(made)
    assert text == detection_page(made)
    assert "No: of 2 planted defects, 1 is seen by no story." in text
    assert "a &lt;b&gt;: false alarm" in text
    assert "<script" not in text
    assert "default-src &#39;none&#39;" in text
    assert answer(replace(made, rows=made.rows[:1], trials=made.trials[:1]))[0] == "pass"
    assert answer(replace(made, rows=made.rows[:1]))[0] == "fail"
    assert not made.passed
