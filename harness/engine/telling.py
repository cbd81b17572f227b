"""What is told of a run holds no secret: a system may name its rows, or its errors, after what it was sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from harness.engine.context import SetupFailed
from harness.engine.party import Party
from harness.engine.tasks import Cancelled
from harness.model import Case, CaseResult, Claim, Cleanup, Finding, Instant, Verdict
from harness.ports import Vault


class Teller:
    """Cuts every known secret out of results. Remembers texts, because looks repeat them thousands of times."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._known: dict[str, str] = {}

    def text(self, text: str) -> str:
        clean = self._known.get(text)
        if clean is None:
            clean = self._known[text] = self._vault.scrub(text)
        return clean

    def finding(self, found: Finding) -> Finding:
        """The same object where there is nothing to cut."""
        words = self.text
        looks = found.observations
        if any(words(look.reason) != look.reason for look in looks):
            looks = tuple(replace(look, reason=words(look.reason)) for look in looks)
        name, reason, notes = words(found.name), words(found.reason), _each(words, found.notes)
        grant_id = found.grant_id and words(found.grant_id)
        if (name, grant_id, reason, notes) == (found.name, found.grant_id, found.reason, found.notes):
            return found if looks is found.observations else replace(found, observations=looks)
        return replace(found, name=name, grant_id=grant_id, reason=reason, notes=notes, observations=looks)

    def cleanup(self, done: Cleanup) -> Cleanup:
        left, resting = _each(self.text, done.leftovers), _each(self.text, done.resting)
        return replace(done, leftovers=left, resting=resting)

    def case(self, result: CaseResult) -> CaseResult:
        return replace(
            result,
            reason=result.reason and self.text(result.reason),
            claim_detail=self.text(result.claim_detail),
            findings=tuple(map(self.finding, result.findings)),
            cleanup=self.cleanup(result.cleanup),
            notes=_each(self.text, result.notes),
            events=tuple((at, self.text(word)) for at, word in result.events),
        )


def _each(words: Callable[[str], str], texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(words, texts))


def broken(vault: Vault, case: Case, party: Party | None, fault: BaseException, now: Instant) -> CaseResult:
    """A case that could not be lived to its end: why, and what it may have left."""
    why = "stopped" if isinstance(fault, Cancelled) else f"internal error: {type(fault).__name__}: {fault}"
    why = vault.scrub(str(fault) if isinstance(fault, SetupFailed) else why)
    left = tuple(f"{a.system}: account {a.id}" for mine in (party.accounts if party else {}).values() for a in mine)
    return CaseResult(case, Verdict.INCONCLUSIVE, why, Claim.NONE, "", None, "", now, now, (), Cleanup(not left, left))
