"""The commands and their options, and nothing else: what they do is in `harness.commands`, imported when asked for."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from harness import __version__
from harness.commands.compare import diff, history
from harness.commands.documents import schema
from harness.commands.evidence import keygen, report, verify
from harness.commands.examination import examine
from harness.commands.explore import explore
from harness.commands.printing import dump
from harness.commands.selftest import selftest
from harness.commands.software import software
from harness.commands.upkeep import VaultKey, cleanup, done, resume, status
from harness.model import BadInput, RunResult

BAD, INTERRUPTED, INTERNAL, UNSURE = 4, 2, 3, 6
# typer brings a parser of its own or takes click's: either way this is its error for a wrong command line.
UsageError: Any = typer.BadParameter.__mro__[1]

app = typer.Typer(
    name="exitproof",
    help="Measures whether access really ended everywhere after offboarding.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
PASSED_ON = {"ignore_unknown_options": True}

Fleet = Annotated[str | None, typer.Option(metavar="PATH", help="A fleet file, or `sandbox`.")]
Exceptions = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Fleet-wide exceptions (default: exceptions.yaml beside the fleet).")
]
Out = Annotated[Path | None, typer.Option(metavar="DIR", help="The run folder (default: reports/RUN-ID).")]
Defects = Annotated[list[str] | None, typer.Option("--defect", metavar="ID", help="Of the sandbox; may be repeated.")]
Scopes = Annotated[
    list[str] | None,
    typer.Option("--without-scope", metavar="SYSTEM.SCOPE", help="Readers lack it (crm.seats:read); may be repeated."),
]
Paths = Annotated[list[Path] | None, typer.Argument(metavar="PATHS", help="Default: scenarios.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def say(text: str) -> None:
    typer.echo(text)


def show(table: Any) -> None:
    from rich.console import Console

    Console().print(table)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version, and stop.")] = False,
) -> int | None:
    if version:
        say(f"exitproof {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        say(context.get_help())
    return None


@app.command(context_settings=PASSED_ON)
def run(
    given: Annotated[list[str] | None, typer.Argument(metavar="PATHS AND FLAGS", help="Of pytest.")] = None,
    fleet: Fleet = None,
    exceptions: Exceptions = None,
    out: Out = None,
    concurrency: Annotated[int | None, typer.Option(metavar="N", help="Leavers in flight (default: 64).")] = None,
    consent: Annotated[str | None, typer.Option(metavar="DIGEST", help="From `exitproof plan`.")] = None,
    sign: Annotated[str | None, typer.Option(metavar="KEYREF", help="A key file, or a signer's URI.")] = None,
    vault_key: VaultKey = None,
    leave_waiting: Annotated[
        bool, typer.Option("--leave-waiting", help="Leave far checkpoints of `hold` to `exitproof resume`.")
    ] = False,
    defect: Defects = None,
) -> int:
    """Run scenarios. The same as `pytest PATHS...`, flags included.

    Without a path it runs the folder `scenarios`; without --fleet it uses `fleet.yaml` of the working folder, else the
    embedded sandbox. All flags of pytest and its plugins are passed on: -k, -m, -x, --lf, -n, --junitxml, -q, -v; and
    whatever follows `--`.
    """
    from harness.commands import launch

    named = {"fleet": fleet, "exceptions": exceptions, "out": out, "concurrency": concurrency}
    own = launch.options(named | {"consent": consent, "sign": sign, "vault-key": vault_key}, defects=defect or ())
    own += ["--leave-waiting"] if leave_waiting else []
    return launch.run([*own, *(given or ())])


@app.command(context_settings=PASSED_ON)
def demo(
    given: Annotated[list[str] | None, typer.Argument(metavar="FLAGS", help="Of pytest.")] = None, out: Out = None
) -> int:
    """Show it at work. Runs the bundled stories on a sandbox whose connector makes everyday mistakes.

    Needs no scenario, no fleet and no checkout. Writes a report, says in one line how many grants still work, and
    exits with 0 if the mistakes were found.
    """
    from harness.commands import demo as shown
    from harness.session.state import KEY

    def outcome(config: Any) -> RunResult | None:
        session = config.stash.get(KEY, None)
        return session.outcome if session is not None else None

    code, text = shown.demo(given or (), out, outcome)
    if text:
        say(text)
    return code


@app.command()
def sandbox(
    defect: Defects = None,
    list_defects: Annotated[bool, typer.Option("--list-defects", help="One a line, id first, and stop.")] = False,
    delay: Annotated[str | None, typer.Option(metavar="TIME", help="From the event to its effect (200ms).")] = None,
    latency_ms: Annotated[int | None, typer.Option(metavar="N", help="Added to every answer.")] = None,
    lag: Annotated[str | None, typer.Option(metavar="TIME", help="Readers see what was so long ago.")] = None,
    jitter: Annotated[bool, typer.Option("--jitter", help="Lists come in an arbitrary order.")] = False,
    port_base: Annotated[int | None, typer.Option(metavar="N", help="Five ports from here (default: free).")] = None,
    without_scope: Scopes = None,
    no_connector: Annotated[
        bool, typer.Option("--no-connector", help="Only the services, for a connector of your own.")
    ] = False,
    env_file: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Write the variables there too, mode 0600.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Keep the embedded sandbox running. Prints its addresses and credentials.

    Point your own connector at it, or a fleet file: the variables are those that the embedded fleet and the one of
    `exitproof init` name. Ctrl-C stops it.
    """
    from harness.commands import hosting

    valued = (("delay", delay), ("latency-ms", latency_ms), ("lag", lag), ("port-base", port_base))
    flags = (("jitter", jitter), ("no-connector", no_connector), ("list-defects", list_defects), ("json", as_json))
    arguments = [f"--{name}={value}" for name, value in (*valued, ("env-file", env_file)) if value is not None]
    arguments += [f"--{name}" for name, on in flags if on]
    arguments += [f"--without-scope={each}" for each in without_scope or ()]
    return hosting.host([*arguments, *(f"--defect={each}" for each in defect or ())])


@app.command()
def init(folder: Annotated[Path, typer.Argument(metavar="DIR")] = Path()) -> int:
    """Write a first scenario and a fleet file. They are ready to run, against the embedded sandbox.

    Nothing is overwritten.
    """
    from harness.commands.scaffold import scaffold

    for path in scaffold(folder):
        say(f"wrote {path}")
    say("now: " + ("exitproof run" if folder == Path() else f"cd {folder} && exitproof run"))
    return 0


@app.command()
def check(paths: Paths = None, fleet: Fleet = None, exceptions: Exceptions = None) -> int:
    """Lint all files, then try every reader. Every connector must be there as well.

    Nothing is written anywhere and no event is fired. Exits with 4 for bad input (all of it, at once), and with 6 when
    something could not be reached or read.
    """
    from harness.commands import check as checking
    from harness.commands.selection import fleet_file, select
    from harness.session.sandbox import SandboxProcess, embedded

    given = fleet_file(fleet)
    selected = select(given, paths or (), os.environ, exceptions, strict=True, needed=False)
    say(f"ok scenarios: {len(selected.loaded.cases)} cases in {selected.files} files")
    if (wide := selected.loaded.exceptions) is not None:
        say(f"ok exceptions: {len(wide.entries)} in {wide.file}")
    for case in selected.loaded.deselected:
        say(f"not run on this fleet: {case.id} ({case.reason})")
    if embedded(given, selected.info.environment, os.environ):
        with SandboxProcess() as started:
            answers = checking.check(given, {**os.environ, **started.env})
    else:
        answers = checking.check(given, os.environ)
    for answer in answers:
        say(str(answer))
    return UNSURE if any(answer.ok is False for answer in answers) else 0


@app.command()
def plan(
    paths: Paths = None,
    fleet: Fleet = None,
    exceptions: Exceptions = None,
    selftest: Annotated[bool, typer.Option("--selftest", help="What a self-test would do, and its digest.")] = False,
    as_json: AsJson = False,
) -> int:
    """Say what a run would do. Counts its accounts, grants and events, and gives the digest that --consent wants.

    Nothing is asked of any system.
    """
    from harness.commands import forecast
    from harness.commands.selection import fleet_file, select

    needed = not selftest
    selected = select(fleet_file(fleet), paths or (), os.environ, exceptions, strict=False, needed=needed)
    made = forecast.forecast(selected, selftest=selftest)
    if as_json:
        dump(forecast.plain(made, selected))
        return 0
    say(f"fleet {selected.info.name} ({selected.info.environment}), {selected.info.source}")
    show(forecast.table(made))
    for line in forecast.lines(made, selected, selftest=selftest):
        say(line)
    return 0


@app.command()
def adapters(as_json: AsJson = False) -> int:
    """List the installed adapter types."""
    from harness.commands import catalogue

    entries = catalogue.catalogue()
    if as_json:
        dump(catalogue.plain(entries))
    else:
        show(catalogue.table(entries))
    return 0


app.command()(schema)
app.command("fleet")(software)
app.command()(done)
app.command()(status)
app.command()(resume)
app.command()(cleanup)
app.command()(selftest)
app.command()(examine)
app.command()(explore)
app.command()(diff)
app.command()(history)
app.command()(keygen)
app.command()(verify)
app.command()(report)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code. What is wrong with the input is said in one line each, and never as a traceback."""
    from harness.session.sandbox import SandboxFailed

    command = typer.main.get_command(app)
    try:
        code = command.main(args=arguments, prog_name="exitproof", standalone_mode=False)
    except BadInput as bad:
        sys.stderr.write(f"{bad}\n")
        return BAD
    except SandboxFailed as failed:
        sys.stderr.write(f"the sandbox did not start: {failed}\n")
        return BAD
    except UsageError as wrong:
        wrong.show()
        return BAD
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except Exception:  # noqa: BLE001  a fault of ours: 1 would say that access remains
        traceback.print_exc()
        return INTERNAL
    return INTERRUPTED if code == 130 else int(code or 0)  # 130: typer's own word for Ctrl-C


if __name__ == "__main__":
    sys.exit(main())
