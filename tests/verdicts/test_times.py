"""Attacks in time: readers that lose and regain their sight, access that flaps, returns, lags, and events in doubt."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.model import SECOND, Claim, Entitlement, Kind, Outcome, Phase, Presence, Verdict
from harness.session.drill import exit_code
from harness.testing.faults import Given
from tests.verdicts.directory import Directory
from tests.verdicts.front import given
from tests.verdicts.planted import edit, sometimes, status
from tests.verdicts.shop import Shop
from tests.verdicts.stage import SETTLE, WITHIN, Behind, Stage, staged

WORLDS: dict[str, Callable[[], Behind]] = {"http": Shop, "scim": Directory}
LICENSE = (Entitlement("shop", Kind.LICENSE, "sales-pro"),)

pytestmark = pytest.mark.parametrize("world", WORLDS)


def work(stage: Stage) -> None:
    stage.deeds = [stage.behind.disable, stage.behind.strip]


def blind_until(stage: Stage, end: int) -> None:
    """From the event on, for so long, the reader may look at nothing."""
    stage.deeds.append(lambda _: stage.front.plant(sometimes(status(403), lambda: stage.elapsed < end)))


def test_a_reader_that_regains_its_sight_in_time_is_believed(world: str) -> None:
    with staged(WORLDS[world]()) as stage:
        work(stage)
        blind_until(stage, WITHIN // 2)
        told = stage.drill()
    assert told.case.verdict is Verdict.PASS, told
    assert all((f.first_absent or 0) >= stage.t0 + WITHIN // 2 for f in told.findings())


def test_what_remains_is_seen_once_the_reader_sees_again(world: str) -> None:
    for end in (WITHIN // 2, WITHIN + SETTLE):
        with staged(WORLDS[world]()) as stage:
            blind_until(stage, end)
            told = stage.drill(hold=(2 * WITHIN,))
        assert told.outcomes() == {Outcome.RESIDUAL}, told
        assert exit_code(told.run) == 1


def test_a_deadline_among_looks_that_could_not_see_is_no_pass(world: str) -> None:
    with staged(WORLDS[world]()) as stage:
        work(stage)
        blind_until(stage, WITHIN + SETTLE)
        told = stage.drill(hold=(2 * WITHIN,))
    assert told.outcomes() == {Outcome.INCONCLUSIVE}, told
    assert any("deadline" in f.reason for f in told.findings())
    assert exit_code(told.run) == 6


def test_a_reader_that_is_blind_at_the_end_of_hold_has_not_seen_it_stay_gone(world: str) -> None:
    with staged(WORLDS[world]()) as stage:
        work(stage)
        lost = sometimes(status(403), lambda: stage.elapsed > 2 * WITHIN)
        stage.deeds.append(lambda _: stage.front.plant(lost))
        told = stage.drill(hold=(2 * WITHIN + SECOND,))
    assert told.outcomes() == {Outcome.INCONCLUSIVE}, told
    assert all("hold" in f.reason for f in told.findings())


def test_access_that_returns_before_hold_is_over_is_resurrected(world: str) -> None:
    with staged(WORLDS[world]()) as stage:
        stage.deeds = [stage.behind.disable]
        stage.deeds.append(lambda account: stage.later(3 * SETTLE, lambda: stage.behind.enable(account)))
        told = stage.drill(access=(Entitlement(stage.behind.name, Kind.ACCOUNT, "account"),), hold=(2 * WITHIN,))
    assert told.one(Kind.ACCOUNT).outcome is Outcome.RESURRECTED, told
    assert exit_code(told.run) == 1


def test_access_that_flaps_while_it_remains_is_no_pass(world: str) -> None:
    """Two replicas answer in turn: one has the change, the other will never get it."""
    with staged(WORLDS[world]()) as stage:
        looks = iter(range(100_000))
        off = edit(lambda body: body.update(active=False) if "leaver" in str(body) and next(looks) % 2 else None)
        stage.deeds = [lambda _: stage.front.plant(off, stage.behind.is_record)]
        told = stage.drill(access=(Entitlement(stage.behind.name, Kind.ACCOUNT, "account"),), hold=(2 * SECOND,))
    assert told.case.verdict is not Verdict.PASS, told
    assert told.one(Kind.ACCOUNT).flaps or told.one(Kind.ACCOUNT).outcome is Outcome.RESURRECTED, told


def test_a_replica_that_lags_beyond_settle_moves_the_interval_and_no_more(world: str) -> None:
    """Looks show what was true a while ago."""
    with staged(WORLDS[world]()) as stage:
        lag = 2 * SETTLE
        work(stage)
        done, stage.deeds = stage.deeds, []

        def lately(account: str) -> None:
            stage.later(lag, lambda: [deed(account) for deed in done])

        stage.deeds = [lately]
        told = stage.drill()
    assert told.case.verdict is Verdict.PASS, told
    assert all((f.last_present or 0) < stage.t0 + lag + SECOND // 10 for f in told.findings())
    assert all((f.first_absent or 0) >= stage.t0 + lag for f in told.findings())


def test_an_error_although_it_worked_is_judged_by_what_is_gone(world: str) -> None:
    with staged(WORLDS[world]()) as stage:
        work(stage)
        stage.reply = lambda: given(500, {"error": "so sorry"})
        told = stage.drill()
    assert told.case.verdict is Verdict.PASS, told
    assert told.case.claimed is Claim.ERROR
    assert stage.events == ["terminate"]
    assert any("error" in note for note in told.case.notes)


def test_success_although_nothing_happened_is_judged_by_what_remains(world: str) -> None:
    with staged(WORLDS[world]()) as stage:
        told = stage.drill()
    assert told.outcomes() == {Outcome.RESIDUAL}, told
    assert told.case.claimed is Claim.SUCCESS


@pytest.mark.parametrize("worked", [True, False], ids=["worked", "idle"])
def test_a_leave_request_whose_connection_is_lost_is_in_doubt_and_not_sent_twice(world: str, worked: bool) -> None:
    with staged(WORLDS[world]()) as stage:
        if worked:
            work(stage)
        stage.reply = lambda: Given(200, {}, b"", cut="reset")
        told = stage.drill()
    assert stage.events == ["terminate"]
    assert told.case.claimed is Claim.NONE
    assert told.outcomes() == {Outcome.INCONCLUSIVE}, told
    assert all("in doubt" in f.reason for f in told.findings())


def test_what_is_idempotent_is_sent_again_when_in_doubt(world: str) -> None:
    with staged(WORLDS[world]()) as stage:
        work(stage)
        stage.reply = lambda: Given(200, {}, b"", cut="reset") if len(stage.events) == 1 else given(200, {})
        told = stage.drill(event={"idempotent": True})
    assert stage.events == ["terminate", "terminate"]
    assert told.case.verdict is Verdict.PASS, told


def test_the_clock_of_the_other_side_counts_for_nothing(world: str) -> None:
    for date in ("Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 2099 23:59:59 GMT", "not a date"):
        for idle in (True, False):
            with staged(WORLDS[world]()) as stage:
                if not idle:
                    work(stage)
                stage.front.headers = {"Date": date, "Age": "999999", "Last-Modified": date}
                told = stage.drill()
            assert told.case.verdict is (Verdict.FAIL if idle else Verdict.PASS), told


def test_leaver_and_controls_are_read_in_the_same_round(world: str) -> None:
    """The reader loses its permission in the middle of each round, once the leaver was read: the controls tell."""
    with staged(WORLDS[world]()) as stage:
        stage.deeds = [stage.behind.disable]

        def lost() -> bool:
            return bool(stage.front.asked) and stage.leaver not in stage.front.asked[-1][0].target

        stage.deeds.append(lambda _: stage.front.plant(sometimes(status(403), lost), stage.behind.is_record))
        told = stage.drill(access=(Entitlement(stage.behind.name, Kind.ACCOUNT, "account"),))
    assert told.one(Kind.ACCOUNT).outcome is Outcome.INCONCLUSIVE, told
    seen = [o for o in told.one(Kind.ACCOUNT).observations if o.phase is not Phase.BASELINE]
    assert {o.presence for o in seen} == {Presence.UNKNOWN}
