"""The coverage matrix, kinds × systems: what was looked at, what came out there, and what nobody could see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from harness.model import Coverage, CoverageCell, Kind, Outcome, RunResult, Verdict
from harness.report.about import About
from harness.report.ids import Entry, safe
from harness.report.tally import SEEN, coverage

MEANING = {
    Coverage.TESTED: "a grant was seen present, then judged",
    Coverage.BLIND: "the probe could not see",
    Coverage.NOT_EXERCISED: "no case held such access",
    Coverage.NOT_LISTABLE: "the system offers no way to list it",
    Coverage.WITHOUT: "the system has none",
    Coverage.UNDECLARED: "the fleet file is silent about it",
    Coverage.WITH_ACCOUNT_ONLY: "only concluded from the account being gone",
}
_GROUPS = (
    ("fail", "remain", (Outcome.RESIDUAL, Outcome.RESURRECTED)),
    ("fail", "late", (Outcome.LATE,)),
    ("fail", "missing", (Outcome.MISSING,)),
    ("fail", "contradicted", (Outcome.CONTRADICTED,)),
    ("fail", "collateral", (Outcome.COLLATERAL,)),
    ("inconclusive", "inconclusive", (Outcome.INCONCLUSIVE,)),
    ("kept", "kept", (Outcome.KEPT,)),
    ("pass", "gone", (Outcome.REVOKED,)),
    ("pass", "intact", (Outcome.INTACT,)),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One vantage in one cell. `counts`: verdict, number, word."""

    vantage: str
    status: str
    seen: bool
    verdict: str
    counts: tuple[tuple[str, int, str], ...]
    cases: int
    href: str


@dataclass(frozen=True, slots=True)
class Unseen:
    system: str
    owner: str
    kind: str
    vantage: str
    status: str
    meaning: str
    reason: str


@dataclass(frozen=True, slots=True)
class Matrix:
    systems: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[Line, ...], ...]], ...]  # kind, then one cell a system
    unseen: tuple[Unseen, ...]
    without: tuple[Unseen, ...]


def matrix(run: RunResult, about: About, found: Sequence[Entry]) -> Matrix:
    """`found`: every finding of the run, bystanders too."""
    told = coverage(run, [system.name for system in about.systems])
    cells: dict[tuple[str, Kind], list[CoverageCell]] = {}
    for cell in told:
        cells.setdefault((cell.system, cell.kind), []).append(cell)
    outcomes: dict[tuple[str, str, str], Counter[Outcome]] = {}
    for entry in found:
        f = entry.finding
        if entry.result is not None:
            outcomes.setdefault((f.system, f.kind.value, f.vantage.value), Counter())[f.outcome] += 1
    systems = tuple(dict.fromkeys([*(system.name for system in about.systems), *(cell.system for cell in told)]))
    kinds = [kind for kind in Kind if any(kind is cell.kind for cell in told)]
    return Matrix(
        systems=systems,
        rows=tuple(
            (
                kind.value,
                tuple(tuple(_line(cell, outcomes) for cell in cells.get((system, kind), ())) for system in systems),
            )
            for kind in kinds
        ),
        unseen=tuple(_unseen(cell, about) for cell in told if cell.status not in SEEN),
        without=tuple(_unseen(cell, about) for cell in told if cell.status is Coverage.WITHOUT),
    )


def _line(cell: CoverageCell, outcomes: dict[tuple[str, str, str], Counter[Outcome]]) -> Line:
    key = (cell.system, cell.kind.value, cell.vantage.value)
    found = outcomes.get(key, Counter())
    counts = tuple(
        (verdict, number, word)
        for verdict, word, group in _GROUPS
        if (number := sum(found[outcome] for outcome in group))
    )
    worst = max((outcome.verdict for outcome in found), default=Verdict.INCONCLUSIVE)
    seen = cell.status in SEEN
    if cell.status is Coverage.WITHOUT:
        verdict = "none"
    elif not seen and worst is not Verdict.FAIL:
        verdict = "unseen"
    else:
        verdict = counts[0][0] if counts else "none"
    link = f"#{group_anchor(cell.system, cell.kind.value)}" if counts else "" if seen else "#unseen"
    return Line(cell.vantage.value, cell.status.value, seen, verdict, counts, cell.cases, link)


def group_anchor(system: str, kind: str) -> str:
    """Where the index of findings lists one cell of the matrix."""
    return safe(f"at.{system}.{kind}")


def _unseen(cell: CoverageCell, about: About) -> Unseen:
    return Unseen(
        system=cell.system,
        owner=about.owner(cell.system),
        kind=cell.kind.value,
        vantage=cell.vantage.value,
        status=cell.status.value,
        meaning=MEANING[cell.status],
        reason=cell.reason,
    )
