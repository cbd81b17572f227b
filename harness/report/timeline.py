"""Where things lie on a leaver's timeline, in percent of the lane: geometry only, drawn by the template as SVG.

Time runs from T0 on a logarithmic axis, because a revocation takes seconds and a hold takes days; looks before T0
(the baseline) lie in a gutter of their own. Percentages make a lane fit every screen without distorting its marks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log1p

from harness.model import SECOND, CaseResult, Duration, Finding, Instant, Observation, Presence, human

T0_AT = 9.0
END_AT = 98.5
_GUTTER = (2.0, 7.0)
_TICKS: tuple[Duration, ...] = tuple(
    round(seconds * SECOND)
    for seconds in (
        0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 43_200,
        86_400, 172_800, 432_000, 864_000, 2_592_000, 7_776_000, 31_536_000,
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    width: float
    state: str  # present | between | unknown


@dataclass(frozen=True, slots=True)
class Mark:
    x: float
    state: str  # present | absent | unknown


@dataclass(frozen=True, slots=True)
class Tick:
    x: float
    label: str
    edge: bool = False  # so near the right end that its label must end there


@dataclass(frozen=True, slots=True)
class Lane:
    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]
    deadline: float | None


@dataclass(frozen=True, slots=True)
class Axis:
    """The scale of one case. `before`: the earliest instant shown."""

    t0: Instant
    before: Instant
    end: Instant

    @property
    def _unit(self) -> float:
        return max((self.end - self.t0) / 60, 50_000)

    def x(self, at: Instant) -> float:
        if at < self.t0:
            low, high = _GUTTER
            share = (at - self.before) / max(self.t0 - self.before, 1)
            return round(low + (high - low) * min(max(share, 0.0), 1.0), 2)
        whole = log1p((self.end - self.t0) / self._unit) or 1.0
        share = min(log1p((at - self.t0) / self._unit) / whole, 1.0)
        return round(T0_AT + (END_AT - T0_AT) * share, 2)

    def ticks(self) -> tuple[Tick, ...]:
        made: list[Tick] = []
        last = T0_AT + 2
        for span in _TICKS:
            x = self.x(self.t0 + span)
            if span <= self.end - self.t0 and x - last >= 8:
                made.append(Tick(x, human(span), x > 94))
                last = x
        return tuple(made)


def axis(result: CaseResult) -> Axis | None:
    """The scale that all lanes of a case share; None without a T0, because then nothing was offboarded."""
    if result.t0 is None:
        return None
    looks = [look for finding in result.findings for look in finding.observations]
    ends = [look.answered for look in looks]
    ends += [f.deadline for f in result.findings if f.deadline is not None]
    ends += [at for at, _ in result.events]
    end = max([*ends, result.t0 + SECOND])
    return Axis(result.t0, min([look.sent for look in looks], default=result.t0), end)


def lane(finding: Finding, scale: Axis) -> Lane:
    """Bars between looks that agree, the interval in which access ended, and every look as a mark."""
    looks = sorted(finding.observations, key=lambda look: (look.sent, look.round))
    deadline = finding.deadline
    return Lane(
        bars=tuple(_bars(looks, scale)),
        marks=tuple(_marks(looks, scale)),
        deadline=None if deadline is None or deadline < scale.t0 else scale.x(deadline),
    )


def _bars(looks: Sequence[Observation], scale: Axis) -> list[Bar]:
    bars: list[Bar] = []
    known: Observation | None = None
    doubt: Instant | None = None  # the last unknown look since `known`
    for look in looks:
        if look.presence is Presence.UNKNOWN:
            doubt = look.answered
            continue
        start = scale.x(_edge(known)) if known else None
        if known is not None and start is not None:
            stop = scale.x(_edge(look))
            if known.presence is not look.presence:
                _add(bars, start, stop, "between")
            elif look.presence is Presence.PRESENT:
                _add(bars, start, stop, "present")
        known, doubt = look, None
    if doubt is not None:
        _add(bars, scale.x(_edge(known)) if known else scale.x(looks[0].sent), scale.x(doubt), "unknown")
    return bars


def _edge(look: Observation) -> Instant:
    """Present is proven from when the look was sent, absent only once it was answered."""
    return look.sent if look.presence is Presence.PRESENT else look.answered


def _add(bars: list[Bar], start: float, stop: float, state: str) -> None:
    if bars and bars[-1].state == state and bars[-1].x + bars[-1].width >= start - 0.01:
        start = bars.pop().x
    if stop > start:
        bars.append(Bar(start, round(stop - start, 2), state))


def _marks(looks: Sequence[Observation], scale: Axis) -> list[Mark]:
    """Looks that would lie on top of each other and say the same are drawn once; the table has them all."""
    marks: list[Mark] = []
    last: dict[str, float] = {}
    for look in looks:
        x, state = scale.x(_edge(look)), look.presence.value
        if x - last.get(state, -9.0) >= 0.9:
            marks.append(Mark(x, state))
            last[state] = x
    return marks
