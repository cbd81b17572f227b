"""The outcome table of the contract, row by row: a story of looks, and the one outcome it may have."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.judge import Question, judge, read
from harness.model import SECOND, Outcome, Phase, Subject, Vantage, Verdict
from tests.judge.looks import BYSTANDER, DEADLINE, DEMANDED, KEEP, QUESTION, look, story

# The deadline is at second 60, settle is 10 seconds, a complete look is owed at `hold` (the H looks).
# B baseline, W watch, C closing, S step, H hold, F preflight, X cleanup; + present, - absent, ? unknown, ! no control.
KEPT = replace(QUESTION, keep=KEEP)
APPEARED = replace(QUESTION, appeared=True)
SIGNED_IN = replace(QUESTION, signed_in=True)
NO_HOLD = replace(QUESTION, owed=())
STEPS = replace(QUESTION, owed=("step", "hold"))
TWICE = replace(QUESTION, owed=("hold", "hold"))
AT_ONCE = replace(QUESTION, settle=0)
NEVER_SENT = replace(QUESTION, deadline=None)
CONSUMES = replace(QUESTION, looks=1, vantage=Vantage.LEAVER)
ONE_LOOK = replace(QUESTION, looks=1)
BYSTANDER_END = replace(BYSTANDER, owed=())
LEAVERS_USE = replace(SIGNED_IN, vantage=Vantage.LEAVER)

Row = tuple[str, Question, str, Outcome, str]

TABLE: list[Row] = [
    # --- revoked: settled absent, with the upper bound of its interval within the deadline
    ("gone in time and stayed gone", QUESTION, "B+0 W+5 W-10 W-20 H-70", Outcome.REVOKED, "stayed gone"),
    ("gone at the very first look", QUESTION, "B+0 W-5 H-70", Outcome.REVOKED, "stayed gone"),
    ("upper bound exactly at the deadline", QUESTION, "B+0 W+50 W-59 H-70", Outcome.REVOKED, "stayed gone"),
    ("blind for a while, then seen again", QUESTION, "B+0 W-5 W?10 W?15 H-70", Outcome.REVOKED, "stayed gone"),
    ("a flap before settle only moves last_present", QUESTION, "B+0 W-5 W+9 W-20 H-70", Outcome.REVOKED, "stayed"),
    ("no hold: two looks settle it", NO_HOLD, "B+0 W-5 W-15", Outcome.REVOKED, "stayed gone"),
    ("every step was looked at", STEPS, "B+0 W-5 W-15 S-70 H-80", Outcome.REVOKED, "stayed gone"),
    ("the same checkpoint owed and looked at twice", TWICE, "B+0 W-5 H-70 H-80", Outcome.REVOKED, "stayed gone"),
    ("settle 0: two rounds at one instant", AT_ONCE, "B+0 W-5 H-5", Outcome.REVOKED, "stayed gone"),
    ("a use that consumes is asked once", CONSUMES, "B+0 H-50", Outcome.REVOKED, "stayed gone"),
    ("gone before the harness signed in", SIGNED_IN, "B+0 W-5 C-20 H-70", Outcome.REVOKED, "stayed gone"),
    ("the closing look blind, an earlier one not", SIGNED_IN, "B+0 W-5 W-20 C?40 H-70", Outcome.REVOKED, "stayed"),
    ("what cleanup removed is not looked at", QUESTION, "B+0 W-5 H-70 X-90", Outcome.REVOKED, "stayed gone"),
    # --- late: seen present by a look sent at the deadline or later, then settled absent
    ("there at the deadline, then gone", QUESTION, "B+0 W+60 W-70 W-80 H-90", Outcome.LATE, "deadline had passed"),
    ("there after it, seen gone before", QUESTION, "B+0 W-5 W+61 W-70 H-90", Outcome.LATE, "deadline had passed"),
    ("late, and not confirmed: still no pass", QUESTION, "B+0 W+60 H-70", Outcome.LATE, "confirmed"),
    ("gone only after the sign-in", SIGNED_IN, "B+0 W+5 C+20 S-30 H-50", Outcome.LATE, "after the harness signed in"),
    ("nobody signed in", QUESTION, "B+0 W+5 C+20 S-30 H-50", Outcome.REVOKED, "stayed gone"),
    # --- residual: present at the last complete look
    ("never revoked", QUESTION, "B+0 W+5 W+60 H+70", Outcome.RESIDUAL, "still there"),
    ("never revoked, last looks blind", QUESTION, "B+0 W+60 H?70", Outcome.RESIDUAL, "still there"),
    ("gone for a moment", QUESTION, "B+0 W+5 W-20 H+70", Outcome.RESIDUAL, "still there"),
    ("appeared after leaving", APPEARED, "B-0 W-5 S+20", Outcome.RESIDUAL, "appeared after leaving"),
    ("no baseline, but there", QUESTION, "B?0 W+70", Outcome.RESIDUAL, "still there"),
    ("there, and never a deadline", NEVER_SENT, "B+0 W+5 H+70", Outcome.RESIDUAL, "still there"),
    ("two looks at one instant disagree", AT_ONCE, "B+0 W-5 H-70 H+70", Outcome.RESURRECTED, "came back"),
    # --- resurrected: present after a settled absence
    ("came back", QUESTION, "B+0 W-5 W-15 H+70", Outcome.RESURRECTED, "came back"),
    ("came back before the deadline", QUESTION, "B+0 W-5 W-15 S+30", Outcome.RESURRECTED, "came back"),
    ("came back and went again", QUESTION, "B+0 W-5 W-15 S+30 W-40 H-70", Outcome.RESURRECTED, "went again"),
    ("cleanup still found it", QUESTION, "B+0 W-5 W-15 H-70 X+90", Outcome.RESURRECTED, "came back"),
    # --- kept: present, and a policy exception in force names it
    ("kept", KEPT, "B+0 W+60 H+70", Outcome.KEPT, "retention MB-7"),
    ("kept, though it was resurrected", KEPT, "B+0 W-5 W-15 S+30 H+70", Outcome.KEPT, "retention MB-7"),
    ("kept, though it appeared", replace(KEPT, appeared=True), "B-0 W+60 H+70", Outcome.KEPT, "retention MB-7"),
    ("to be kept, but gone", KEPT, "B+0 W-5 W-15 H-70", Outcome.REVOKED, "stayed gone"),
    ("to be kept, but gone late", KEPT, "B+0 W+60 W-70 H-90", Outcome.LATE, "deadline had passed"),
    ("kept, but nobody could look at the end", KEPT, "B+0 W+60 H?70", Outcome.INCONCLUSIVE, "hold: 503"),
    # --- contradicted: the system's own trail says the opposite of its state
    ("trail says failed", replace(QUESTION, trail="failure"), "B+0 W-5 H-70", Outcome.CONTRADICTED, "trail"),
    ("trail says failed, blind baseline", replace(QUESTION, trail="failure"), "B?0 W-5 H-70", Outcome.CONTRADICTED, ""),
    (
        "trail says failed, gone is not settled",
        replace(QUESTION, trail="failure"),
        "B+0 H-70",
        Outcome.INCONCLUSIVE,
        "",
    ),
    ("trail says done", replace(QUESTION, trail="success"), "B+0 W-5 H-70", Outcome.REVOKED, "stayed gone"),
    ("trail says done, still there", replace(QUESTION, trail="success"), "B+0 H+70", Outcome.RESIDUAL, "still there"),
    (
        "trail lacks it",
        replace(QUESTION, unaccounted="no row"),
        "B+0 W-5 H-70",
        Outcome.CONTRADICTED,
        "gone, but no row",
    ),
    ("trail lacks it, late", replace(QUESTION, unaccounted="no row"), "B+0 W+60 W-65 H-70", Outcome.LATE, ""),
    ("trail lacks it, still there", replace(QUESTION, unaccounted="no row"), "B+0 H+70", Outcome.RESIDUAL, ""),
    (
        "trail lacks it, not settled",
        replace(QUESTION, unaccounted="no row"),
        "B+0 H-70",
        Outcome.INCONCLUSIVE,
        "second",
    ),
    ("trail unread", replace(QUESTION, untold="403"), "B+0 W-5 H-70", Outcome.INCONCLUSIVE, "gone, but 403"),
    ("trail unread, still there", replace(QUESTION, untold="403"), "B+0 H+70", Outcome.RESIDUAL, ""),
    # --- intact and missing: what `expect.has` demands
    ("demanded and there", DEMANDED, "B+0 W+5 H+70", Outcome.INTACT, "there"),
    ("demanded, gone for a while, there", DEMANDED, "B+0 W-5 W-15 H+70", Outcome.INTACT, "there"),
    ("demanded and gone", DEMANDED, "B+0 W+5 H-70", Outcome.MISSING, "not there"),
    ("demanded, nobody could look", DEMANDED, "B+0 W+5 H?70", Outcome.INCONCLUSIVE, "hold: 503"),
    ("demanded, gone, then blind, no checkpoint", replace(DEMANDED, owed=()), "W-5 W?9", Outcome.MISSING, "not there"),
    ("demanded, there, then blind, no checkpoint", replace(DEMANDED, owed=()), "W+5 W?9", Outcome.INCONCLUSIVE, "503"),
    ("demanded, gone, the checkpoint blind", DEMANDED, "B+0 W-5 H?70", Outcome.INCONCLUSIVE, "hold: 503"),
    ("demanded, never looked at", DEMANDED, "B+0", Outcome.INCONCLUSIVE, "nobody looked"),
    # --- intact and collateral: a bystander
    ("untouched", BYSTANDER, "B+0 W+5 H+70", Outcome.INTACT, "untouched"),
    ("untouched, a flap", BYSTANDER, "B+0 W-5 W+10 H+70", Outcome.INTACT, "untouched"),
    ("lost it", BYSTANDER, "B+0 W+5 H-70", Outcome.COLLATERAL, "lost it"),
    ("lost it, seen once, then blind", BYSTANDER, "B+0 W-5 H?70", Outcome.COLLATERAL, "lost it"),
    ("lost it for a time", BYSTANDER, "B+0 W-5 W-15 H+70", Outcome.COLLATERAL, "for a time"),
    ("given something", replace(BYSTANDER, appeared=True), "B-0 W+5 H+70", Outcome.COLLATERAL, "nobody asked"),
    ("given, and taken again", replace(BYSTANDER, appeared=True), "B-0 W+5 H-70", Outcome.COLLATERAL, "nobody asked"),
    ("gone before the next case's baseline", BYSTANDER, "B+0 W-5 B-90 W-95 H-99", Outcome.COLLATERAL, "lost it"),
    ("gone at the next case's baseline", BYSTANDER_END, "B+0 W+5 B-90", Outcome.COLLATERAL, "lost it"),
    ("two cases, untouched", BYSTANDER, "B+0 H+50 B+60 H+99", Outcome.INTACT, "untouched"),
    ("all controls lost with it", BYSTANDER, "B+0 W+5 H!70", Outcome.INCONCLUSIVE, "reader or all controls lost"),
    ("all controls lost after it", BYSTANDER, "B+0 H+70 W!80", Outcome.INCONCLUSIVE, "reader or all controls lost"),
    ("bystander without baseline", BYSTANDER, "B?0 W+5 H+70", Outcome.INCONCLUSIVE, "never seen present"),
    ("bystander never looked at", BYSTANDER, "B+0", Outcome.INCONCLUSIVE, "nobody looked"),
    ("bystander nobody could see", BYSTANDER, "B+0 W+5 H?70", Outcome.INCONCLUSIVE, "hold: 503"),
    # --- inconclusive: any law is unmet, and it says which
    ("nobody looked", QUESTION, "B+0", Outcome.INCONCLUSIVE, "nobody looked"),
    ("nobody could look", QUESTION, "B+0 W?5 H?70", Outcome.INCONCLUSIVE, "503"),
    ("no observation at all", QUESTION, "", Outcome.INCONCLUSIVE, "nobody looked"),
    ("no baseline", QUESTION, "W-5 W-15 H-70", Outcome.INCONCLUSIVE, "just before the event"),
    ("blind baseline", QUESTION, "B?0 W-5 W-15 H-70", Outcome.INCONCLUSIVE, "event: 503"),
    ("the last baseline look blind", QUESTION, "B+0 B?1 W-5 W-15 H-70", Outcome.INCONCLUSIVE, "event: 503"),
    ("absent at the baseline", QUESTION, "B-0 W-5 W-15 H-70", Outcome.INCONCLUSIVE, "just before the event"),
    ("no control", QUESTION, "B+0 W!5 W!15 H!70", Outcome.INCONCLUSIVE, "all controls lost"),
    ("no control at hold", QUESTION, "B+0 W-5 W-15 H!70", Outcome.INCONCLUSIVE, "hold: reader or all controls"),
    ("absent once, then blind", QUESTION, "B+0 W-5 W?20 H?70", Outcome.INCONCLUSIVE, "hold: 503"),
    ("absent once, and no hold", NO_HOLD, "B+0 W-5", Outcome.INCONCLUSIVE, "confirmed"),
    ("settled, blind at the end, no hold", NO_HOLD, "B+0 W-5 W-20 W?70", Outcome.INCONCLUSIVE, "the end: 503"),
    ("two looks, not settle apart", NO_HOLD, "B+0 W-5 W-14", Outcome.INCONCLUSIVE, "confirmed"),
    ("hold never looked at", QUESTION, "B+0 W-5 W-20", Outcome.INCONCLUSIVE, "hold: nobody looked"),
    ("a step never looked at", STEPS, "B+0 W-5 W-20 H-70", Outcome.INCONCLUSIVE, "step: nobody looked"),
    ("owed twice, looked at once", TWICE, "B+0 W-5 W-20 H-70", Outcome.INCONCLUSIVE, "no complete look at hold"),
    ("there at hold, gone elsewhere", QUESTION, "B+0 H+40 W-50 W-70", Outcome.INCONCLUSIVE, "still there at hold"),
    ("blind at the deadline", QUESTION, "B+0 W+50 W?60 W-70 H-90", Outcome.INCONCLUSIVE, "deadline lies among"),
    ("upper bound just past it", QUESTION, "B+0 W+50 W-60 H-90", Outcome.INCONCLUSIVE, "came after the deadline"),
    ("there, then blind past the deadline", QUESTION, "B+0 W+50 H?90", Outcome.INCONCLUSIVE, "at the deadline"),
    ("appeared and went", APPEARED, "B-0 W+5 W-15 H-70", Outcome.INCONCLUSIVE, "no baseline"),
    ("gone, but when was it due?", NEVER_SENT, "B+0 W-5 H-70", Outcome.INCONCLUSIVE, "no deadline"),
    ("event in doubt", replace(QUESTION, doubt="in doubt"), "B+0 W-5 W-15 H-70", Outcome.INCONCLUSIVE, "in doubt"),
    ("one absent look is no admin's proof", ONE_LOOK, "B+0 H-50", Outcome.INCONCLUSIVE, "confirmed"),
    ("absent only in preflight", NO_HOLD, "F-0 F-20 B+30", Outcome.INCONCLUSIVE, "nobody looked"),
    ("absent only in an earlier life", NO_HOLD, "S-0 S-20 B+30", Outcome.INCONCLUSIVE, "nobody looked"),
    ("absent only since cleanup", NO_HOLD, "B+0 W?5 X-70 X-90", Outcome.INCONCLUSIVE, "503"),
    ("there until the harness cleaned up", NO_HOLD, "B+0 W+60 X-70 X-90", Outcome.RESIDUAL, "still there"),
    ("nobody saw it gone before the sign-in", SIGNED_IN, "B+0 W+5 C?20 S-30 H-50", Outcome.INCONCLUSIVE, "signed in"),
    ("looks after a sign-in that no look preceded", SIGNED_IN, "B+0 C?20 C-40 H-70", Outcome.INCONCLUSIVE, "signed in"),
    ("the watch went on after it", SIGNED_IN, "B+0 W+5 C?20 W-30 W-40 H-70", Outcome.INCONCLUSIVE, "signed in"),
    ("a flap after the sign-in", SIGNED_IN, "B+0 W-5 C?8 W+9 S-20 H-50", Outcome.INCONCLUSIVE, "signed in"),
    ("signed in, and no closing look", SIGNED_IN, "B+0 S-20 H-50", Outcome.INCONCLUSIVE, "signed in"),
    ("a leaver's own use after the sign-in", LEAVERS_USE, "B+0 C-20 H-50", Outcome.REVOKED, "stayed gone"),
]


@pytest.mark.parametrize(("question", "looks", "outcome", "reason"), [r[1:] for r in TABLE], ids=[r[0] for r in TABLE])
def test_row(question: Question, looks: str, outcome: Outcome, reason: str) -> None:
    finding = judge(question, story(looks))
    assert (finding.outcome, reason in finding.reason) == (outcome, True), finding.reason


def test_every_outcome_has_a_row_and_its_verdict() -> None:
    passing = {Outcome.REVOKED, Outcome.KEPT, Outcome.INTACT}
    assert {row[3] for row in TABLE} == set(Outcome)
    for outcome in Outcome:
        expected = Verdict.PASS if outcome in passing else Verdict.FAIL
        assert outcome.verdict is (Verdict.INCONCLUSIVE if outcome is Outcome.INCONCLUSIVE else expected)


def test_an_absence_that_names_no_control_is_never_counted() -> None:
    seen = [replace(o, control="") for o in story("B+0 W-5 W-15 H-70")]
    assert judge(QUESTION, seen).outcome is Outcome.INCONCLUSIVE
    assert judge(BYSTANDER, seen).outcome is Outcome.INCONCLUSIVE
    assert judge(DEMANDED, seen).outcome is Outcome.INCONCLUSIVE


def test_an_absence_with_every_other_control_lost_is_never_counted() -> None:
    seen = [replace(o, control_lost=True) for o in story("B+0 W-5 W-15 H-70")]
    assert judge(QUESTION, seen).outcome is Outcome.INCONCLUSIVE
    assert judge(BYSTANDER, seen).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    ("question", "outcome"),
    [(QUESTION, Outcome.RESIDUAL), (DEMANDED, Outcome.MISSING), (BYSTANDER, Outcome.COLLATERAL)],
)
@pytest.mark.parametrize("words", ["H+70 H-70", "H-70 H+70"])
def test_of_two_looks_sent_at_once_the_one_that_speaks_against_counts(
    question: Question, outcome: Outcome, words: str
) -> None:
    pair = [look(word, 9) for word in words.split()]
    assert judge(question, [*story("B+0"), *pair]).outcome is outcome


def test_one_look_given_twice_is_one_look() -> None:
    once = look("H-50", 7)
    twice = [*story("B+0"), once, replace(once, id="its twin"), once]
    assert judge(AT_ONCE, twice).outcome is Outcome.INCONCLUSIVE
    assert "no complete look" in judge(replace(TWICE, settle=0), [*twice, look("W-5", 3)]).reason


def test_a_history_passes_over_looks_that_could_not_see() -> None:
    """Who follows a grant look by look must not take an unknown one for an absence either."""
    history = read(story("W?5 W!15 W?25"), 0, 2)
    assert (history.first_absent, history.absent_looks, history.settled(0, 2)) == (None, 0, False)


def test_the_interval_runs_from_the_last_present_look_sent_to_the_first_absent_one_answered() -> None:
    finding = judge(QUESTION, story("B+0 W+5 W-10 W-20 H-70"))
    assert (finding.last_present, finding.first_absent) == (5 * SECOND, 11 * SECOND)


def test_without_a_present_look_the_interval_begins_at_the_baseline() -> None:
    finding = judge(QUESTION, story("B+2 W-10 W-20 H-70"))
    assert (finding.last_present, finding.first_absent) == (2 * SECOND, 11 * SECOND)


def test_a_flap_moves_the_interval_and_is_counted() -> None:
    finding = judge(QUESTION, story("B+0 W-5 W+9 W-12 W+15 W-20 H-70"))
    assert (finding.last_present, finding.first_absent, finding.flaps) == (15 * SECOND, 21 * SECOND, 2)


def test_present_at_the_end_has_no_first_absent() -> None:
    finding = judge(QUESTION, story("B+0 W-5 W-15 H+70"))
    assert (finding.last_present, finding.first_absent) == (70 * SECOND, None)


@pytest.mark.parametrize(
    ("looks", "outcome"),
    [
        ("B+0 W-5 W-15 S+60 H+70", Outcome.KEPT),  # also resurrected, also residual
        ("B+0 W-5 W-15 S+60 H+70 ", Outcome.RESURRECTED),  # also residual
        ("B+0 W-5 W-15 S+60 W-65 H-80", Outcome.RESURRECTED),  # also late
        ("B+0 W+60 W-65 H+80", Outcome.RESIDUAL),  # a flap, not late
    ],
)
def test_where_two_outcomes_fit(looks: str, outcome: Outcome) -> None:
    question = KEPT if outcome is Outcome.KEPT else QUESTION
    assert judge(question, story(looks)).outcome is outcome


def test_a_kept_grant_that_is_gone_says_that_the_exception_is_no_longer_needed() -> None:
    assert judge(KEPT, story("B+0 W-5 W-15 H-70")).notes == ("exception no longer needed",)
    assert judge(KEPT, story("B+0 W-5 H?70")).notes == ()  # gone was never settled
    assert judge(KEPT, story("B+0 W+60 H+70")).notes == ()


def test_a_trail_that_claims_a_removal_is_noted_beside_what_remains() -> None:
    for question in (QUESTION, KEPT):
        assert "trail" in judge(replace(question, trail="success"), story("B+0 W+60 H+70")).notes[0]


def test_the_finding_repeats_what_was_asked_and_every_look() -> None:
    question = replace(QUESTION, channel="api", identity="leaver-1", notes=("matched by name",))
    seen = story("B+0 W?3 W-5 W-15 H-70")
    found = judge(question, seen[::-1])
    assert (found.subject, found.system, found.kind, found.name) == (Subject.LEAVER, "crm", question.kind, "sales-pro")
    assert (found.grant_id, found.vantage, found.channel, found.identity) == ("s-91", Vantage.ADMIN, "api", "leaver-1")
    assert (found.deadline, found.keep, found.notes) == (DEADLINE, None, ("matched by name",))
    assert list(found.observations) == seen
    assert [o.phase for o in found.observations][:2] == [Phase.BASELINE, Phase.WATCH]
