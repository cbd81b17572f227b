"""What a fleet file declares, without secrets and without building anything: scenarios are bound against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.model import NOTHING, Duration, Kind
from harness.ports import Guard, KindTraits


@dataclass(frozen=True, slots=True)
class SystemInfo:
    """One system: its kinds (the account is not among them: every system has accounts) and what the account can do,
    among `create`, `login`, `search`, `audit`."""

    name: str
    type: str
    owner: str
    kinds: Mapping[Kind, KindTraits] = NOTHING
    able: frozenset[str] = frozenset()
    without: Mapping[Kind, str] = NOTHING
    not_listable: Mapping[Kind, str] = NOTHING


@dataclass(frozen=True, slots=True)
class ConnectorInfo:
    name: str
    type: str
    owner: str
    events: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Timing:
    """What the fleet sets in place of the scenarios' own times; None and empty: nothing."""

    settle: Duration | None = None
    within: Duration | None = None  # one duration: in place of all of the scenario's
    within_by: Mapping[str, Duration] = NOTHING  # a mapping: laid over the scenario's, `default` included
    hold: tuple[Duration, ...] | None = None
    wait: Duration | None = None
    poll: Duration | None = None


@dataclass(frozen=True, slots=True)
class FleetInfo:
    """The declared shape of a fleet. `names` are scenario names -> this fleet's."""

    name: str
    environment: str
    source: str
    sha256: str
    guard: Guard
    systems: Mapping[str, SystemInfo]
    connectors: Mapping[str, ConnectorInfo]
    timing: Timing = field(default_factory=Timing)
    names: Mapping[str, str] = NOTHING
