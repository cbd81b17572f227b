"""What a row of the bench says: the stories that meet a defect, and every finding that must fail there."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from harness.model import Finding


@dataclass(frozen=True, slots=True)
class Expected:
    """One kind of failing finding: `system/kind/name glob vantage outcome`."""

    system: str
    kind: str
    name: str
    vantage: str
    outcome: str

    def fits(self, finding: Finding) -> bool:
        facts = (finding.system, str(finding.kind), str(finding.vantage), str(finding.outcome))
        named = fnmatchcase(finding.name, self.name)
        return named and facts == (self.system, self.kind, self.vantage, self.outcome)


@dataclass(frozen=True, slots=True)
class Row:
    """`blinded`: the defect hides things from the reader, so that not everything is decided or known to be cleaned."""

    stories: tuple[str, ...]
    findings: tuple[Expected, ...]
    blinded: bool = False


def row(stories: str, *lines: str, blinded: bool = False) -> Row:
    """`stories` by name, `terminate/` unless they say otherwise; a line is `system/kind/name vantage outcome`."""
    ids = tuple(name if "/" in name else f"terminate/{name}" for name in stories.split())
    found = []
    for line in lines:
        grant, vantage, outcome = line.split()
        system, kind, name = grant.split("/")
        found.append(Expected(system, kind, name, vantage, outcome))
    return Row(ids, tuple(found), blinded)
