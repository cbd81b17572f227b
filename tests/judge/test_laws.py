"""What must hold of the judge for any looks whatever: the properties behind the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import Phase as Step
from hypothesis import example, find, given, settings
from hypothesis import strategies as st

from harness.judge import Expects, Question, judge
from harness.model import Observation, Outcome, Phase, Presence, Subject, Vantage, Verdict, join
from tests.judge.looks import KEEP, QUESTION, story

# Small numbers collide often: equal instants, equal rounds, the deadline and settle themselves.
DEADLINE, SETTLE, END = 8, 3, 16
AFTER = (Phase.WATCH, Phase.CLOSING, Phase.STEP, Phase.HOLD)
PLACES = ("", "", "step", "hold")
VERDICTS = st.lists(st.sampled_from(Verdict), min_size=1, max_size=5)


@st.composite
def looks(draw: st.DrawFn, presence: st.SearchStrategy[Presence] | None = None) -> Observation:
    seen = draw(presence if presence is not None else st.sampled_from(Presence))
    phase = draw(st.sampled_from([*Phase, *AFTER, *AFTER]))
    sent = draw(st.integers(0, 2 if phase is Phase.BASELINE else END))
    return Observation(
        seen,
        phase,
        draw(st.integers(0, 2)),
        sent,
        sent + draw(st.integers(0, 2)),
        reason=draw(st.sampled_from(["", "503", "timeout"])),
        checkpoint=draw(st.sampled_from(PLACES)),
        control=draw(st.sampled_from(["bystander-1", "bystander-1", "bystander-1", ""])),
        control_lost=draw(st.integers(0, 7)) == 0,
    )


@st.composite
def stories(draw: st.DrawFn) -> list[Observation]:
    """Mostly a tidy life (a baseline, looks, a look at `hold`) with noise among it, so that every verdict comes up."""
    noise = draw(st.lists(looks(), max_size=5))
    if draw(st.integers(0, 3)) == 0:
        return noise
    after = draw(st.sampled_from([Presence.ABSENT, Presence.ABSENT, Presence.PRESENT]))

    def one(presence: Presence, phase: Phase, sent: int, place: str = "") -> Observation:
        return Observation(presence, phase, sent, sent, sent, checkpoint=place, control="bystander-1")

    tidy = [one(Presence.PRESENT, Phase.BASELINE, 0)]
    tidy += [one(after, Phase.WATCH, sent) for sent in draw(st.lists(st.integers(3, END), max_size=4))]
    tidy += [one(after, Phase.STEP, END, "step"), one(after, Phase.HOLD, END + 1, "hold")]
    return tidy + noise


@st.composite
def questions(draw: st.DrawFn, expects: Expects | None = None, kept: bool = True) -> Question:
    asked = expects or draw(st.sampled_from(Expects))
    return replace(
        QUESTION,
        subject=Subject.BYSTANDER if asked is Expects.INTACT else Subject.LEAVER,
        vantage=draw(st.sampled_from(Vantage)),
        expects=asked,
        deadline=draw(st.sampled_from([DEADLINE, DEADLINE, DEADLINE, None])),
        settle=draw(st.sampled_from([0, SETTLE])),
        looks=draw(st.sampled_from([2, 2, 1])),
        owed=draw(st.sampled_from([(), ("hold",), ("step", "hold"), ("hold", "hold")])),
        appeared=draw(st.integers(0, 3)) == 0,
        signed_in=draw(st.booleans()),
        keep=KEEP if kept and draw(st.integers(0, 3)) == 0 else None,
        doubt=draw(st.sampled_from(["", "", "", "the event is in doubt"])),
        trail=draw(st.sampled_from(["", "success", "failure"])),
        unaccounted=draw(st.sampled_from(["", "", "no row"])),
        untold=draw(st.sampled_from(["", "", "403"])),
    )


gone = questions(Expects.GONE, kept=False)


def counted(question: Question, seen: Sequence[Observation]) -> list[Observation]:
    """Looks that may speak, by the contract's words: after the event, and an absence beside a living control; and what
    cleanup still found of what should be gone."""
    gone = question.expects is Expects.GONE
    return [
        o
        for o in judge(question, seen).observations
        if (o.phase in AFTER or (gone and o.phase is Phase.CLEANUP and o.presence is Presence.PRESENT))
        and (o.presence is Presence.PRESENT or (o.presence is Presence.ABSENT and o.control and not o.control_lost))
    ]


# --- the verdicts' join -------------------------------------------------------------------------


@given(VERDICTS, VERDICTS, VERDICTS)
def test_join_is_associative_commutative_and_idempotent(a: list[Verdict], b: list[Verdict], c: list[Verdict]) -> None:
    assert join([join(a), join([join(b), join(c)])]) is join([join([join(a), join(b)]), join(c)]) is join(a + b + c)
    assert join(a + b) is join(b + a)
    assert join(a + a) is join(a) is join([join(a)])


@given(VERDICTS)
def test_join_is_the_worst_and_nothing_is_inconclusive(a: list[Verdict]) -> None:
    assert all(join(a) >= verdict for verdict in a)
    assert join(a) in a
    assert join([]) is Verdict.INCONCLUSIVE


# --- what no look may do ------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", list(Outcome))
def test_these_stories_reach_every_outcome(outcome: Outcome) -> None:
    """Without this the laws below could hold because nothing ever passed."""
    find(
        st.tuples(questions(), stories()),
        lambda drawn: judge(*drawn).outcome is outcome,
        settings=settings(max_examples=20_000, database=None, phases=[Step.generate], derandomize=True, deadline=None),
    )


@settings(max_examples=250)
@given(questions(), stories(), st.lists(looks(st.just(Presence.UNKNOWN)), min_size=1, max_size=4))
@example(replace(QUESTION, owed=()), story("B+0 W-5 W-20"), story("W?30"))
@example(replace(QUESTION, trail="failure"), story("B+0 W-5 H-70"), story("B?1"))
@example(replace(QUESTION, signed_in=True), story("B+0 W-5 W+9 S-20 H-50"), story("C?6"))
@example(replace(QUESTION, expects=Expects.INTACT), story("B+0 W+5 H-70"), story("B?1"))
@example(replace(QUESTION, expects=Expects.HAS, owed=()), story("W-5"), story("W?9"))
def test_an_unknown_look_never_improves_a_verdict(
    question: Question, seen: list[Observation], blind: list[Observation]
) -> None:
    assert judge(question, seen + blind).verdict >= judge(question, seen).verdict


@settings(max_examples=150)
@given(questions(), stories())
def test_looks_that_all_failed_never_pass(question: Question, seen: list[Observation]) -> None:
    blind = [o if o.phase is Phase.BASELINE else replace(o, presence=Presence.UNKNOWN) for o in seen]
    baseline_only = [o for o in seen if o.phase in (Phase.PREFLIGHT, Phase.BASELINE)]
    if question.expects is Expects.INTACT:  # a later baseline is a look at a bystander
        blind = [o for o in blind if o.phase is not Phase.BASELINE] + story("B+0")
        baseline_only = story("B+0")
    assert judge(question, blind).verdict is not Verdict.PASS
    assert judge(question, baseline_only).verdict is not Verdict.PASS


@settings(max_examples=150)
@given(gone, stories())
def test_without_a_control_nothing_is_revoked(question: Question, seen: list[Observation]) -> None:
    assert judge(question, [replace(o, control="") for o in seen]).verdict is not Verdict.PASS
    assert judge(question, [replace(o, control_lost=True) for o in seen]).verdict is not Verdict.PASS


@settings(max_examples=250)
@given(gone, stories(), st.integers(DEADLINE, END + 4), st.sampled_from(AFTER), st.sampled_from(PLACES))
def test_present_at_the_deadline_or_later_never_passes(
    question: Question, seen: list[Observation], sent: int, phase: Phase, place: str
) -> None:
    question = replace(question, deadline=DEADLINE)
    there = Observation(Presence.PRESENT, phase, 0, sent, sent, checkpoint=place)
    assert judge(question, [*seen, there]).verdict is not Verdict.PASS


@given(questions(), stories(), st.randoms(use_true_random=False))
def test_the_order_in_which_looks_are_given_never_matters(
    question: Question, seen: list[Observation], chance: object
) -> None:
    shuffled = list(seen)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis's own Random
    assert judge(question, shuffled) == judge(question, seen)


@given(questions(), stories())
def test_a_look_given_twice_changes_nothing_but_the_list(question: Question, seen: list[Observation]) -> None:
    once, twice = judge(question, seen), judge(question, [*seen, *seen])
    assert (once.outcome, once.last_present, once.first_absent) == (
        twice.outcome,
        twice.last_present,
        twice.first_absent,
    )


# --- what a pass implies ------------------------------------------------------------------------


@settings(max_examples=400)
@given(gone, stories())
def test_revoked_implies_every_law(question: Question, seen: list[Observation]) -> None:
    finding = judge(question, seen)
    if finding.verdict is not Verdict.PASS:
        return
    assert finding.outcome is Outcome.REVOKED
    assert not question.doubt
    assert not question.appeared
    baseline = [o for o in finding.observations if o.phase is Phase.BASELINE]
    assert baseline[-1].presence is Presence.PRESENT
    assert question.deadline is not None
    assert finding.first_absent is not None
    assert finding.last_present is not None
    assert finding.first_absent <= question.deadline

    after = [o for o in counted(question, seen) if (o.sent, o.round) >= (baseline[-1].sent, baseline[-1].round)]
    run = [o for n, o in enumerate(after) if all(later.presence is Presence.ABSENT for later in after[n:])]
    assert all(o.control for o in run)
    needed = 1 if question.looks == 1 and question.vantage is Vantage.LEAVER else 2
    assert len({(o.sent, o.round) for o in run}) >= needed
    assert run[0].answered == finding.first_absent
    if needed == 2:
        assert run[-1].sent - run[0].sent >= question.settle
    if question.owed:
        assert question.owed[-1] in {o.checkpoint for o in run}
        assert set(question.owed) <= {o.checkpoint for o in after}


@settings(max_examples=250)
@given(questions(Expects.INTACT), stories())
def test_intact_implies_a_baseline_and_a_last_complete_look_that_is_present(
    question: Question, seen: list[Observation]
) -> None:
    if judge(question, seen).verdict is not Verdict.PASS:
        return
    after = counted(question, seen)
    assert after[-1].presence is Presence.PRESENT
    assert any(o.phase is Phase.BASELINE and o.presence is Presence.PRESENT for o in seen)
    assert set(question.owed) <= {o.checkpoint for o in after}


@settings(max_examples=250)
@given(questions(Expects.HAS), stories())
def test_what_is_demanded_passes_only_if_it_is_there_at_the_end(question: Question, seen: list[Observation]) -> None:
    if judge(question, seen).verdict is Verdict.PASS:
        after = counted(question, seen)
        assert after[-1].presence is Presence.PRESENT
        assert set(question.owed) <= {o.checkpoint for o in after}


@given(stories())
def test_kept_passes_only_what_is_present(seen: list[Observation]) -> None:
    question = replace(QUESTION, deadline=DEADLINE, settle=SETTLE, keep=KEEP)
    finding, plain = judge(question, seen), judge(replace(question, keep=None), seen)
    if finding.outcome is Outcome.KEPT:
        assert finding.first_absent is None
        assert plain.outcome in (Outcome.RESIDUAL, Outcome.RESURRECTED, Outcome.INCONCLUSIVE)
        assert plain.outcome in (finding.beneath, Outcome.INCONCLUSIVE)
    elif plain.outcome is not Outcome.RESIDUAL and plain.outcome is not Outcome.RESURRECTED:
        assert finding.outcome is plain.outcome
    assert (finding.beneath is None) == (finding.outcome is not Outcome.KEPT)


# --- the interval -------------------------------------------------------------------------------


@given(gone, stories())
def test_the_interval_is_last_present_sent_to_first_absent_answered(
    question: Question, seen: list[Observation]
) -> None:
    finding = judge(question, seen)
    if finding.outcome not in (Outcome.REVOKED, Outcome.LATE):
        return
    present = [o.sent for o in finding.observations if o.presence is Presence.PRESENT]
    answered = [o.answered for o in finding.observations if o.presence is Presence.ABSENT]
    assert finding.last_present in present
    assert finding.first_absent in answered
    assert finding.last_present is not None
    assert finding.first_absent is not None
    assert finding.last_present <= finding.first_absent


@given(st.lists(st.booleans(), min_size=2, max_size=12))
def test_before_settle_presence_only_moves_last_present_and_is_counted(signs: list[bool]) -> None:
    """All looks fall within one settle: whatever they say, nothing was resurrected."""
    seen = story("B+0 " + " ".join(f"W{'+' if there else '-'}{n}" for n, there in enumerate(signs, 1)))
    finding = judge(replace(QUESTION, settle=10**9, owed=()), seen)
    assert finding.outcome is not Outcome.RESURRECTED
    assert finding.flaps == sum(not a and b for a, b in pairwise(signs))
