"""What one run says about one defect: which findings fail, whether they are where it must show, and how soon."""

from __future__ import annotations

from collections.abc import Iterable

from harness.examine.model import Cell, Sighting
from harness.model import Claim, Finding, Instant, Outcome, Presence, RunResult, Verdict
from harness.session.virtual import Planted

CLAIM = "claim"
MILLISECOND = 1_000  # of the model's microseconds


def cell(story: str, run: RunResult, defect: Planted) -> Cell:
    """One story with one defect, judged by what is declared with the defect and by nothing else."""
    left = min((case.t0 for case in run.cases if case.t0 is not None), default=None)
    found = [(finding, case.t0) for case in run.cases for finding in case.findings]
    found += [(finding, left) for finding in run.bystanders]
    sightings = [sighting(f, t0, defect.shows) for f, t0 in found if f.verdict is Verdict.FAIL]
    claim = _contradicted(run)
    right = any(each.right for each in sightings) or (CLAIM in defect.shows and bool(claim))
    return Cell(story, run.verdict.word, right, tuple(sorted(sightings, key=_place)), claim)


def sighting(finding: Finding, t0: Instant | None, shows: Iterable[str]) -> Sighting:
    proof = _proof(finding, t0 or 0)
    after = None if proof is None or t0 is None else max(0, proof - t0) // MILLISECOND
    place = f"{finding.system}/{finding.kind}"
    facts = (finding.system, str(finding.kind), finding.name, str(finding.vantage), str(finding.outcome))
    return Sighting(*facts, str(finding.subject), place in shows, after)


def _place(each: Sighting) -> tuple[object, ...]:
    return (not each.right, each.system, each.kind, each.name, each.vantage, each.outcome, each.after_ms or 0)


def _contradicted(run: RunResult) -> str:
    """The claim of a case that was measured to be otherwise."""
    for case in run.cases:
        wrong = (Claim.SUCCESS, Verdict.FAIL), (Claim.ERROR, Verdict.PASS)
        if (case.claimed, case.verdict) in wrong:
            return str(case.claimed)
    return ""


def _proof(finding: Finding, t0: Instant) -> Instant | None:
    """The look without which the finding would not fail: of what remains, the first that still sees it when it should
    be gone; of what came back, the first that sees it again; of what should have stayed, the first that misses it."""
    looks = [look for look in finding.observations if look.sent >= t0]
    there = [look.sent for look in looks if look.presence is Presence.PRESENT]
    gone = [look.sent for look in looks if look.presence is Presence.ABSENT]
    if finding.outcome is Outcome.RESURRECTED:
        return next((at for at in there if gone and at > gone[0]), None)
    if finding.outcome in (Outcome.COLLATERAL, Outcome.MISSING):
        return gone[0] if gone else None
    due = finding.deadline or t0
    return next((at for at in there if at >= due), there[-1] if there else None)
