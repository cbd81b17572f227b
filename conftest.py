"""The plugin is loaded by its entry point, as for every user; this file says so where the checkout is not installed."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest


def pytest_configure() -> None:
    # Loading the module by name instead would give a plugin without adapters: they come from entry points as well.
    if not entry_points(group="pytest11", name="exitproof"):
        raise pytest.UsageError("exitproof is not installed here: run `make test`, or pip install -e '.[dev]'")
