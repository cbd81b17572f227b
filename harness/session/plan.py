"""What a run would do, before it does it; its digest is what consent is given to."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass

from harness import __version__
from harness.engine.guard import POOL_SIZE, most_identities, pool_key
from harness.fleet import FleetInfo
from harness.model import Kind
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


def digest(fleet: FleetInfo, loaded: Loaded) -> str:
    """Fleet, scenarios, exceptions, guard and version; not the run's id or time."""
    facts = {
        "version": __version__,
        "fleet": fleet.sha256,
        "cases": sorted((case.id, case.sha256) for case in loaded.cases),
        "exceptions": loaded.exceptions.sha256 if loaded.exceptions else None,
        "guard": repr(fleet.guard),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


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
