"""How fast access ended, system by system and drill by drill, and how much of it could be seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.model import Outcome, Verdict
from harness.report.drills import Drilled, flaps


@dataclass(frozen=True, slots=True)
class Pace:
    """Time to revoke in one system in one drill, in milliseconds after T0, of grants that ended: upper bounds, so that
    nothing is told faster than it was seen. `open`: grants that did not end in time, or at all."""

    ended: int
    open: int
    unclear: int
    median: int | None
    p90: int | None
    longest: int | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One drill of the history."""

    id: str
    started: str
    verdict: Verdict
    tested: int
    cells: int
    systems: dict[str, Pace]


def trend(runs: Sequence[Drilled]) -> list[Entry]:
    """Pure: in the order of the runs."""
    return [
        Entry(
            id=run.id,
            started=run.started,
            verdict=run.verdict,
            tested=run.tested,
            cells=len(run.cells),
            systems={name: pace(run, name) for name in sorted({f.system for f in run.findings.values()})},
        )
        for run in runs
    ]


def pace(run: Drilled, system: str) -> Pace:
    mine = [f for f in run.findings.values() if f.system == system and f.subject == "leaver"]
    times = sorted(f.upper for f in mine if f.upper is not None and f.outcome in (Outcome.REVOKED, Outcome.LATE))
    return Pace(
        ended=len(times),
        open=sum(f.verdict is Verdict.FAIL for f in mine),
        unclear=sum(f.verdict is Verdict.INCONCLUSIVE for f in mine),
        median=percentile(times, 50),
        p90=percentile(times, 90),
        longest=times[-1] if times else None,
    )


def percentile(ordered: Sequence[int], percent: int) -> int | None:
    """The nearest rank: always a value that was measured. None of nothing."""
    if not ordered:
        return None
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def flapping(runs: Sequence[Drilled]) -> list[str]:
    """Grants that failed, passed and failed again (or the reverse) over these runs, as `system kind name, vantage`."""
    found = []
    for fingerprint in sorted({one for run in runs for one in run.findings}):
        seen = [run.findings[fingerprint] for run in runs if fingerprint in run.findings]
        if flaps(one.verdict for one in seen):
            found.append(seen[-1].label)
    return sorted(found)


def plain(entries: Sequence[Entry], flaps: Sequence[str]) -> dict[str, Any]:
    """As JSON; times in milliseconds."""
    return {
        "drills": [
            {
                "id": one.id,
                "started": one.started,
                "verdict": one.verdict.word,
                "tested": one.tested,
                "cells": one.cells,
                "systems": {
                    name: {key: getattr(found, key) for key in Pace.__dataclass_fields__}
                    for name, found in one.systems.items()
                },
            }
            for one in entries
        ],
        "flapping": list(flaps),
    }
