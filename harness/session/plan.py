"""What a run would do, before it does it; its digest is what consent is given to."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

from harness import __version__
from harness.engine.guard import POOL_SIZE, most_identities, pool_key
from harness.engine.planting import Soil, seeds
from harness.engine.selftest import PEOPLE
from harness.fleet import FleetInfo
from harness.model import BadInput, Kind, Problem
from harness.scenario import Loaded


@dataclass(frozen=True, slots=True)
class Plan:
    """Counts of what would be made and triggered. `identities` is the most that the run may make."""

    cases: int
    identities: int
    accounts: dict[str, int]  # per system
    grants: dict[str, int]  # "system kind" -> how many
    objects: tuple[str, ...]
    events: dict[str, int]  # "connector event" -> how many
    digest: str


def digest(fleet: FleetInfo, loaded: Loaded, what: str = "run") -> str:
    """Fleet, scenarios, exceptions, guard and version; not the run's id or time. Consent to a `run` is none to a
    `selftest`."""
    facts: dict[str, Any] = {
        "version": __version__,
        "fleet": fleet.sha256,
        "cases": sorted((case.id, case.sha256) for case in loaded.cases),
        "exceptions": loaded.exceptions.sha256 if loaded.exceptions else None,
        "guard": repr(fleet.guard),
    }
    facts |= {} if what == "run" else {"what": what}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def consent(given: str | None, wanted: str, environment: str, source: str, what: str = "run") -> None:
    """Outside the sandbox nothing runs without the digest that `exitproof plan` printed. Raises `BadInput`."""
    if environment == "sandbox" or given == wanted:
        return
    text = f"outside the sandbox a {what} needs --consent DIGEST"
    text = "the plan has changed since this consent" if given else text
    command = "exitproof plan" if what == "run" else f"exitproof plan --{what}"
    raise BadInput([Problem(source, 1, 1, f"{text}; see `{command}`", given or "")])


def plan(fleet: FleetInfo, loaded: Loaded) -> Plan:
    """Pure: nothing is asked of any system."""
    accounts: Counter[str] = Counter()
    grants: Counter[str] = Counter()
    events: Counter[str] = Counter()
    pools = {pool_key(case): case.access for case in loaded.cases}
    for access, people in [(c.access, 1) for c in loaded.cases] + [(access, POOL_SIZE) for access in pools.values()]:
        accounts.update(dict.fromkeys({e.system for e in access}, people))
        for wanted in access:
            if wanted.kind is not Kind.ACCOUNT and wanted.by is None:
                grants[f"{wanted.system} {wanted.kind}"] += people
    for case in loaded.cases:
        if case.join:
            events[f"{case.join.via} {case.join.event}"] += 1
        events[f"{case.leave.via} {case.leave.event}"] += 1
        for step in (*case.before, *case.then):
            if step.event:
                events[f"{step.via or case.leave.via} {step.event}"] += 1
    return Plan(
        cases=len(loaded.cases),
        identities=most_identities(loaded.cases, [n for n, info in fleet.systems.items() if "create" in info.able]),
        accounts=dict(sorted(accounts.items())),
        grants=dict(sorted(grants.items())),
        objects=tuple(sorted({f"{o.system} {o.kind} {o.name}" for c in loaded.cases for o in c.objects})),
        events=dict(sorted(events.items())),
        digest=digest(fleet, loaded),
    )


def plan_selftest(fleet: FleetInfo, loaded: Loaded) -> Plan:
    """Of a self-test, which fires no event: one of each kind for each of its people. Pure."""
    soil = {name: Soil(info.type, info.kinds) for name, info in fleet.systems.items()}
    planned = [seed for each in seeds(soil, fleet.guard, loaded.cases).values() for seed in each]
    return Plan(
        cases=0,
        identities=PEOPLE,
        accounts={name: PEOPLE for name, info in fleet.systems.items() if "create" in info.able},
        grants={f"{seed.system} {seed.kind}": PEOPLE for seed in planned if seed.wanted},
        objects=tuple(f"{seed.system} {seed.kind} {seed.owned}" for seed in planned if seed.owned),
        events={},
        digest=digest(fleet, loaded, "selftest"),
    )
