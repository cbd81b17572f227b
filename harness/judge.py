"""The truth table of the contract: observations in, one finding out. Pure: no I/O, no clock, no adapter.

Absence is measured, never a default: an absent look counts only when it was complete and names the control that was
alive in its round (`harness.measure` sees to that), and `revoked` needs every law. Unknown looks prove nothing: they
are never counted, so adding one can never improve a verdict.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile

from harness.history import History, could_see, in_order, present, read, since_baseline, when
from harness.model import (
    Duration,
    Finding,
    Instant,
    Keep,
    Kind,
    Observation,
    Outcome,
    Phase,
    Presence,
    Subject,
    Vantage,
)

__all__ = ["Expects", "History", "Question", "judge", "read"]


class Expects(StrEnum):
    """What the scenario says must be true of the grant at the end."""

    GONE = "gone"
    HAS = "has"
    INTACT = "intact"


@dataclass(frozen=True, slots=True)
class Question:
    """All that the judge may know about one grant from one vantage, besides its observations.

    `owed` are the checkpoints at which a complete look is due, the end of `hold` last (none: the last look of all).
    `looks` is how many absent looks make an absence steady: two, and 1 only for the leaver's use that consumes.
    `appeared`: never in the baseline, or taken away by an earlier step. `signed_in`: the harness did so after the
    closing admin looks. `doubt`: why nothing can be concluded (set-up failed, event in doubt); empty if nothing.
    `trail`: what the system's own audit trail says became of the removal: "success", "failure" or "". Where the
    scenario wants every removal to stand there: `unaccounted` is what it lacks, `untold` why nobody can know.
    """

    subject: Subject
    system: str
    kind: Kind
    name: str
    grant_id: str | None
    vantage: Vantage
    expects: Expects = Expects.GONE
    channel: str = ""
    identity: str = ""
    deadline: Instant | None = None
    settle: Duration = 0
    looks: int = 2
    owed: tuple[str, ...] = ()
    appeared: bool = False
    signed_in: bool = False
    keep: Keep | None = None
    doubt: str = ""
    trail: str = ""
    unaccounted: str = ""
    untold: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the rules read: the looks of the baseline, those after it, and which of these could see."""

    q: Question
    baseline: Sequence[Observation]
    after: Sequence[Observation]
    complete: Sequence[Observation]
    history: History
    looks: int


def judge(question: Question, observations: Sequence[Observation]) -> Finding:
    """One grant's finding. Observations are in any order; those of the baseline carry `Phase.BASELINE`."""
    q, gone = question, question.expects is Expects.GONE
    against = Presence.PRESENT if gone else Presence.ABSENT
    ordered = in_order(observations, against)
    looks = max(1 if q.vantage is Vantage.LEAVER else 2, q.looks)
    baseline = [o for o in ordered if o.phase is Phase.BASELINE]
    start, after = since_baseline(baseline, ordered, bystander=q.expects is Expects.INTACT, cleanup=gone)
    complete = [o for o in after if could_see(o)]
    history = read(complete, q.settle, looks)
    if history.last_present is None and start is not None and present(start):
        history.last_present = start
    rule = {Expects.GONE: _gone, Expects.HAS: _has, Expects.INTACT: _intact}[q.expects]
    outcome, reason = rule(_Facts(q, baseline, after, complete, history, looks))
    beneath = None
    if outcome is Outcome.KEPT:  # seen at the last look, however long before a deadline that nobody waited for
        beneath = Outcome.RESURRECTED if history.came_back is not None else Outcome.RESIDUAL
    first_absent = history.first_absent
    return Finding(
        subject=q.subject,
        system=q.system,
        kind=q.kind,
        name=q.name,
        grant_id=q.grant_id,
        vantage=q.vantage,
        outcome=outcome,
        reason=reason,
        channel=q.channel,
        deadline=q.deadline,
        last_present=history.last_present.sent if history.last_present else None,
        first_absent=first_absent.answered if first_absent else None,
        flaps=history.flaps,
        keep=q.keep,
        beneath=beneath,
        notes=_notes(q, outcome),
        observations=tuple(ordered),
        identity=q.identity,
    )


Ruling = tuple[Outcome, str]


def _gone(f: _Facts) -> Ruling:
    q, history = f.q, f.history
    if q.doubt:
        return Outcome.INCONCLUSIVE, q.doubt
    if not f.complete:
        return Outcome.INCONCLUSIVE, f"no complete look after the event: {_why_unknown(f.after)}"
    past_deadline = q.deadline is not None and any(present(o) and o.sent >= q.deadline for o in f.complete)

    if present(f.complete[-1]):
        if q.keep is not None and (gap := _gap(f)):
            return Outcome.INCONCLUSIVE, gap
        if q.keep is not None:
            return Outcome.KEPT, f"still there, and allowed: {q.keep.reason} ({q.keep.owner}, until {q.keep.until})"
        if history.came_back is not None:
            return Outcome.RESURRECTED, "was gone, and came back"
        if q.appeared:
            return Outcome.RESIDUAL, "was not there just before the event, and appeared after leaving"
        if past_deadline or q.deadline is None:
            return Outcome.RESIDUAL, f.complete[-1].reason or "still there at the last complete look"
        why = _why_unknown(f.after[f.after.index(f.complete[-1]) :])
        return Outcome.INCONCLUSIVE, f"still there at the last complete look, but not seen at the deadline: {why}"

    settled = history.settled(q.settle, f.looks)
    if history.came_back is not None:
        return Outcome.RESURRECTED, "was gone, came back, and went again"
    if past_deadline:
        unsure = "" if settled else ", which no second look confirmed"
        return Outcome.LATE, f"still there when the deadline had passed, gone later{unsure}"
    if q.signed_in and any(present(o) and o.phase is Phase.CLOSING for o in f.complete):
        return Outcome.LATE, "gone only after the harness signed in"
    if settled and q.trail == "failure":
        return Outcome.CONTRADICTED, "gone, but the system's own trail records that the removal failed"

    if q.appeared:
        return Outcome.INCONCLUSIVE, "appeared after leaving and went again: it has no baseline"
    if not f.baseline or not present(f.baseline[-1]):
        why = f": {f.baseline[-1].reason}" if f.baseline and f.baseline[-1].reason else ""
        return Outcome.INCONCLUSIVE, f"not seen present just before the event{why}"
    if gap := _gap(f):
        return Outcome.INCONCLUSIVE, gap
    steady = list(takewhile(lambda o: not present(o), reversed(f.complete)))
    if q.owed and all(o.checkpoint != q.owed[-1] for o in steady):
        return Outcome.INCONCLUSIVE, f"gone at the last look, but still there at {q.owed[-1]}"
    if not settled or history.first_absent is None:
        return Outcome.INCONCLUSIVE, "gone at the last look, but not confirmed by a second one"
    if q.deadline is None:
        return Outcome.INCONCLUSIVE, "gone, but there is no deadline to hold it against: was the event ever sent?"
    if history.first_absent.answered > q.deadline:
        return Outcome.INCONCLUSIVE, _across_the_deadline(f, history.first_absent)
    if _signed_in_before(f, history.first_absent):
        return Outcome.INCONCLUSIVE, "gone, but nobody saw it gone before the harness signed in"
    if q.unaccounted:
        return Outcome.CONTRADICTED, f"gone, but {q.unaccounted}"
    if q.untold:
        return Outcome.INCONCLUSIVE, f"gone, but {q.untold}"
    return Outcome.REVOKED, history.first_absent.reason or "gone, and stayed gone"


def _has(f: _Facts) -> Ruling:
    if f.q.doubt:
        return Outcome.INCONCLUSIVE, f.q.doubt
    if not f.complete:
        return Outcome.INCONCLUSIVE, f"no complete look: {_why_unknown(f.after)}"
    gap = _gap(f)
    if present(f.complete[-1]):
        return (Outcome.INCONCLUSIVE, gap) if gap else (Outcome.INTACT, "demanded, and there")
    if gap and f.q.owed:
        return Outcome.INCONCLUSIVE, gap
    return Outcome.MISSING, "demanded, and not there at the last complete look"


def _intact(f: _Facts) -> Ruling:
    if f.q.doubt:
        return Outcome.INCONCLUSIVE, f.q.doubt
    if f.q.appeared and any(map(present, f.complete)):
        return Outcome.COLLATERAL, "a bystander was given access that nobody asked for"
    if not any(map(present, f.baseline)):
        return Outcome.INCONCLUSIVE, "the bystander's access was never seen present"
    if not f.complete:
        return Outcome.INCONCLUSIVE, f"no complete look: {_why_unknown(f.after)}"
    if not present(f.complete[-1]):
        return Outcome.COLLATERAL, "a bystander on whom no event was fired lost it"
    if f.history.came_back is not None:
        return Outcome.COLLATERAL, "a bystander on whom no event was fired lost it for a time"
    if f.after[-1].control_lost and not could_see(f.after[-1]):
        return Outcome.INCONCLUSIVE, _why_unknown(f.after[-1:])
    if gap := _gap(f):
        return Outcome.INCONCLUSIVE, gap
    return Outcome.INTACT, "untouched"


def _signed_in_before(f: _Facts, gone: Observation) -> bool:
    """The sign-in follows the first closing look; what an admin first sees gone after it may be its own doing."""
    if not f.q.signed_in or f.q.vantage is not Vantage.ADMIN:
        return False
    closing = next((o for o in f.after if o.phase is Phase.CLOSING), gone)
    return gone.phase not in (Phase.WATCH, Phase.CLOSING) or when(gone) > when(closing)


def _gap(f: _Facts) -> str:
    """Which look that was owed could not see, and why; empty if none. What is owed twice needs two looks."""
    taken = Counter(place for place, *_ in {(o.checkpoint, *when(o)) for o in f.complete})
    for place, times in Counter(f.q.owed).items():
        if taken[place] < times:
            return f"no complete look at {place}: {_why_unknown([o for o in f.after if o.checkpoint == place])}"
    if not f.q.owed and not could_see(f.after[-1]):
        return f"no complete look at the end: {_why_unknown(f.after[-1:])}"
    return ""


def _why_unknown(looks: Sequence[Observation]) -> str:
    """The commonest reason of those looks that could not see."""
    blind = [o for o in looks if not could_see(o)]
    lost = "reader or all controls lost"
    reasons = Counter(lost if o.control_lost else o.reason or f"{o.presence}, and no control was seen" for o in blind)
    return reasons.most_common(1)[0][0] if reasons else "nobody looked"


def _across_the_deadline(f: _Facts, first: Observation) -> str:
    since = f.history.last_present.sent if f.history.last_present else 0
    if any(not could_see(o) and since <= o.sent <= first.sent for o in f.after):
        return "gone by the end, but the deadline lies among looks that could not see"
    return "gone by the end, but the first answer that said so came after the deadline"


def _notes(q: Question, outcome: Outcome) -> tuple[str, ...]:
    notes = list(q.notes)
    if q.keep is not None and outcome in (Outcome.REVOKED, Outcome.LATE, Outcome.CONTRADICTED):
        notes.append("exception no longer needed")
    if outcome in (Outcome.KEPT, Outcome.RESIDUAL, Outcome.RESURRECTED) and q.trail == "success":
        notes.append("the system's own trail records that it was removed")
    return tuple(notes)
