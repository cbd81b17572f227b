"""`exitproof fleet`: real software to drill on, kept running by processes of its own."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Upkeep(StrEnum):
    INSTALL = "install"
    UP = "up"
    DOWN = "down"
    STATUS = "status"


def software(
    what: Annotated[Upkeep, typer.Argument(metavar="install|up|down|status")],
    names: Annotated[list[str] | None, typer.Argument(metavar="NAMES", help="Default: all.")] = None,
    folder: Annotated[Path, typer.Option(metavar="DIR", help="Where it lives, with all its files.")] = Path("fleet"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Real software to drill on. Installs and starts it on loopback, stops it again, or says how it is.

    Directory, mail, database, vault and more, each with what it was seen to leave behind. `install` fetches what is
    missing and starts nothing; `up` does that too, and writes a fleet file for all of them and the variables to load;
    `down` leaves no process and no file. Exits with 1 when one is not ready.
    """
    from harness.commands import hosting

    arguments = [what.value, str(folder), *(names or ()), *(["--json"] if as_json else [])]
    return hosting.run("fixtures.fleet", arguments)
