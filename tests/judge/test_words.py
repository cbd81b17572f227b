"""What each ruling says, word for word: an auditor reads the reason before anything else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.judge import Question, judge
from harness.model import Outcome, Vantage
from tests.judge.looks import BYSTANDER, DEMANDED, KEEP, QUESTION, look, story

APPEARED = replace(QUESTION, appeared=True)
SIGNED_IN = replace(QUESTION, signed_in=True)
KEPT = replace(QUESTION, keep=KEEP)
NO_HOLD = replace(QUESTION, owed=())
BYSTANDER_END = replace(BYSTANDER, owed=())
NEVER_SENT = replace(QUESTION, deadline=None)

WORDS: list[tuple[Question, str, Outcome, str]] = [
    (QUESTION, "B+0 W-5 H-70", Outcome.REVOKED, "gone, and stayed gone"),
    (QUESTION, "B+0 W+60 W-70 W-80 H-90", Outcome.LATE, "still there when the deadline had passed, gone later"),
    (
        *(QUESTION, "B+0 W+60 H-70", Outcome.LATE),
        "still there when the deadline had passed, gone later, which no second look confirmed",
    ),
    (SIGNED_IN, "B+0 W+5 C+20 S-30 H-50", Outcome.LATE, "gone only after the harness signed in"),
    (QUESTION, "B+0 W+60 H+70", Outcome.RESIDUAL, "still there at the last complete look"),
    (
        *(APPEARED, "B-0 W-5 S+20", Outcome.RESIDUAL),
        "was not there just before the event, and appeared after leaving",
    ),
    (QUESTION, "B+0 W-5 W-15 H+70", Outcome.RESURRECTED, "was gone, and came back"),
    (QUESTION, "B+0 W-5 W-15 S+30 W-40 H-70", Outcome.RESURRECTED, "was gone, came back, and went again"),
    (
        *(KEPT, "B+0 W+60 H+70", Outcome.KEPT),
        "still there, and allowed: retention MB-7 (crm@example.test, until 2099-01-01)",
    ),
    (
        *(replace(QUESTION, trail="failure"), "B+0 W-5 H-70", Outcome.CONTRADICTED),
        "gone, but the system's own trail records that the removal failed",
    ),
    (DEMANDED, "B+0 W+5 H+70", Outcome.INTACT, "demanded, and there"),
    (DEMANDED, "B+0 W+5 H-70", Outcome.MISSING, "demanded, and not there at the last complete look"),
    (BYSTANDER, "B+0 W+5 H+70", Outcome.INTACT, "untouched"),
    (BYSTANDER, "B+0 W+5 H-70", Outcome.COLLATERAL, "a bystander on whom no event was fired lost it"),
    (BYSTANDER, "B+0 W-5 W-15 H+70", Outcome.COLLATERAL, "a bystander on whom no event was fired lost it for a time"),
    (
        *(replace(BYSTANDER, appeared=True), "B-0 W+5 H+70", Outcome.COLLATERAL),
        "a bystander was given access that nobody asked for",
    ),
    # --- inconclusive
    (
        *(QUESTION, "B+0 W+5 W?40 H?70", Outcome.INCONCLUSIVE),
        "still there at the last complete look, but not seen at the deadline: 503 from the list",
    ),
    (APPEARED, "B-0 S+5 W-20 H-70", Outcome.INCONCLUSIVE, "appeared after leaving and went again: it has no baseline"),
    (QUESTION, "B-0 W-5 H-70", Outcome.INCONCLUSIVE, "not seen present just before the event"),
    (QUESTION, "B?0 W-5 H-70", Outcome.INCONCLUSIVE, "not seen present just before the event: 503 from the list"),
    (NO_HOLD, "B+0 W-5", Outcome.INCONCLUSIVE, "gone at the last look, but not confirmed by a second one"),
    (
        *(NEVER_SENT, "B+0 W-5 H-70", Outcome.INCONCLUSIVE),
        "gone, but there is no deadline to hold it against: was the event ever sent?",
    ),
    (
        *(SIGNED_IN, "B+0 W+5 C?20 S-30 H-50", Outcome.INCONCLUSIVE),
        "gone, but nobody saw it gone before the harness signed in",
    ),
    (
        *(QUESTION, "B+0 W+40 W?50 W-62 H-75", Outcome.INCONCLUSIVE),
        "gone by the end, but the deadline lies among looks that could not see",
    ),
    (
        *(QUESTION, "B+0 W?20 W+40 W-62 H-75", Outcome.INCONCLUSIVE),  # blind before it was last seen: another matter
        "gone by the end, but the first answer that said so came after the deadline",
    ),
    (QUESTION, "B+0", Outcome.INCONCLUSIVE, "no complete look after the event: nobody looked"),
    (DEMANDED, "B+0", Outcome.INCONCLUSIVE, "no complete look: nobody looked"),
    (BYSTANDER, "B?0 W+5 H+70", Outcome.INCONCLUSIVE, "the bystander's access was never seen present"),
    (NO_HOLD, "B+0 W-5 W-20 W?30", Outcome.INCONCLUSIVE, "no complete look at the end: 503 from the list"),
]


@pytest.mark.parametrize(("question", "looks", "outcome", "reason"), WORDS, ids=[row[3] for row in WORDS])
def test_a_ruling_says_exactly_this(question: Question, looks: str, outcome: Outcome, reason: str) -> None:
    found = judge(question, story(looks))
    assert (found.outcome, found.reason) == (outcome, reason)


def test_the_end_is_the_last_look_alone() -> None:
    """Whatever made earlier looks blind is not why nobody saw the end."""
    blind = [replace(look("W?40", 3), reason=why) for why in ("429", "429", "429")]
    blind = [replace(o, round=n, sent=o.sent + n) for n, o in enumerate(blind, 3)]
    last = replace(look("W?80", 9), reason="timeout")
    found = judge(NO_HOLD, [*story("B+0 W-5 W-20"), *blind, last])
    assert found.reason == "no complete look at the end: timeout"


def test_of_a_bystander_the_last_look_alone_tells_that_all_controls_were_lost() -> None:
    """Several looks after it that could see, or were blind for another reason, change nothing."""
    lost, seen = look("W!80", 9), [look(f"W+{n}", n) for n in (5, 10, 15)]
    found = judge(BYSTANDER_END, [look("B+0"), *seen, lost])
    assert (found.outcome, found.reason) == (Outcome.INCONCLUSIVE, "reader or all controls lost")
    blind = [replace(look(f"W?{n}", n), reason="timeout") for n in (20, 25)]
    found = judge(BYSTANDER_END, [look("B+0"), *seen, *blind, lost])
    assert (found.outcome, found.reason) == (Outcome.INCONCLUSIVE, "reader or all controls lost")


def test_what_the_first_closing_look_saw_gone_was_gone_before_the_sign_in() -> None:
    found = judge(SIGNED_IN, story("B+0 W+5 C-20 C-31 H-70"))
    assert (found.outcome, found.reason) == (Outcome.REVOKED, "gone, and stayed gone")
    found = judge(SIGNED_IN, story("B+0 W+5 C?20 C-31 H-70"))
    assert found.outcome is Outcome.INCONCLUSIVE
    used = judge(replace(SIGNED_IN, vantage=Vantage.LEAVER), story("B+0 W+5 C?20 C-31 H-70"))
    assert used.outcome is Outcome.REVOKED


@pytest.mark.parametrize(("blind", "among"), [("W?40", True), ("W?62", True), ("W?39", False), ("W?63", False)])
def test_looks_that_were_blind_between_present_and_absent_hide_the_deadline(blind: str, among: bool) -> None:
    """From the last look that saw it to the first that saw it gone, both included."""
    looks = [look("B+0"), look("W+40", 2), replace(look(blind), round=3), look("W-62", 4), look("H-75", 5)]
    assert ("lies among" in judge(QUESTION, looks).reason) is among


def test_a_finding_names_the_exception_that_was_asked_for() -> None:
    assert judge(KEPT, story("B+0 W-5 H-70")).keep == KEEP
    assert judge(QUESTION, story("B+0 W-5 H-70")).keep is None


def test_what_a_finding_adds_to_its_outcome() -> None:
    gone = "exception no longer needed"
    removed = "the system's own trail records that it was removed"
    assert judge(KEPT, story("B+0 W-5 H-70")).notes == (gone,)
    assert judge(KEPT, story("B+0 W+60 H+70")).notes == ()
    trailed = replace(QUESTION, trail="success", notes=("use refused",))
    assert judge(trailed, story("B+0 W+60 H+70")).notes == ("use refused", removed)
    assert judge(trailed, story("B+0 W-5 H-70")).notes == ("use refused",)
