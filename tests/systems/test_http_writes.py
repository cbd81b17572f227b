"""What type http gives, takes back, makes and removes, and what it does when that fails."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import requests

from harness.model import Entitlement, Floor, Kind, Made, ObjectSpec, Secret, Subject
from harness.ports import WriteFailed
from tests.systems.http_case import ACCOUNT, BASE, SEATS, TOKEN, case, config, grant

USER = "/users/{{ account.id }}"
TOKENS: dict[str, Any] = {
    "list": {"get": USER + "/tokens", "items": "@", "id": "id", "name": "label"},
    "grant": [
        {"get": "/role/{{ name }}", "take": {"role_id": "id"}},
        {"as": "leaver", "post": "/login", "json": {"p": "{{ identity.password }}"}, "take": {"helper": "token"}},
        {
            "as": "leaver",
            "post": "/tokens",
            "headers": {"X-Token": "{{ helper }}"},
            "json": {"role": "{{ role_id }}"},
            "take": {"id": "id", "secret": "secret"},
        },
    ],
    "revoke": {"delete": USER + "/tokens/{{ grant.id }}", "params": {"r": "{{ grant.role_id }}"}, "absent_on": [404]},
}
CREATE = {"post": "/users", "json": {"login": "{{ identity.username }}"}, "take": {"id": "id", "number": "no"}}
REMOVE = {"delete": USER, "absent_on": [404]}


def test_create_keeps_all_that_it_took() -> None:
    with case(account={"create": CREATE}) as it:
        it.answer("/users", {"id": 7, "no": "E-7"}, 201, "POST")
        made = it.system.create(it.person)
        assert json.loads(it.mock.calls[0].request.body or b"") == {"login": "zz-leaver-7"}
    assert (made.system, made.id, made.vars) == ("crm", "7", {"id": 7, "number": "E-7"})


def test_grant_keeps_what_it_took_and_its_secret_apart() -> None:
    with case(kinds={"credential": TOKENS}) as it:
        it.answer("/role/ci", {"id": "role-77"})
        it.answer("/login", {"token": "helper-token-1"}, method="POST")
        it.answer("/tokens", {"id": 3, "secret": "very-secret-1"}, 201, "POST")
        got = it.system.grant(it.person, Entitlement("crm", Kind.CREDENTIAL, "ci"), None)
        sent = [call.request.headers for call in it.mock.calls]
        text = it.bench.evidence()
    assert (got.id, got.secret) == ("3", Secret("very-secret-1"))
    assert got.vars == {"role_id": "role-77", "helper": Secret("helper-token-1"), "id": 3}
    assert [headers.get("Authorization") for headers in sent] == [f"Bearer {TOKEN}", None, None]
    assert sent[2]["X-Token"] == "helper-token-1"
    for secret in ("very-secret-1", "helper-token-1", "pw-zz-leaver-7", TOKEN):
        assert secret not in text
    assert "very-secret-1" not in repr(got)
    assert "helper-token-1" not in repr(got)


def test_revoke_uses_what_the_grant_took() -> None:
    with case(kinds={"credential": TOKENS}) as it:
        it.answer("/users/7/tokens/3", status=204, method="DELETE")
        it.system.revoke(it.person, grant(Kind.CREDENTIAL, "ci", "3", vars={"role_id": "r1"}))
        it.mock.replace("DELETE", BASE + "/users/7/tokens/3", status=404)
        it.system.revoke(it.person, grant(Kind.CREDENTIAL, "ci", "3", vars={"role_id": "r1"}))
        assert it.asked() == ["DELETE /users/7/tokens/3?r=r1"] * 2


def test_a_failed_grant_tells_what_was_taken_and_no_secret() -> None:
    with case(kinds={"credential": TOKENS}) as it:
        it.answer("/role/ci", {"id": "role-77"})
        it.answer("/login", {"token": "helper-token-1"}, method="POST")
        it.answer("/tokens", {"error": "helper-token-1"}, 500, "POST")
        with pytest.raises(WriteFailed) as caught:
            it.system.grant(it.person, Entitlement("crm", Kind.CREDENTIAL, "ci"), None)
    assert caught.value.in_doubt
    assert caught.value.vars["role_id"] == "role-77"
    assert "POST /tokens" in caught.value.reason
    assert "helper-token-1" not in caught.value.reason


@pytest.mark.parametrize(("status", "doubt"), [(403, False), (409, False), (500, True)])
def test_a_refusal_changed_nothing_and_a_server_error_may_have(status: int, doubt: bool) -> None:
    with case(account={"create": CREATE}) as it:
        it.answer("/users", {}, status, "POST")
        with pytest.raises(WriteFailed) as caught:
            it.system.create(it.person)
        assert len(it.mock.calls) == 1, "a write is never sent again"
    assert caught.value.in_doubt is doubt


def test_what_is_not_declared_is_refused_with_a_sentence() -> None:
    with case(lists={"license": SEATS}) as it:
        entitlement = Entitlement("crm", Kind.LICENSE, "pro")
        spec = ObjectSpec("box", "crm", Kind.MAILBOX)
        it.record()
        for attempt, word in (
            (lambda: it.system.create(it.person), "account.create"),
            (lambda: it.system.remove(it.person), "account.remove"),
            (lambda: it.system.grant(it.person, entitlement, None), "license.grant"),
            (lambda: it.system.revoke(it.person, grant(Kind.LICENSE, "pro")), "license.revoke"),
            (lambda: it.system.find_object(spec, None), "mailbox.object.find"),
            (lambda: it.system.create_object(spec, None), "mailbox.object.create"),
            (lambda: it.system.remove_object(Made(spec, "1", True)), "mailbox.object.remove"),
        ):
            with pytest.raises(WriteFailed, match=word.replace(".", r"\.")):
                attempt()
        said = it.system.declaration()
    assert not said.creates
    assert said.login is None
    assert not said.kinds[Kind.LICENSE].grantable


# --- cleanup --------------------------------------------------------------------------------------


def test_remove_reads_again_and_removes_what_still_matches() -> None:
    with case(account={"remove": REMOVE}) as it:
        it.record()
        it.answer("/users/7", status=204, method="DELETE")
        it.system.remove(it.person)
        assert it.asked() == ["GET /users/7", "DELETE /users/7"]


def test_remove_of_what_is_gone_sends_nothing() -> None:
    with case(account={"remove": REMOVE}) as it:
        it.record(status=404)
        it.system.remove(it.person)
        assert it.asked() == ["GET /users/7"]


@pytest.mark.parametrize("fields", [{"status": 500}, {"external": "x", "login": "somebody-else"}])
def test_remove_spares_what_it_cannot_be_sure_of(fields: dict[str, Any]) -> None:
    read = {**ACCOUNT["read"], "match": {"login": "{{ identity.username }}"}}
    with case(account={"remove": REMOVE, "read": read}) as it:
        it.record(**fields)
        with pytest.raises(WriteFailed, match="not removed"):
            it.system.remove(it.person)
        assert "DELETE" not in "".join(it.asked())


# --- objects ----------------------------------------------------------------------------------------

BOX = ObjectSpec("finance", "crm", Kind.MAILBOX, Subject.CUSTODIAN)
OBJECT = {
    "find": {"get": "/boxes", "items": "items", "where": {"name": "{{ name }}"}, "id": "id", "absent_on": [404]},
    "create": {"post": "/boxes", "json": {"name": "{{ name }}", "owner": "{{ account.id }}"}, "take": {"id": "id"}},
    "remove": {"delete": "/boxes/{{ object.id }}", "absent_on": [404]},
}
KINDS = {
    "mailbox": {"list": {"from": "account", "items": "boxes", "id": "id", "name": "name"}, "object": OBJECT},
    "delegation": {
        "list": {**SEATS, "get": "/d"},
        "grant": {"put": "/boxes/{{ object.id }}/{{ on }}/{{ right }}"},
        "revoke": {"delete": "/boxes/{{ object.id }}/{{ right }}"},
    },
}


def test_an_object_is_found_made_used_and_removed() -> None:
    with case(kinds=KINDS) as it:
        it.answer("/boxes", {"items": [{"id": 5, "name": "finance"}, {"id": 6, "name": "other"}]})
        it.answer("/boxes", {"id": 9}, 201, "POST")
        it.answer("/boxes/9/finance/read", status=204, method="PUT")
        it.answer("/boxes/9", status=204, method="DELETE")
        found = it.system.find_object(BOX, it.person)
        made = it.system.create_object(BOX, it.person)
        assert json.loads(it.mock.calls[1].request.body or b"") == {"name": "finance", "owner": 7}
        access = Entitlement("crm", Kind.DELEGATION, "finance", on="finance", right="read")
        got = it.system.grant(it.person, access, made)
        it.system.remove_object(made)
    assert found is not None
    assert (found.id, found.created) == ("5", False)
    assert (made.id, made.created) == ("9", True)
    assert got.object_id == "9"


@pytest.mark.parametrize(
    ("body", "status", "outcome"),
    [
        ({"items": []}, 200, "none"),
        ({}, 404, "none"),
        ({"items": [{"id": 5, "name": "finance"}, {"id": 6, "name": "finance"}]}, 200, "2 objects"),
        ({}, 403, "could not look"),
        ({"items": [{"id": None, "name": "finance"}]}, 200, "could not look"),
    ],
)
def test_an_object_that_is_not_there_and_one_that_could_not_be_looked_for(body: Any, status: int, outcome: str) -> None:
    with case(kinds=KINDS) as it:
        it.answer("/boxes", body, status)
        if outcome == "none":
            assert it.system.find_object(BOX, it.person) is None
        else:
            with pytest.raises(WriteFailed, match=outcome):
                it.system.find_object(BOX, it.person)


# --- one at a time -----------------------------------------------------------------------------------


def test_lists_that_write_to_one_object_run_one_at_a_time() -> None:
    """Six parallel adds that each read the members first would leave two."""
    kinds = {
        "group": {
            "list": {**SEATS, "get": "/g"},
            "grant": [
                {"get": "/groups/{{ name }}", "take": {"held": "members"}},
                {"put": "/groups/{{ name }}", "json": {"members": "{{ held + [account.id] }}"}},
            ],
            "revoke": {"delete": "/groups/{{ name }}"},
        }
    }
    members: list[int] = []
    pause = threading.Event()

    def read(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        body = json.dumps({"members": members})
        pause.wait(0.02)
        return 200, {}, body

    def write(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        pause.wait(0.02)
        members[:] = json.loads(request.body or b"")["members"]
        return 204, {}, ""

    with case(kinds=kinds) as it:
        it.mock.add_callback("GET", BASE + "/groups/g", read)
        it.mock.add_callback("PUT", BASE + "/groups/g", write)
        with ThreadPoolExecutor(6) as pool:
            people = [it.somebody(number) for number in range(6)]
            list(pool.map(lambda p: it.system.grant(p, Entitlement("crm", Kind.GROUP, "g"), None), people))
    assert sorted(members) == list(range(6))


# --- what it says of itself ---------------------------------------------------------------------------


def test_the_declaration() -> None:
    made = config(kinds={"credential": TOKENS}, without={"device": "none"}, not_listable={"session": "no API"})
    with case(kinds={"credential": TOKENS}, without={"device": "none"}) as it:
        said = it.system.declaration()
    assert (said.type, said.url, said.owner, said.floor) == ("http", BASE, "t@example.test", Floor.DELETED)
    assert (said.reader, said.independent) == ("bearer token", False)
    assert made.declared()[Kind.CREDENTIAL].grantable
    assert said.kinds == made.declared()
    assert made.not_listable == {Kind.SESSION: "no API"}


def test_the_account_is_this_systems_and_its_id_keeps_its_type() -> None:
    with case(account={"create": CREATE}) as it:
        it.answer("/users", {"id": 7, "no": 1}, 201, "POST")
        assert it.person.account is not None
        who = replace(it.person, account=replace(it.person.account, vars={"id": 7}))
        assert it.system.create(who).id == "7"
