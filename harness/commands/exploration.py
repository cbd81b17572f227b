"""What `exitproof explore` does: takes its input apart, sets the stage, and says what came of it."""

from __future__ import annotations

import importlib.util
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import typer

from harness import scenario
from harness.commands.demo import library
from harness.commands.printing import dump
from harness.commands.selection import FOLDER, fleet_file, select
from harness.config import parse_duration
from harness.fleet import FleetInfo
from harness.model import BadInput, Duration, Problem
from harness.scenario import ScenarioFile
from harness.session.attempts import Attempts, RealTime, Rehearsed
from harness.session.plan import consent, digest
from harness.session.sandbox import SandboxProcess, embedded
from harness.session.virtual import EMBEDDED, shape

LEFT = 7
CODES = {"pass": 0, "fail": 1, "inconclusive": 6}


@dataclass(frozen=True, slots=True)
class Asked:
    """The command line as it was given."""

    paths: tuple[Path, ...]
    fleet: str | None
    seed: int | None
    budget: str
    examples: int | None
    out: Path
    consent: str | None
    defects: tuple[str, ...]


def explored(asked: Asked, *, as_json: bool) -> int:
    """The exit code. Raises `BadInput`, `SandboxFailed`."""
    if importlib.util.find_spec("hypothesis") is None:
        raise _bad("exitproof explore", "hypothesis is not installed: pip install 'exitproof[explore]'")
    from harness.commands import explore_view as view
    from harness.session.exploring import Exploration, Wanted

    given = fleet_file(asked.fleet)
    info, files = _chosen(given, asked)
    seed = secrets.randbelow(2**32) if asked.seed is None else asked.seed
    wanted = Wanted(files, asked.out, seed, _span(asked.budget), asked.examples, vague=info.environment == "sandbox")
    with ExitStack() as undo:
        # Hypothesis keeps what it reads of modules in the working folder, unless it is told where.
        os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", undo.enter_context(TemporaryDirectory()))
        play: Rehearsed | RealTime
        if given == EMBEDDED:
            play, info = _rehearsed(asked), shape()
        else:
            play = RealTime(given, undo.enter_context(_standing(given, info, asked)), Path("reports"))
        attempts = undo.enter_context(Attempts(info, play))
        shown = undo.enter_context(view.Shown(quiet=as_json))
        going = Exploration(info, wanted, attempts, shown.say, shown.update)
        try:
            going.run()
        except KeyboardInterrupt:
            shown.say("stopped")
    if as_json:
        dump({**going.plain(), "kept": list(map(str, play.kept))})
    for line in () if as_json else view.summary(going, play.kept):
        typer.echo(line)
    code = CODES[going.verdict.word]
    return LEFT if code == 0 and play.kept else code


def _rehearsed(asked: Asked) -> Rehearsed:
    try:
        return Rehearsed(asked.defects)
    except ValueError as unknown:
        raise _bad("--defect", str(unknown)) from None


@contextmanager
def _standing(given: str, info: FleetInfo, asked: Asked) -> Iterator[Mapping[str, str]]:
    """The variables of the fleet, and its sandbox if it wants one started."""
    if embedded(given, info.environment, os.environ):
        with SandboxProcess([f"--defect={each}" for each in asked.defects]) as started:
            yield {**os.environ, **started.env}
    elif asked.defects:
        raise _bad(info.source, "--defect is for a sandbox that the run starts itself, such as `--fleet sandbox`")
    else:
        yield os.environ


def _chosen(given: str, asked: Asked) -> tuple[FleetInfo, Sequence[ScenarioFile]]:
    """The fleet, and the scenarios whose words are used: none of those that were found here."""
    inside = asked.paths or ((Path(FOLDER),) if Path(FOLDER).is_dir() else ())
    files = _outside(asked.out, scenario.discover(inside, anywhere=False))
    chosen = select(given, inside if files else [library()], os.environ, strict=True, needed=True)
    info = chosen.info
    if info.environment == "production":
        text = "made-up leavers are for a fleet of environment `sandbox` or `test`"
        raise _bad(info.source, text, info.environment)
    consent(asked.consent, digest(info, chosen.loaded), info.environment, info.source)
    return info, files or scenario.discover([library()])


def _outside(out: Path, files: Sequence[ScenarioFile]) -> list[ScenarioFile]:
    return [file for file in files if out.resolve() not in file.path.resolve().parents]


def _span(budget: str) -> Duration:
    try:
        return parse_duration(budget)
    except ValueError as wrong:  # pydantic's, which says so without naming an allowed one
        raise _bad("--budget", str(wrong), budget, ("250ms", "5s", "15m", "2h", "3d")) from None


def _bad(where: str, words: str, value: str = "", allowed: tuple[str, ...] = ()) -> BadInput:
    return BadInput([Problem(where, 1, 1, words, value, allowed)])
