"""What one tried story came to: which laws it broke, what could not be told, or why it could not be set up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.model import Case, Finding, Kind, Outcome, Phase, Presence, RunResult, Subject, Verdict


@dataclass(frozen=True, slots=True, order=True)
class Failure:
    """A law broken in one place. Two stories that break it in the same place failed in the same way, whatever the
    access was called."""

    system: str
    kind: str
    vantage: str
    outcome: str

    def __str__(self) -> str:
        seen = " (seen by the leaver)" if self.vantage == "leaver" else ""
        return f"{self.kind} in {self.system}: {self.outcome}{seen}"


@dataclass(frozen=True, slots=True)
class Tried:
    """`failed` broke a law, `unsure` could not be told; `trouble` says why nobody left: nothing is then known."""

    failed: frozenset[Failure] = frozenset()
    unsure: frozenset[Failure] = frozenset()
    told: tuple[tuple[Failure, str, str], ...] = ()  # each with a name that it befell, and the reason
    trouble: str = ""
    left: str = ""  # what cleanup could not take back


def tried(run: RunResult) -> Tried:
    """Of a run of one case."""
    (case,) = run.cases
    left = (
        ""
        if case.cleanup.complete and run.cleanup.complete
        else "; ".join((*case.cleanup.leftovers, *run.cleanup.leftovers))
    )
    if case.t0 is None:
        return Tried(trouble=case.reason or "it could not be set up", left=left)
    if case.case.before and not case.findings:
        return Tried(trouble="its earlier life left nothing to take", left=left)
    found = (*case.findings, *run.bystanders)
    failed = [finding for finding in found if finding.verdict is Verdict.FAIL]
    open_ends = [finding for finding in found if finding.verdict is Verdict.INCONCLUSIVE]
    unsure = [finding for finding in open_ends if not _of_its_life(finding, case.case)]
    told = tuple(dict.fromkeys((_failure(f), f.name, f.reason) for f in (*failed, *unsure)))
    vague = frozenset(map(_failure, unsure))
    if case.verdict is Verdict.INCONCLUSIVE and not open_ends:  # of the case as a whole
        whole = Failure("", "case", "admin", str(Outcome.INCONCLUSIVE))
        vague, told = frozenset({whole}), (*told, (whole, "", case.reason or "nothing was observed"))
    return Tried(frozenset(map(_failure, failed)), vague, told, left=left)


def _of_its_life(finding: Finding, case: Case) -> bool:
    """Whether it is open only because of the story: its earlier life had taken it already, as a suspension takes what
    a credential opens; or had given it, so that no bystander holds the like."""
    if not case.before or finding.subject is not Subject.LEAVER:
        return False
    baseline = [each for each in finding.observations if each.phase is Phase.BASELINE]
    taken = bool(baseline) and baseline[-1].presence is Presence.ABSENT
    held = {(wanted.system, wanted.kind) for wanted in case.access}
    return taken or (finding.kind is not Kind.ACCOUNT and (finding.system, finding.kind) not in held)


def _failure(finding: Finding) -> Failure:
    return Failure(finding.system, str(finding.kind), str(finding.vantage), str(finding.outcome))


def names(of: Iterable[tuple[Failure, str, str]], failure: Failure) -> list[str]:
    return list(dict.fromkeys(name for each, name, _ in of if each == failure))
