"""`exitproof run`: the same as `pytest`, in this process, with the same arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

FOLDER = "scenarios"


class DefaultPath:
    """Gives pytest the folder `scenarios` where no path was named. Only pytest's own parser can tell a path from the
    value of some plugin's flag, so it is asked."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_load_initial_conftests(self, early_config: pytest.Config, args: list[str]) -> None:
        known = early_config.known_args_namespace
        if known.file_or_dir:
            return
        if not Path(FOLDER).is_dir():
            raise pytest.UsageError(f"there is no folder `{FOLDER}` here: name one, or begin with `exitproof init`")
        known.file_or_dir = [FOLDER]
        args.insert(0, FOLDER)  # not at the end, where it could be taken for a flag's optional value


def options(given: Mapping[str, object], *, defects: Sequence[str] = ()) -> list[str]:
    """The flags of the plugin as pytest takes them; those that were not given (None) are left out."""
    named = [f"--{flag}={value}" for flag, value in given.items() if value is not None]
    return [*named, *(f"--defect={defect}" for defect in defects)]


def run(arguments: Sequence[str], *plugins: object) -> int:
    """pytest's own exit code."""
    return int(pytest.main(list(arguments), plugins=[DefaultPath(), *plugins]))
