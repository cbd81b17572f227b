"""Geometry of the timeline: ordered, inside the lane, and nothing absent drawn as a bar."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from harness.model import SECOND, Outcome
from harness.report.timeline import END_AT, T0_AT, Axis, axis, lane
from tests.report.sample import sample


def states(outcome: Outcome) -> list[str]:
    run, _, _ = sample()
    case, finding = next((c, f) for c in run.cases for f in c.findings if f.outcome is outcome)
    scale = axis(case)
    assert scale is not None
    return [bar.state for bar in lane(finding, scale).bars]


def test_bars_tell_the_story() -> None:
    assert states(Outcome.REVOKED) == ["present", "between"]
    assert states(Outcome.RESIDUAL) == ["present"]
    assert states(Outcome.RESURRECTED) == ["present", "between", "between", "present"]
    assert states(Outcome.INCONCLUSIVE) == ["present", "unknown"]
    assert states(Outcome.MISSING) == []


def test_without_an_event_there_is_no_timeline() -> None:
    run, _, _ = sample()
    assert axis(run.cases[5]) is None


def test_unknown_looks_are_marks_of_their_own() -> None:
    run, _, _ = sample()
    case, finding = next((c, f) for c in run.cases for f in c.findings if f.outcome is Outcome.INCONCLUSIVE)
    scale = axis(case)
    assert scale is not None
    assert {mark.state for mark in lane(finding, scale).marks} == {"present", "unknown"}
    assert lane(replace(finding, observations=()), scale).bars == ()


@given(st.integers(0, 10**14), st.lists(st.integers(-(10**9), 10**14), max_size=20))
def test_the_axis_is_monotone_and_bounded(length: int, offsets: list[int]) -> None:
    scale = Axis(t0=10**15, before=10**15 - 10**9, end=10**15 + length + SECOND)
    places = [scale.x(10**15 + offset) for offset in sorted(offsets)]
    assert places == sorted(places)
    assert all(0 <= place <= END_AT for place in places)
    assert scale.x(scale.t0) == T0_AT
    ticks = [tick.x for tick in scale.ticks()]
    assert all(after - before >= 8 for before, after in pairwise(ticks))
