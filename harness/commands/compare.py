"""`exitproof diff` and `exitproof history`: runs beside each other, and over time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from harness.commands.printing import dump
from harness.model import BadInput, Problem
from harness.report import diff as comparison
from harness.report import index, trend
from harness.report.drills import read
from harness.report.show import span

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def diff(
    before: Annotated[Path, typer.Argument(metavar="OLDER", help="A run folder, or its results.json.")],
    after: Annotated[Path, typer.Argument(metavar="NEWER", help="The same.")],
    reports: Annotated[Path | None, typer.Option(metavar="DIR", help="Where still older runs lie.")] = None,
    as_json: AsJson = False,
) -> int:
    """Compare two runs, grant by grant. New, still open, flapping, no longer covered, fixed, now covered.

    With --reports, older runs of the same fleet tell for how many drills a grant has been failing, and which ones flap.
    Exits with 1 when something fails that did not, or is no longer seen that was.
    """
    older, newer = read(before), read(after)
    if (older.fleet, older.environment) != (newer.fleet, newer.environment):
        text = f"runs of different fleets: {older.fleet} ({older.environment}), {newer.fleet} ({newer.environment})"
        raise BadInput([Problem(str(after), 1, 1, text, "")])
    known = index.runs(reports, older.fleet) if reports is not None else []
    history = [run for run in known if run.started < older.started and run.environment == older.environment]
    found = comparison.diff(older, newer, history)
    if as_json:
        typer.echo(json.dumps(comparison.plain(found), indent=2))
    for line in () if as_json else comparison.lines(found):
        typer.echo(line)
    return 1 if found.worse else 0


def history(
    reports: Annotated[Path, typer.Argument(metavar="DIR", help="Where the run folders lie.")] = Path("reports"),
    fleet: Annotated[str | None, typer.Option(metavar="NAME", help="Of this fleet only.")] = None,
    last: Annotated[int, typer.Option(metavar="N", min=1, help="The newest N drills.")] = 12,
    as_json: AsJson = False,
) -> int:
    """Show drills over time. How fast access ended in each system, how much could be seen, and what flaps.

    Times are upper bounds after T0, of grants that ended: median, 90th percentile, longest. Runs are indexed in
    `.history.sqlite` beside them.
    """
    if not reports.is_dir():
        raise BadInput([Problem(str(reports), 1, 1, "no such folder", "")])
    runs = index.runs(reports, fleet)
    fleets = sorted({(run.fleet, run.environment) for run in runs})
    told = {}
    for name, environment in fleets:
        mine = [run for run in runs if (run.fleet, run.environment) == (name, environment)][-last:]
        told[f"{name} ({environment})"] = (trend.trend(mine), trend.flapping(mine))
    if as_json:
        made = {title: trend.plain(entries, flaps) for title, (entries, flaps) in told.items()}
        dump(made)
        return 0
    for title, (entries, flaps) in told.items():
        for line in _lines(title, entries, flaps):
            typer.echo(line)
    if not told:
        typer.echo(f"no runs below {reports}")
    return 0


def _lines(title: str, entries: Sequence[trend.Entry], flaps: Sequence[str]) -> Iterator[str]:
    yield title
    for entry in entries:
        yield f"{entry.id}  {entry.verdict.word}, {entry.tested} of {entry.cells} places seen"
        wide = max((len(name) for name in entry.systems), default=0)
        for name, pace in entry.systems.items():
            times = ", ".join(
                f"{word} {span(ms * 1000)}"
                for word, ms in (("median", pace.median), ("90 %", pace.p90), ("longest", pace.longest))
                if ms is not None
            )
            counts = f"{pace.ended} ended, {pace.open} open, {pace.unclear} unclear"
            yield f"  {name:<{wide}}  {counts}{'; ' + times if times else ''}"
    yield from (f"flapping: {label}" for label in flaps)
