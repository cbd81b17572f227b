"""What a run may make and give: the cap on identities and `may_grant`, deny by default, before anything starts."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from harness.model import BadInput, Case, Kind, Problem
from harness.ports import Fleet


def check_guard(fleet: Fleet, cases: Sequence[Case]) -> None:
    """Outside the sandbox: the cap on identities, and `may_grant`, deny by default. Raises `BadInput`."""
    guard = fleet.guard
    problems: list[Problem] = []
    keys = {(c.join, tuple(sorted(c.attributes.items())), c.access) for c in cases}
    most = len(cases) + 2 * len(keys)
    if most > guard.max_identities:
        text = f"this run needs up to {most} identities, guard.max_identities allows"
        problems.append(Problem(fleet.source, 1, 1, text, str(guard.max_identities)))
    if guard.may_grant is not None:
        for case in cases:
            for wanted in case.access:
                if wanted.kind is Kind.ACCOUNT or wanted.by is not None:
                    continue
                globs = guard.may_grant.get(wanted.system, {}).get(wanted.kind, ())
                if not any(fnmatchcase(wanted.name, g) or fnmatchcase(wanted.label, g) for g in globs):
                    text = f"guard.may_grant does not allow {wanted.system} {wanted.kind}"
                    problems.append(Problem(case.source, 1, 1, text, wanted.label, tuple(globs)))
    if problems:
        raise BadInput(problems)
