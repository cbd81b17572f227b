"""What a system's own trail says of one removal, and what it lacks where a scenario wants to find it there."""

from __future__ import annotations

import pytest

from harness.engine.party import Track
from harness.engine.trail import Cited, cite
from harness.model import Kind, ListState, Trail, TrailRow

SEAT = Track("crm", Kind.LICENSE, "invoicing", "s-1", "u-1")
ACCOUNT = Track("crm", Kind.ACCOUNT, "account", None, "u-1")
GONE_WITH_IT = Track("crm", Kind.ROLE, "viewer", "r-1", "u-1", with_account=True)
NO_ROW = "the system's own trail has no row about it since the event"


def row(action: str, actor: str = "feed") -> TrailRow:
    return TrailRow(actor, "u-1", action, "2026-11-25T07:00:00Z")


def cited(track: Track, *rows: TrailRow, actor: str = "feed") -> Cited:
    others = [other for other in (SEAT, ACCOUNT, GONE_WITH_IT) if other is not track]
    return cite(track, others, Trail(ListState.COMPLETE, rows, ""), actor, "the.leaver")


@pytest.mark.parametrize(
    ("track", "rows", "lacks"),
    [
        (SEAT, [row("seats.take invoicing")], ""),
        (SEAT, [row("seats.take s-1")], ""),
        (SEAT, [], NO_ROW),
        (SEAT, [row("user.deactivate"), row("seats.take reporting")], NO_ROW),
        (SEAT, [row("seats.take invoicing", "the.leaver")], NO_ROW),  # what the leaver did is no removal
        (SEAT, [row("seats.take invoicing", "api")], "has it done by api, not by the connector (feed)"),
        (SEAT, [row("seats.take invoicing", "")], "has it done by nobody named, not by the connector (feed)"),
        (SEAT, [row("seats.take invoicing", "api"), row("seats.take invoicing")], ""),
        (ACCOUNT, [row("user.deactivate")], ""),
        (ACCOUNT, [row("seats.take invoicing")], NO_ROW),
        (GONE_WITH_IT, [row("user.delete")], ""),
        (GONE_WITH_IT, [row("roles.take viewer")], ""),
        (GONE_WITH_IT, [row("seats.take invoicing")], NO_ROW),
    ],
)
def test_a_removal_needs_a_row_of_its_own_by_the_connector(track: Track, rows: list[TrailRow], lacks: str) -> None:
    found = cited(track, *rows)
    assert found.lacks.endswith(lacks) if lacks else not found.lacks
    assert not found.unread


def test_where_the_fleet_names_no_actor_any_named_one_will_do() -> None:
    assert cited(SEAT, row("seats.take invoicing", "api"), actor="").lacks == ""
    assert cited(SEAT, row("seats.take invoicing", ""), actor="").lacks.endswith("done by nobody named")


def test_a_trail_that_could_not_be_read_lacks_nothing() -> None:
    found = cite(SEAT, [ACCOUNT], Trail(ListState.UNKNOWN, (), "403"), "feed", "the.leaver")
    assert (found.lacks, found.unread) == ("", "the system's own trail could not be read: 403")
    assert cite(SEAT, [ACCOUNT], None, "feed", "the.leaver") == Cited()
