"""View model of the exceptions: every one that could have been used, the verdict beneath it, and how long it lasts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from harness.model import SECOND, Keep, RunResult
from harness.report.cases import Row


@dataclass(frozen=True, slots=True)
class Kept:
    """A policy exception. `idle` and `unasked` are of fleet-wide ones: looked for in vain, and nothing there to match;
    `state` is a sentence where no row cites it."""

    keep: Keep
    what: str
    where: str
    until: str
    left: str
    expired: bool
    idle: bool
    state: str
    rows: tuple[Row, ...]


def exceptions(run: RunResult, rows: Iterable[Row]) -> tuple[Kept, ...]:
    """The fleet's entries and those of all cases, once each, with the findings that cite them; days count from the end
    of the run."""
    keeps: dict[tuple[object, ...], Keep] = {_same(one.keep): one.keep for one in run.exceptions}
    cited: dict[tuple[object, ...], list[Row]] = {}
    for keep in (keep for case in run.cases for keep in case.case.keep):
        keeps.setdefault(_same(keep), keep)
    for row in rows:
        if (named := row.entry.finding.keep) is not None:
            keeps.setdefault(_same(named), named)
            cited.setdefault(_same(named), []).append(row)
    wide = {_same(one.keep): one for one in run.exceptions}
    made = []
    for key, keep in keeps.items():
        told = wide.get(key)
        if told is None or told.idle:
            state = "matched nothing in this run"
        else:
            state = "not asked: no case of this run had anything that it could match"
        if told is not None and told.matched:
            state = "matched, and no longer needed or another exception came first"
        made.append(_kept(run, keep, cited.get(key, ()), told is not None and told.idle, state))
    return tuple(sorted(made, key=lambda one: (one.until, one.keep.label)))


def _kept(run: RunResult, keep: Keep, rows: Sequence[Row], idle: bool, state: str) -> Kept:
    today = datetime.fromtimestamp(run.finished // SECOND, UTC).date()
    days = (keep.until - today).days
    left = f"{days} days left" if days > 1 else "1 day left" if days == 1 else "ends today"
    whose = "" if keep.scenario in ("", "*") else f" in {keep.scenario}"
    return Kept(
        keep=keep,
        what=f"{keep.kind} {keep.name}" if keep.kind else f"fingerprint {keep.fingerprint}",
        where=(keep.system if keep.kind else "one finding") + whose,
        until=keep.until.isoformat(),
        left=left if days >= 0 else f"expired {-days} d ago",
        expired=days < 0,
        idle=idle,
        state=state,
        rows=tuple(rows),
    )


def _same(keep: Keep) -> tuple[object, ...]:
    place = (keep.system, keep.kind, keep.name, keep.fingerprint, keep.scenario)
    return (*place, *sorted(keep.when.items()), keep.reason, keep.owner, keep.ticket, keep.approved_by, keep.until)
