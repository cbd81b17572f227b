"""Page one: did access end everywhere, when, how do we know, what could we not see. Every sentence is computed.

It never says yes over something that nobody saw: one failure, doubt or unseen place changes the answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from harness.model import (
    Outcome,
    RunResult,
    Vantage,
    Verdict,
)
from harness.report.about import About
from harness.report.ids import Entry
from harness.report.measured import Part, Sentence, how, when
from harness.report.show import clip, count
from harness.report.tally import REMAINS, SEEN, Tally, coverage, places

FAILED = (Outcome.LATE, Outcome.MISSING, Outcome.CONTRADICTED)
NAMED = 6  # unseen places that page one names
LIMITS = "Synthetic leavers test the control, not every real leaver."


@dataclass(frozen=True, slots=True)
class Chip:
    verdict: str
    number: int
    word: str
    href: str


@dataclass(frozen=True, slots=True)
class Claim:
    """What one connector claimed, beside what was measured."""

    connector: str
    claimed: str
    cases: int
    passed: int
    failed: int
    inconclusive: int


@dataclass(frozen=True, slots=True)
class Front:
    verdict: str
    headline: str
    detail: str
    chips: tuple[Chip, ...]
    when: tuple[Sentence, ...]
    how: tuple[Sentence, ...]
    unseen: tuple[Sentence, ...]
    claims: tuple[Claim, ...]


def front(run: RunResult, about: About, counts: Tally, found: Sequence[Entry]) -> Front:
    verdict, headline, detail = answer(counts, run)
    return Front(
        verdict=verdict,
        headline=headline,
        detail=detail,
        chips=_chips(counts),
        when=tuple(when(counts, found)),
        how=tuple(how(about, found)),
        unseen=tuple(_unseen(run, about, counts)),
        claims=_claims(run),
    )


def answer(counts: Tally, run: RunResult) -> tuple[str, str, str]:
    """Verdict word, the answer, and the sentence below it."""
    left_out = any(result.case.systems is not None for result in run.cases)
    whole = count(len(counts.grants), "grant")
    if counts.works:
        number = len(counts.works)
        verb = "remains" if number == 1 else "remain"
        return "fail", f"No: {number} of {whole} {verb}.", f"Access remains in {places(counts.works)}. {_proof(counts)}"
    if counts.on_record:
        number = len(counts.on_record)
        verb = "is" if number == 1 else "are"
        return (
            "fail",
            f"No: {number} of {whole} {verb} still on record.",
            f"Refused in use, but listed: {places(counts.on_record)}.",
        )
    if late := counts.having(Outcome.LATE):
        return "fail", f"Too late. {count(len(late), 'grant')} ended after the deadline.", f"Late: {places(late)}."
    if counts.verdict is Verdict.FAIL:
        what = [
            f"{number} {outcome}"
            for outcome in (Outcome.MISSING, Outcome.COLLATERAL, Outcome.CONTRADICTED)
            if (number := counts.outcomes[outcome])
        ]
        return "fail", "Not as it should.", f"No access was seen to remain, but: {', '.join(what) or 'a case failed'}."
    doubts = counts.outcomes[Outcome.INCONCLUSIVE]
    if not counts.grants:
        return "inconclusive", "Not measured.", "No grant of a leaver was judged: nothing can be said."
    idle = sum(one.idle for one in run.exceptions)
    if counts.verdict is Verdict.INCONCLUSIVE or doubts or counts.broken:
        what = [count(doubts, "finding is", "findings are") + " inconclusive"] if doubts else []
        what += [f"{count(len(counts.broken), 'case was', 'cases were')} not judged"] if counts.broken else []
        what += [f"{count(idle, 'exception')} matched nothing"] if idle else []
        return "inconclusive", "Not proven.", f"{' and '.join(what) or 'The run did not pass'}: absence is not assumed."
    if counts.unseen or left_out or run.deselected:
        return (
            "inconclusive",
            "Only in the places we checked.",
            "Nothing was seen to remain, but not every place could be seen.",
        )
    kept = sum(Outcome.KEPT in held.outcomes for held in counts.grants)
    detail = f"But for {count(kept, 'exception')} in force, nothing remains." if kept else "Nothing remains."
    return "pass", "Yes, in every place we checked.", detail


def _proof(counts: Tally) -> str:
    """A record that lists access is no proof that it works: tells how many were really used."""
    used = sum(
        any(entry.finding.vantage is Vantage.LEAVER and entry.finding.outcome in REMAINS for entry in held.entries)
        for held in counts.works
    )
    listed = len(counts.works) - used
    parts = [f"{used} worked when used"] if used else []
    parts += [f"{listed} {'is' if listed == 1 else 'are'} known from the system's own record only"] if listed else []
    return f"{'; '.join(parts)}."


def _chips(counts: Tally) -> tuple[Chip, ...]:
    """The grants of the headline, each counted once, so that they add up; bystanders and places apart."""
    settled = [
        held.outcomes
        for held in counts.grants
        if not held.remains and not held.outcomes & {*FAILED, Outcome.COLLATERAL}
    ]
    doubtful = sum(Outcome.INCONCLUSIVE in outcomes for outcomes in settled)
    settled = [outcomes for outcomes in settled if Outcome.INCONCLUSIVE not in outcomes]
    kept = sum(Outcome.KEPT in outcomes for outcomes in settled)
    intact = sum(Outcome.INTACT in outcomes and Outcome.KEPT not in outcomes for outcomes in settled)
    unclear = sum(entry.finding.outcome is Outcome.INCONCLUSIVE for entry in counts.bystanders)
    made = (
        Chip("fail", len(counts.works), "remain", "#remains"),
        Chip("fail", len(counts.on_record), "on record, refused in use", "#remains"),
        Chip("fail", len(counts.having(Outcome.LATE)), "ended late", "#remains"),
        Chip("fail", len(counts.having(Outcome.MISSING)), "wrongly missing", "#remains"),
        Chip("fail", len(counts.having(Outcome.CONTRADICTED)), "contradicted by the trail", "#remains"),
        Chip("fail", len(counts.lost), "lost by bystanders", "#bystanders"),
        Chip("inconclusive", doubtful, "inconclusive", "#unclear"),
        Chip("inconclusive", unclear, "inconclusive for bystanders", "#unclear"),
        Chip(
            "inconclusive",
            len(counts.broken),
            "case not judged" if len(counts.broken) == 1 else "cases not judged",
            "#cases",
        ),
        Chip("pass", len(settled) - kept - intact, "revoked in time", "#findings"),
        Chip("pass", intact, "present as demanded", "#findings"),
        Chip("kept", kept, "kept by exception", "#exceptions"),
        Chip("unseen", counts.unseen, "place not checked" if counts.unseen == 1 else "places not checked", "#unseen"),
    )
    return tuple(chip for chip in made if chip.number)


def _unseen(run: RunResult, about: About, counts: Tally) -> list[Sentence]:
    lines: list[Sentence] = []
    if counts.unseen:
        cells = [cell for cell in coverage(run, [system.name for system in about.systems]) if cell.status not in SEEN]
        named = [f"{clip(cell.system, 40)} {cell.kind.value} ({cell.vantage.value})" for cell in cells[:NAMED]]
        named += [f"and {len(cells) - NAMED} more"] if len(cells) > NAMED else []
        where = count(counts.unseen, "place")
        lines.append((Part(where, "#unseen"), Part(f" could not be fully seen: {', '.join(named)}.")))
    elif run.coverage:
        lines.append((Part("Every declared place was "), Part("looked at", "#coverage"), Part(".")))
    else:
        lines.append((Part("The run tells no coverage: nothing is known about what was not looked at."),))
    if doubts := counts.outcomes[Outcome.INCONCLUSIVE]:
        lines.append(
            (
                Part(count(doubts, "finding"), "#unclear"),
                Part(" could not be judged: the looks do not carry a verdict."),
            )
        )
    narrow = [result for result in run.cases if result.case.systems is not None]
    if narrow:
        lines.append(
            (
                Part(count(len(narrow), "case"), "#cases"),
                Part(" looked at part of the fleet only: scenarios narrowed the systems."),
            )
        )
    if about.narrowed:
        lines.append((Part(f"Left out by that: {', '.join(about.narrowed)}."),))
    if run.deselected:
        number = count(len(run.deselected), "case")
        lines.append((Part(number, "#deselected"), Part(" did not run, because the fleet lacks what is needed.")))
    return lines


def _claims(run: RunResult) -> tuple[Claim, ...]:
    groups: dict[tuple[str, str], Counter[Verdict]] = {}
    for result in run.cases:
        groups.setdefault((result.case.leave.via, result.claimed.value), Counter())[result.verdict] += 1
    return tuple(
        Claim(via, claimed, found.total(), found[Verdict.PASS], found[Verdict.FAIL], found[Verdict.INCONCLUSIVE])
        for (via, claimed), found in sorted(groups.items())
    )
