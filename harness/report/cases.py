"""View model of a case: its findings with the polls behind each, and its timeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.model import CaseResult, Finding, Instant, Observation, Outcome, Presence, Subject, Verdict, human, iso
from harness.report import timeline
from harness.report.about import About
from harness.report.exchanges import Appendix, Link
from harness.report.ids import Entry, href, observation_id, safe
from harness.report.show import clip, label, one_line, since, stamp

CLAIMS = {"success": "claimed success", "error": "claimed an error", "none": "claimed nothing"}


@dataclass(frozen=True, slots=True)
class Poll:
    """One look, or (`skipped` > 0) a run of like looks that are left to the ledger."""

    at: str
    after: str
    phase: str
    presence: str
    reason: str
    control: str
    record: str  # the ledger record's own hash, shortened
    links: tuple[Link, ...]
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """One finding as it is printed wherever it appears."""

    id: str
    anchor: str
    href: str
    fingerprint: str
    case_id: str
    who: str
    subject: str
    system: str
    owner: str
    kind: str
    name: str
    label: str
    grant_id: str
    vantage: str
    outcome: str
    beneath: str  # the outcome without its exception, or the same again
    verdict: str
    reason: str
    notes: tuple[str, ...]
    course: str
    deadline: str
    deadline_at: str
    since: str
    polls: tuple[Poll, ...]
    looks: int
    unknown: int
    flaps: int
    cases: tuple[tuple[str, str], ...]  # bystanders: id and link
    entry: Entry


@dataclass(frozen=True, slots=True)
class CaseView:
    anchor: str
    href: str
    id: str
    title: str
    story: str
    params: tuple[tuple[str, str], ...]
    connector: str
    event: str
    claimed: str
    claim: str
    claim_detail: str
    verdict: str
    reason: str
    t0: str
    t0_basis: str
    who: str
    counts: tuple[tuple[str, str, int], ...]  # verdict, outcome, how many
    controls: tuple[str, ...]
    systems: tuple[str, ...] | None
    notes: tuple[str, ...]
    events: tuple[tuple[str, str, str], ...]  # iso, after T0, what
    rows: tuple[Row, ...]
    axis: timeline.Axis | None
    ticks: tuple[timeline.Tick, ...]
    event_marks: tuple[float, ...]
    lanes: tuple[tuple[Row, timeline.Lane], ...]
    complete: bool
    leftovers: tuple[str, ...]
    resting: tuple[str, ...]
    open: bool


def case_view(
    result: CaseResult,
    found: Sequence[Entry],
    about: About,
    appendix: Appendix,
    condense: bool,
    *,
    file: str = "",
) -> CaseView:
    """`found`: the case's own entries. `condense`: leave runs of like looks to the ledger. `file`: the case's
    page where it has one of its own; then only what the index tells of it is made."""
    case = result.case
    ordered = sorted(found, key=order)
    rows = () if file else tuple(row_view(entry, about, appendix, condense) for entry in ordered)
    scale = None if file else timeline.axis(result)
    anchor = safe(case.id)
    return CaseView(
        anchor=anchor,
        href=href(anchor, file),
        id=case.id,
        title=case.title or case.id,
        story=one_line(case.story),
        params=tuple(sorted(case.params.items())),
        connector=case.leave.via,
        event=case.leave.event,
        claimed=result.claimed.value,
        claim=CLAIMS[result.claimed.value],
        claim_detail=one_line(result.claim_detail),
        verdict=result.verdict.word,
        reason=one_line(result.reason or ""),
        t0=stamp(result.t0) if result.t0 is not None else "",
        t0_basis=result.t0_basis,
        who=result.identity.username if result.identity else "",
        counts=counts(ordered),
        controls=case.controls,
        systems=case.systems,
        notes=tuple(map(one_line, result.notes)),
        events=tuple((iso(at), since(at, result.t0), what) for at, what in sorted(result.events)),
        rows=rows,
        axis=scale,
        ticks=scale.ticks() if scale else (),
        event_marks=tuple(sorted({scale.x(at) for at, _ in result.events if at >= scale.t0})) if scale else (),
        lanes=tuple((row, timeline.lane(row.entry.finding, scale)) for row in rows) if scale else (),
        complete=result.cleanup.complete,
        leftovers=result.cleanup.leftovers,
        resting=result.cleanup.resting,
        open=result.verdict is not Verdict.PASS or not result.cleanup.complete,
    )


def order(entry: Entry) -> tuple[int, str, str, str, str]:
    """Worst first, then by place."""
    f = entry.finding
    return (-f.verdict, f.system, f.kind.value, f.name, f.vantage.value)


def counts(found: Sequence[Entry]) -> tuple[tuple[str, str, int], ...]:
    """Verdict, outcome, how many; the worst first."""
    outcomes = [entry.finding.outcome for entry in found]
    unique = sorted(set(outcomes), key=lambda outcome: (-outcome.verdict, outcome))
    return tuple((outcome.verdict.word, outcome.value, outcomes.count(outcome)) for outcome in unique)


def row_view(entry: Entry, about: About, appendix: Appendix | None, condense: bool) -> Row:
    """Without an `appendix` the row is one of an index: its looks stand where it links to."""
    f, result = entry.finding, entry.result
    t0 = result.t0 if result else None
    last = f.last_present
    whose = result.identity.username if result and result.identity and f.subject is Subject.LEAVER else f.identity
    return Row(
        id=entry.id,
        anchor=entry.anchor,
        href=entry.href,
        fingerprint=entry.fingerprint,
        case_id=result.case.id if result else "",
        who=clip(whose or f.subject.value, 120),
        subject=f.subject.value,
        system=f.system,
        owner=about.owner(f.system),
        kind=f.kind.value,
        name=clip(f.name, 120),
        label=clip(label(f.kind.value, f.name), 140),
        grant_id=clip(f.grant_id or "", 80),
        vantage=f"{f.vantage.value} · {clip(f.channel, 60)}" if f.channel else f.vantage.value,
        outcome=f.outcome.value,
        beneath=(f.beneath or f.outcome).value,
        verdict="kept" if f.outcome is Outcome.KEPT else f.verdict.word,
        reason=one_line(f.reason),
        notes=tuple(map(one_line, f.notes)),
        course=course(f, t0),
        deadline=human(f.deadline - t0) if f.deadline is not None and t0 is not None and f.deadline >= t0 else "",
        deadline_at=stamp(f.deadline) if f.deadline is not None else "",
        since=f"{since(last, t0)}" if last is not None else "never seen",
        polls=tuple(polls(f.observations, t0, appendix, condense)) if appendix else (),
        looks=len(f.observations),
        unknown=sum(look.presence is Presence.UNKNOWN for look in f.observations),
        flaps=f.flaps,
        cases=tuple((case_id, href(safe(case_id))) for case_id in f.cases),
        entry=entry,
    )


def course(f: Finding, t0: Instant | None) -> str:
    """What became of the grant, in words, with times after T0."""
    last, first = f.last_present, f.first_absent
    if f.outcome is Outcome.RESURRECTED and (turn := _turn(f)):
        gone, back = turn
        return f"gone by {_bare(gone, t0)}, back at {since(back, t0)}"
    if first is not None and last is not None and last > first:
        return f"gone by {_bare(first, t0)}, back at {since(last, t0)}"
    if first is not None and last is not None:
        start = "before T0" if t0 is not None and last < t0 else _bare(last, t0)
        return f"gone in ({start}, {_bare(first, t0)}]"
    if first is not None:
        return f"absent at {since(first, t0)}, never seen before"
    if last is None:
        return "never seen present"
    if f.outcome is Outcome.INCONCLUSIVE:
        return f"last seen present at {since(last, t0)}"
    return f"present at {since(last, t0)}"


def _turn(f: Finding) -> tuple[Instant, Instant] | None:
    """When it was first seen gone, and first seen again after that: its looks tell, its interval does not."""
    looks = sorted(f.observations, key=lambda look: (look.sent, look.round))
    gone = next((look for look in looks if look.presence is Presence.ABSENT), None)
    if gone is None:
        return None
    back = next((look for look in looks if look.presence is Presence.PRESENT and look.sent > gone.sent), None)
    return (gone.answered, back.sent) if back else None


def _bare(at: Instant, t0: Instant | None) -> str:
    """Inside an interval the sign only clutters."""
    return since(at, t0).removeprefix("+")


def polls(looks: Sequence[Observation], t0: Instant | None, appendix: Appendix, condense: bool) -> list[Poll]:
    """Every look with a link to each of its exchanges. Condensed: the ends of each run of like looks, and between
    them a row that tells how many are left to the ledger."""
    ordered = sorted(looks, key=lambda look: (look.sent, look.round))
    made: list[Poll] = []
    skipped: list[Observation] = []
    for index, look in enumerate(ordered):
        near = ordered[max(index - 1, 0) : index + 2]
        inner = 0 < index < len(ordered) - 1 and all(
            (other.presence, other.phase, other.reason, other.checkpoint)
            == (look.presence, look.phase, look.reason, look.checkpoint)
            for other in near
        )
        if condense and inner:
            skipped.append(look)
            continue
        if len(skipped) == 1:  # as long as the line that would stand for it
            made.append(_poll(skipped[0], t0, appendix.links(skipped[0].evidence)))
        elif skipped:
            made.append(_poll(skipped[0], t0, (), len(skipped)))
        skipped = []
        made.append(_poll(look, t0, appendix.links(look.evidence)))
    return made


def _poll(look: Observation, t0: Instant | None, links: tuple[Link, ...], skipped: int = 0) -> Poll:
    phase = look.checkpoint or look.phase.value
    if not phase.startswith(look.phase.value):
        phase = f"{look.phase.value}, {phase}"
    return Poll(
        at=stamp(look.sent),
        after=since(look.sent, t0),
        phase=phase,
        presence=look.presence.value,
        reason=one_line(look.reason),
        control="all controls lost" if look.control_lost else look.control,
        record=observation_id(look)[:12],
        links=links,
        skipped=skipped,
    )
