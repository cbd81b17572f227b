"""The failure text of an item and the line that ends a run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.model import Cleanup, Coverage, CoverageCell, Finding, Kind, Outcome, RunResult, Vantage, Verdict, join
from harness.report.text import case_table, summary
from tests.report.hostile import hostile
from tests.report.sample import sample


def only(outcome: Outcome, *, unseen: bool = False) -> RunResult:
    """The sample cut down to one case with one leaver's finding of this outcome, everything seen."""
    run, _, _ = sample()
    finding = next(f for case in run.cases for f in case.findings if f.outcome is Outcome.REVOKED)
    made = replace(finding, outcome=outcome)
    status = Coverage.BLIND if unseen else Coverage.TESTED
    return one_case(run, (made,), status)


def one_case(run: RunResult, findings: tuple[Finding, ...], status: Coverage = Coverage.TESTED) -> RunResult:
    verdict = join([f.verdict for f in findings])
    case = replace(run.cases[0], findings=findings, verdict=verdict)
    coverage = tuple(CoverageCell("directory", kind, Vantage.ADMIN, status, "", 1) for kind in Kind)
    return replace(
        run, cases=(case,), bystanders=(), deselected=(), coverage=coverage, verdict=verdict, cleanup=Cleanup(True)
    )


def test_table_puts_the_worst_first_and_counts_the_rest() -> None:
    run, _, _ = sample()
    lines = case_table(run.cases[0], run.bystanders).splitlines()
    assert lines[0] == "✗ terminate/everyday-leaver[terminate]: fail"
    assert lines[1] == "  hr-feed claimed success for terminate (202 accepted, job finished)"
    assert lines[3].split()[:2] == ["outcome", "system"]
    assert lines[4].startswith("  collateral")
    assert any("late" in line and "gone in (15 m 01 s, 18 m 30 s]" in line for line in lines)
    assert lines[-2] == "  and 2 intact, 1 kept, 2 revoked"
    assert lines[-1].startswith("  kept by exception, residual beneath: mail mailbox zz-leaver-7-1@")


def test_table_of_a_case_that_never_began() -> None:
    run, _, _ = sample()
    text = case_table(run.cases[5])
    assert "set-up failed" in text
    assert "nothing was observed" in text


def test_table_tells_of_leftovers() -> None:
    run, _, _ = sample()
    assert "cleanup incomplete: code: key laptop-key" in case_table(run.cases[2])


def test_no_text_of_a_system_reaches_the_terminal_raw() -> None:
    run, _, _ = hostile()
    for text in (*(case_table(result, run.bystanders) for result in run.cases), summary(run)):
        assert all(line.isprintable() for line in text.split("\n"))
        text.encode()
    assert "\n" not in summary(run)


def test_summary_counts_grants_not_findings() -> None:
    run, _, _ = sample()
    text = summary(run)
    assert text.startswith("4 grants still work after offboarding: crm 2 (credential, license), ")
    for part in ("1 on record but refused in use", "1 late", "1 missing", "1 bystander grant lost", "1 inconclusive"):
        assert part in text
    assert "1 case not judged" in text
    assert "cleanup incomplete (1 leftover)" in text


@pytest.mark.parametrize(
    ("run", "start"),
    [
        (only(Outcome.REVOKED), "0 grants still work in every place that was checked."),
        (only(Outcome.REVOKED, unseen=True), "0 grants still work in the places that were checked."),
        (only(Outcome.RESIDUAL), "1 grant still works after offboarding: directory 1 (account)."),
        (only(Outcome.INCONCLUSIVE), "No grant was seen to remain, but the run did not pass."),
        (replace(only(Outcome.REVOKED), cases=()), "Nothing was measured"),
        (
            replace(only(Outcome.REVOKED), verdict=Verdict.FAIL),
            "No grant was seen to remain, but the run did not pass.",
        ),
    ],
)
def test_summary_never_says_clean_over_a_doubt(run: RunResult, start: str) -> None:
    assert summary(run).startswith(start)
