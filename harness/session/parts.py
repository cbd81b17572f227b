"""The share of a run that a worker hands over: what it tells, without secrets."""

from __future__ import annotations

from dataclasses import replace

from harness.model import CaseResult, RunResult, Secret


def without_secrets(outcome: RunResult) -> RunResult:
    """For the way from a worker: what is told of a run holds no password of its people. What it knows of secrets goes
    beside it, for the sweep alone, and is written nowhere."""

    def bare(result: CaseResult) -> CaseResult:
        if result.identity is None:
            return result
        return replace(result, identity=replace(result.identity, password=Secret("")))

    return replace(outcome, cases=tuple(map(bare, outcome.cases)))
