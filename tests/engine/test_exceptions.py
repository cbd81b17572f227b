"""A fleet-wide exception acts as `keep` does, hides nothing, and is missed only by a run that could have met it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from harness.model import Excepted, Keep, Kind, Outcome, RunResult, Verdict
from harness.ports import Person, WriteFailed
from tests.engine.read import find, only
from tests.engine.test_life import leave_license
from tests.engine.world import World, make_case

WIDE = Keep(
    "crm",
    Kind.LICENSE,
    "sales-*",
    "retention",
    "crm@example.test",
    date(2027, 1, 1),
    scenario="*",
    ticket="SEC-1",
    approved_by="ciso@example.test",
    where="exceptions.yaml:2",
)


def drill(*keeps: Keep, bound: bool = True, shares: int = 1) -> RunResult:
    """One leaver whose licence stays; `bound`: the entries speak of its scenario."""
    world = World()
    world.connector.acts["terminate"] = [leave_license]
    return world.run(make_case(keep=keeps if bound else ()), exceptions=keeps, shares=shares)


def by_print() -> Keep:
    print_ = find(only(drill()), Kind.LICENSE).fingerprint
    return replace(WIDE, system="any", kind=None, name="*", fingerprint=print_, scenario="story")


def test_it_keeps_by_selector_and_by_fingerprint_and_tells_what_is_beneath() -> None:
    bare = find(only(drill()), Kind.LICENSE)
    assert (bare.outcome, bare.beneath) == (Outcome.RESIDUAL, None)
    for keep in (WIDE, by_print()):
        run = drill(keep)
        found = find(only(run), Kind.LICENSE)
        assert (found.outcome, found.beneath, found.keep) == (Outcome.KEPT, Outcome.RESIDUAL, keep)
        assert found.fingerprint == bare.fingerprint  # or a comparison of drills would lose it
        assert run.exceptions == (Excepted(keep, 1, 1),)
        assert run.verdict is Verdict.PASS


def test_a_fingerprint_is_one_finding_and_no_other() -> None:
    other = replace(by_print(), fingerprint="0" * 16)
    run = drill(other)
    assert find(only(run), Kind.LICENSE).outcome is Outcome.RESIDUAL
    assert run.exceptions == (Excepted(other, 1, 0),)


def test_one_that_matched_nothing_makes_the_run_inconclusive_but_no_case() -> None:
    typo = replace(WIDE, name="slaes-*")
    run = World().run(make_case(keep=(typo,)), exceptions=(typo,))
    assert run.exceptions == (Excepted(typo, 1, 0),)
    assert run.exceptions[0].idle
    assert run.verdict is Verdict.INCONCLUSIVE
    assert only(run).verdict is Verdict.PASS


@pytest.mark.parametrize("keep", [replace(WIDE, kind=Kind.MAILBOX), replace(WIDE, system="mail")])
def test_a_run_that_held_nothing_of_the_kind_does_not_ask(keep: Keep) -> None:
    run = World().run(make_case(keep=(keep,)), exceptions=(keep,))
    assert run.exceptions == (Excepted(keep),)
    assert not run.exceptions[0].idle
    assert run.verdict is Verdict.PASS


def test_a_run_without_its_scenario_does_not_ask() -> None:
    run = World().run(make_case(), exceptions=(replace(WIDE, scenario="quarterly/*"),))
    assert (run.exceptions[0].cases, run.verdict) == (0, Verdict.PASS)


def test_a_case_that_was_never_set_up_does_not_ask() -> None:
    def refuse(person: Person, wanted: object, held: object) -> None:
        raise WriteFailed("the writer has lost its right")

    world, keep = World(), replace(WIDE, name="slaes-*")
    world.systems["crm"].grant = refuse  # type: ignore[method-assign, assignment]
    run = world.run(make_case(keep=(keep,)), exceptions=(keep,))
    assert "lost its right" in str(only(run).reason)
    assert run.exceptions == (Excepted(keep),)


def test_one_share_of_a_run_leaves_it_to_the_whole() -> None:
    typo = replace(WIDE, name="slaes-*")
    run = World().run(make_case(keep=(typo,)), exceptions=(typo,), shares=2)
    assert run.exceptions[0].idle
    assert run.verdict is Verdict.PASS


def test_expired_in_the_run_it_is_none_and_a_scenarios_own_comes_first() -> None:
    late = replace(WIDE, until=date(1969, 12, 31))
    found = find(only(drill(late)), Kind.LICENSE)
    assert found.outcome is Outcome.RESIDUAL
    assert any("ran out on 1969-12-31" in note for note in found.notes)
    own = replace(WIDE, scenario="", ticket="", approved_by="", owner="story@example.test")
    world = World()
    world.connector.acts["terminate"] = [leave_license]
    run = world.run(make_case(keep=(own, WIDE)), exceptions=(WIDE,))
    assert find(only(run), Kind.LICENSE).keep == own
    assert run.exceptions == (Excepted(WIDE, 1, 1),)
