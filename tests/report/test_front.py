"""Page one never says yes over something that nobody saw."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.model import Coverage, Deselected, Outcome, Presence, RunResult, Verdict
from harness.report import SystemInfo
from harness.report.cases import course
from harness.report.front import answer, front
from harness.report.ids import entries
from harness.report.tally import tally
from tests.report.sample import sample
from tests.report.test_text import one_case, only


@pytest.mark.parametrize("outcome", list(Outcome))
def test_only_a_pass_with_everything_seen_says_yes(outcome: Outcome) -> None:
    run = only(outcome)
    verdict, headline, _ = answer(tally(run), run)
    assert headline.startswith("Yes") is (outcome.verdict is Verdict.PASS)
    assert verdict == outcome.verdict.word


@pytest.mark.parametrize("status", list(Coverage))
def test_an_unseen_place_takes_the_yes_away(status: Coverage) -> None:
    run = one_case(sample()[0], only(Outcome.REVOKED).cases[0].findings, status)
    yes = answer(tally(run), run)[1].startswith("Yes")
    assert yes is (status in (Coverage.TESTED, Coverage.WITHOUT))


def clean() -> RunResult:
    return only(Outcome.REVOKED)


@pytest.mark.parametrize(
    "run",
    [
        replace(clean(), cases=()),
        replace(clean(), deselected=(Deselected("x", "why"),)),
        replace(clean(), verdict=Verdict.INCONCLUSIVE),
        replace(clean(), verdict=Verdict.FAIL),
        replace(clean(), coverage=clean().coverage[1:]),
        replace(clean(), cases=(replace(clean().cases[0], verdict=Verdict.INCONCLUSIVE),)),
        replace(clean(), cases=(replace(clean().cases[0], verdict=Verdict.FAIL),)),
        replace(
            clean(), cases=(replace(clean().cases[0], case=replace(clean().cases[0].case, systems=("directory",))),)
        ),
    ],
)
def test_whatever_is_missing_takes_the_yes_away(run: RunResult) -> None:
    assert answer(tally(clean()), clean())[1] == "Yes, in every place we checked."
    verdict, headline, _ = answer(tally(run), run)
    assert not headline.startswith("Yes")
    assert verdict != "pass"


def test_a_system_that_the_run_is_silent_about_takes_the_yes_away() -> None:
    run, (_, about, _) = clean(), sample()
    silent = replace(about, systems=(SystemInfo("directory", "scim"), SystemInfo("forgotten", "http")))
    names = [system.name for system in silent.systems]
    assert answer(tally(run, names), run)[1] == "Only in the places we checked."


def test_listed_but_refused_is_on_record_not_working() -> None:
    run = only(Outcome.RESIDUAL)
    finding = run.cases[0].findings[0]
    refused = one_case(run, (replace(finding, notes=("use refused",)),))
    assert answer(tally(refused), refused)[1] == "No: 1 of 1 grant is still on record."


def test_every_sentence_is_computed() -> None:
    run, about, _ = sample()
    made = front(run, about, tally(run), entries(run))
    text = ["".join(part.text for part in line) for line in (*made.when, *made.how, *made.unseen)]
    assert text[0] == (
        "Slowest: delegation finance-inbox#send-as in mail, gone between 15 m 01 s and 18 m 30 s after the event; "
        "deadline 15m, missed by 3 m 30 s."
    )
    assert "Baseline: 11 of 11 ended findings had seen the access present just before the event." in text
    assert "233 looks behind the findings, bystanders' too: 153 present, 74 absent, 6 unknown." in text
    assert any("not independent: crm" in line for line in text)
    # The two findings from the leaver's vantage were only looked at near the deadline: they do not set the pace.
    assert text[1] == (
        "Ended: 9 findings by the record, half of them within 41.0 s; the slowest by 18 m 30 s. Times are upper bounds."
    )
    assert text[2].startswith("2 more findings by use, ")
    assert made.detail.endswith("1 worked when used; 3 are known from the system's own record only.")
    apart = ("lost by bystanders", "case not judged", "places not checked")
    own = [chip for chip in made.chips if chip.word not in apart]
    assert sum(chip.number for chip in own) == len(tally(run).grants)
    claims = {(claim.claimed, claim.cases, claim.failed) for claim in made.claims}
    assert ("success", 3, 2) in claims


def test_what_came_back_tells_when_it_was_gone() -> None:
    found = next(f for case in sample()[0].cases for f in case.findings if f.outcome is Outcome.RESURRECTED)
    first = min(look.answered for look in found.observations if look.presence is Presence.ABSENT)
    last = max(look.sent for look in found.observations)
    told = course(replace(found, last_present=last, first_absent=None), first)
    assert told.startswith("gone by 0 ms, back at +")
