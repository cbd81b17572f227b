"""Shares of several workers become one run, and a share that was lost is never taken for a good one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from harness.model import Cleanup, Excepted, Keep, Kind, RunResult, Verdict
from harness.session.drill import Naming, exit_code, lost, merge

NAMING = Naming("run-1", 1)


def share() -> RunResult:
    return RunResult("run-1", 1, 2, Verdict.PASS, (), (), (), (), Cleanup(complete=True))


def test_a_worker_that_died_makes_the_run_inconclusive_and_its_accounts_leftovers() -> None:
    whole = merge(NAMING, [share(), share()], ())
    assert (whole.verdict, exit_code(whole)) == (Verdict.PASS, 0)
    torn = merge(NAMING, [share(), lost(NAMING, "gw1")], ())
    assert (torn.verdict, exit_code(torn)) == (Verdict.INCONCLUSIVE, 6)
    assert not torn.cleanup.complete
    assert "journal-gw1.jsonl" in torn.cleanup.leftovers[0]
    assert torn.notes == ("worker gw1 died: its cases were not judged",)


def test_which_exception_is_idle_all_shares_together_decide() -> None:
    keep = Keep("crm", Kind.LICENSE, "*", "r", "o", date(2030, 1, 1), scenario="*")
    idle, used, far = Excepted(keep, 2, 0), Excepted(keep, 1, 1), Excepted(keep)
    for ones, whole, verdict in (
        ((idle, used), Excepted(keep, 3, 1), Verdict.PASS),
        ((idle, far), idle, Verdict.INCONCLUSIVE),
        ((far, far), far, Verdict.PASS),
    ):
        made = merge(NAMING, [replace(share(), exceptions=(one,)) for one in ones], ())
        assert (made.exceptions, made.verdict) == ((whole,), verdict)
    torn = merge(NAMING, [replace(share(), exceptions=(used,)), lost(NAMING, "gw1")], ())
    assert torn.exceptions == (used,)
