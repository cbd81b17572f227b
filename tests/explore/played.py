"""A fleet that is played: runs made up from the cases themselves, with the connector's flaws as rules over a case."""

from __future__ import annotations

from collections.abc import Callable

from harness.model import (
    Case,
    CaseResult,
    Claim,
    Cleanup,
    Finding,
    Kind,
    Outcome,
    RunResult,
    Subject,
    Vantage,
    Verdict,
    join,
)
from harness.scenario import Loaded

Flaw = Callable[[Case], Finding | None]


def renamed_owner(case: Case) -> Finding | None:
    owned = [wanted.name for wanted in case.access if (wanted.system, wanted.kind) == ("code", Kind.OWNERSHIP)]
    renamed = any(step.event == "rename" for step in case.before)
    return finding("code", Kind.OWNERSHIP, owned[0], Outcome.RESIDUAL) if owned and renamed else None


def blind_groups(case: Case) -> Finding | None:
    held = [wanted.name for wanted in case.access if wanted.kind is Kind.GROUP]
    return finding("crm", Kind.GROUP, held[0], Outcome.INCONCLUSIVE) if held else None


def finding(system: str, kind: Kind, name: str, outcome: Outcome) -> Finding:
    return Finding(Subject.LEAVER, system, kind, name, "1", Vantage.ADMIN, outcome, "as played")


class Played:
    """What `Attempts` plays its cases on; `setup` is why nobody gets as far as leaving."""

    def __init__(self, *flaws: Flaw, setup: str = "", left: tuple[str, ...] = ()) -> None:
        self.flaws, self.setup, self.left = flaws, setup, left
        self.runs = 0

    def __call__(self, loaded: Loaded) -> RunResult:
        self.runs += 1
        (case,) = loaded.cases
        met = tuple(found for flaw in self.flaws if (found := flaw(case)) is not None)
        whole = [finding(wanted.system, wanted.kind, wanted.name, Outcome.REVOKED) for wanted in case.access]
        met = (*met, *whole)
        verdict = Verdict.INCONCLUSIVE if self.setup else join([Verdict.PASS, *(each.verdict for each in met)])
        cleanup = Cleanup(not self.left, self.left)
        t0 = None if self.setup else 1
        met = () if self.setup else met
        result = CaseResult(case, verdict, self.setup or None, Claim.SUCCESS, "", t0, "answered", 0, 2, met, cleanup)
        return RunResult("run", 0, 2, verdict, (result,), (), (), (), Cleanup(True))
