"""What a self-test says of a probe, and exactly what that does to a later run: the whole table."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from harness.model import Claim, Coverage, CoverageCell, Finding, Kind, Outcome, Presence, Subject, Vantage, Verdict
from harness.qualification import (
    BREAKS,
    Blind,
    Demand,
    Probe,
    Qualification,
    Standing,
    Trial,
    downgraded,
    downgraded_case,
    downgraded_cells,
)
from tests.engine.world import make_case
from tests.report.parts import result

P, A, U = Presence.PRESENT, Presence.ABSENT, Presence.UNKNOWN
SEEN = (P, A, U, None)


def probe(planted: Presence | None, wrong: Presence | None, refused: Presence | None, taken: Presence | None) -> Probe:
    trials = (
        Trial(Demand.PLANTED, planted, "why"),
        Trial(Demand.WRONG_CREDENTIAL, wrong, "why"),
        Trial(Demand.REFUSED, refused, "why"),
        Trial(Demand.TAKEN_AWAY, taken, "why"),
    )
    return Probe("crm", Kind.LICENSE, Vantage.ADMIN, trials=trials)


@pytest.mark.parametrize(("planted", "wrong", "refused", "taken"), [*product(SEEN, repeat=4)])
def test_every_way_a_probe_can_stand_its_test(
    planted: Presence | None, wrong: Presence | None, refused: Presence | None, taken: Presence | None
) -> None:
    made = probe(planted, wrong, refused, taken)
    if A in (planted, wrong, refused):
        expected = Standing.LYING
    elif planted is U or taken in (P, U):
        expected = Standing.BLIND
    elif planted is P and taken is A and U in (wrong, refused):
        expected = Standing.QUALIFIED
    else:
        expected = Standing.UNPROVEN
    assert made.standing is expected
    assert (made.why == "") == (expected is Standing.QUALIFIED)


def test_what_was_never_tried_is_not_qualified() -> None:
    assert Probe("crm", Kind.LICENSE, Vantage.ADMIN).standing is Standing.UNPROVEN
    assert Probe("crm", Kind.LICENSE, Vantage.ADMIN).why == "nothing was tried"


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (probe(U, U, U, None), "unknown where planted demands present: why; its reader needs seats:read"),
        (probe(A, U, U, None), "said absent while it was there: why"),
        (probe(P, A, U, A), "said absent while it was broken (wrong credential): why"),
        (probe(P, U, U, P), "present where taken away demands absent: why"),
        (probe(P, P, P, A), "present where wrong credential demands unknown: why"),
        (probe(None, U, U, None), "planted could not be tried: why"),
    ],
)
def test_a_probe_that_is_not_qualified_says_why(made: Probe, why: str) -> None:
    assert replace(made, scope="seats:read").why == why


# --- what it does to a later run -----------------------------------------------------------------

WHY = "unknown where planted demands present"
TEST = Qualification(
    "self-1", 1_795_000_000_000_000, "a" * 64, 5, 0, (Blind("crm", Kind.LICENSE, Vantage.ADMIN, Standing.BLIND, WHY),)
)
PLACES = [(s, k, v) for s in ("crm", "mail") for k in (Kind.LICENSE, Kind.GROUP) for v in Vantage]


def finding(system: str, kind: Kind, vantage: Vantage, outcome: Outcome) -> Finding:
    return Finding(Subject.LEAVER, system, kind, "x", "g-1", vantage, outcome, "gone")


@pytest.mark.parametrize(("place", "outcome"), [*product(PLACES, Outcome)])
def test_only_a_pass_in_exactly_its_place_is_downgraded(place: tuple[str, Kind, Vantage], outcome: Outcome) -> None:
    before = finding(*place, outcome)
    after = downgraded(before, TEST)
    if place == ("crm", Kind.LICENSE, Vantage.ADMIN) and outcome.verdict is Verdict.PASS:
        assert after.outcome is Outcome.INCONCLUSIVE
        assert after.reason == f"blind: the self-test of 2026-11-18 failed: {WHY}"
        assert after.notes == (f"without the self-test: {outcome}, gone",)
        assert replace(after, outcome=outcome, reason="gone", notes=()) == before
    else:
        assert after is before


@pytest.mark.parametrize("of", [None, replace(TEST, stale="the fleet file has changed since"), replace(TEST, blind=())])
def test_no_self_test_and_a_stale_one_and_a_good_one_change_nothing(of: Qualification | None) -> None:
    passed = finding("crm", Kind.LICENSE, Vantage.ADMIN, Outcome.REVOKED)
    cell = CoverageCell("crm", Kind.LICENSE, Vantage.ADMIN, Coverage.TESTED, "", 3)
    assert downgraded(passed, of) is passed
    assert downgraded_cells([cell], of) == (cell,)


@pytest.mark.parametrize(("place", "status"), [*product(PLACES, Coverage)])
def test_a_measured_cell_of_exactly_its_place_is_blind(place: tuple[str, Kind, Vantage], status: Coverage) -> None:
    before = CoverageCell(*place, status, "as it was", 3)
    (after,) = downgraded_cells([before], TEST)
    measured = status in (Coverage.TESTED, Coverage.WITH_ACCOUNT_ONLY, Coverage.BLIND)
    if place == ("crm", Kind.LICENSE, Vantage.ADMIN) and measured:
        assert after == replace(
            before, status=Coverage.BLIND, reason=f"blind: the self-test of 2026-11-18 failed: {WHY}"
        )
    else:
        assert after is before


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        ([Outcome.REVOKED], Verdict.INCONCLUSIVE),
        ([Outcome.REVOKED, Outcome.RESIDUAL], Verdict.FAIL),
        ([Outcome.RESIDUAL], Verdict.FAIL),
        ([Outcome.KEPT], Verdict.INCONCLUSIVE),
    ],
)
def test_the_verdict_of_a_case_only_becomes_worse(outcomes: list[Outcome], verdict: Verdict) -> None:
    findings = tuple(finding("crm", Kind.LICENSE, Vantage.ADMIN, outcome) for outcome in outcomes)
    before = result(make_case(), 1, 0, findings, Claim.SUCCESS)
    assert downgraded_case(before, TEST).verdict is verdict
    assert downgraded_case(before, None) is before


def test_the_ways_to_break_a_reader_demand_unknown() -> None:
    assert {demand for demand in Demand if demand.wants is U} == set(BREAKS)
