"""What a run may make and give: the cap on identities and `may_grant`, deny by default, before anything starts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from harness.model import BadInput, Case, Entitlement, Kind, Problem
from harness.ports import Fleet, Guard

POOL_SIZE = 2


def check_guard(fleet: Fleet, cases: Sequence[Case]) -> None:
    """Outside the sandbox: the cap on identities, and `may_grant`, deny by default. Raises `BadInput`."""
    guard = fleet.guard
    problems: list[Problem] = []
    bare = [n for n, entry in fleet.systems.items() if entry.control is None and entry.system.declaration().creates]
    most = most_identities(cases, bare)
    if most > guard.max_identities:
        text = f"this run needs up to {most} identities, guard.max_identities allows"
        problems.append(Problem(fleet.source, 1, 1, text, str(guard.max_identities)))
    if guard.may_grant is not None:
        for case in cases:
            for wanted in case.access:
                if wanted.kind is Kind.ACCOUNT or wanted.by is not None:
                    continue
                if not allows(guard, wanted):
                    globs = guard.may_grant.get(wanted.system, {}).get(wanted.kind, ())
                    text = f"guard.may_grant does not allow {wanted.system} {wanted.kind}"
                    problems.append(Problem(case.source, 1, 1, text, wanted.label, tuple(globs)))
    if problems:
        raise BadInput(problems)


def allows(guard: Guard, wanted: Entitlement) -> bool:
    """Whether `may_grant` names it, by its name or its label."""
    if guard.may_grant is None:
        return True
    globs = guard.may_grant.get(wanted.system, {}).get(wanted.kind, ())
    return any(fnmatchcase(wanted.name, g) or fnmatchcase(wanted.label, g) for g in globs)


def most_identities(cases: Sequence[Case], bare: Iterable[str]) -> int:
    """How many a run may make: each leaver, the bystanders of each set of equal access, and those of every system in
    `bare` (where the harness can make accounts, and no control stands by) that some case's access does not reach."""
    pools: set[object] = {pool_key(case) for case in cases}
    for case in cases:
        reached = {wanted.system for wanted in case.access}
        pools |= {("bare", n) for n in bare if n not in reached and (case.systems is None or n in case.systems)}
    return len(cases) + POOL_SIZE * len(pools)


def pool_key(case: Case) -> object:
    """Cases of the same key share their bystanders."""
    joined = (case.join.via, case.join.event) if case.join else None
    objects = tuple((o.system, str(o.kind), o.name, str(o.owner)) for o in case.objects)
    return (joined, tuple(sorted(case.attributes.items())), case.access, objects, case.systems)
