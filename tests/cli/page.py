"""Makes the commands' part of docs/reference/cli.md from the commands themselves: `python -m tests.cli.page`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from harness.cli import app

PAGE = Path(__file__).parents[2] / "docs/reference/cli.md"
BEGIN, END = "<!-- commands: made by `python -m tests.cli.page` -->", "<!-- end of commands -->"


def commands() -> dict[str, Any]:
    """Name -> command, in the order of `exitproof --help`."""
    group: Any = typer.main.get_command(app)
    return dict(group.commands)


def made() -> str:
    return "\n".join(line for name, command in commands().items() for line in _command(name, command))


def _command(name: str, command: Any) -> Iterator[str]:
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    options = [each for each in command.params if each.param_type_name == "option" and each.name != "help"]
    usage = " ".join([name, *(["[OPTIONS]"] if options else []), *map(_argument, arguments)])
    yield from (f"## {name}", "", "```text", f"exitproof {usage}", "```", "", command.help.strip(), "")
    if options:
        yield from ("| option | meaning |", "|---|---|")
        for each in options:
            yield f"| `{' '.join([*each.opts, *([each.metavar] if each.metavar else [])])}` | {each.help} |"
        yield ""


def _argument(argument: Any) -> str:
    if argument.required:
        return str(argument.metavar)
    return f"[{argument.metavar}]" + ("..." if argument.nargs == -1 else "")


def whole(page: str) -> str:
    """The page with its commands made anew."""
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}\n\n{made()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(whole(PAGE.read_text()))
