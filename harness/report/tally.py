"""What the numbers on page one and in the summary line are counted from: one place, so that they agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from harness.model import Coverage, CoverageCell, Finding, Kind, Outcome, RunResult, Subject, Vantage, Verdict
from harness.report.ids import Entry, entries
from harness.report.show import clip

REMAINS = (Outcome.RESIDUAL, Outcome.RESURRECTED)
SEEN = (Coverage.TESTED, Coverage.WITHOUT)  # every other cell of the coverage table is a place not fully seen


@dataclass(frozen=True, slots=True)
class Held:
    """One grant with all that was found about it: one finding per vantage and channel."""

    entries: tuple[Entry, ...]

    @property
    def first(self) -> Finding:
        return self.entries[0].finding

    @property
    def outcomes(self) -> frozenset[Outcome]:
        return frozenset(entry.finding.outcome for entry in self.entries)

    @property
    def remains(self) -> bool:
        return any(outcome in REMAINS for outcome in self.outcomes)

    @property
    def refused(self) -> bool:
        """Still listed by the admin's vantage, but its own use was measured to be refused."""
        found = [entry.finding for entry in self.entries]
        used = [f for f in found if f.vantage is Vantage.LEAVER]
        if any(f.outcome not in (Outcome.REVOKED, Outcome.LATE) for f in used):
            return False
        left = [f for f in found if f.outcome in REMAINS]
        return bool(left) and (bool(used) or all("use refused" in f.notes for f in left))


@dataclass(frozen=True, slots=True)
class Tally:
    """A run in numbers. `grants` are the leavers' own; bystanders are counted apart."""

    grants: tuple[Held, ...]
    bystanders: tuple[Entry, ...]
    outcomes: Counter[Outcome]  # findings of both
    unseen: int  # cells of the coverage table that were not fully seen
    broken: tuple[str, ...]  # cases that are not a pass without a finding that says so: their ids
    verdict: Verdict
    cases: Counter[Verdict] = field(default_factory=Counter)

    @property
    def works(self) -> tuple[Held, ...]:
        return tuple(held for held in self.grants if held.remains and not held.refused)

    @property
    def on_record(self) -> tuple[Held, ...]:
        return tuple(held for held in self.grants if held.remains and held.refused)

    def having(self, *outcomes: Outcome) -> tuple[Held, ...]:
        """The leavers' grants with one of these outcomes that do not remain (those are counted already)."""
        return tuple(held for held in self.grants if not held.remains and held.outcomes & set(outcomes))

    @property
    def lost(self) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.bystanders if entry.finding.outcome is Outcome.COLLATERAL)


def coverage(run: RunResult, systems: Iterable[str] = ()) -> tuple[CoverageCell, ...]:
    """The run's own cells, and an undeclared one for each place that it is silent about: silence is not a look."""
    told = {(cell.system, cell.kind) for cell in run.coverage}
    names = dict.fromkeys([*systems, *(cell.system for cell in run.coverage)])
    silent = [
        CoverageCell(system, kind, Vantage.ADMIN, Coverage.UNDECLARED, "the run is silent about it")
        for system in names
        for kind in Kind
        if (system, kind) not in told
    ]
    return (*run.coverage, *silent)


def tally(run: RunResult, systems: Iterable[str] = ()) -> Tally:
    """Counts a run on these systems (those of its coverage, if none are given). Nothing measured stays nothing:
    no default is a pass."""
    groups: dict[tuple[str, ...], list[Entry]] = {}
    others: list[Entry] = []
    found = entries(run)
    broken: list[str] = []
    worst: dict[str, Verdict] = {}
    for entry in found:
        f, result = entry.finding, entry.result
        if result is not None:
            worst[result.case.id] = max(worst.get(result.case.id, Verdict.PASS), f.verdict)
        for case_id in f.cases if result is None else ():
            worst[case_id] = max(worst.get(case_id, Verdict.PASS), f.verdict)
        if f.subject is not Subject.LEAVER:
            others.append(entry)
            continue
        case_id = result.case.id if result else ""
        key = (case_id, f.identity, f.system, f.kind.value, f.name, f.grant_id or "")
        groups.setdefault(key, []).append(entry)
    for result in run.cases:
        if result.verdict > worst.get(result.case.id, Verdict.PASS):
            broken.append(result.case.id)
    return Tally(
        grants=tuple(Held(tuple(group)) for group in groups.values()),
        bystanders=tuple(others),
        outcomes=Counter(entry.finding.outcome for entry in found),
        unseen=sum(cell.status not in SEEN for cell in coverage(run, systems)),
        broken=tuple(broken),
        verdict=run.verdict,
        cases=Counter(result.verdict for result in run.cases),
    )


def places(grants: Iterable[Held]) -> str:
    """Where grants remain: `crm 2 (credential, license), mail 1 (delegation)`, most first."""
    kinds: dict[str, Counter[str]] = {}
    for held in grants:
        kinds.setdefault(clip(held.first.system, 40), Counter())[held.first.kind.value] += 1
    ordered = sorted(kinds.items(), key=lambda item: (-item[1].total(), item[0]))
    return ", ".join(f"{system} {found.total()} ({', '.join(sorted(found))})" for system, found in ordered)
