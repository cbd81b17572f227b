"""Sweeps: whose items they are among other people's, and what one row that fails means for all."""

from __future__ import annotations

import pytest

from harness.model import Kind, ListState
from tests.systems.http_case import BASE, GROUPS, SEATS, case, row, sweep


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
            {"get": "/orgs/{{ org }}/teams", "items": "@", "take": {"team": "id"}, "absent_on": [404]},
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
        it.mock.replace("GET", BASE + "/orgs/o/teams", status=404)
        again = it.listing(Kind.GROUP)
    assert not again.rows
    assert again.vanished == {"org=o", "org=o team=t1"}, "what was below an outer row vanished with it"
