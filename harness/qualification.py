"""What a self-test says of each probe, and what that does to the passes of later runs. Pure: no I/O, no clock.

A probe that was never seen failing is only believed: it is qualified when it saw what was planted, did not see what was
taken away, and said `unknown` while it was broken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from harness.model import (
    CaseResult,
    Coverage,
    CoverageCell,
    Finding,
    Instant,
    Kind,
    Outcome,
    Presence,
    Vantage,
    Verdict,
    iso,
    join,
)


class Demand(StrEnum):
    """What a probe was put to."""

    PLANTED = "planted"
    TAKEN_AWAY = "taken away"
    WRONG_CREDENTIAL = "wrong credential"
    REFUSED = "refused connection"

    @property
    def wants(self) -> Presence:
        return {Demand.PLANTED: Presence.PRESENT, Demand.TAKEN_AWAY: Presence.ABSENT}.get(self, Presence.UNKNOWN)


BREAKS = (Demand.WRONG_CREDENTIAL, Demand.REFUSED)


class Standing(StrEnum):
    QUALIFIED = "qualified"
    UNPROVEN = "not qualified"  # something could not be tried
    BLIND = "blind"  # it could not see what was there, or still saw what was not
    LYING = "lying"  # it said absent of what was there


@dataclass(frozen=True, slots=True)
class Trial:
    """One demand on one probe. `seen` None: it could not be tried, for this `reason`. `record`: its ledger line."""

    demand: Demand
    seen: Presence | None
    reason: str = ""
    record: str = ""

    @property
    def met(self) -> bool:
        return self.seen is self.demand.wants

    @property
    def lied(self) -> bool:
        """Said absent of what was there, the one thing that makes a false pass."""
        return self.seen is Presence.ABSENT and self.demand is not Demand.TAKEN_AWAY


@dataclass(frozen=True, slots=True)
class Probe:
    """One kind of one system from one vantage (and by one channel). `name` is what was planted, `scope` what the fleet
    says that its reader needs for it."""

    system: str
    kind: Kind
    vantage: Vantage
    channel: str = ""
    name: str = ""
    scope: str = ""
    trials: tuple[Trial, ...] = ()

    @property
    def standing(self) -> Standing:
        """Something that breaks nothing (the reader needs no credential, say) proves nothing, and harms nobody: one
        way to break it must have worked."""
        if any(trial.lied for trial in self.trials):
            return Standing.LYING
        asked = [trial for trial in self.trials if trial.demand not in BREAKS]
        if any(trial.seen is not None and not trial.met for trial in asked):
            return Standing.BLIND
        broken = any(trial.met for trial in self.trials if trial.demand in BREAKS)
        tried = {trial.demand for trial in asked if trial.met}
        whole = broken and tried == {Demand.PLANTED, Demand.TAKEN_AWAY}
        return Standing.QUALIFIED if whole else Standing.UNPROVEN

    @property
    def why(self) -> str:
        """The first demand that was not met, in a sentence; empty for a qualified probe."""
        if self.standing is Standing.QUALIFIED:
            return ""
        lied = [trial for trial in self.trials if trial.lied]
        failed = [trial for trial in self.trials if trial.seen is not None and not trial.met]
        missed = [trial for trial in self.trials if trial.seen is None]
        trial = next(iter([*lied, *failed, *missed]), None)
        if trial is None:
            return "nothing was tried"
        if trial.lied:
            while_ = "while it was there" if trial.demand is Demand.PLANTED else f"while it was broken ({trial.demand})"
            return _said(f"said absent {while_}", trial.reason)
        if trial.seen is None:
            return _said(f"{trial.demand} could not be tried", trial.reason)
        needs = f"; its reader needs {self.scope}" if self.scope and trial.demand is Demand.PLANTED else ""
        return _said(f"{trial.seen} where {trial.demand} demands {trial.demand.wants}", trial.reason) + needs


def _said(what: str, reason: str) -> str:
    return f"{what}: {reason}" if reason else what


@dataclass(frozen=True, slots=True)
class Blind:
    """A place that a self-test found unfit: its passes are worth nothing."""

    system: str
    kind: Kind
    vantage: Vantage
    standing: Standing
    reason: str


@dataclass(frozen=True, slots=True)
class Qualification:
    """The newest self-test of a fleet, as a later run cites it. `stale`: what has changed since, so that it says
    nothing of this run; `sha256` is that of its selftest.json."""

    id: str
    at: Instant
    sha256: str
    qualified: int
    unproven: int
    blind: tuple[Blind, ...] = ()
    stale: str = ""


def grounds(of: Qualification | None) -> dict[tuple[str, Kind, Vantage], str]:
    """Place -> why a pass there does not count. A stale self-test says nothing, either way."""
    if of is None or of.stale:
        return {}
    day = iso(of.at)[:10]
    return {(b.system, b.kind, b.vantage): f"{b.standing}: the self-test of {day} failed: {b.reason}" for b in of.blind}


def downgraded(finding: Finding, of: Qualification | None) -> Finding:
    """A pass that a blind probe measured is inconclusive; what failed stays failed."""
    why = grounds(of).get((finding.system, finding.kind, finding.vantage))
    if why is None or finding.verdict is not Verdict.PASS:
        return finding
    return replace(finding, outcome=Outcome.INCONCLUSIVE, reason=why, notes=(*finding.notes, _was(finding)))


def _was(finding: Finding) -> str:
    return f"without the self-test: {finding.outcome}, {finding.reason}" if finding.reason else f"was {finding.outcome}"


def downgraded_case(result: CaseResult, of: Qualification | None) -> CaseResult:
    """Its verdict can only become worse by it."""
    findings = tuple(downgraded(finding, of) for finding in result.findings)
    if findings == result.findings:
        return result
    verdict = join([result.verdict, *(finding.verdict for finding in findings)])
    return replace(result, findings=findings, verdict=verdict)


def downgraded_cells(cells: Sequence[CoverageCell], of: Qualification | None) -> tuple[CoverageCell, ...]:
    """A place where something was measured, by a probe that is blind, is blind."""
    why = grounds(of)
    measured = (Coverage.TESTED, Coverage.WITH_ACCOUNT_ONLY, Coverage.BLIND)
    return tuple(
        replace(cell, status=Coverage.BLIND, reason=why[cell.system, cell.kind, cell.vantage])
        if cell.status in measured and (cell.system, cell.kind, cell.vantage) in why
        else cell
        for cell in cells
    )
