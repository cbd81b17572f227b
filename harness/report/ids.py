"""Names that stay: fingerprints across runs, finding ids within one, anchors that links can rely on."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from urllib.parse import quote

from harness.model import CaseResult, Finding, Observation, RunResult

_UNSAFE = re.compile(r"[^A-Za-z0-9/_.,=\[\]-]+")


def digest(*parts: object) -> str:
    """sha256 over the parts as JSON text: unambiguous where joining with a separator is not."""
    return hashlib.sha256(json.dumps(parts, ensure_ascii=True, default=str).encode()).hexdigest()


def fingerprint(finding: Finding, case_id: str) -> str:
    """The same grant of the same case in every run, whatever came out: what a comparison of two runs joins by.
    System ids and run ids are new each time and stay out of it."""
    if finding.fingerprint:
        return finding.fingerprint
    f = finding
    whose = case_id or f.identity
    return digest(whose, f.subject, f.system, f.kind, f.name, f.vantage, f.channel)[:32]


def observation_id(observation: Observation) -> str:
    """The sha256 of its ledger record; without a ledger, of what it says."""
    o = observation
    return o.id or digest(o.presence, o.phase, o.round, o.sent, o.answered, o.reason, o.checkpoint, o.evidence)


def safe(text: str) -> str:
    """The text as (part of) an HTML id. What an id cannot hold is replaced, and a hash keeps it unique."""
    clean = _UNSAFE.sub("-", text)
    return clean if clean == text and len(text) <= 160 else f"{clean[:160]}-{digest(text)[:8]}"


def href(anchor: str, file: str = "") -> str:
    return quote(file, safe="/.-") + "#" + quote(anchor, safe="/_.,=-~")


def case_file(case_id: str) -> str:
    """The page of a case in a large run: its id, short and in lower case, and a hash that keeps it unique on every file
    system."""
    clean = re.sub(r"[^a-z0-9]+", "-", case_id.lower()).strip("-")[:80]
    return f"cases/{clean}-{digest(case_id)[:8]}.html"


@dataclass(frozen=True, slots=True)
class Entry:
    """One finding where it stands: its case (None: a bystander's), its id and its anchor, unique in the run; `file` is
    the page that holds it, seen from the one that links there (empty: the same)."""

    result: CaseResult | None
    finding: Finding
    id: str
    anchor: str
    fingerprint: str
    file: str = ""

    @property
    def href(self) -> str:
        return href(self.anchor, self.file)


def entries(run: RunResult, *, paged: bool = False) -> list[Entry]:
    """Every finding of the run in its own order: the cases', then the bystanders'. `paged`: cases have pages of their
    own."""
    rows: list[tuple[CaseResult | None, Finding]] = [(case, finding) for case in run.cases for finding in case.findings]
    rows += [(None, finding) for finding in run.bystanders]
    made: list[Entry] = []
    taken: set[str] = set()
    for result, f in rows:
        case_id = result.case.id if result else ""
        print_ = fingerprint(f, case_id)
        where = ".".join(filter(None, (f.system, f.kind, f.name, f.vantage, f.channel)))
        base = safe(f"{case_id or 'bystander.' + f.identity}.{where}")
        key = "f-" + digest(run.id, case_id, f.identity, f.grant_id, print_, where)[:16]
        name, anchor, turn = key, base, 1
        while name in taken or anchor in taken:  # the same name under another id, or twice in one list
            turn += 1
            name, anchor = f"{key}.{turn}", f"{base}.{turn}"
        taken |= {name, anchor}
        made.append(Entry(result, f, name, anchor, print_, case_file(case_id) if paged and result else ""))
    return made
