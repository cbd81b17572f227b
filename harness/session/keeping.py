"""The encrypted vault of a run: its key as a flag or a variable refers to it, where it lies, and its end."""

from __future__ import annotations

import glob
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.evidence.strongbox import Strongbox, place
from harness.fleet.refs import secret_of
from harness.model import BadInput, Problem

VARIABLE = "EXITPROOF_VAULT_KEY"


def key_of(given: str | None, env: Mapping[str, str]) -> str:
    """The key that `--vault-key`, else the variable, refers to; empty without either. Raises `BadInput`."""
    reference = given or env.get(VARIABLE) or ""
    try:
        return secret_of(reference, env) if reference else ""
    except ValueError as error:
        raise BadInput([Problem("--vault-key" if given else VARIABLE, 1, 1, str(error))]) from None


def opened(share: str, key: str, env: Mapping[str, str]) -> Strongbox | None:
    """The vault of a run, or of a worker's share; None without a key. Raises `BadInput`: it is another key's."""
    try:
        return Strongbox(place(share, env), key) if key else None
    except (OSError, ValueError) as error:
        raise BadInput([Problem(str(place(share, env)), 1, 1, f"the encrypted vault: {error}")]) from None


def destroy(run: str, env: Mapping[str, str]) -> None:
    """That of a run and those of its workers: nobody needs a key for that."""
    for each in _vaults(run, env):
        each.unlink(missing_ok=True)


def _vaults(run: str, env: Mapping[str, str]) -> list[Path]:
    path = place(run, env)
    return [each for each in (path, *path.parent.glob(f"{glob.escape(run)}-*.vault")) if each.exists()]


class Boxes:
    """Implements `ports.Strongbox` for who takes a run back: reads in whichever vault of the run an entry is, and keeps
    nothing new. Raises `BadInput` for another key."""

    def __init__(self, run: str, key: str, env: Mapping[str, str]) -> None:
        self._boxes = [opened(path.stem, key, env) for path in _vaults(run, env)] if key else []

    def put(self, values: Mapping[str, Any]) -> str:
        raise NotImplementedError("whoever takes a run back makes no secrets")

    def get(self, name: str) -> Mapping[str, Any] | None:
        return next((found for box in self._boxes if box is not None and (found := box.get(name)) is not None), None)
