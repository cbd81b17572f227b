"""With each defect the library finds exactly what that defect leaves behind, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from fixtures.sandbox.defects import DEFECTS
from harness.model import Claim, Kind, RunResult, Verdict
from harness.session.drill import exit_code
from tests.library.defects import HARMLESS, ROWS, TEN
from tests.library.drilled import drill, failing, rehearsed
from tests.library.rows import Row

BY_CLOCK = tuple(TEN)[:4]
ABREAST = 3  # drills wait most of the time: for a deadline, to see whether something is still there after it
Runs = dict[str, Future[RunResult]]


def test_every_defect_has_its_row() -> None:
    assert {*ROWS, *HARMLESS} == set(DEFECTS)
    assert {DEFECTS[name].group for name in TEN} == set("ABCDEHIKLO")


def test_each_row_finds_a_defect_where_it_says_that_it_shows() -> None:
    decided = {name: [each for each in row.findings if each.outcome != "inconclusive"] for name, row in ROWS.items()}
    found = {name: {f"{each.system}/{each.kind}" for each in findings} for name, findings in decided.items()}
    assert found == {name: set(DEFECTS[name].shows) for name in ROWS}


@pytest.fixture(scope="module")
def runs(request: pytest.FixtureRequest) -> Iterator[Runs]:
    """All drills that were selected, some at once."""
    wanted = [getattr(item, "callspec", None) for item in request.session.items]
    defects = {spec.params["defect"] for spec in wanted if spec is not None and spec.params.get("defect") in BY_CLOCK}
    with ThreadPoolExecutor(ABREAST) as pool:
        yield {defect: pool.submit(drill, ROWS[defect].stories, [defect]) for defect in sorted(defects)}
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("defect", ROWS)
def test_a_defect_is_found_for_what_it_is(defect: str) -> None:
    check(rehearsed(ROWS[defect].stories, [defect]), ROWS[defect], [])


@pytest.mark.parametrize("defect", BY_CLOCK)
def test_a_defect_is_found_over_sockets_and_by_the_clock_as_well(runs: Runs, defect: str) -> None:
    # On a machine that is too slow a sign-in may be answered after its deadline; nothing else may be left open.
    check(runs[defect].result(), ROWS[defect], [Kind.ACCOUNT])


def check(run: RunResult, row: Row, open_ends: list[Kind]) -> None:
    """All that was expected was found, and nothing else; besides, only what is in `open_ends` may be undecided."""
    found = [f for f in failing(run) if f.verdict is Verdict.FAIL or row.blinded]
    told = [f"{f.subject} {f.system}/{f.kind}/{f.name} {f.vantage} {f.outcome}: {f.reason}" for f in found]
    assert exit_code(run) == 1, told
    assert [each for each in row.findings if not any(each.fits(f) for f in found)] == [], told
    assert [words for f, words in zip(found, told, strict=True) if not any(e.fits(f) for e in row.findings)] == []
    assert run.cleanup.complete
    assert row.blinded or all(case.cleanup.complete for case in run.cases)
    undecided = [f for f in failing(run) if f.verdict is Verdict.INCONCLUSIVE and f not in found]
    assert [f for f in undecided if f.kind not in open_ends] == []


def test_the_correct_connector_passes_every_story() -> None:
    run = rehearsed()
    assert [f"{f.subject} {f.system}/{f.kind}/{f.name}: {f.reason}" for f in failing(run)] == []
    assert exit_code(run) == 0


def test_a_connector_that_claims_success_although_it_did_not_work() -> None:
    """`scim-active-noop-200`: HR says yes, the directory says yes, and the account is on."""
    run = drill(["terminate/joined-by-the-connector"], ["scim-active-noop-200"])
    assert [case.claimed for case in run.cases] == [Claim.SUCCESS]
    assert run.verdict is Verdict.FAIL


def test_a_connector_that_answers_an_error_although_it_worked() -> None:
    """`guard-after-write`: what was measured counts, and the wrong claim is told beside it."""
    run = drill(["terminate/everyday-leaver"], ["guard-after-write"])
    (case,) = run.cases
    assert case.claimed is Claim.ERROR
    assert "500" in case.claim_detail
    assert any("answered an error, and was not asked again" in note for note in case.notes)
    assert failing(run) == []
    assert exit_code(run) == 0
