"""The account by its immutable id: present, absent, disabled, somebody else's, or unknown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import responses

from harness.model import ListState, Presence
from tests.systems.http_case import ACCOUNT, BASE, SEATS, case

READ = ACCOUNT["read"]


def test_an_active_record_is_present() -> None:
    with case() as it:
        it.record()
        sight = it.look().account
    assert (sight.presence, sight.record, sight.by_name) == (Presence.PRESENT, True, False)
    assert len(sight.evidence) == 1
    assert 0 < sight.sent <= sight.answered


def test_a_disabled_record_is_absent_and_remains() -> None:
    with case() as it:
        it.record(active=False)
        sight = it.look().account
    assert (sight.presence, sight.record) == (Presence.ABSENT, True)
    assert "record remains" in sight.reason


def test_a_removed_record_is_absent() -> None:
    with case() as it:
        it.record(status=404)
        sight = it.look().account
    assert (sight.presence, sight.record) == (Presence.ABSENT, False)


def test_404_that_is_not_declared_is_unknown() -> None:
    with case(account={"read": {k: v for k, v in READ.items() if k != "absent_on"}}) as it:
        it.record(status=404)
        sight = it.look().account
    assert sight.presence is Presence.UNKNOWN
    assert "404" in sight.reason
    assert "GET /users/7" in sight.reason


@pytest.mark.parametrize("value", [None, "true", 1, 0, "gone", {"a": 1}, []])
def test_a_value_in_no_closed_set_is_unknown(value: Any) -> None:
    with case() as it:
        it.record(active=value)
        sight = it.look().account
    assert sight.presence is Presence.UNKNOWN
    assert "active" in sight.reason


@pytest.mark.parametrize("body", [{}, [], "text", 3, None, True])
def test_what_is_no_record_is_unknown(body: Any) -> None:
    with case(account={"read": {"get": READ["get"], "absent_on": [404]}}) as it:
        it.answer("/users/7", body)
        assert it.look().account.presence is Presence.UNKNOWN


def test_without_a_value_the_record_is_the_account() -> None:
    with case(account={"read": {"get": READ["get"], "absent_on": [404]}}) as it:
        it.record()
        assert it.look().account.presence is Presence.PRESENT


def test_an_envelope_that_says_no_is_unknown() -> None:
    read = {**READ, "ok": {"value": "ok", "present": [True]}}
    with case(account={"read": read}) as it:
        it.record(ok=False)
        assert it.look().account.presence is Presence.UNKNOWN


def test_an_id_given_to_somebody_else_is_unknown_and_so_is_its_inventory() -> None:
    with case(lists={"license": SEATS}) as it:
        it.record()
        it.answer("/users/7/seats", {"items": []})
        assert it.look().account.presence is Presence.PRESENT
        it.mock.replace("GET", BASE + "/users/7", json={"id": 7, "login": "somebody-else", "active": False})
        look = it.look()
    assert look.account.presence is Presence.UNKNOWN
    assert "the id belongs to another identity" in look.account.reason
    assert look.listings[0].state is ListState.UNKNOWN


def test_any_identifier_is_enough_after_a_rename() -> None:
    with case() as it:
        it.record(external="ext-zz-leaver-7")
        assert it.look().account.presence is Presence.PRESENT
        it.mock.replace(
            "GET", BASE + "/users/7", json={"id": 7, "login": "Married", "x": ["EXT-zz-leaver-7"], "active": False}
        )
        assert it.look().account.presence is Presence.ABSENT


def test_a_record_that_never_held_an_identifier_is_matched_by_name() -> None:
    with case() as it:
        it.answer("/users/7", {"active": True})
        assert it.look().account.by_name


def test_the_id_itself_is_no_identifier() -> None:
    with case() as it:
        it.answer("/users/zz-leaver-7", {"name": "zz-leaver-7", "active": True})
        assert it.person.account is not None
        who = replace(it.person, account=replace(it.person.account, id="zz-leaver-7", vars={}))
        assert it.look(who).account.by_name


@pytest.mark.parametrize(
    ("number", "presence"), [("ext-zz-leaver-7", Presence.PRESENT), ("E-2", Presence.UNKNOWN), (None, Presence.UNKNOWN)]
)
def test_match_asserts(number: str | None, presence: Presence) -> None:
    read = {**READ, "match": {"data.employee_no": "{{ identity.external_id }}"}}
    with case(account={"read": read}) as it:
        it.record(data={"employee_no": number})
        sight = it.look().account
    assert sight.presence is presence
    assert presence is Presence.PRESENT or "the id belongs to another identity" in sight.reason


def test_find_gives_every_account_with_its_own_type_of_id() -> None:
    with case() as it:
        it.answer("/users", {"items": [{"id": 7, "login": "zz-leaver-7"}, {"id": 8, "login": "zz-leaver-7"}]})
        found = it.system.round().find(it.person)
    assert found.state is ListState.COMPLETE
    assert [(a.system, a.id, a.vars) for a in found.accounts] == [("crm", "7", {"id": 7}), ("crm", "8", {"id": 8})]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"items": [{"id": 7, "login": "zz-leaver-7"}, {"id": 1, "login": "other"}]}, "the filter was ignored"),
        ({"items": [{"id": None, "login": "zz-leaver-7"}]}, "id"),
        ({"items": [{"login": "zz-leaver-7"}]}, "id"),
        ({"items": None}, "items"),
        ({"items": {"id": 7}}, "no array"),
        ({}, "items"),
        ({"items": [None]}, "null"),
    ],
)
def test_a_find_that_cannot_be_trusted_is_unknown(body: Any, reason: str) -> None:
    with case() as it:
        it.answer("/users", body)
        found = it.system.round().find(it.person)
    assert found.state is ListState.UNKNOWN
    assert reason in found.reason
    assert not found.accounts


def test_find_takes_absent_on_as_nobody() -> None:
    with case(account={"find": {**ACCOUNT["find"], "absent_on": [404]}}) as it:
        it.answer("/users", {}, 404)
        found = it.system.round().find(it.person)
    assert (found.state, found.accounts) == (ListState.COMPLETE, ())


def test_an_undefined_template_is_unknown_and_nothing_is_sent() -> None:
    with case(account={"find": {**ACCOUNT["find"], "get": "/users/{{ identity.badge }}"}}) as it:
        found = it.system.round().find(it.person)
        assert not it.mock.calls
    assert found.state is ListState.UNKNOWN
    assert "badge" in found.reason
    assert found.sent > 0


SEARCH = {"get": "/search", "params": {"e": "{{ identity.external_id }}"}, "items": "items", "id": "id"}


def test_search_names_accounts_that_nobody_journalled() -> None:
    with case(account={"search": SEARCH}) as it:
        it.record()
        it.answer("/search", {"items": [{"id": 7}, {"id": 8}, {"id": 9}]})
        assert it.person.account is not None
        who = replace(it.person, former=(replace(it.person.account, id="8", vars={}),))
        assert it.look(who).strangers == ("9",)


def test_a_search_that_fails_makes_an_absence_unknown_but_not_a_presence() -> None:
    with case(account={"search": SEARCH}) as it:
        it.record()
        it.mock.add(responses.GET, BASE + "/search", status=403)
        assert it.look().account.presence is Presence.PRESENT
        it.mock.replace("GET", BASE + "/users/7", status=404)
        sight = it.look().account
    assert sight.presence is Presence.UNKNOWN
    assert "account.search" in sight.reason
