"""The staging fleet's shape, and scenario files written for one test."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from harness import fleet, scenario
from harness.fleet import FleetInfo
from harness.model import BadInput, Case
from harness.scenario import Loaded
from tests.fleet.adapters import REGISTRY
from tests.fleet.worlds import STAGING

TODAY = date(2026, 11, 22)
EVERYDAY = Path(__file__).parent / "everyday.yaml"


@cache
def staging() -> FleetInfo:
    return fleet.shape(STAGING, {}, registry=REGISTRY)


def but(**changes: Any) -> FleetInfo:
    """The staging fleet with other parts."""
    return replace(staging(), **changes)


def write(folder: Path, text: str, id: str = "a") -> Path:
    file = folder / "scenarios" / f"{id}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def load(folder: Path, text: str, shape: FleetInfo | None = None) -> Loaded:
    return scenario.load([write(folder, text)], shape or staging(), TODAY)


def one(folder: Path, text: str, shape: FleetInfo | None = None) -> Case:
    (case,) = load(folder, text, shape).cases
    return case


def problems(folder: Path, shape: FleetInfo | None = None) -> list[str]:
    """What is wrong with all the files, without their folder."""
    with pytest.raises(BadInput) as bad:
        scenario.load([folder], shape or staging(), TODAY)
    return [str(problem).replace(f"{folder}/scenarios/", "") for problem in bad.value.problems]
