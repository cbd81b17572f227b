"""What an exception hides stays visible: in the report, in CSV, in JUnit, and what became of those that hid nothing."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

from harness.model import Excepted, Verdict
from harness.report.csv import findings
from harness.report.exceptions import exceptions
from harness.report.front import answer
from harness.report.junit import junit
from harness.report.tally import tally
from harness.report.text import summary
from harness.report.view import page
from tests.report.sample import FAR_KEEP, IDLE_KEEP, KEEP, OLD_KEEP, sample

RUN, ABOUT, WORLD = sample()


def test_the_section_tells_of_each_what_is_beneath_or_why_nothing_is() -> None:
    view = page(RUN, ABOUT, WORLD.exchanges.get)
    made = {one.keep: one for one in view.exceptions}
    assert set(made) == {KEEP, IDLE_KEEP, FAR_KEEP, OLD_KEEP}
    kept = made[KEEP]
    assert [(row.outcome, row.beneath) for row in kept.rows] == [("kept", "residual")]
    assert (kept.what, kept.where, kept.until, kept.left) == (
        "mailbox *",
        "mail in terminate/*",
        "2027-02-18",
        "90 days left",
    )
    assert (made[IDLE_KEEP].idle, made[IDLE_KEEP].rows, made[IDLE_KEEP].state) == (
        True,
        (),
        "matched nothing in this run",
    )
    assert made[FAR_KEEP].what == "fingerprint 00c0ffee00c0ffee"
    assert made[FAR_KEEP].state.startswith("not asked")
    assert (made[OLD_KEEP].expired, made[OLD_KEEP].left) == (True, "expired 1 d ago")


def test_one_that_was_used_elsewhere_says_so() -> None:
    run = replace(RUN, exceptions=(Excepted(FAR_KEEP, 1, 2),))
    (one,) = [each for each in exceptions(run, ()) if each.keep == FAR_KEEP]
    assert one.state == "matched, and no longer needed or another exception came first"


def test_the_summary_and_page_one_name_an_idle_one() -> None:
    assert "the exception crm/group/interns-* (exceptions.yaml:9) matched nothing" in summary(RUN)
    case = RUN.cases[1]
    good = replace(case, findings=case.findings[:2], verdict=Verdict.PASS)
    run = replace(RUN, cases=(good,), bystanders=(), coverage=(), deselected=(), verdict=Verdict.INCONCLUSIVE)
    verdict, headline, detail = answer(tally(run), run)
    assert (verdict, headline) == ("inconclusive", "Not proven.")
    assert detail.startswith("1 exception matched nothing")


def test_csv_and_junit_tell_what_is_beneath() -> None:
    rows = list(csv.DictReader(io.StringIO(findings(RUN, ABOUT))))
    (kept,) = [row for row in rows if row["outcome"] == "kept"]
    assert (kept["beneath"], kept["keep_ticket"], kept["keep_approved_by"]) == (
        "residual",
        "SEC-2041",
        "ciso@example.test",
    )
    assert {row["beneath"] for row in rows} == {"", "residual"}
    only = replace(RUN.cases[0], findings=RUN.cases[0].findings[-1:], verdict=Verdict.PASS)
    assert b"kept by exception, residual beneath: mail mailbox" in junit(replace(RUN, cases=(only,)), ABOUT)
