"""Two runs beside each other, grant by grant: what is new, fixed, still open, flapping, or no longer covered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from harness.model import Coverage, Outcome, Verdict
from harness.report.drills import Drilled, Judged, flaps, unseen


class Change(StrEnum):
    """In the order in which they are told: what needs somebody first."""

    NEW = "new"
    STILL_OPEN = "still open"
    FLAPPING = "flapping"
    NO_LONGER_COVERED = "no longer covered"
    EXCEPTED = "now excepted"  # still there, but an exception lets it stay
    FIXED = "fixed"
    NOW_COVERED = "now covered"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Compared:
    """One grant over both runs. `drills`: in how many runs in a row, up to the newer one, it has failed."""

    change: Change
    before: Judged | None
    after: Judged | None
    drills: int = 0

    @property
    def of(self) -> Judged:
        found = self.after or self.before
        assert found is not None  # noqa: S101  one of the two is always there
        return found


@dataclass(frozen=True, slots=True)
class Diff:
    """`cells`: places whose coverage changed, with what it was and what it is now."""

    before: Drilled
    after: Drilled
    grants: tuple[Compared, ...]
    cells: tuple[tuple[tuple[str, str, str], Coverage | None, Coverage | None], ...]
    exceptions: tuple[tuple[str, str | None, str | None], ...] = ()  # label, and until when: before and now

    @property
    def counts(self) -> dict[Change, int]:
        found = Counter(one.change for one in self.grants)
        return {change: found[change] for change in Change}

    @property
    def worse(self) -> bool:
        """Something fails that did not, or is no longer seen that was."""
        counts = self.counts
        lost = any(was is Coverage.TESTED and now is not Coverage.TESTED for _, was, now in self.cells)
        return bool(counts[Change.NEW] or counts[Change.NO_LONGER_COVERED] or lost)


def diff(before: Drilled, after: Drilled, history: Sequence[Drilled] = ()) -> Diff:
    """Pure. `history`: runs before `before`, the oldest first; they tell for how long a grant has been open, and which
    ones flap."""
    line = [*history, before, after]
    prints = sorted({*before.findings, *after.findings}, key=lambda one: _place(before, after, one))
    grants = tuple(_compare(one, before, after, line) for one in prints)
    places = ((key, before.cells.get(key), after.cells.get(key)) for key in sorted({*before.cells, *after.cells}))
    cells = tuple(place for place in places if place[1] is not place[2])
    labels = sorted({*before.exceptions, *after.exceptions})
    kept = ((label, before.exceptions.get(label), after.exceptions.get(label)) for label in labels)
    ordered = tuple(sorted(grants, key=lambda one: list(Change).index(one.change)))
    return Diff(before, after, ordered, cells, tuple(one for one in kept if one[1] != one[2]))


def _compare(fingerprint: str, before: Drilled, after: Drilled, line: Sequence[Drilled]) -> Compared:
    was, now = before.findings.get(fingerprint), after.findings.get(fingerprint)
    verdicts = [_seen(run.findings.get(fingerprint)) for run in line]
    then, last = (found.verdict if found is not None else None for found in (was, now))
    if unseen(last):
        change = Change.SAME if unseen(then) else Change.NO_LONGER_COVERED
    elif now is not None and now.outcome is Outcome.KEPT:
        change = Change.SAME if was is not None and was.outcome is Outcome.KEPT else Change.EXCEPTED
    elif flaps(verdicts):
        change = Change.FLAPPING
    elif last is Verdict.FAIL:
        change = Change.STILL_OPEN if then is Verdict.FAIL else Change.NEW
    elif then is Verdict.FAIL:
        change = Change.FIXED
    else:
        change = Change.NOW_COVERED if unseen(then) else Change.SAME
    return Compared(change, was, now, _open(verdicts))


def _seen(found: Judged | None) -> Verdict | None:
    """An exception neither closes what is open nor makes it flap: the access never went."""
    return None if found is None or found.outcome is Outcome.KEPT else found.verdict


def _open(verdicts: Sequence[Verdict | None]) -> int:
    """A run that could not see it does not close it, and does not count."""
    found = 0
    for verdict in reversed(verdicts):
        if verdict is Verdict.PASS:
            break
        found += verdict is Verdict.FAIL
    return found


def _place(before: Drilled, after: Drilled, fingerprint: str) -> tuple[str, ...]:
    one = after.findings.get(fingerprint) or before.findings[fingerprint]
    return (one.system, one.kind, one.name, one.vantage, one.channel, one.case, fingerprint)


def lines(found: Diff) -> list[str]:
    """As text: the counts, and then each grant that is not the same."""
    counts = [f"{number} {change}" for change, number in found.counts.items() if number]
    told = [f"{found.before.id} -> {found.after.id} ({found.after.fleet}): {', '.join(counts) or 'nothing to compare'}"]
    for one in found.grants:
        if one.change is Change.SAME:
            continue
        was = one.before.outcome if one.before else "not there"
        now = one.after.outcome if one.after else "not there"
        since = f", failing for {one.drills} drills" if one.drills > 1 else ""
        who = "" if one.of.subject == "leaver" else f" of a {one.of.subject}"
        told.append(f"{one.change}: {one.of.label}{who}: {was} -> {now}{since} [{one.of.case or 'bystanders'}]")
    for (system, kind, vantage), status, later in found.cells:
        told.append(f"coverage: {system} {kind} ({vantage}): {status or 'not there'} -> {later or 'not there'}")
    for label, until, now_until in found.exceptions:
        told.append(f"exception: {label}: {_until(until)} -> {_until(now_until)}")
    return told


def _until(day: str | None) -> str:
    return f"until {day}" if day else "not there"


def plain(found: Diff) -> dict[str, Any]:
    """The same as JSON."""
    return {
        "before": {"id": found.before.id, "started": found.before.started, "verdict": found.before.verdict.word},
        "after": {"id": found.after.id, "started": found.after.started, "verdict": found.after.verdict.word},
        "worse": found.worse,
        "counts": {str(change): number for change, number in found.counts.items()},
        "grants": [_grant(one) for one in found.grants if one.change is not Change.SAME],
        "coverage": [
            {"system": system, "kind": kind, "vantage": vantage, "before": was, "after": now}
            for (system, kind, vantage), was, now in found.cells
        ],
        "exceptions": [{"exception": label, "before": was, "after": now} for label, was, now in found.exceptions],
    }


def _grant(one: Compared) -> dict[str, Any]:
    of = one.of
    return {
        "change": str(one.change),
        "fingerprint": of.fingerprint,
        "case": of.case,
        "subject": of.subject,
        "system": of.system,
        "kind": of.kind,
        "name": of.name,
        "vantage": of.vantage,
        "channel": of.channel,
        "before": one.before and str(one.before.outcome),
        "after": one.after and str(one.after.outcome),
        "drills": one.drills,
    }
