"""`exitproof examine`: every story against every planted defect, and against the correct connector."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands.printing import dump
from harness.model import BadInput, Problem

if TYPE_CHECKING:
    from harness.examine.model import Examination
    from harness.scenario import ScenarioFile

SEEDS = 20
PLACE = Path("reports/detection")


def examine(
    given: Annotated[
        list[Path] | None, typer.Argument(metavar="SCENARIOS", help="Default: the bundled stories.")
    ] = None,
    defect: Annotated[
        list[str] | None, typer.Option("--defect", metavar="ID", help="Only this one; may be repeated.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=0, metavar="N", help=f"Trials of the correct connector ({SEEDS}).")] = SEEDS,
    out: Annotated[Path, typer.Option(metavar="DIR", help=f"For detection.html and detection.json ({PLACE}).")] = PLACE,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Try what scenarios detect. Each of them meets every defect of the sandbox, and a connector that is correct.

    All of it happens in virtual time, on every core, and gives the same result each time. Exits with 0 when every
    defect that can show was detected where it must show, and nothing was said against the correct connector; with 1
    otherwise.
    """
    from harness.commands.demo import library
    from harness.examine.model import plain
    from harness.examine.page import detection_page
    from harness.examine.work import examine as examined
    from harness.report.document import encoded
    from harness.session.sandbox import SandboxFailed, lacks
    from harness.session.virtual import planted

    if lacking := lacks():
        raise SandboxFailed(lacking)
    try:
        defects = planted(defect or ())
    except ValueError as unknown:
        raise BadInput([Problem("--defect", 1, 1, str(unknown), "")]) from None
    made = examined(_stories(given or [library()]), defects, seeds, _progress)
    out.mkdir(parents=True, exist_ok=True)
    told = plain(made)
    (out / "detection.json").write_bytes(encoded(told))
    (out / "detection.html").write_text(detection_page(made), "utf-8")
    if as_json:
        dump(told)
    else:
        _say(made)
        typer.echo(f"matrix: {out / 'detection.html'}")
    return 0 if made.passed else 1


def _stories(paths: Sequence[Path]) -> list[ScenarioFile]:
    """The files that the embedded fleet can run; what it cannot is said. Raises `BadInput` where none is left."""
    from harness import scenario
    from harness.session.virtual import load

    files = scenario.discover(paths)
    loaded = load(files)
    for case in loaded.deselected:
        sys.stderr.write(f"not run on the embedded fleet: {case.id} ({case.reason})\n")
    runs = {case.scenario for case in loaded.cases}
    if not runs:
        raise BadInput([Problem(str(paths[0]), 1, 1, "no story here runs on the embedded fleet")])
    return [file for file in files if file.id in runs]


def _progress(what: str, done: int, whole: int) -> None:
    sys.stderr.write(f"{done}/{whole} {what}\n")
    sys.stderr.flush()


def _say(made: Examination) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from harness.examine.page import answer, seconds

    table = Table(show_header=True)
    for head in ("defect", "", "stories", "soonest", "vantage", "after"):
        table.add_column(head, overflow="fold", justify="right" if head in ("stories", "after") else "left")
    for row in made.rows:
        first = row.fastest
        soonest = first.first if first else None
        state = "cannot show" if row.unseen else "detected" if row.detected else "MISSED"
        claim = row.found_by[0] if row.found_by and first is None else None
        table.add_row(
            row.id,
            state,
            str(len(row.found_by)),
            Text(first.story if first else claim.story if claim else "–"),
            soonest.vantage if soonest else "claim" if claim else "–",
            seconds(soonest.after_ms if soonest else None),
        )
    Console().print(table)
    for trial in made.trials:
        for alarm in trial.alarms:
            typer.echo(f"false alarm, seed {trial.seed}: {alarm}")
    _, headline, detail = answer(made)
    typer.echo(f"{headline} {detail}")
