"""Which looks count, in which order, and what they tell of one grant: present, gone, settled, back again. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.model import Duration, Instant, Observation, Phase, Presence


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


def read(complete: Sequence[Observation], settle: Duration, looks: int) -> History:
    """Folds looks in the order they were sent; those that could not see are passed over. Present after an absence
    that had not settled only moves `last_present` (a flap). The same look given twice counts once."""
    seen = History()
    for look in complete:
        advance(seen, look, settle, looks)
    return seen


def advance(seen: History, look: Observation, settle: Duration, looks: int) -> None:
    """One step of `read`, for who follows a grant look by look. A look that could not see changes nothing."""
    if not could_see(look):
        return
    if present(look):
        if seen.first_absent is not None:
            if seen.settled(settle, looks):
                seen.came_back = seen.came_back or look
            else:
                seen.flaps += 1
        seen.last_present, seen.first_absent, seen.last_absent, seen.absent_looks = look, None, None, 0
    else:
        seen.first_absent = seen.first_absent or look
        seen.absent_looks += seen.last_absent is None or when(seen.last_absent) != when(look)
        seen.last_absent = look


def present(look: Observation) -> bool:
    return look.presence is Presence.PRESENT


def could_see(look: Observation) -> bool:
    """Present needs no control; an absence without another living control in its round is no absence."""
    return present(look) or (look.presence is Presence.ABSENT and bool(look.control) and not look.control_lost)


def when(look: Observation) -> tuple[Instant, int]:
    return look.sent, look.round


def in_order(looks: Sequence[Observation], against: Presence) -> list[Observation]:
    """As they were sent. The order is total, so that the one given never matters: of two looks sent at once the one
    that speaks against is later."""
    if len({when(o) for o in looks}) == len(looks):
        return sorted(looks, key=when)  # nearly always, and there may be thousands

    def key(o: Observation) -> tuple[Any, ...]:
        rest = (o.answered, o.phase, o.presence, o.checkpoint, o.reason, o.control, o.control_lost, o.evidence, o.id)
        return (*when(o), o.presence is against, *rest)

    return sorted(looks, key=key)


def since_baseline(
    baseline: Sequence[Observation], ordered: Sequence[Observation], *, bystander: bool, cleanup: bool
) -> tuple[Observation | None, list[Observation]]:
    """The look that the others are held against, and these. A bystander is looked at for many cases: its first present
    baseline counts, later ones are looks. What the harness's own cleanup removed proves nothing, what it still found
    does. Looks before the baseline (preflight, `before` steps) belong to an earlier life."""
    phases = {Phase.WATCH, Phase.CLOSING, Phase.STEP, Phase.HOLD}
    if bystander:
        phases.add(Phase.BASELINE)
        start = next(filter(present, baseline), None)
    else:
        start = next(filter(could_see, reversed(baseline)), None)
    after = [o for o in ordered if o.phase in phases or (cleanup and o.phase is Phase.CLEANUP and present(o))]
    return start, [o for o in after if start is None or (o is not start and when(o) >= when(start))]
