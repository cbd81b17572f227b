"""`exitproof explore`, its options: what it does is imported when it is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def explore(
    paths: Annotated[list[Path] | None, typer.Argument(metavar="PATHS", help="Default: scenarios.")] = None,
    fleet: Annotated[str | None, typer.Option(metavar="PATH", help="A fleet file, or `sandbox`.")] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="The same leavers again (default: others).")] = None,
    budget: Annotated[str, typer.Option(metavar="TIME", help="Stop after this time.")] = "10m",
    examples: Annotated[int | None, typer.Option(metavar="N", min=1, help="Stop after so many leavers.")] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where it writes.")] = Path("scenarios/found"),
    consent: Annotated[str | None, typer.Option(metavar="DIGEST", help="From `exitproof plan`.")] = None,
    defect: Annotated[
        list[str] | None, typer.Option("--defect", metavar="ID", help="Of the sandbox; may be repeated.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Make up leavers until one does not leave. The smallest such becomes a scenario file.

    Who they are, what they hold and what happens to them is put together from the words of the fleet file and of the
    scenarios in PATHS (the bundled ones where there are none). What is in --out already is run first, and not looked
    for again. Exits with 1 when something was found, with 6 when something could only not be told.
    """
    from harness.commands import exploration

    asked = exploration.Asked(tuple(paths or ()), fleet, seed, budget, examples, out, consent, tuple(defect or ()))
    return exploration.explored(asked, as_json=as_json)
