"""Reading a result in a test."""

from __future__ import annotations

from harness.model import CaseResult, Finding, Kind, RunResult, Vantage


def only(run: RunResult) -> CaseResult:
    assert len(run.cases) == 1
    return run.cases[0]


def outcomes(result: CaseResult) -> dict[tuple[str, str, str], str]:
    return {(f.system, f"{f.kind}/{f.name}", f.vantage): f.outcome.value for f in result.findings}


def find(result: CaseResult, kind: Kind, vantage: Vantage = Vantage.ADMIN) -> Finding:
    return next(f for f in result.findings if f.kind is kind and f.vantage is vantage)
