"""Loads a YAML block of a page as its reader would: with the real loaders and every installed adapter."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from harness import fleet, scenario
from harness.fleet import FleetInfo
from harness.model import BadInput
from harness.ports import Fleet, Limits, Tools
from harness.scenario import Loaded
from harness.testing.bench import Bench

TODAY = date(2026, 11, 22)
_VARIABLE = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")


def environment(text: str) -> dict[str, str]:
    """A value for every variable that a fleet names: an address where it is one, else a secret."""
    names = sorted(set(_VARIABLE.findall(text)))
    return {
        name: f"http://127.0.0.1:{9100 + n}" if name.endswith("URL") else f"planted-{n}-K8xq2LmVt7"
        for n, name in enumerate(names)
    }


def load_fleet(path: Path) -> tuple[Fleet, FleetInfo]:
    """Built with every adapter, and its shape. Raises `BadInput`."""
    env = environment(path.read_text(encoding="utf-8"))
    bench = Bench()

    def tools(_name: str, limits: Limits) -> Tools:
        return Tools(bench.tools.clock, bench.tools.record, bench.tools.vault, limits)

    return fleet.load(path, env, tools), fleet.shape(path, env)


def load_scenario(path: Path, shapes: Iterable[FleetInfo]) -> Loaded:
    """Bound to the first fleet that knows all its words and has what it needs; else as the last that knows them loads
    it. Raises `BadInput` of the last one."""
    failed: BadInput | None = None
    lacking: Loaded | None = None
    for shape in shapes:
        try:
            lacking = scenario.load([path], shape, TODAY)
        except BadInput as bad:
            failed = bad
        else:
            if lacking.cases:
                return lacking
    if lacking is not None:
        return lacking
    assert failed is not None, "no fleet to bind to"
    raise failed
