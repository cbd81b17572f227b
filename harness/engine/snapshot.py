"""Where a run stands, for the progress view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.engine.kernel import Lane
from harness.engine.life import Life
from harness.model import Presence, Vantage


@dataclass(frozen=True, slots=True)
class Snapshot:
    """For the progress view."""

    phases: Mapping[str, int]
    gone: int
    present: int
    unknown: int
    slowest: tuple[tuple[str, float], ...]  # system, mean milliseconds a look
    latest_deadline: int | None
    done: int
    total: int


def snapshot(lives: Sequence[Life], lanes: Mapping[str, Lane], done: int, total: int) -> Snapshot:
    """Reads what another thread may be writing: counts may be a moment old, nothing else can go wrong."""
    phases: dict[str, int] = {}
    counts = dict.fromkeys(Presence, 0)
    latest: int | None = None
    for life in lives:
        phases[life.phase] = phases.get(life.phase, 0) + 1
        if life.party is None or life.sent is None:
            continue
        for track in list(life.party.tracks.values()):
            looks = track.observations
            if looks and not track.void and track.vantage is Vantage.ADMIN:
                counts[looks[-1].presence] += 1
        if life.phase in ("watching", "after", "holding"):
            latest = max(latest or 0, life.sent.t0 + life.case.within.default)
    means = [(name, lane.busy_us / lane.calls / 1000) for name, lane in lanes.items() if lane.calls]
    return Snapshot(
        phases=phases,
        gone=counts[Presence.ABSENT],
        present=counts[Presence.PRESENT],
        unknown=counts[Presence.UNKNOWN],
        slowest=tuple(sorted(means, key=lambda each: -each[1])[:3]),
        latest_deadline=latest,
        done=done,
        total=total,
    )
