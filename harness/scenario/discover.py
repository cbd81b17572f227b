"""Which scenario files there are: `*.yaml` below folders named `scenarios`, or what was named itself."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.model import BadInput, Problem

FOLDER = "scenarios"
_SKIPPED = frozenset(("node_modules", "__pycache__", "venv"))


@dataclass(frozen=True, slots=True)
class ScenarioFile:
    """`id` is the path below the folder named `scenarios`, without suffix."""

    path: Path
    id: str


def discover(paths: Sequence[Path], *, anywhere: bool = True) -> list[ScenarioFile]:
    """The files in the order of their ids, path by path. A folder without any folder named `scenarios` in or above it
    is taken whole (its own `fleet.yaml` and `exceptions.yaml` left out), unless `anywhere` is false. Raises `BadInput`
    for a path that does not exist and for two files of one id."""
    found: dict[Path, ScenarioFile] = {}
    problems: list[Problem] = []
    for path in paths:
        if path.is_file():
            found.setdefault(path, ScenarioFile(path, _id(path, _home(path) or path.parent)))
        elif path.is_dir():
            for file in _folder(path, anywhere):
                found.setdefault(file.path, file)
        else:
            problems.append(Problem(str(path), 1, 1, "no such file or folder"))
    return _unique(list(found.values()), problems)


def _unique(files: list[ScenarioFile], problems: list[Problem]) -> list[ScenarioFile]:
    first: dict[str, ScenarioFile] = {}
    for file in files:
        other = first.setdefault(file.id, file)
        if other is file:
            continue
        if other.path.resolve() != file.path.resolve():
            problems.append(Problem(str(file.path), 1, 1, f"a second scenario of this id, after {other.path}", file.id))
    if problems:
        raise BadInput(problems)
    return list(first.values())


def _folder(path: Path, anywhere: bool) -> list[ScenarioFile]:
    home = _home(path / "x")
    if home is not None:
        return [ScenarioFile(Path(file), _id(Path(file), home)) for file in _walk(str(path))]
    files = [
        ScenarioFile(Path(file), _id(Path(file), root))
        for folder in _scenario_folders(str(path))
        for root in [Path(folder)]
        for file in _walk(folder)
    ]
    if files or not anywhere:
        return files
    return [ScenarioFile(Path(file), _id(Path(file), path)) for file in _walk(str(path)) if not _is_fleet(file)]


def _is_fleet(file: str) -> bool:
    return os.path.basename(file).endswith(("fleet.yaml", "exceptions.yaml"))  # noqa: PTH119  10,000 files: strings are cheaper


def _home(path: Path) -> Path | None:
    """The nearest folder named `scenarios` that `path` lies in."""
    for folder in path.parents:
        if folder.name == FOLDER:
            return folder
    absolute = path.absolute()
    for folder in absolute.parents:
        if folder.name == FOLDER:
            return folder
    return None


def _id(path: Path, home: Path) -> str:
    try:
        below = path.relative_to(home)
    except ValueError:
        below = path.absolute().relative_to(home)
    return below.with_suffix("").as_posix()


def _scenario_folders(folder: str) -> Iterator[str]:
    for entry in _entries(folder):
        if entry.is_dir(follow_symlinks=False) and entry.name not in _SKIPPED and not entry.name.startswith("."):
            if entry.name == FOLDER:
                yield entry.path
            else:
                yield from _scenario_folders(entry.path)


def _walk(folder: str) -> Iterator[str]:
    for entry in _entries(folder):
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path)
        elif entry.name.endswith(".yaml") and entry.is_file():
            yield entry.path


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except PermissionError:
        raise BadInput([Problem(folder, 1, 1, "the folder cannot be read")]) from None
