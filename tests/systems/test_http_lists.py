"""Lists below an account and in its record: rows, closed sets, and what an empty one is worth."""

from __future__ import annotations

from typing import Any

import pytest

from harness.model import Kind, ListState, Presence
from tests.systems.http_case import SEATS, case


def test_items_become_rows_with_their_own_ids() -> None:
    with case(lists={"license": SEATS}) as it:
        it.record()
        it.answer("/users/7/seats", {"items": [{"id": 91, "plan": "pro"}, {"id": "s-2", "plan": "basic"}]})
        found = it.listing(Kind.LICENSE)
    assert found.state is ListState.COMPLETE
    assert [(r.id, r.name, r.presence, r.by_name) for r in found.rows] == [
        ("91", "pro", Presence.PRESENT, False),
        ("s-2", "basic", Presence.PRESENT, False),
    ]
    assert len(found.evidence) == 1
    assert 0 < found.sent <= found.answered


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"items": None}, "no `items`"),
        ({}, "no `items`"),
        ({"items": {"0": 1}}, "an object"),
        ({"items": "none"}, "a string"),
        ({"items": [{"id": None, "plan": "p"}]}, "id"),
        ({"items": [{"id": "", "plan": "p"}]}, "id"),
        ({"items": [{"id": {}, "plan": "p"}]}, "id"),
        ({"items": [{"id": True, "plan": "p"}]}, "id"),
        ({"items": [{"id": 1, "plan": None}]}, "name"),
        ({"items": [{"id": 1}]}, "name"),
        ({"items": [None]}, "null"),
        ([], "no `items`"),
    ],
)
def test_a_body_that_is_not_as_declared_is_unknown(body: Any, reason: str) -> None:
    with case(lists={"license": SEATS}) as it:
        it.record()
        it.answer("/users/7/seats", body)
        found = it.listing(Kind.LICENSE)
    assert found.state is ListState.UNKNOWN
    assert reason in found.reason
    assert "GET /users/7/seats" in found.reason or "id" in found.reason or "name" in found.reason
    assert found.evidence


def test_each_item_may_have_its_own_closed_set() -> None:
    spec = {**SEATS, "value": "state", "present": ["live"], "absent": ["blocked"]}
    with case(lists={"license": spec}) as it:
        it.record()
        states = ["live", "blocked", "odd", None]
        it.answer("/users/7/seats", {"items": [{"id": n, "plan": "p", "state": s} for n, s in enumerate(states)]})
        found = it.listing(Kind.LICENSE)
    assert found.state is ListState.COMPLETE
    assert [row.presence for row in found.rows] == [Presence.PRESENT, Presence.ABSENT, *[Presence.UNKNOWN] * 2]
    assert '"odd"' in found.rows[2].note


# --- 404 below a deleted account, and fields left out ---------------------------------------------


@pytest.mark.parametrize(
    ("account", "declared", "state"),
    [
        ({"status": 404}, True, ListState.GONE_WITH_ACCOUNT),
        ({"active": False}, True, ListState.GONE_WITH_ACCOUNT),
        ({}, True, ListState.UNKNOWN),  # the account is still there
        ({"status": 500}, True, ListState.UNKNOWN),  # it could not be read
        ({"active": None}, True, ListState.UNKNOWN),
        ({"status": 404}, False, ListState.UNKNOWN),  # not declared
    ],
)
def test_404_below_an_account(account: dict[str, Any], declared: bool, state: ListState) -> None:
    with case(lists={"license": {**SEATS, **({"gone_with": "account"} if declared else {})}}) as it:
        it.record(**account)
        it.answer("/users/7/seats", {}, 404)
        found = it.listing(Kind.LICENSE)
    assert found.state is state
    assert found.reason
    assert not found.rows


@pytest.mark.parametrize("status", [401, 403, 410, 500])
def test_gone_with_means_404_and_nothing_else(status: int) -> None:
    with case(lists={"license": {**SEATS, "gone_with": "account"}}) as it:
        it.record(status=404)
        it.answer("/users/7/seats", {}, status)
        assert it.listing(Kind.LICENSE).state is ListState.UNKNOWN


def test_absent_on_means_no_items() -> None:
    with case(lists={"license": {**SEATS, "absent_on": [404]}}) as it:
        it.record()
        it.answer("/users/7/seats", {}, 404)
        found = it.listing(Kind.LICENSE)
    assert (found.state, found.rows, found.reason) == (ListState.COMPLETE, (), "")


@pytest.mark.parametrize(
    ("body", "empty", "state"),
    [
        ({"data": {}}, True, ListState.OMITTED),
        ({"data": {"seats": None}}, True, ListState.OMITTED),
        ({"data": {"seats": []}}, True, ListState.COMPLETE),
        ({}, True, ListState.UNKNOWN),  # the record that would hold it is missing too
        ({"data": []}, True, ListState.UNKNOWN),
        ({"data": {"seats": {}}}, True, ListState.UNKNOWN),
        ({"data": {}}, False, ListState.UNKNOWN),
    ],
)
def test_a_field_left_out(body: Any, empty: bool, state: ListState) -> None:
    spec = {**SEATS, "items": "data.seats", **({"empty": "omitted"} if empty else {})}
    with case(lists={"license": spec}) as it:
        it.record()
        it.answer("/users/7/seats", body)
        assert it.listing(Kind.LICENSE).state is state


# --- in the account's own record -------------------------------------------------------------------

BOXES = {"from": "account", "items": "boxes", "id": "id", "name": "address", "empty": "omitted"}


def test_a_list_in_the_record_has_no_request_of_its_own() -> None:
    with case(lists={"mailbox": BOXES}) as it:
        it.record(boxes=[{"id": 1, "address": "a@x.test"}])
        found = it.listing(Kind.MAILBOX)
        assert it.asked() == ["GET /users/7"]
    assert [row.name for row in found.rows] == ["a@x.test"]
    assert found.evidence


@pytest.mark.parametrize(
    ("fields", "gone_with", "state"),
    [
        ({}, False, ListState.OMITTED),
        ({"boxes": []}, False, ListState.COMPLETE),
        ({"boxes": [], "active": False}, False, ListState.COMPLETE),
        ({"boxes": "x"}, False, ListState.UNKNOWN),
        ({"status": 404}, False, ListState.UNKNOWN),
        ({"status": 404}, True, ListState.GONE_WITH_ACCOUNT),
        ({"status": 500}, True, ListState.UNKNOWN),
    ],
)
def test_a_list_in_the_record_follows_the_record(fields: dict[str, Any], gone_with: bool, state: ListState) -> None:
    with case(lists={"mailbox": {**BOXES, **({"gone_with": "account"} if gone_with else {})}}) as it:
        it.record(**fields)
        assert it.listing(Kind.MAILBOX).state is state


@pytest.mark.parametrize("id_", ["name", "@"])
def test_without_an_id_it_is_matched_by_name(id_: str) -> None:
    spec = {"from": "account", "items": "roles", "id": id_, "name": "@"}
    with case(lists={"role": spec}) as it:
        it.record(roles=["admin"])
        rows = it.listing(Kind.ROLE).rows
    assert [(r.id, r.name, r.by_name) for r in rows] == [("admin", "admin", True)]


def test_a_list_may_take_from_its_body() -> None:
    spec = {**SEATS, "take": {"org": "org.name"}, "name": "{{ org }}/{{ item.plan }}"}
    with case(lists={"license": spec}) as it:
        it.record()
        it.answer("/users/7/seats", {"org": {"name": "acme"}, "items": [{"id": 1, "plan": "pro"}]})
        assert it.listing(Kind.LICENSE).rows[0].name == "acme/pro"
