"""The controls that a scenario cites must be in the bundled map: a misspelt one would count for nothing, in silence."""

from __future__ import annotations

from collections.abc import Sequence

from harness.controls import bundled
from harness.model import Problem
from harness.source import Source
from harness.source.problems import unknown


def uncited(source: Source, controls: Sequence[str]) -> list[Problem]:
    """One problem for each id that the map does not know."""
    known = bundled()
    return [
        unknown(source, ("controls", index), "control", written, known.near(written))
        for index, written in enumerate(controls)
        if written not in known.by_id
    ]
