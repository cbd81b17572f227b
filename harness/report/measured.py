"""Page one's "when" and "how do we know": sentences computed from the findings and their looks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from harness.model import Duration, Finding, Instant, Outcome, Phase, Presence, Vantage, human, iso
from harness.report.about import About
from harness.report.ids import Entry
from harness.report.show import clip, count, label, span
from harness.report.tally import Tally


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a sentence; with a link, because every number leads to its rows."""

    text: str
    href: str = ""


NAMED = 6  # blind places that page one names
Sentence = tuple[Part, ...]


def when(counts: Tally, found: Sequence[Entry]) -> list[Sentence]:
    timed = [
        (entry.finding.first_absent, entry.result.t0, entry)
        for entry in found
        if entry.result is not None
        and entry.result.t0 is not None
        and entry.finding.first_absent is not None
        and entry.finding.last_present is not None
        and entry.finding.outcome in (Outcome.REVOKED, Outcome.LATE)
    ]
    if not timed:
        return [(Part("No grant was measured to end, so there is no time to tell."),)]
    lines: list[Sentence] = []
    # Credentials are used only in the closing looks, near the deadline by design: their upper bound tells nothing of
    # how fast access ended, so the admin's looks speak first.
    used = [item for item in timed if item[2].finding.vantage is Vantage.LEAVER]
    timed, used = ([item for item in timed if item not in used], used) if len(used) < len(timed) else (timed, [])
    gone, t0, slow = max(timed, key=lambda item: (item[2].finding.outcome is Outcome.LATE, item[0] - item[1]))
    f = slow.finding
    lines.append(
        (
            Part("Slowest: "),
            Part(label(f.kind.value, clip(f.name, 120)), slow.href),
            Part(f" in {f.system}, {_interval(f, t0)} after the event; {_against(f, t0)}."),
        )
    )
    spans = sorted(first - start for first, start, _ in timed)
    middle = span(spans[len(spans) // 2])
    lines.append(
        (
            Part("Ended: "),
            Part(count(len(timed), "finding"), "#findings"),
            Part(
                f"{' by the record' if used else ''}, half of them within {middle}; the slowest by {span(gone - t0)}."
                " Times are upper bounds."
            ),
        )
    )
    if used:
        slowest = span(max(first - start for first, start, _ in used))
        lines.append(
            (
                Part(f"{count(len(used), 'more finding')} by use, where most are asked only near the deadline: "),
                Part(f"the slowest by {slowest}."),
            )
        )
    if back := counts.outcomes[Outcome.RESURRECTED]:
        lines.append((Part(count(back, "finding"), "#remains"), Part(" came back after access had ended.")))
    return lines


def _interval(f: Finding, t0: Instant) -> str:
    if f.last_present is None or f.first_absent is None:
        return "at an unknown time"
    low: Duration = max(f.last_present - t0, 0)
    return f"gone between {span(low)} and {span(f.first_absent - t0)}"


def _against(f: Finding, t0: Instant) -> str:
    if f.deadline is None or f.first_absent is None:
        return "no deadline"
    if f.first_absent <= f.deadline:
        return f"deadline {human(f.deadline - t0)}, met"
    return f"deadline {human(f.deadline - t0)}, missed by {span(f.first_absent - f.deadline)}"


def how(about: About, found: Sequence[Entry]) -> list[Sentence]:
    mine = [entry.finding for entry in found if entry.result is not None]
    gone = [f for f in mine if f.outcome in (Outcome.REVOKED, Outcome.LATE)]
    word = "ended finding" if gone else "finding"
    looks = [look for entry in found for look in entry.finding.observations]
    based = sum(
        any(look.phase is Phase.BASELINE and look.presence is Presence.PRESENT for look in f.observations)
        for f in gone or mine
    )
    absent = [look for f in gone for look in f.observations if look.presence is Presence.ABSENT]
    vouched = sum(bool(look.control) for look in absent)
    held = sum(_last_in_hold(f) for f in gone)
    steady = [sum(look.presence is Presence.ABSENT for look in f.observations) for f in gone]
    seen = Counter(look.presence for look in looks)
    lines: list[Sentence] = [
        (
            Part("Baseline: "),
            Part(f"{based} of {count(len(gone or mine), word)}", "#findings"),
            Part(" had seen the access present just before the event."),
        ),
    ]
    if absent:
        lines.append(
            (
                Part(f"Control: {vouched} of {count(len(absent), 'look')} that saw access gone name "),
                Part("a control", "#bystanders"),
                Part(", offboarded by nobody, for whom the same probe still saw it."),
            )
        )
        lines.append(
            (
                Part(f"Steady: each of {count(len(gone), 'ended finding')} was absent in at least "),
                Part(count(min(steady), "look"), "#findings"),
                Part(f"; {held} of {len(gone)} were still absent at their last look, in the hold."),
            )
        )
    states = ", ".join(f"{seen[state]} {state}" for state in Presence)
    lines.append((Part(f"{count(len(looks), 'look')} behind the findings, bystanders' too: {states}."),))
    if about.systems:
        alone = [system.name for system in about.systems if not system.independent]
        text = f"{count(len(about.systems), 'reader')}, {len(about.systems) - len(alone)} independent of the writer"
        lines.append((Part(text, "#systems"), Part(f"; not independent: {', '.join(alone)}." if alone else ".")))
    lines.append(probed(about))
    return lines


def probed(about: About) -> Sentence:
    """Whether the probes themselves were put to the test, and how they stood it."""
    test = about.selftest
    if test is None:
        return (Part("Not self-tested: ", "#self-test"), Part("nobody has seen these probes fail where they must."))
    day = iso(test.at)[:10]
    if test.stale:
        return (
            Part("Not self-tested: ", "#self-test"),
            Part(f"the self-test of {day} says nothing here, {test.stale}."),
        )
    blind = [f"{clip(b.system, 40)} {b.kind.value} ({b.vantage.value})" for b in test.blind]
    named = ", ".join(blind[:NAMED]) + (f" and {len(blind) - NAMED} more" if len(blind) > NAMED else "")
    unfit = f"; blind: {named}, where nothing passes" if blind else ""
    untried = f"; {test.unproven} could not be tried" if test.unproven else ""
    return (
        Part(f"Self-test of {day}: "),
        Part(count(test.qualified, "probe"), "#self-test"),
        Part(f" qualified{untried}{unfit}."),
    )


def _last_in_hold(f: Finding) -> bool:
    last = max(f.observations, key=lambda look: (look.sent, look.round), default=None)
    return last is not None and last.presence is Presence.ABSENT and last.phase is Phase.HOLD
