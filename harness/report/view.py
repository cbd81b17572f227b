"""The view model of the whole report: everything a template prints, already counted, ordered and linked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.controls import ControlMap, bundled
from harness.model import CaseResult, Duration, Outcome, RunResult, Verdict, human
from harness.report.about import About, Exchanges
from harness.report.cases import CaseView, Row, case_view, counts, order, polls, row_view
from harness.report.controls import Shown, controls
from harness.report.exceptions import Kept, exceptions
from harness.report.exchanges import Appendix
from harness.report.front import Front, front
from harness.report.ids import Entry, case_file, entries
from harness.report.matrix import Matrix, group_anchor, matrix
from harness.report.show import plain_url, span, stamp
from harness.report.since import Since, since
from harness.report.tally import Tally, tally

INDEXED = 500  # rows of a kind in the index of a large run
FULL_POLLS = 1_000  # looks in one report before runs of like looks are left to the ledger


@dataclass(frozen=True, slots=True)
class Group:
    """One cell of the matrix in the index of findings."""

    anchor: str
    system: str
    kind: str
    number: int
    rows: tuple[Row, ...]
    counts: tuple[
        tuple[str, str, int], ...
    ]  # in place of the rows where these are too many: verdict, outcome, how many


@dataclass(frozen=True, slots=True)
class System:
    name: str
    type: str
    url: str
    reader: str
    independent: bool
    owner: str


@dataclass(frozen=True, slots=True)
class Page:
    run: RunResult
    about: About
    started: str
    finished: str
    took: str
    front: Front
    tally: Tally
    matrix: Matrix
    remains: tuple[Row, ...]
    unclear: tuple[Row, ...]
    left_out: tuple[int, int]  # rows of these two that only the cases' pages and findings.csv have
    groups: tuple[Group, ...]
    cases: tuple[CaseView, ...]
    bystanders: tuple[Row, ...]
    exceptions: tuple[Kept, ...]
    systems: tuple[System, ...]
    timing: tuple[tuple[str, int], ...]
    clock: str
    controls: tuple[Shown, ...]
    since: Since | None
    control_map: ControlMap
    appendix: Appendix
    condensed: bool
    paged: bool
    alone: bool = False  # a case by itself


def page(run: RunResult, about: About, exchange: Exchanges, *, paged: bool = False) -> Page:
    """Builds the view; reads each cited exchange once, those of failures first. `paged`: only the index of a large run,
    whose cases have pages of their own."""
    found = entries(run, paged=paged)
    names = [system.name for system in about.systems]
    appendix = Appendix(exchange)
    looks = sum(len(entry.finding.observations) for entry in found)
    condense = looks > FULL_POLLS
    by_case: dict[int, list[Entry]] = {}
    for entry in found:
        by_case.setdefault(id(entry.result), []).append(entry)
    for entry in sorted(found, key=order):  # so that the budget of the appendix goes to failures
        if entry.finding.verdict is Verdict.PASS or paged:
            break
        polls(entry.finding.observations, None, appendix, condense)
    files = {case.case.id: case_file(case.case.id) if paged else "" for case in run.cases}
    cases = tuple(
        case_view(case, by_case.get(id(case), []), about, appendix, condense, file=files[case.case.id])
        for case in run.cases
    )
    others = [entry for entry in found if entry.result is None]
    links = {case.id: case.href for case in cases}
    bystanders = tuple(
        replace(row, cases=tuple((id_, links.get(id_, "")) for id_, _ in row.cases))
        for row in (row_view(entry, about, appendix, condense) for entry in sorted(others, key=order))
    )
    rows = [row for case in cases for row in case.rows]
    if paged:
        mine = (entry for entry in found if entry.result is not None and _told(entry))
        rows = [row_view(entry, about, None, condense) for entry in mine]
    failed = sorted((row for row in rows if row.verdict == "fail"), key=_remains)
    unclear = [row for row in [*rows, *bystanders] if row.verdict == "inconclusive"]
    most = INDEXED if paged else len(failed) + len(unclear)
    return Page(
        run=run,
        about=about,
        started=stamp(run.started),
        finished=stamp(run.finished),
        took=span(run.finished - run.started),
        front=front(run, about, told := tally(run, names), found),
        tally=told,
        matrix=matrix(run, about, found),
        remains=tuple(failed[:most]),
        unclear=tuple(unclear[:most]),
        left_out=(len(failed[most:]), len(unclear[most:])),
        groups=_groups(found, [] if paged else rows),
        cases=cases,
        bystanders=bystanders,
        exceptions=exceptions(run, rows),
        systems=tuple(
            System(one.name, one.type, plain_url(one.url), one.reader, one.independent, one.owner)
            for one in about.systems
        ),
        timing=_timing(run.cases),
        clock="not measured" if about.clock_offset_ms is None else f"{about.clock_offset_ms} ms",
        controls=controls(run, about, found),
        since=since(about.compared),
        control_map=bundled(),
        appendix=appendix,
        condensed=condense,
        paged=paged,
    )


def case_page(
    result: CaseResult, found: Sequence[Entry], about: About, exchange: Exchanges
) -> tuple[CaseView, Appendix]:
    """One case of a large run on a page of its own, every look and exchange of it; `found`: its own entries."""
    appendix = Appendix(exchange, "../")
    return case_view(result, found, about, appendix, condense=False), appendix


def _told(entry: Entry) -> bool:
    """Whether the index of a large run has a row for it."""
    return entry.finding.verdict is not Verdict.PASS or entry.finding.outcome is Outcome.KEPT


def _remains(row: Row) -> tuple[int, str, str, str, str]:
    ranks = (Outcome.RESIDUAL, Outcome.RESURRECTED, Outcome.LATE, Outcome.CONTRADICTED, Outcome.MISSING)
    outcome = row.entry.finding.outcome
    return (ranks.index(outcome) if outcome in ranks else len(ranks), row.system, row.kind, row.name, row.case_id)


def _groups(found: Sequence[Entry], rows: Sequence[Row]) -> tuple[Group, ...]:
    cells: dict[tuple[str, str], list[Entry]] = {}
    listed: dict[tuple[str, str], list[Row]] = {}
    for entry in found:
        if entry.result is not None:
            cells.setdefault((entry.finding.system, entry.finding.kind.value), []).append(entry)
    for row in rows:
        listed.setdefault((row.system, row.kind), []).append(row)
    return tuple(
        Group(
            group_anchor(*place),
            *place,
            len(mine),
            tuple(sorted(listed.get(place, ()), key=lambda row: order(row.entry))),
            counts(mine),
        )
        for place, mine in sorted(cells.items())
    )


def _timing(cases: Sequence[CaseResult]) -> tuple[tuple[str, int], ...]:
    """The clockwork that cases really used, with how many cases used it."""
    return tuple(sorted(Counter(_clockwork(result) for result in cases).items(), key=lambda item: (-item[1], item[0])))


def _clockwork(result: CaseResult) -> str:
    case = result.case
    default: Duration = case.within.default
    own = "".join(f", {where} {human(limit)}" for where, limit in sorted(case.within.by.items()))
    hold = ", ".join(map(human, case.hold)) or "one look after settle"
    return (
        f"within {human(default)}{own} · settle {human(case.settle_of(default))}"
        f" · poll at most every {human(case.poll_of(default))} · hold {hold}"
    )
