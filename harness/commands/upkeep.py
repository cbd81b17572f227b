"""`exitproof status`, `resume`, `cleanup` and `done`: where runs stand, going on with one, and what it waits for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from harness.commands.printing import dump

RunFolder = Annotated[Path | None, typer.Argument(metavar="RUN", help="A run folder, or its id below `reports`.")]
VaultKey = Annotated[
    str | None,
    typer.Option(metavar="REF", help="Of the encrypted vault: env:NAME, file:PATH or keyring:SERVICE/USER."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def status(run: RunFolder = None, as_json: AsJson = False) -> int:
    """Say where runs stand. Going on, finished or interrupted, and what each made that nobody has seen gone.

    Without RUN: all below `reports`. Nothing is asked of any system. Exits with 7 when something may be left.
    """
    from harness.session import upkeep

    found = [upkeep.state(upkeep.folder_of(run))] if run is not None else upkeep.states(Path("reports"))
    if as_json:
        dump([one.plain() for one in found])
    for one in () if as_json else found:
        typer.echo(str(one))
    if not found and not as_json:
        typer.echo("no runs below reports")
    return 7 if any(one.open for one in found) else 0


def cleanup(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, or its id below `reports`.")],
    fleet: Annotated[str | None, typer.Option(metavar="PATH", help="Default: the run's own fleet file.")] = None,
    vault_key: VaultKey = None,
    as_json: AsJson = False,
) -> int:
    """Take back what a run left. Only what its journal says that it made, and only a look says that it is gone.

    For a run that was interrupted, or whose systems were away. May be repeated; what it did is written to a folder
    of its own, `RUN-cleanup-TIME` beside the run's. Exits with 7 when something is still left, each named.
    """
    from harness.session import upkeep

    done = upkeep.cleanup(upkeep.folder_of(run), fleet, os.environ, vault_key)
    if as_json:
        dump(done.plain())
    else:
        for line in done.lines():
            typer.echo(line)
    return 0 if done.outcome.complete else 7


def resume(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, or its id below `reports`.")],
    sign: Annotated[str | None, typer.Option(metavar="KEYREF", help="A key file, or a signer's URI.")] = None,
    vault_key: VaultKey = None,
) -> int:
    """Go on with a run that was interrupted. Whoever's event was sent is watched on; the other cases begin afresh.

    No event is sent twice, unless its connector says that this is harmless, or that it never arrived. What it comes to
    is reported, sealed and answered as by `run`; the time in which nobody looked is told, and makes nothing pass.
    """
    from harness.session import resume as resuming
    from harness.session import upkeep

    return resuming.resume(upkeep.folder_of(run), os.environ, sign=sign, vault_key=vault_key, say=typer.echo)


def done(
    run_id: Annotated[str, typer.Argument(metavar="RUN")],
    case: Annotated[str, typer.Argument(metavar="CASE")],
    failed: Annotated[str, typer.Option(metavar="WHY", help="It could not be done.")] = "",
    folder: Annotated[Path | None, typer.Option(metavar="DIR", help="The connector's `folder`, if it has one.")] = None,
) -> int:
    """Tell a waiting run that a manual step is done."""
    from harness import marker

    try:
        instruction = marker.answer(folder or Path(marker.FOLDER), run_id, case, failed=failed)
    except LookupError as nobody:
        raise typer.BadParameter(str(nobody.args[0])) from None
    typer.echo(f"{'failed' if failed else 'done'}: {instruction}")
    return 0
