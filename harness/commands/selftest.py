"""`exitproof selftest`: every probe of a fleet put to the test, as a table or as JSON."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands.printing import dump

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.table import Table

    from harness.commands.selection import Selection
    from harness.qualification import Probe
    from harness.session.selftest import Written

WORDS = {"qualified": "green", "not qualified": "yellow", "blind": "red", "lying": "bold red"}


def selftest(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="PATHS", help="What they give is planted. Default: scenarios.")
    ] = None,
    fleet: Annotated[str | None, typer.Option(metavar="PATH", help="A fleet file, or `sandbox`.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="The folder (default: reports/ID).")] = None,
    within: Annotated[str, typer.Option(metavar="TIME", help="For a change to be seen by a reader.")] = "30s",
    consent: Annotated[str | None, typer.Option(metavar="DIGEST", help="From `exitproof plan --selftest`.")] = None,
    sign: Annotated[str | None, typer.Option(metavar="KEYREF", help="A key file, or a signer's URI.")] = None,
    without_scope: Annotated[
        list[str] | None,
        typer.Option("--without-scope", metavar="SYSTEM.SCOPE", help="Readers of the sandbox lack it."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print selftest.json.")] = False,
) -> int:
    """Put every probe to the test. Plant access, take it away, break the reader; fires no event.

    A probe must see what was planted, must not see what was taken away, and must say that it does not know while its
    credential is wrong or its connection is refused. One that fails is blind: later runs of this fleet pass nothing
    there. Exits with 1 when a probe said absent of what was there, with 6 when one is blind or could not be tried, with
    7 when something is left or was changed.
    """
    from harness.commands.selection import fleet_file
    from harness.session.sandbox import SandboxProcess, embedded

    given = fleet_file(fleet)
    chosen = _chosen(given, paths or ())
    if embedded(given, chosen.info.environment, os.environ):
        with SandboxProcess([f"--without-scope={scope}" for scope in without_scope or ()]) as started:
            written = _run(given, chosen, out, within, consent, sign, {**os.environ, **started.env})
    elif without_scope:
        raise typer.BadParameter("--without-scope is for a sandbox that the self-test starts itself")
    else:
        written = _run(given, chosen, out, within, consent, sign, os.environ)
    _tell(written, as_json=as_json)
    return written.code


def _chosen(given: str, paths: Sequence[Path]) -> Selection:
    """Of the embedded sandbox, without a path, the bundled stories: they give one of everything that it has."""
    from harness.commands.demo import library
    from harness.commands.selection import select

    if not paths and given == "sandbox":
        paths = [library()]
    return select(given, paths, os.environ, strict=True, needed=False)


def _run(
    given: str,
    chosen: Selection,
    out: Path | None,
    within: str,
    consent: str | None,
    sign: str | None,
    env: Mapping[str, str],
) -> Written:
    from harness.config import parse_duration
    from harness.session import drill, plan, selftest

    info = chosen.info
    plan.consent(consent, plan.digest(info, chosen.loaded, "selftest"), info.environment, info.source, "selftest")
    try:
        patience = parse_duration(within)
    except ValueError as wrong:
        raise typer.BadParameter(f"--within: {within!r}: {wrong}") from None
    naming = drill.Naming.new()
    folder = drill.default_folder(naming, str(out) if out else None).resolve()
    named = out is not None
    return selftest.run(given, env, chosen.loaded, folder, naming, patience, sign=sign, named=named)


def _tell(written: Written, *, as_json: bool) -> None:
    from collections import Counter

    from rich.console import Console

    from harness.report.selftest import answer

    if as_json:
        dump(written.document)
        return
    Console().print(_table(written.probed.probes))
    probed = written.probed
    lines = [f"left behind: {text}" for text in probed.cleanup.leftovers]
    lines += [f"at rest: {text}" for text in probed.cleanup.resting]
    lines += [f"not as before: {text}" for text in probed.changed]
    _, headline, detail = answer(Counter(probe.standing for probe in probed.probes), written.document)
    page = f"report: {written.folder / 'selftest.html'}"
    for line in (*lines, *probed.faults, written.sealed, f"{headline} {detail}", page):
        typer.echo(line)


def _table(probes: Sequence[Probe]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(show_header=True)
    for head in ("system", "kind", "vantage", "standing", "why"):
        table.add_column(head, overflow="fold")
    for probe in probes:
        vantage = f"{probe.vantage} {probe.channel}".rstrip()
        word = Text(probe.standing, style=WORDS[probe.standing])
        table.add_row(Text(probe.system), probe.kind, Text(vantage), word, Text(probe.why))  # texts, not markup
    return table
