"""Plain text for a terminal: the table of findings that a failed item prints, and the run in one line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from harness.model import CaseResult, Claim, Finding, Outcome, RunResult, Subject, Verdict
from harness.report.show import clip, count, one_line, since, visible
from harness.report.tally import Tally, places, tally

HEAD = ("outcome", "system", "kind", "name", "vantage", "when", "why")
_CLAIMS = {
    Claim.SUCCESS: "claimed success",
    Claim.ERROR: "claimed an error",
    Claim.NONE: "claimed nothing",
}
_MARKS = {Verdict.FAIL: "✗", Verdict.INCONCLUSIVE: "?", Verdict.PASS: "✓"}


def case_table(result: CaseResult, bystanders: Sequence[Finding] = ()) -> str:
    """The failure text of a pytest item: what was claimed, what was measured, worst first. Findings of bystanders
    that belong to the case may be given too; the passing ones are only counted."""
    case = result.case
    head = f"{_MARKS[result.verdict]} {visible(case.id)}: {result.verdict.word}"
    if result.reason:
        head += f": {clip(one_line(result.reason))}"
    claim = f"  {visible(case.leave.via)} {_CLAIMS[result.claimed]} for {visible(case.leave.event)}"
    if result.claim_detail:
        claim += f" ({clip(one_line(result.claim_detail), 200)})"
    mine = [f for f in bystanders if case.id in f.cases]
    found = sorted((*result.findings, *mine), key=lambda f: (-f.verdict, f.outcome, f.system, f.kind, f.name))
    rows = [_row(f, result.t0) for f in found if f.verdict is not Verdict.PASS]
    passed = Counter(f.outcome for f in found if f.verdict is Verdict.PASS)
    lines = [head, claim]
    if rows:
        lines += ["", *_aligned([HEAD, *rows])]
    if passed:
        lines += ["", "  and " + ", ".join(f"{n} {outcome}" for outcome, n in sorted(passed.items()))]
    lines += kept_lines(found)
    if not found:
        lines.append("  nothing was observed")
    if not result.cleanup.complete:
        left = ", ".join(clip(one_line(item), 120) for item in result.cleanup.leftovers)
        lines.append(f"  cleanup incomplete: {left or 'no look confirmed it'}")
    return "\n".join(lines)


def kept_lines(found: Sequence[Finding]) -> list[str]:
    """What an exception lets stay, with the outcome beneath it: a pass that must not hide."""
    return [
        f"  kept by exception, {f.beneath or 'present'} beneath: {clip(f.system, 30)} {f.kind} {clip(f.name, 60)}, "
        f"{f.vantage} ({clip(one_line(f.keep.owner), 60)}, until {f.keep.until})"
        for f in found
        if f.outcome is Outcome.KEPT and f.keep is not None
    ]


def _row(f: Finding, t0: int | None) -> tuple[str, ...]:
    if f.first_absent is not None and f.last_present is not None and f.first_absent > f.last_present:
        when = f"gone in ({since(f.last_present, t0)}, {since(f.first_absent, t0)}]".replace("+", "")
    elif f.last_present is not None:
        when = f"seen {since(f.last_present, t0)}"
    else:
        when = "never seen"
    vantage = f"{f.vantage}/{clip(f.channel, 30)}" if f.channel else f.vantage.value
    who = "" if f.subject is Subject.LEAVER else f" ({f.subject})"
    name = clip(f.name, 60) + who
    return (f.outcome.value, clip(f.system, 30), f.kind.value, name, vantage, when, clip(one_line(f.reason)))


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    return [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def summary(run: RunResult) -> str:
    """The run in one line: how many grants still work and where, what else went wrong, what was not seen."""
    counts = tally(run)
    return f"{headline(counts)} {tail(counts, run)}".strip()


def headline(counts: Tally) -> str:
    """The first sentence. It says that nothing remains only where something was measured."""
    if counts.works:
        verb = "grant still works" if len(counts.works) == 1 else "grants still work"
        return f"{len(counts.works)} {verb} after offboarding: {places(counts.works)}."
    if counts.on_record:
        verb = "grant is" if len(counts.on_record) == 1 else "grants are"
        return f"{len(counts.on_record)} {verb} still on record, refused in use: {places(counts.on_record)}."
    if not counts.grants:
        return "Nothing was measured: no leaver's grant was judged."
    if counts.verdict is Verdict.PASS and not counts.outcomes[Outcome.INCONCLUSIVE]:
        where = "in every place that was checked" if not counts.unseen else "in the places that were checked"
        return f"0 grants still work {where}."
    return "No grant was seen to remain, but the run did not pass."


def tail(counts: Tally, run: RunResult) -> str:
    """The rest of the line: other failures, doubts, what passed, and leftovers."""
    parts = []
    if counts.works and counts.on_record:
        parts.append(f"{len(counts.on_record)} on record but refused in use")
    for outcome, word in (
        (Outcome.LATE, "late"),
        (Outcome.MISSING, "missing"),
        (Outcome.CONTRADICTED, "contradicted by the system's own trail"),
    ):
        if held := counts.having(outcome):
            parts.append(f"{len(held)} {word}")
    if counts.lost:
        parts.append(f"{count(len(counts.lost), 'bystander grant')} lost")
    if unclear := counts.outcomes[Outcome.INCONCLUSIVE]:
        parts.append(f"{unclear} inconclusive")
    if counts.broken:
        parts.append(f"{count(len(counts.broken), 'case')} not judged")
    gone = sum(held.outcomes == {Outcome.REVOKED} for held in counts.grants)
    parts.append(f"{gone} revoked in {count(len(run.cases), 'case')}")
    for one in run.exceptions:
        if one.idle:
            parts.append(f"the exception {clip(one_line(one.keep.label), 80)} ({one.keep.where}) matched nothing")
    if counts.unseen:
        parts.append(f"{count(counts.unseen, 'place')} not checked")
    if run.deselected:
        parts.append(f"{count(len(run.deselected), 'case')} deselected")
    if not run.cleanup.complete:
        parts.append(f"cleanup incomplete ({count(len(run.cleanup.leftovers), 'leftover')})")
    return "; ".join(parts) + "."
