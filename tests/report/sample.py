"""A run made by hand: six leavers, five systems, all ten outcomes. `python -m tests.report.sample` writes the
committed sample report from it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from harness.model import (
    SECOND,
    Claim,
    Cleanup,
    Deselected,
    Excepted,
    Keep,
    Kind,
    Outcome,
    RunResult,
    Subject,
    Verdict,
)
from harness.report import About, write
from harness.report.drills import read
from tests.report.parts import START, case, result
from tests.report.told import about, coverage
from tests.report.world import MINUTE, World

DRILLS = Path(__file__).parent / "drills"  # written by tests.report.lineage
FOLDER = Path(__file__).parents[2] / "reports" / "sample"
KEEP = Keep(
    "mail",
    Kind.MAILBOX,
    "*",
    "90-day retention MB-7",
    "mail-team@example.test",
    date(2027, 2, 18),
    where="exceptions.yaml:2",
    scenario="terminate/*",
    ticket="SEC-2041",
    approved_by="ciso@example.test",
)
IDLE_KEEP = replace(
    KEEP, system="crm", kind=Kind.GROUP, name="interns-*", reason="shared desk", where="exceptions.yaml:9"
)
FAR_KEEP = replace(
    KEEP,
    system="any",
    kind=None,
    fingerprint="00c0ffee00c0ffee",
    scenario="quarterly/board-member",
    reason="seat until the annual meeting",
    where="exceptions.yaml:16",
    until=date(2026, 12, 31),
)
OLD_KEEP = Keep(
    "code", Kind.OWNERSHIP, "build-scripts", "hand-over CH-114", "platform@example.test", date(2026, 11, 19)
)


GONE = "-4P 1P 5P 15P 31P 41A 61A 92A 121A 901A 1500A"
STAYS = "-4P 1P 5P 15P 31P 61P 121P 242P 480P 899P 1500P"
LATE = "-4P 1P 31P 121P 480P 901P 1110A 1140A 1500A"
BACK = "-4P 1P 12P 22A 42A 61A 901A 1200P 1500P"
BLIND = "-4P 1P 21P 41U 61U 121U 480U 901U 1500U"
USED = "-3P 896A 1500A"
USED_WORKS = "-3P 896P 1500P"


def sample() -> tuple[RunResult, About, World]:
    """The run, what is told about it, and the world whose `exchanges` lie behind its looks."""
    world = World()
    at = [START + 12 * SECOND + n * 700_000 for n in range(6)]
    o = Outcome
    everyday = (
        world.finding(
            at[0],
            "directory/account/zz-leaver-7-1",
            o.REVOKED,
            GONE,
            "account disabled",
            "leaver-1",
            notes=("record remains",),
        ),
        world.finding(at[0], "directory/group/finance-all", o.REVOKED, GONE, "removed from the group", "leaver-1"),
        world.finding(
            at[0],
            "crm/license/sales-pro",
            o.RESIDUAL,
            STAYS,
            "still assigned at the last complete look",
            "leaver-1",
            within=40 * MINUTE,
        ),
        world.finding(
            at[0],
            "crm/credential/api-token",
            o.RESIDUAL,
            STAYS,
            "still listed at the last complete look",
            "leaver-1",
            within=40 * MINUTE,
        ),
        world.finding(
            at[0],
            "crm/credential/api-token",
            o.RESIDUAL,
            USED_WORKS,
            "the token still opens the API (200)",
            "leaver-1",
            leaver=True,
            within=40 * MINUTE,
        ),
        world.finding(
            at[0], "mail/delegation/finance-inbox#send-as", o.LATE, LATE, "gone 3 m 30 s after the deadline", "leaver-1"
        ),
        world.finding(
            at[0],
            "mail/mailbox/zz-leaver-7-1@drill.example.test",
            o.KEPT,
            STAYS,
            "present; exception MB-7 in force",
            "leaver-1",
            keep=KEEP,
            beneath=o.RESIDUAL,
        ),
    )
    deleted = (
        world.finding(at[1], "directory/account/zz-leaver-7-2", o.REVOKED, GONE, "record gone", "leaver-2"),
        world.finding(
            at[1], "crm/license/sales-pro", o.REVOKED, GONE, "gone with the account", "leaver-2", within=40 * MINUTE
        ),
        world.finding(
            at[1],
            "directory/group/finance-all",
            o.RESURRECTED,
            BACK,
            "back after the scheduled sync",
            "leaver-2",
            flaps=0,
        ),
    )
    owner = (
        world.finding(at[2], "code/account/zz-leaver-7-3", o.REVOKED, GONE, "account suspended", "leaver-3"),
        world.finding(
            at[2],
            "code/ownership/build-scripts",
            o.RESIDUAL,
            STAYS,
            "exception CH-114 expired on 2026-11-19",
            "leaver-3",
            keep=OLD_KEEP,
            notes=("exception expired",),
        ),
        world.finding(
            at[2],
            "code/credential/laptop-key",
            o.RESIDUAL,
            STAYS,
            "listed at the last complete look",
            "leaver-3",
            notes=("use refused",),
        ),
        world.finding(
            at[2],
            "code/credential/laptop-key",
            o.REVOKED,
            USED,
            "refused (401)",
            "leaver-3",
            leaver=True,
            channel="ssh",
        ),
        world.finding(
            at[2],
            "code/session/web",
            o.INCONCLUSIVE,
            BLIND,
            "no complete look after the event: 503 on every look",
            "leaver-3",
            unknown="503 Service Unavailable on every try",
        ),
        world.finding(
            at[2],
            "code/consent/build-bot",
            o.CONTRADICTED,
            GONE,
            "revoked, but the trail records the revocation as failed",
            "leaver-3",
        ),
    )
    mover = (
        world.finding(at[3], "directory/group/sales-all", o.REVOKED, GONE, "removed from the group", "leaver-4"),
        world.finding(at[3], "directory/group/finance-all", o.INTACT, STAYS, "demanded, and there", "leaver-4"),
        world.finding(
            at[3], "crm/role/controller", o.MISSING, "-4A 1A 61A 899A 1500A", "demanded, and not there", "leaver-4"
        ),
    )
    clean = (
        world.finding(
            at[4],
            "directory/account/zz-leaver-7-5",
            o.REVOKED,
            GONE,
            "account disabled",
            "leaver-5",
            notes=("record remains",),
        ),
        world.finding(
            at[4],
            "mail/forwarding/to-private",
            o.REVOKED,
            "-4P 1P 5P 9A 15A 31A 61A 901A 1500A",
            "rule removed",
            "leaver-5",
        ),
        world.finding(
            at[4],
            "crm/credential/api-token",
            o.REVOKED,
            USED,
            "refused (401)",
            "leaver-5",
            leaver=True,
            within=40 * MINUTE,
        ),
    )
    cases = (
        result(
            case(
                "terminate/everyday-leaver[terminate]",
                "Everyday leaver",
                "An employee with everyday access resigns;\nHR closes the record on the last day.",
                keep=(KEEP,),
            ),
            1,
            at[0],
            everyday,
            Claim.SUCCESS,
            "202 accepted, job finished",
        ),
        result(
            case(
                "terminate/everyday-leaver[delete]",
                "Everyday leaver",
                "The same, but the record is deleted.",
                event="delete",
            ),
            2,
            at[1],
            deleted,
            Claim.SUCCESS,
            "204",
        ),
        result(
            case(
                "ownership/owner-of-things",
                "Owner of things",
                "The leaver owns a repository and a bot.",
                keep=(OLD_KEEP,),
            ),
            3,
            at[2],
            owner,
            Claim.NONE,
            "the connector never answered",
            t0_basis="sent",
            cleanup=Cleanup(False, ("code: key laptop-key of zz-leaver-7-3 (revoke answered 500)",)),
        ),
        result(
            case(
                "move/mover",
                "Mover",
                "Sales moves to Finance: old access goes, new access stays.",
                event="move",
                controls=("nist-800-53:PS-5",),
            ),
            4,
            at[3],
            mover,
            Claim.ERROR,
            "500 from the HR endpoint",
        ),
        result(
            case("terminate/contractor-end-date", "Contractor end date", "A contract ends by itself on its last day."),
            5,
            at[4],
            clean,
            Claim.SUCCESS,
            "202 accepted",
            cleanup=Cleanup(True, (), ("directory: zz-leaver-7-5 (disabled)",)),
        ),
        result(
            case("terminate/open-sessions", "Open sessions", "Browser sessions must die with the account."),
            6,
            None,
            (),
            Claim.NONE,
            verdict=Verdict.INCONCLUSIVE,
            reason="set-up failed: crm refused to make the account (409, the name is taken)",
            events=(),
        ),
    )
    by: dict[str, Any] = {"subject": Subject.BYSTANDER, "deadline": None}
    affected = ("terminate/everyday-leaver[terminate]", "terminate/everyday-leaver[delete]")
    bystanders = (
        world.finding(
            at[0],
            "crm/group/owners-control-1",
            o.INTACT,
            STAYS,
            "seen in every round",
            "bystander-1",
            cases=affected,
            **by,
        ),
        world.finding(
            at[0],
            "directory/group/finance-all",
            o.INTACT,
            STAYS,
            "seen in every round",
            "bystander-1",
            cases=affected,
            **by,
        ),
        world.finding(
            at[1],
            "mail/delegation/finance-inbox#read",
            o.COLLATERAL,
            "-4P 1P 31P 61A 121A 901A 1500A",
            "lost while bystander-1 kept the like grant",
            "bystander-2",
            cases=affected,
            **by,
        ),
    )
    run = RunResult(
        id="2026-11-20-0900-7f3a",
        started=START,
        finished=START + 1540 * SECOND,
        verdict=Verdict.FAIL,
        cases=cases,
        bystanders=bystanders,
        deselected=(
            Deselected("access/delegate[calendar]", "the fleet lacks mail.delegation with the right `calendar`"),
        ),
        coverage=tuple(coverage()),
        cleanup=Cleanup(False, cases[2].cleanup.leftovers, cases[4].cleanup.resting),
        exceptions=(Excepted(KEEP, 2, 1), Excepted(IDLE_KEEP, 2, 0), Excepted(FAR_KEEP)),
        notes=("1 look was retried after 429 and then answered",),
    )
    return run, about(cases), world


def golden(folder: Path) -> list[Path]:
    """Writes the sample; the exchanges that it cites are printed in the report."""
    run, told, world = sample()
    earlier = [read(path) for path in sorted(DRILLS.iterdir())]
    return write(folder, run, told, world.exchanges.get, earlier=earlier)


if __name__ == "__main__":
    golden(FOLDER)
