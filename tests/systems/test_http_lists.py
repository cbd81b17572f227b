"""Lists: whose items they are, what an empty one is worth, and that one sweep serves everybody."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from requests import PreparedRequest

from harness.model import Kind, ListState, Presence
from tests.systems.http_case import BASE, SEATS, case

GROUPS: dict[str, Any] = {
    "each": {"get": "/groups", "items": "items", "take": {"gid": "id", "gname": "name"}, "absent_on": [410]},
    "get": "/groups/{{ gid }}/members",
    "items": "items",
    "where": {"user": "{{ account.id }}"},
    "id": "id",
    "name": "{{ gname }}/{{ item.right }}",
    "absent_on": [404],
}


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


# --- other people's items ---------------------------------------------------------------------------


def sweep(it: Any, members: dict[str, Any]) -> None:
    it.answer("/groups", {"items": [{"id": key, "name": key.upper()} for key in members]})
    for key, rows in members.items():
        if isinstance(rows, int):
            it.answer(f"/groups/{key}/members", {}, rows)
        else:
            it.answer(f"/groups/{key}/members", {"items": rows})


def row(number: int, user: Any, right: str = "read") -> dict[str, Any]:
    return {"id": number, "user": user, "right": right}


def test_where_selects_this_accounts_items() -> None:
    with case(lists={"delegation": GROUPS}) as it:
        it.record()
        sweep(it, {"a": [row(1, 7), row(2, 8)], "b": [row(3, 9), row(4, "7", "write")]})
        found = it.listing(Kind.DELEGATION)
    assert found.state is ListState.COMPLETE
    assert {(r.id, r.name, r.below) for r in found.rows} == {("1", "A/read", "gid=a"), ("4", "B/write", "gid=b")}
    assert len(found.evidence) == 3


def test_an_item_with_a_journalled_id_counts_whatever_where_says() -> None:
    with case(lists={"delegation": GROUPS}) as it:
        it.record()
        sweep(it, {"a": [row(1, "deleted-user"), row(2, 8)]})
        assert not it.listing(Kind.DELEGATION).rows
        rows = it.listing(Kind.DELEGATION, it.holding(Kind.DELEGATION, "a", "1")).rows
        assert not it.listing(Kind.DELEGATION, it.holding(Kind.GROUP, "a", "1")).rows, "another kind's id"
    assert [r.id for r in rows] == ["1"]
    assert "where" in rows[0].note


def test_an_id_that_is_the_groups_own_is_not_taken_for_a_grants() -> None:
    with case(lists={"group": {**GROUPS, "id": "{{ gid }}", "name": "{{ gname }}"}}) as it:
        it.record()
        sweep(it, {"a": [row(2, 8)]})
        assert not it.listing(Kind.GROUP, it.holding(Kind.GROUP, "A", "a")).rows


def test_a_row_that_answers_absent_on_has_vanished() -> None:
    with case(lists={"delegation": GROUPS}) as it:
        it.record()
        sweep(it, {"a": [row(1, 7)], "b": 404})
        found = it.listing(Kind.DELEGATION)
    assert found.state is ListState.COMPLETE
    assert found.vanished == {"gid=b"}
    assert [r.below for r in found.rows] == ["gid=a"]


@pytest.mark.parametrize("status", [401, 403, 429, 500])
def test_one_row_that_cannot_be_read_makes_the_sweep_unknown(status: int) -> None:
    with case(lists={"delegation": GROUPS}) as it:
        it.record()
        sweep(it, {"a": [row(1, 8)], "b": status})
        found = it.listing(Kind.DELEGATION)
    assert found.state is ListState.UNKNOWN
    assert "GET /groups/b/members" in found.reason
    assert len(found.evidence) >= 3


def test_a_sweep_without_rows() -> None:
    with case(lists={"delegation": GROUPS}) as it:
        it.record()
        it.answer("/groups", {}, 410)
        assert it.listing(Kind.DELEGATION).state is ListState.COMPLETE


def test_a_row_without_its_key_is_unknown() -> None:
    with case(lists={"delegation": GROUPS}) as it:
        it.record()
        it.answer("/groups", {"items": [{"name": "A"}]})
        found = it.listing(Kind.DELEGATION)
    assert found.state is ListState.UNKNOWN
    assert "gid" in found.reason


def test_a_field_that_no_item_has_is_unknown_not_empty() -> None:
    with case(lists={"delegation": GROUPS}) as it:
        it.record()
        sweep(it, {"a": [{"id": 1, "userId": 7, "right": "r"}], "b": [{"id": 2, "userId": 8, "right": "r"}]})
        found = it.listing(Kind.DELEGATION)
    assert found.state is ListState.UNKNOWN
    assert "`user`" in found.reason


def test_null_below_each_is_an_empty_group() -> None:
    with case(lists={"delegation": {**GROUPS, "empty": "omitted"}}) as it:
        it.record()
        it.answer("/groups", {"items": [{"id": "a", "name": "A"}, {"id": "b", "name": "B"}]})
        it.answer("/groups/a/members", {"items": None})
        it.answer("/groups/b/members", {"items": [row(1, 7)]})
        found = it.listing(Kind.DELEGATION)
    assert found.state is ListState.COMPLETE
    assert len(found.rows) == 1


def test_match_in_a_list_shows_an_ignored_filter() -> None:
    spec = {**SEATS, "get": "/seats", "params": {"u": "{{ account.id }}"}, "match": {"user": "{{ account.id }}"}}
    with case(lists={"license": spec}) as it:
        it.record()
        items = [{"id": 1, "plan": "p", "user": 7}, {"id": 2, "plan": "p", "user": 8}]
        it.answer("/seats", {"items": items})
        found = it.listing(Kind.LICENSE)
    assert found.state is ListState.UNKNOWN
    assert "the filter was ignored" in found.reason


def test_levels_of_each_outer_first() -> None:
    spec = {
        "each": [
            {"get": "/orgs", "items": "@", "take": {"org": "id"}},
            {"get": "/orgs/{{ org }}/teams", "items": "@", "take": {"team": "id"}},
        ],
        "get": "/orgs/{{ org }}/teams/{{ team }}/members",
        "items": "@",
        "where": {"@": "{{ account.id }}"},
        "id": "{{ team }}",
        "name": "{{ org }}/{{ team }}",
    }
    with case(lists={"group": spec}) as it:
        it.record()
        it.answer("/orgs", [{"id": "o"}])
        it.answer("/orgs/o/teams", [{"id": "t1"}, {"id": "t2"}])
        it.answer("/orgs/o/teams/t1/members", [7, 8])
        it.answer("/orgs/o/teams/t2/members", [8])
        found = it.listing(Kind.GROUP)
    assert [(r.id, r.name, r.below) for r in found.rows] == [("t1", "o/t1", "org=o team=t1")]


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


# --- one round ---------------------------------------------------------------------------------------


def test_requests_that_render_alike_are_sent_once_in_a_round() -> None:
    with case(lists={"delegation": GROUPS, "group": {**GROUPS, "absent_on": []}}) as it:
        for number in (7, 8):
            it.record(number)
        sweep(it, {"a": [row(1, 7), row(2, 8)]})
        shared = it.system.round()
        first, second = shared.look(it.person), shared.look(it.somebody(8))
        assert sorted(it.asked()) == ["GET /groups", "GET /groups/a/members", "GET /users/7", "GET /users/8"]
        it.look()
        assert it.asked().count("GET /groups") == 2, "another round asks again"
    assert [r.id for r in first.listings[0].rows] == ["1"]
    assert [r.id for r in second.listings[0].rows] == ["2"]


def test_each_list_accepts_its_own_statuses_of_a_shared_answer() -> None:
    strict, lenient = {**SEATS, "get": "/seats"}, {**SEATS, "get": "/seats", "absent_on": [404]}
    for lists in ({"license": strict, "role": lenient}, {"role": lenient, "license": strict}):
        with case(lists=lists) as it:
            it.record()
            it.answer("/seats", {}, 404)
            states = {found.kind: found.state for found in it.look().listings}
        assert states == {Kind.LICENSE: ListState.UNKNOWN, Kind.ROLE: ListState.COMPLETE}


def test_a_round_is_shared_by_threads_also_while_a_request_is_under_way() -> None:
    with case(lists={"delegation": GROUPS}) as it:
        started, go = threading.Event(), threading.Event()

        def slowly(request: PreparedRequest) -> tuple[int, dict[str, str], str]:
            started.set()
            go.wait(5)
            return 200, {"Content-Type": "application/json"}, '{"items": []}'

        it.mock.add_callback("GET", BASE + "/groups", slowly)
        for number in (7, 8, 9):
            it.record(number)
        shared = it.system.round()
        with ThreadPoolExecutor(3) as pool:
            looks = [pool.submit(shared.look, it.somebody(number)) for number in (7, 8, 9)]
            assert started.wait(5)
            go.set()
            states = {look.result(5).listings[0].state for look in looks}
        assert it.asked().count("GET /groups") == 1
    assert states == {ListState.COMPLETE}


def test_a_failure_is_shared_too() -> None:
    with case(lists={"delegation": GROUPS}) as it:
        for number in (7, 8):
            it.record(number)
        it.answer("/groups", {}, 403)
        shared = it.system.round()
        looks = [shared.look(it.person), shared.look(it.somebody(8))]
        assert it.asked().count("GET /groups") == 1
    assert {look.listings[0].state for look in looks} == {ListState.UNKNOWN}
