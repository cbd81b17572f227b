"""What one finding is called in every drill: the same story, grant and vantage, with what is a run's own left out."""

from __future__ import annotations

import hashlib

from harness.engine.party import Party
from harness.model import Finding, Outcome

BYSTANDERS = "bystanders"  # which of them it was differs from run to run: what counts is what was lost


def fingerprint(whose: str, finding: Finding, party: Party | None) -> str:
    """`whose`: the case's id, or `BYSTANDERS`."""
    name = finding.name
    if party is not None:
        for value, word in ((party.identity.username, "{username}"), (party.identity.external_id, "{external_id}")):
            name = name.replace(value, word)
    parts = (whose, finding.subject, finding.system, finding.kind, name, finding.vantage, finding.channel)
    expects = "has" if finding.outcome in (Outcome.INTACT, Outcome.MISSING) else "gone"
    if whose == BYSTANDERS:
        expects = "has"
    return hashlib.sha256("\x1f".join([*map(str, parts), expects]).encode()).hexdigest()[:16]
