"""Rehearsals: the embedded sandbox in virtual time finds what it finds over sockets, and the same twice."""

from __future__ import annotations

import pytest

from harness import scenario
from harness.model import Case, Finding, Outcome, RunResult, Verdict
from harness.session.virtual import Ground, load, rehearse
from tests.library.defects import TEN
from tests.library.drilled import SCENARIOS, failing


def cases(*stories: str) -> tuple[Case, ...]:
    return load([file for file in scenario.discover([SCENARIOS]) if file.id in stories]).cases


def told(run: RunResult) -> list[str]:
    return [_words(finding) for finding in failing(run)]


def _words(f: Finding) -> str:
    return f"{f.subject} {f.system}/{f.kind}/{f.name} {f.vantage} {f.outcome}: {f.reason}"


def test_the_correct_connector_leaves_nothing() -> None:
    run = rehearse(cases("terminate/everyday-leaver", "terminate/nested-teams"))
    assert told(run) == []
    assert run.verdict is Verdict.PASS
    assert run.cleanup.complete


@pytest.mark.parametrize("defect", TEN)
def test_a_defect_leaves_what_it_leaves_over_sockets(defect: str) -> None:
    run = rehearse(cases(*TEN[defect].stories), Ground(defects=(defect,)))
    found = [f for f in failing(run) if f.verdict is Verdict.FAIL]
    assert [e for e in TEN[defect].findings if not any(e.fits(f) for f in found)] == [], told(run)
    assert [_words(f) for f in found if not any(e.fits(f) for e in TEN[defect].findings)] == []


def test_the_same_ground_gives_the_same_result() -> None:
    story, ground = cases("terminate/token-and-key-holder"), Ground(("api-token-skips-active",), seed=7, jitter=True)
    first = rehearse(story, ground)
    assert first == rehearse(story, ground)
    assert Outcome.RESIDUAL in {f.outcome for f in failing(first)}
    other = rehearse(story, Ground(ground.defects, seed=8, jitter=True))
    assert other != first
    assert told(other) == told(first)


def test_what_readers_see_late_is_waited_for() -> None:
    run = rehearse(cases("terminate/everyday-leaver"), Ground(lag=0.5, latency=0.02))
    assert told(run) == []
    (case,) = run.cases
    spans = [f.first_absent - case.t0 for f in case.findings if f.first_absent and case.t0]
    assert min(spans) > 0
