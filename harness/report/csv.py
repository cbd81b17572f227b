"""findings.csv: one row a finding, for an auditor's own sampling. A derived view: results.json stays exact.

Cells that a spreadsheet would run as a formula are disarmed with an apostrophe, also behind leading blanks and in
the full-width forms (OWASP ASVS 5.0, 1.2.10); quoting and line ends as in RFC 4180.
"""

from __future__ import annotations

import csv
import io

from harness.model import Instant, RunResult, iso
from harness.report.about import About
from harness.report.ids import Entry, entries
from harness.report.show import visible

_TRIGGERS = frozenset("=+-@\t\r\n\0＝＋－＠|%")
COLUMNS = (
    "case", "subject", "identity", "system", "owner", "kind", "name", "grant_id", "vantage", "channel",
    "outcome", "verdict", "reason", "t0", "last_present", "first_absent", "deadline",
    "gone_after_s_more_than", "gone_after_s_at_most", "flaps", "looks",
    "beneath", "keep_until", "keep_owner", "keep_ticket", "keep_approved_by",
    "claimed", "fingerprint", "id",
)  # fmt: skip


def findings(run: RunResult, about: About) -> str:
    """The whole file as text with CRLF line ends."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for entry in entries(run):
        writer.writerow([_cell(value) for value in _row(entry, about)])
    return out.getvalue()


def _row(entry: Entry, about: About) -> tuple[str | int | float | None, ...]:
    f, result = entry.finding, entry.result
    t0 = result.t0 if result else None
    return (
        result.case.id if result else " ".join(f.cases),
        f.subject.value, f.identity, f.system, about.owner(f.system), f.kind.value, f.name, f.grant_id,
        f.vantage.value, f.channel, f.outcome.value, f.verdict.word, f.reason,
        _at(t0), _at(f.last_present), _at(f.first_absent), _at(f.deadline),
        _after(f.last_present, t0), _after(f.first_absent, t0), f.flaps, len(f.observations),
        f.beneath.value if f.beneath else "", f.keep.until.isoformat() if f.keep else "",
        f.keep.owner if f.keep else "", f.keep.ticket if f.keep else "", f.keep.approved_by if f.keep else "",
        result.claimed.value if result else "", entry.fingerprint, entry.id,
    )  # fmt: skip


def _cell(value: str | int | float | None) -> str | int | float:
    """Numbers stay numbers; text is shown with its hidden characters and can start no formula."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    armed = value.lstrip()[:1] in _TRIGGERS or value[:1] in _TRIGGERS if value.strip() else False
    return f"'{visible(value)}" if armed else str(visible(value))


def _at(at: Instant | None) -> str:
    return "" if at is None else iso(at)


def _after(at: Instant | None, t0: Instant | None) -> float | str:
    return "" if at is None or t0 is None else (at - t0) // 1000 / 1000
