"""Each dialect's bodies, one table: what the vendors' pages show, in their spelling."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.wire import scim
from harness.wire import scim_dialect as shapes
from harness.wire.scim_dialect import Dialect
from tests.scim_server import identity

URN = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@pytest.mark.parametrize(
    ("dialect", "operation"),
    [
        # RFC 7644 §3.5.2.3: operation in lower case, a path, a JSON boolean.
        (Dialect.RFC, {"op": "replace", "path": "active", "value": False}),
        # Microsoft's compatibility page, "without feature flag": a capital letter and a word for the boolean.
        (Dialect.ENTRA, {"op": "Replace", "path": "active", "value": "False"}),
        # The same page, "with feature flag" aadOptscim062020.
        (Dialect.ENTRA_COMPLIANT, {"op": "replace", "path": "active", "value": False}),
        # Okta's SCIM 2.0 reference, "Update a specific User (PATCH)": no path at all.
        (Dialect.OKTA, {"op": "replace", "value": {"active": False}}),
    ],
)
def test_how_a_user_is_disabled(dialect: Dialect, operation: dict[str, Any]) -> None:
    assert shapes.set_active(dialect, False) == {"schemas": [URN], "Operations": [operation]}


def test_the_word_for_true_is_capitalised_too() -> None:
    assert shapes.set_active(Dialect.ENTRA, True)["Operations"][0]["value"] == "True"


@pytest.mark.parametrize(
    ("dialect", "operation"),
    [
        (Dialect.RFC, {"op": "remove", "path": 'members[value eq "u1"]'}),
        # Microsoft's compatibility page: today the member stands in `value`, with the flag in the path.
        (Dialect.ENTRA, {"op": "Remove", "path": "members", "value": [{"value": "u1"}]}),
        (Dialect.ENTRA_COMPLIANT, {"op": "remove", "path": 'members[value eq "u1"]'}),
        # Okta's reference, "Update specific Group membership".
        (Dialect.OKTA, {"op": "remove", "path": 'members[value eq "u1"]'}),
    ],
)
def test_how_a_member_is_removed(dialect: Dialect, operation: dict[str, Any]) -> None:
    assert shapes.remove_member(dialect, "u1") == {"schemas": [URN], "Operations": [operation]}


@pytest.mark.parametrize(
    ("dialect", "query"),
    [
        (Dialect.RFC, [("filter", 'userName eq "l"'), ("startIndex", "1"), ("count", "100")]),
        # Microsoft's page, "Get User by query": nothing but the filter.
        (Dialect.ENTRA, [("filter", 'userName eq "l"')]),
        (Dialect.ENTRA_COMPLIANT, [("filter", 'userName eq "l"')]),
        # Okta's reference, "Determine if the User already exists".
        (Dialect.OKTA, [("filter", 'userName eq "l"'), ("startIndex", "1"), ("count", "100")]),
    ],
)
def test_how_a_user_is_found(dialect: Dialect, query: list[tuple[str, str]]) -> None:
    assert list(shapes.find_user(dialect, "l")) == query


def test_how_a_user_is_made() -> None:
    who = identity(7)
    entra = shapes.create(Dialect.ENTRA, who)
    assert entra["schemas"] == [scim.USER, scim.ENTERPRISE]
    assert (entra["meta"], entra["roles"]) == ({"resourceType": "User"}, [])
    assert entra["name"]["formatted"] == "Lea Ver"
    okta = shapes.create(Dialect.OKTA, who)
    assert (okta["locale"], okta["groups"], okta["schemas"]) == ("en-US", [], [scim.USER])
    for dialect in Dialect:
        body = shapes.create(dialect, who)
        assert (body["userName"], body["externalId"], body["active"]) == (who.username, who.external_id, True)
        assert "password" not in json.dumps(body)


def test_okta_custom_sends_everything_back() -> None:
    record = {"id": "u1", "meta": {"v": 1}, "userName": "l", "active": True, "groups": []}
    assert shapes.put_active(record, False) == {**record, "active": False}
    group = {"id": "g", "members": [{"value": "u1"}, {"value": "u2", "display": "x"}]}
    assert shapes.put_without(group, "u1")["members"] == [{"value": "u2", "display": "x"}]
    # Okta's reference allows a service to answer null for `members`.
    assert shapes.put_without({"id": "g", "members": None}, "u1")["members"] == []


def test_entra_asks_for_membership_and_never_for_members() -> None:
    assert shapes.is_member("g1", "u1") == (
        ("excludedAttributes", "members"),
        ("filter", 'id eq "g1" and members eq "u1"'),
    )


@pytest.mark.parametrize("value", ['a"b', "a\\b", "o'brien", 'x" or active eq "true', "ü\n"])
def test_a_filter_can_be_read_back(value: str) -> None:
    """RFC 7644 §3.4.2.2: what stands after `eq` is a JSON string."""
    attribute, word, text = scim.eq("userName", value).split(" ", 2)
    assert (attribute, word, json.loads(text)) == ("userName", "eq", value)


def test_an_id_stays_one_segment() -> None:
    assert scim.at("Users", "a/../b?c#d") == "/Users/a%2F..%2Fb%3Fc%23d"
