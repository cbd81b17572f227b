"""The fleet and the scenarios that a command was given, chosen as pytest would choose them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from harness import scenario
from harness.fleet import FleetInfo, locate
from harness.fleet.examine import Registry, examine
from harness.fleet.load import describe
from harness.model import BadInput, Problem
from harness.scenario import Loaded, ScenarioFile
from harness.session.sandbox import embedded
from harness.source import Source, read

FOLDER = "scenarios"


@dataclass(frozen=True, slots=True)
class Selection:
    info: FleetInfo
    loaded: Loaded
    files: int


def fleet_file(given: str | None) -> str:
    """What was given, else `fleet.yaml` of the working folder, else the embedded sandbox."""
    return given or ("fleet.yaml" if Path("fleet.yaml").is_file() else "sandbox")


def select(
    given: str,
    paths: Sequence[Path],
    env: Mapping[str, str],
    exceptions: Path | None = None,
    *,
    strict: bool,
    needed: bool,
) -> Selection:
    """Raises `BadInput` with all that is wrong with the fleet, the scenarios and the exceptions together. `exceptions`:
    a file in place of the one beside the fleet's. `strict`: secrets and variables must be there as well, except those
    of a sandbox that is still to be started. `needed` false: without a path, a missing folder `scenarios` means that
    there are none."""
    problems: list[Problem] = []
    info: FleetInfo | None = None
    files: list[ScenarioFile] = []
    try:
        source = read(locate(given))
        if strict and not embedded(given, "sandbox", env):
            problems += _wrong(source, env)
        info = describe(examine(source, env, Registry.installed(), strict=False))
    except BadInput as bad:
        problems += bad.problems
    try:
        files = _files(paths, needed=needed)
    except BadInput as bad:
        problems += bad.problems
    loaded = Loaded((), ())
    if info is None:
        problems += _unbound(files)
    else:
        try:
            wide = scenario.find_exceptions(exceptions, Path(info.source))
            loaded = scenario.load_files(files, info, datetime.now(UTC).date(), wide)
        except BadInput as bad:
            problems += bad.problems
    if problems or info is None:
        raise BadInput(list(dict.fromkeys(problems)))
    return Selection(info, loaded, len(files))


def _wrong(source: Source, env: Mapping[str, str]) -> Sequence[Problem]:
    try:
        examine(source, env, Registry.installed(), strict=True)
    except BadInput as bad:
        return bad.problems
    return ()


def _files(paths: Sequence[Path], *, needed: bool) -> list[ScenarioFile]:
    if not paths and not needed and not Path(FOLDER).is_dir():
        return []
    wanted = [Path(str(path).partition("::")[0]) for path in paths] or [Path(FOLDER)]
    files = scenario.discover(wanted, anywhere=False)
    if not files and (needed or paths):
        raise BadInput([Problem(str(path), 1, 1, "there is no scenario") for path in wanted])
    return files


def _unbound(files: Sequence[ScenarioFile]) -> list[Problem]:
    """What can be said of scenarios when there is no fleet to bind them to."""
    problems: list[Problem] = []
    for file in files:
        try:
            scenario.parse(read(file.path))
        except BadInput as bad:
            problems += bad.problems
    return problems
