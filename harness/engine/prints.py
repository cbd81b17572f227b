"""What one finding is called in every drill: the same story, grant and vantage, with what is a run's own left out."""

from __future__ import annotations

import hashlib

from harness.engine.party import Party, Track
from harness.model import Finding, Outcome, Subject

BYSTANDERS = "bystanders"  # which of them it was differs from run to run: what counts is what was lost


def fingerprint(whose: str, finding: Finding, party: Party | None) -> str:
    """`whose`: the case's id, or `BYSTANDERS`."""
    has = whose == BYSTANDERS or finding.outcome in (Outcome.INTACT, Outcome.MISSING)
    return _print(whose, finding.subject, finding, party, "has" if has else "gone")


def grant_print(case_id: str, track: Track, party: Party | None) -> str:
    """What the finding on a leaver's grant that must be gone will be called."""
    return _print(case_id, Subject.LEAVER, track, party, "gone")


def _print(whose: str, subject: Subject, of: Finding | Track, party: Party | None, expects: str) -> str:
    name = of.name
    if party is not None:
        for value, word in ((party.identity.username, "{username}"), (party.identity.external_id, "{external_id}")):
            name = name.replace(value, word)
    parts = (whose, subject, of.system, of.kind, name, of.vantage, of.channel, expects)
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()[:16]
