"""Since the last drill: what this run changes, and how fast access ended over the drills before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.model import SECOND
from harness.report.diff import Change, diff, plain
from harness.report.drills import Drilled, of
from harness.report.measured import Part, Sentence
from harness.report.show import count, span
from harness.report.trend import plain as trend_plain
from harness.report.trend import trend

DRILLS = 8  # in the chart: two years of quarters
WIDTH, HEIGHT = 132.0, 34.0

_VERDICT = {
    Change.NEW: "fail",
    Change.STILL_OPEN: "fail",
    Change.FLAPPING: "fail",
    Change.NO_LONGER_COVERED: "inconclusive",
    Change.EXCEPTED: "kept",
    Change.FIXED: "pass",
    Change.NOW_COVERED: "pass",
}


def compare(document: Mapping[str, Any], earlier: Sequence[Drilled]) -> dict[str, Any] | None:
    """What results.json says of it; `earlier`: runs of the same fleet before this one, the oldest first. None without
    any."""
    if not earlier:
        return None
    now = of(document)
    found = diff(earlier[-1], now, earlier[:-1])
    return plain(found) | {"trend": trend_plain(trend([*earlier, now][-DRILLS:]), ())["drills"]}


# --- for the page -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Moved:
    """One grant that is not as it was."""

    change: str
    verdict: str
    grant: str
    system: str
    vantage: str
    before: str
    after: str
    case: str
    drills: int


@dataclass(frozen=True, slots=True)
class Line:
    """One system over the drills. `points`: an SVG polyline for each stretch without a gap; `dots`: (x, y, text)."""

    system: str
    points: tuple[str, ...]
    dots: tuple[tuple[str, str, str], ...]
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Since:
    """`drills`: (id, day, verdict, seen) of each column of the chart."""

    before: str
    sentence: Sentence
    moved: tuple[Moved, ...]
    coverage: tuple[tuple[str, str, str], ...]
    exceptions: tuple[tuple[str, str, str], ...]
    drills: tuple[tuple[str, str, str, str], ...]
    lines: tuple[Line, ...]


def since(compared: Mapping[str, Any] | None) -> Since | None:
    """The page's part of what `compare` found."""
    if compared is None:
        return None
    before = compared["before"]
    return Since(
        before=before["id"],
        sentence=_sentence(before, compared["counts"]),
        moved=tuple(map(_moved, compared["grants"])),
        coverage=tuple(
            (f"{c['system']} {c['kind']} ({c['vantage']})", c["before"] or "not there", c["after"] or "not there")
            for c in compared["coverage"]
        ),
        exceptions=tuple(
            (one["exception"], *(f"until {day}" if day else "not there" for day in (one["before"], one["after"])))
            for one in compared["exceptions"]
        ),
        drills=tuple(map(_column, compared["trend"])),
        lines=_lines(compared["trend"]),
    )


def _column(drill: Mapping[str, Any]) -> tuple[str, str, str, str]:
    return drill["id"], drill["started"][:10], drill["verdict"], f"{drill['tested']}/{drill['cells']}"


def _sentence(before: Mapping[str, Any], counts: Mapping[str, int]) -> Sentence:
    told = [f"{counts[change]} {change}" for change in Change if counts[change] and change is not Change.SAME]
    text = ", ".join(told) or f"no change in {count(counts[Change.SAME], 'finding')}"
    return (Part("Since "), Part(f"the drill of {before['started'][:10]}", "#since"), Part(f": {text}."))


def _moved(one: Mapping[str, Any]) -> Moved:
    change = Change(one["change"])
    use = f" ({one['channel']})" if one["channel"] else ""
    return Moved(
        change=change.value,
        verdict=_VERDICT[change],
        grant=f"{one['kind']} {one['name']}",
        system=one["system"],
        vantage=f"{one['vantage']}{use}",
        before=one["before"] or "not there",
        after=one["after"] or "not there",
        case=one["case"] or "bystanders",
        drills=one["drills"],
    )


def _lines(drills: Sequence[Mapping[str, Any]]) -> tuple[Line, ...]:
    systems = sorted({name for drill in drills for name in drill["systems"]})
    return tuple(_line(name, [drill["systems"].get(name) for drill in drills]) for name in systems)


def _line(name: str, paces: Sequence[Mapping[str, Any] | None]) -> Line:
    """The longest time to revoke of each drill, the slowest of them at the top."""
    longest = [None if pace is None else pace["longest"] for pace in paces]
    top = max((value for value in longest if value is not None), default=0) or 1
    step = WIDTH / max(1, len(longest) - 1)
    stretches: list[list[str]] = [[]]
    dots = []
    for number, value in enumerate(longest):
        if value is None:
            stretches.append([])
            continue
        x, y = f"{4 + number * step:.1f}", f"{4 + HEIGHT * (1 - value / top):.1f}"
        stretches[-1].append(f"{x},{y}")
        dots.append((x, y, _took(value)))
    return Line(
        name,
        tuple(" ".join(stretch) for stretch in stretches if len(stretch) > 1),
        tuple(dots),
        tuple(_cell(pace) for pace in paces),
    )


def _cell(pace: Mapping[str, Any] | None) -> str:
    if pace is None:
        return "–"
    open_ = f", {pace['open']} open" if pace["open"] else ""
    unclear = f", {pace['unclear']} unclear" if pace["unclear"] else ""
    took = f"{_took(pace['median'])} / {_took(pace['longest'])}" if pace["longest"] is not None else "none ended"
    return f"{took}{open_}{unclear}"


def _took(milliseconds: int) -> str:
    return span(milliseconds * SECOND // 1000)
