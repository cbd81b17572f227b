"""The parts of a hand-made run: cases, leavers and results, with everything usual filled in."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from harness.model import (
    SECOND,
    Case,
    CaseResult,
    Claim,
    Cleanup,
    Demand,
    Entitlement,
    Finding,
    Identity,
    Instant,
    Kind,
    Leave,
    Secret,
    Subject,
    Within,
    join,
)
from tests.report.world import MINUTE

START = int(datetime(2026, 11, 20, 9, 0, tzinfo=UTC).timestamp()) * SECOND


def case(case_id: str, title: str, story: str, *, event: str = "terminate", via: str = "hr-feed", **more: Any) -> Case:
    made = Case(
        id=case_id,
        scenario=case_id.partition("[")[0],
        title=title,
        story=story,
        source=f"scenarios/{case_id.partition('[')[0]}.yaml",
        sha256=hashlib.sha256(case_id.encode()).hexdigest(),
        tags=("quarterly",),
        params={"leave.event": event} if "[" in case_id else {},
        attributes={"department": "Finance"},
        objects=(),
        access=(Entitlement("crm", Kind.LICENSE, "sales-pro"),),
        join=None,
        before=(),
        leave=Leave(via, event, "resignation"),
        then=(),
        account="disabled",
        within=Within(15 * MINUTE, {"crm": 40 * MINUTE}),
        hold=(10 * MINUTE,),
        settle=None,
        poll=None,
        keep=(),
        demand=Demand(),
        controls=("nist-800-53:PS-4", "soc2:CC6.3"),
    )
    return replace(made, **more)


def identity(n: int) -> Identity:
    name = f"zz-leaver-7-{n}"
    return Identity(
        f"leaver-{n}",
        n,
        Subject.LEAVER,
        name,
        f"{name}@drill.example.test",
        Secret("not-in-any-report"),
        "Lea",
        f"Ver {n}",
        f"E-{1000 + n}",
    )


def result(
    made: Case, n: int, t0: Instant | None, findings: tuple[Finding, ...], claimed: Claim, detail: str = "", **more: Any
) -> CaseResult:
    at = t0 if t0 is not None else START
    base = CaseResult(
        case=made,
        verdict=join([f.verdict for f in findings]),
        reason=None,
        claimed=claimed,
        claim_detail=detail,
        t0=t0,
        t0_basis="answered" if t0 is not None else "",
        started=at - 9 * SECOND,
        finished=at + 1512 * SECOND,
        findings=findings,
        cleanup=Cleanup(True),
        identity=identity(n),
        events=(
            (at - 200_000, f"{made.leave.event} sent"),
            (at, f"{made.leave.event} answered"),
            (at + 901 * SECOND, "sync"),
        ),
    )
    return replace(base, **more)
