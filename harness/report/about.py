"""What a report says about the run besides its findings: who ran what, where, with which tool and inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from harness import __version__
from harness.model import NOTHING
from harness.qualification import Qualification

# Reads one redacted exchange by its sha256; None: it is not in this folder (pruned, or never stored).
Exchanges = Callable[[str], Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Input:
    """A file that the run was made from, by content."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class SystemInfo:
    """One system of the fleet. `reader` names the account that looked, never its secret; `independent`: the
    reader is not the writer."""

    name: str
    type: str
    url: str = ""
    reader: str = ""
    independent: bool = False
    owner: str = ""


@dataclass(frozen=True, slots=True)
class About:
    """`narrowed`: systems of the fleet that no case looked at because scenarios said `systems: [..]`.
    `timing`: overrides of the fleet as printed, `{"settle": "10s"}`. `clock_offset_ms`: the systems' `Date` header
    less the local clock, None: never measured. `versions`: what else took part, `{"python": "3.11.7"}`.
    `signing_key`: the id of the key that the run is about to be signed with; empty: it will be unsigned.
    `compared`: what `report.since` found beside earlier drills, None: there is none to compare with. `selftest`: the
    newest one of this fleet, None: its probes were never put to the test."""

    run_id: str
    fleet: str
    environment: str
    tool_version: str = __version__
    operator: str = ""
    ci: str | None = None
    clock_offset_ms: int | None = None
    inputs: tuple[Input, ...] = ()
    systems: tuple[SystemInfo, ...] = ()
    narrowed: tuple[str, ...] = ()
    timing: Mapping[str, str] = NOTHING
    notes: tuple[str, ...] = ()
    versions: Mapping[str, str] = NOTHING
    signing_key: str = ""
    compared: Mapping[str, Any] | None = None
    selftest: Qualification | None = None

    def owner(self, system: str) -> str:
        """Who answers for a system; empty where the fleet does not say."""
        return next((info.owner for info in self.systems if info.name == system), "")
