"""What real software was seen to leave behind, as findings that a story must bring; and who leaves nothing behind."""

from __future__ import annotations

from dataclasses import dataclass

from harness.model import Kind, Outcome, Subject, Vantage, Verdict
from tests.real.drills import Drilled


@dataclass(frozen=True)
class Fact:
    """One observed residual. `seen` is a sentence for the documentation; `case` the story that brings the finding on
    this grant. `reason` and `note` are words that the finding's reason and notes must hold."""

    id: str  # openldap/member-uid-stays
    seen: str
    case: str
    system: str
    kind: Kind
    name: str | None
    outcome: Outcome = Outcome.RESIDUAL
    vantage: Vantage = Vantage.ADMIN
    channel: str | None = None
    reason: str = ""
    note: str = ""
    subject: Subject = Subject.LEAVER  # a bystander's is `collateral`


@dataclass(frozen=True)
class Clean:
    """A story after which nothing remains, and which passes."""

    id: str
    seen: str
    case: str


def holds(fact: Fact, drilled: Drilled) -> None:
    """The story brought exactly the one finding that the fact names, and its cleanup was complete."""
    result = drilled.case(fact.case)
    assert result.reason is None, result.reason
    found = [
        f
        for f in result.findings
        if f.subject is fact.subject
        and (f.system, f.kind, f.vantage) == (fact.system, fact.kind, fact.vantage)
        and (fact.name is None or f.name == fact.name)
        and (fact.channel is None or f.channel == fact.channel)
    ]
    if len(found) > 1:  # an earlier account's and a later one's
        found = [f for f in found if f.outcome is fact.outcome and fact.reason in f.reason]
    told = [(f.system, f.kind, f.name, f.vantage, f.channel, f.outcome, f.reason) for f in result.findings]
    assert len(found) == 1, told
    assert found[0].outcome is fact.outcome, found[0].reason
    assert fact.reason in found[0].reason, found[0].reason
    assert not fact.note or any(fact.note in note for note in found[0].notes), found[0].notes
    assert result.cleanup.complete, result.cleanup.leftovers


def passes(clean: Clean, drilled: Drilled) -> None:
    """Nothing failed and nothing was left unseen."""
    result = drilled.case(clean.case)
    told = [(f.system, f.kind, f.name, f.vantage, f.outcome, f.reason) for f in result.findings]
    assert result.verdict is Verdict.PASS, (
        result.reason,
        [each for each in told if each[4].verdict is not Verdict.PASS],
    )
    assert {f.outcome for f in result.findings} & {Outcome.REVOKED}, told
    assert result.cleanup.complete, result.cleanup.leftovers
