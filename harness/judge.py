"""The truth table of the contract: observations in, one finding out. Pure: no I/O, no clock, no adapter.

Absence is measured, never a default: an absent look counts only when it was complete and a control was alive in
its round (`harness.measure` sees to that), and `revoked` needs every law. Unknown looks prove nothing: they are
never counted, so adding one can never improve a verdict.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

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


class Expects(StrEnum):
    """What the scenario says must be true of the grant at the end."""

    GONE = "gone"
    HAS = "has"
    INTACT = "intact"


@dataclass(frozen=True, slots=True)
class Question:
    """All that the judge may know about one grant from one vantage, besides its observations.

    `owed` are the checkpoints at which a complete look is due, the end of `hold` last. `looks` is how many absent
    looks make an absence steady (1 only for a use that consumes). `appeared`: never in the baseline, or taken away
    by an earlier step. `doubt`: why nothing can be concluded (set-up failed, event in doubt); empty if nothing.
    `trail`: what the system's own audit trail says became of the removal: "success", "failure" or "".
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
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class History:
    """What complete looks after the event say, read in the order they were sent."""

    last_present: Observation | None = None
    first_absent: Observation | None = None
    last_absent: Observation | None = None
    absent_looks: int = 0
    flaps: int = 0
    came_back: Observation | None = None  # the first present look after a settled absence

    def settled(self, settle: Duration, looks: int) -> bool:
        if self.first_absent is None or self.last_absent is None or self.absent_looks < looks:
            return False
        return looks == 1 or self.last_absent.sent - self.first_absent.sent >= settle


def judge(question: Question, observations: Sequence[Observation]) -> Finding:
    """One grant's finding. Observations are in any order; those of the baseline carry `Phase.BASELINE`."""
    ordered = sorted(observations, key=lambda o: (o.sent, o.round))
    baseline = [o for o in ordered if o.phase is Phase.BASELINE]
    after = [o for o in ordered if o.phase is not Phase.BASELINE]
    complete = [o for o in after if _complete(o)]
    history = read(complete, question.settle, question.looks)
    if history.last_present is None and baseline and baseline[-1].presence is Presence.PRESENT:
        history.last_present = baseline[-1]
    rule = {Expects.GONE: _gone, Expects.HAS: _has, Expects.INTACT: _intact}[question.expects]
    outcome, reason = rule(question, baseline, after, complete, history)
    first_absent = history.first_absent
    return Finding(
        subject=question.subject,
        system=question.system,
        kind=question.kind,
        name=question.name,
        grant_id=question.grant_id,
        vantage=question.vantage,
        outcome=outcome,
        reason=reason,
        channel=question.channel,
        deadline=question.deadline,
        last_present=history.last_present.sent if history.last_present else None,
        first_absent=first_absent.answered if first_absent else None,
        flaps=history.flaps,
        keep=question.keep,
        notes=_notes(question, outcome, complete),
        observations=tuple(ordered),
        identity=question.identity,
    )


def read(complete: Sequence[Observation], settle: Duration, looks: int) -> History:
    """Folds complete looks. Present after an absence that had not settled only moves `last_present` (a flap)."""
    seen = History()
    for look in complete:
        if look.presence is Presence.PRESENT:
            if seen.first_absent is not None:
                if seen.settled(settle, looks):
                    seen.came_back = seen.came_back or look
                else:
                    seen.flaps += 1
            seen.last_present, seen.first_absent, seen.last_absent, seen.absent_looks = look, None, None, 0
        else:
            seen.first_absent = seen.first_absent or look
            seen.last_absent = look
            seen.absent_looks += 1
    return seen


Ruling = tuple[Outcome, str]


def _gone(
    q: Question,
    baseline: Sequence[Observation],
    after: Sequence[Observation],
    complete: Sequence[Observation],
    history: History,
) -> Ruling:
    if q.doubt:
        return Outcome.INCONCLUSIVE, q.doubt
    if not complete:
        return Outcome.INCONCLUSIVE, f"no complete look after the event: {_why_unknown(after)}"
    past_deadline = [o for o in complete if _present(o) and q.deadline is not None and o.sent >= q.deadline]

    if _present(complete[-1]):
        if q.keep is not None:
            return Outcome.KEPT, f"still there, and allowed: {q.keep.reason} ({q.keep.owner}, until {q.keep.until})"
        if history.came_back is not None:
            return Outcome.RESURRECTED, "was gone, and came back"
        if q.appeared:
            return Outcome.RESIDUAL, "was not there just before the event, and appeared after leaving"
        if past_deadline:
            return Outcome.RESIDUAL, complete[-1].reason or "still there at the last complete look"
        return Outcome.INCONCLUSIVE, "still there at the last complete look, but nothing was seen at the deadline"

    if history.came_back is not None:
        return Outcome.RESURRECTED, "was gone, came back, and went again"
    if past_deadline:
        return Outcome.LATE, "still there when the deadline had passed, gone later"
    if q.signed_in and any(_present(o) and o.phase is Phase.CLOSING for o in complete):
        return Outcome.LATE, "gone only after the harness signed in"

    if q.appeared:
        return Outcome.INCONCLUSIVE, "appeared after leaving and went again: it has no baseline"
    if not baseline or not _present(baseline[-1]):
        why = f": {baseline[-1].reason}" if baseline and baseline[-1].reason else ""
        return Outcome.INCONCLUSIVE, f"not seen present just before the event{why}"
    if missing := _unseen(q, complete):
        return Outcome.INCONCLUSIVE, f"no complete look at {missing}: {_why_unknown(after, missing)}"
    if not history.settled(q.settle, q.looks):
        return Outcome.INCONCLUSIVE, "gone at the last look, but not confirmed by a second one"
    assert history.first_absent is not None  # noqa: S101  settled
    if q.deadline is not None and history.first_absent.answered > q.deadline:
        return Outcome.INCONCLUSIVE, "gone by the end, but the deadline lies among looks that could not see"
    if q.trail == "failure":
        return Outcome.CONTRADICTED, "gone, but the system's own trail records that the removal failed"
    return Outcome.REVOKED, history.first_absent.reason or "gone, and stayed gone"


def _has(
    q: Question,
    _baseline: Sequence[Observation],
    after: Sequence[Observation],
    complete: Sequence[Observation],
    _history: History,
) -> Ruling:
    if q.doubt:
        return Outcome.INCONCLUSIVE, q.doubt
    if not complete:
        return Outcome.INCONCLUSIVE, f"no complete look: {_why_unknown(after)}"
    if missing := _unseen(q, complete):
        return Outcome.INCONCLUSIVE, f"no complete look at {missing}: {_why_unknown(after, missing)}"
    if _present(complete[-1]):
        return Outcome.INTACT, "demanded, and there"
    return Outcome.MISSING, "demanded, and not there at the last complete look"


def _intact(
    q: Question,
    baseline: Sequence[Observation],
    after: Sequence[Observation],
    complete: Sequence[Observation],
    history: History,
) -> Ruling:
    if q.doubt:
        return Outcome.INCONCLUSIVE, q.doubt
    if q.appeared and complete and _present(complete[-1]):
        return Outcome.COLLATERAL, "a bystander was given access that nobody asked for"
    if not baseline or not _present(baseline[-1]):
        return Outcome.INCONCLUSIVE, "the bystander's access was never seen present"
    if not complete:
        return Outcome.INCONCLUSIVE, f"no complete look: {_why_unknown(after)}"
    if not _present(complete[-1]):
        return Outcome.COLLATERAL, "a bystander on whom no event was fired lost it"
    if history.came_back is not None:
        return Outcome.COLLATERAL, "a bystander on whom no event was fired lost it for a time"
    if missing := _unseen(q, complete):
        return Outcome.INCONCLUSIVE, f"no complete look at {missing}: {_why_unknown(after, missing)}"
    return Outcome.INTACT, "untouched"


def _present(look: Observation) -> bool:
    return look.presence is Presence.PRESENT


def _complete(look: Observation) -> bool:
    """An absence without another living control in its round is no absence."""
    return look.presence is not Presence.UNKNOWN and not (look.presence is Presence.ABSENT and look.control_lost)


def _unseen(q: Question, complete: Sequence[Observation]) -> str:
    seen = {o.checkpoint for o in complete}
    return next((place for place in q.owed if place not in seen), "")


def _why_unknown(after: Sequence[Observation], place: str = "") -> str:
    """The commonest reason of the looks that could not see, at one checkpoint or anywhere."""
    blind = [o for o in after if not _complete(o) and (not place or o.checkpoint == place)]
    reasons = Counter(o.reason or "reader or all controls lost" for o in blind)
    return reasons.most_common(1)[0][0] if reasons else "nobody looked"


def _notes(q: Question, outcome: Outcome, complete: Sequence[Observation]) -> tuple[str, ...]:
    notes = list(q.notes)
    if q.keep is not None and outcome is not Outcome.KEPT and complete and not _present(complete[-1]):
        notes.append("exception no longer needed")
    if outcome in (Outcome.RESIDUAL, Outcome.RESURRECTED) and q.trail == "success":
        notes.append("the system's own trail records that it was removed")
    return tuple(notes)
