"""`exitproof init`: a first scenario and a fleet file in an empty folder, ready to run."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from harness.model import BadInput, Problem

FILES = {"fleet.yaml": "fleet.yaml", "scenarios/first-leaver.yaml": "first-leaver.yaml"}


def scaffold(folder: Path) -> list[Path]:
    """Writes the files and answers their paths. Raises `BadInput` naming all that is in the way; then nothing is
    written."""
    wanted = {folder / place: name for place, name in FILES.items()}
    if problems := list(_in_the_way(folder, wanted)):
        raise BadInput(problems)
    starter = files("harness.commands") / "starter"
    for path, name in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((starter / name).read_bytes())
    return list(wanted)


def _in_the_way(folder: Path, wanted: dict[Path, str]) -> Iterator[Problem]:
    for path in wanted:
        if path.exists() or path.is_symlink():
            yield Problem(str(path), 1, 1, "it is there already, and nothing is overwritten")
    for place in sorted({folder, *(path.parent for path in wanted)}):
        if place.exists() and not place.is_dir():
            yield Problem(str(place), 1, 1, "not a folder")
