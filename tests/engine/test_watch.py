"""When looks are due: tight after the event, wider later, on a grid, never past `poll`."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.engine.watch import TIGHT, margin_of, next_look
from harness.model import SECOND

HOUR = 3600 * SECOND


@given(st.integers(0, 10 * HOUR), st.integers(SECOND // 10, 60 * SECOND))
def test_the_next_look_is_later_and_at_most_poll_and_a_grid_step_away(passed: int, poll: int) -> None:
    due = next_look(HOUR, HOUR + passed, poll)
    step = due - (HOUR + passed)
    assert step >= min(TIGHT, poll)
    assert step <= poll + poll // 4 + 1


def test_cases_that_wait_for_the_same_system_share_the_grid() -> None:
    t0 = HOUR
    dues = {next_look(t0 + skew, t0 + 600 * SECOND, 30 * SECOND) for skew in range(0, SECOND, SECOND // 20)}
    assert len(dues) == 1


@given(st.integers(SECOND // 10, 10 * HOUR))
def test_the_last_look_is_sent_before_its_deadline(within: int) -> None:
    assert 0 < margin_of(within) <= max(20_000, min(2 * SECOND, within // 20))
    assert margin_of(within) < within
