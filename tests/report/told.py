"""What the sample run tells about its fleet: coverage, systems and inputs."""

from __future__ import annotations

import hashlib

from harness.model import (
    CaseResult,
    Coverage,
    CoverageCell,
    Kind,
    Vantage,
)
from harness.report import About, Input, SystemInfo

# system: the kinds that were tested and in how many cases; `@leaver` from the leaver's vantage
TESTED = {
    "directory": "account=4 group=3",
    "crm": "license=2 credential=1 credential@leaver=2 role=1",
    "mail": "mailbox=1 delegation=1 forwarding=1",
    "code": "account=1 credential=1 credential@leaver=1 ownership=1 consent=1",
}


def coverage() -> list[CoverageCell]:
    """Every kind of every system, as an engine tells it."""
    cells: list[CoverageCell] = []
    for system, words in TESTED.items():
        for word in words.split():
            place, _, number = word.partition("=")
            kind_word, _, vantage = place.partition("@")
            seen_from = Vantage(vantage or "admin")
            cells.append(CoverageCell(system, Kind(kind_word), seen_from, Coverage.TESTED, "", int(number)))
    for system, kind, status, reason in (
        ("directory", Kind.ROLE, Coverage.NOT_EXERCISED, "no case held a role"),
        ("directory", Kind.SESSION, Coverage.NOT_LISTABLE, "SCIM has no place for sessions"),
        ("crm", Kind.ACCOUNT, Coverage.NOT_EXERCISED, "no case judged it"),
        ("crm", Kind.GROUP, Coverage.WITH_ACCOUNT_ONLY, "answers 404 below a deleted account"),
        ("crm", Kind.SESSION, Coverage.UNDECLARED, ""),
        ("mail", Kind.SESSION, Coverage.NOT_LISTABLE, "no API"),
        ("code", Kind.SESSION, Coverage.BLIND, "503 on every look after the event"),
    ):
        cells.append(CoverageCell(system, kind, Vantage.ADMIN, status, reason))
    told = {(cell.system, cell.kind) for cell in cells}
    for system in TESTED:
        cells += [
            CoverageCell(system, kind, Vantage.ADMIN, Coverage.WITHOUT, f"{system} has none")
            for kind in Kind
            if (system, kind) not in told
        ]
    return cells


def about(cases: tuple[CaseResult, ...]) -> About:
    sources = {one.case.source: one.case.sha256 for one in cases}
    systems = (
        SystemInfo("directory", "scim", "http://127.0.0.1:9002/scim/v2", "reader token", True, "iam-team@example.test"),
        SystemInfo("crm", "http", "http://127.0.0.1:9001", "CRM_TOKEN", False, "sales-ops@example.test"),
        SystemInfo("mail", "http", "http://127.0.0.1:9003", "reader token", True, "mail-team@example.test"),
        SystemInfo("code", "http", "http://127.0.0.1:9004", "reader token", True, "platform@example.test"),
    )
    return About(
        run_id="2026-11-20-0900-7f3a",
        fleet="staging",
        environment="test",
        tool_version="0.1.0",
        operator="drill@example.test",
        ci="https://ci.example.test/jobs/811",
        clock_offset_ms=3,
        inputs=(Input("fleet.yaml", hashlib.sha256(b"fleet").hexdigest()), *(Input(p, s) for p, s in sources.items())),
        systems=systems,
        timing={"settle": "10s"},
        versions={"python": "3.11.7"},
    )
