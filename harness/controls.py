"""The bundled control map: which controls a scenario may cite, and what a drill can and cannot say about each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

import yaml

from harness.model import Kind


class Strength(StrEnum):
    """How much of the control a drill tests."""

    DIRECT = "direct"
    PARTIAL = "partial"
    SUPPORTS = "supports"


@dataclass(frozen=True, slots=True)
class Control:
    """`kinds`: the kinds of access that must be seen to speak for it. `parameter`: the value that the organisation
    sets, and the scenario's word for it. `outside`: the part of it that no drill can test."""

    id: str
    framework: str  # its title and edition
    title: str
    strength: Strength
    kinds: tuple[Kind, ...]
    rationale: str
    parameter: str = ""
    outside: str = ""
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ControlMap:
    """`by_id` knows the other names too; `sha256` is that of the file."""

    version: str
    sha256: str
    controls: tuple[Control, ...]
    by_id: Mapping[str, Control]

    def near(self, wanted: str) -> tuple[str, ...]:
        """The ids of the framework that was meant; all frameworks where it is none of them."""
        framework = wanted.partition(":")[0]
        mine = tuple(one.id for one in self.controls if one.id.startswith(f"{framework}:"))
        return mine or tuple(dict.fromkeys(f"{one.id.partition(':')[0]}:…" for one in self.controls))


@cache
def bundled() -> ControlMap:
    """The map that this version ships."""
    data = files("harness").joinpath("controls.yaml").read_bytes()
    return parse(yaml.safe_load(data), sha256(data).hexdigest())


def parse(told: Mapping[str, Any], digest: str) -> ControlMap:
    """Raises KeyError or ValueError for a map that does not hold together: it is ours, so that is a fault of ours."""
    frameworks = {key: f"{one['title']} {one['edition']}" for key, one in told["frameworks"].items()}
    outside = dict(told.get("outside", {}))
    controls = tuple(
        Control(
            id=key,
            framework=frameworks[key.partition(":")[0]],
            title=one["title"],
            strength=Strength(one["strength"]),
            kinds=tuple(map(Kind, one["kinds"])),
            rationale=one["rationale"],
            parameter=one.get("parameter", ""),
            outside=outside.get(key, ""),
            also=tuple(one.get("also", ())),
        )
        for key, one in told["controls"].items()
    )
    by_id = {name: one for one in controls for name in (one.id, *one.also)}
    if len(by_id) != sum(1 + len(one.also) for one in controls):
        raise ValueError("two controls of one name")
    return ControlMap(str(told["version"]), digest, controls, by_id)
