"""What the system `scim` makes of answers that a good server never gives: unknown with a reason, never absent."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from harness.model import Account, Kind, Listing, ListState, Look, Presence
from harness.ports import Person
from harness.systems.scim import Scim, ScimConfig
from harness.wire.call import Answer, Call, Unknown
from harness.wire.scim import GROUP, LIST, USER
from harness.wire.scim_client import Client
from tests.scim_server import auth, identity, person

WHO = replace(person(identity()), account=Account("directory", "u1"))
NAMES = {"userName": "zz-leaver-1", "externalId": "e-1-zz-leaver-1"}


def user(**more: Any) -> dict[str, Any]:
    return {"schemas": [USER], "id": "u1", **NAMES, "active": True, **more}


def group(id: str, *members: str, **more: Any) -> dict[str, Any]:
    shown = {"members": [{"value": member} for member in members]} if members else {}
    return {"schemas": [GROUP], "id": id, "displayName": id.upper(), **shown, **more}


def listed(*items: Any, **more: Any) -> dict[str, Any]:
    return {"schemas": [LIST], "totalResults": len(items), "startIndex": 1, "Resources": list(items), **more}


@dataclass
class Service:
    """Implements the wire's `send`: one answer per kind of question, or a failure."""

    user: Any = field(default_factory=user)
    groups: Any = field(default_factory=listed)
    users: Any = field(default_factory=listed)
    nobody: Any = field(default_factory=listed)
    page: Callable[[int], Any] | None = None

    def __call__(self, call: Call) -> Answer:
        params = dict(call.params)
        if call.url.startswith("/Users/"):
            found = self.user
        elif call.url == "/Users":
            found = self.users
        elif params.get("count") == "0":
            found = self.nobody
        elif self.page is not None:
            found = self.page(int(params["startIndex"]))
        else:
            found = self.groups
        if isinstance(found, int):
            if found not in call.accept:
                raise Unknown(f"answered {found}", status=found, sent=1, answered=2, evidence=("x",))
            return Answer(found, call.url, {}, b"", 1, 2, ("x",))
        body = found if isinstance(found, bytes) else json.dumps(found).encode()
        return Answer(200, call.url, {"content-type": "application/scim+json"}, body, 1, 2, ("x",))


def system(service: Service, **more: Any) -> Scim:
    config = {"type": "scim", "url": "http://x", "owner": "iam", "auth": auth(), **more}
    client = Client(service, 2)
    return Scim("directory", ScimConfig.model_validate(config), client, client)


def look(service: Service, who: Person = WHO, **more: Any) -> Look:
    return system(service, **more).round().look(who)


def of(seen: Look, kind: Kind) -> Listing:
    return next(each for each in seen.listings if each.kind is kind)


@pytest.mark.parametrize("active", ["False", "false", "True", 0, 1, None, [], {}, "inactive"])
def test_active_is_a_closed_set(active: Any) -> None:
    seen = look(Service(user(active=active)))
    assert seen.account.presence is Presence.UNKNOWN
    assert "`active`" in seen.account.reason


def test_active_left_out_is_unknown() -> None:
    record = user()
    del record["active"]
    assert look(Service(record)).account.presence is Presence.UNKNOWN


@pytest.mark.parametrize(
    "record",
    [
        401, 403, 429, 500, 302, b"", b"<html>", b'{"id": ', b"[]", b'"u1"', b"null",
        {"id": "u1", "active": False},
        user(id="u2", active=False),
        user(id=None, active=False),
        {**user(active=False), "schemas": [GROUP]},
        user(userName="somebody-else", externalId="else", active=False),
    ],
)  # fmt: skip
def test_a_record_that_cannot_be_trusted_is_unknown_throughout(record: Any) -> None:
    seen = look(Service(record, listed(group("g1", "u1"))))
    assert seen.account.presence is Presence.UNKNOWN
    assert seen.account.reason
    for listing in seen.listings:
        assert listing.state is ListState.UNKNOWN
        assert listing.reason


def test_a_404_with_a_page_is_not_an_answer_of_the_service() -> None:
    def send(call: Call) -> Answer:
        return Answer(404, call.url, {"content-type": "text/html"}, b"<html>no such app", 1, 2, ("x",))

    config = ScimConfig.model_validate({"type": "scim", "url": "http://x", "owner": "iam", "auth": auth()})
    seen = Scim("directory", config, Client(send), Client(send)).round().look(WHO)
    assert seen.account.presence is Presence.UNKNOWN


@pytest.mark.parametrize(
    "names", [{"userName": "zz-LEAVER-1"}, {"externalId": "e-1-zz-leaver-1", "userName": "8f3a_SHORT"}]
)
def test_one_identifier_is_enough(names: dict[str, str]) -> None:
    record = {key: value for key, value in user().items() if key not in NAMES}
    seen = look(Service({**record, **names}))
    assert (seen.account.presence, seen.account.by_name) == (Presence.PRESENT, False)


def test_a_record_without_identifiers_counts_by_its_path_and_says_so() -> None:
    record = {key: value for key, value in user().items() if key not in NAMES}
    assert look(Service(record)).account.by_name


@pytest.mark.parametrize(
    ("value", "state"),
    [
        ([{"value": "r"}], ListState.COMPLETE),
        ([], ListState.COMPLETE),
        (None, ListState.OMITTED),
        ("r", ListState.UNKNOWN),
        ({"value": "r"}, ListState.UNKNOWN),
        (["r"], ListState.UNKNOWN),
        ([{"display": "r"}], ListState.UNKNOWN),
        ([{"value": None}], ListState.UNKNOWN),
        ([{"value": ""}], ListState.UNKNOWN),
    ],
)
@pytest.mark.parametrize(("attribute", "kind"), [("roles", Kind.ROLE), ("entitlements", Kind.LICENSE)])
def test_values_of_a_record(attribute: str, kind: Kind, value: Any, state: ListState) -> None:
    assert of(look(Service(user(**{attribute: value}))), kind).state is state


def test_an_attribute_left_out_is_omitted_and_gone_is_gone() -> None:
    assert of(look(Service()), Kind.ROLE).state is ListState.OMITTED
    assert of(look(Service(404)), Kind.ROLE).state is ListState.GONE_WITH_ACCOUNT


def test_either_side_shows_a_group() -> None:
    mine = [{"value": "g1", "display": "G1"}, {"value": "g2", "type": "indirect"}]
    seen = of(look(Service(user(groups=mine), listed(group("g3", "u1")))), Kind.GROUP)
    assert seen.state is ListState.COMPLETE
    assert {(row.id, row.name, row.note) for row in seen.rows} == {
        ("g1", "G1", ""), ("g2", "g2", "through another group"), ("g3", "G3", ""),
    }  # fmt: skip


@pytest.mark.parametrize("groups", [401, 403, 404, 429, 500, b"<html>", b"{}"])
def test_one_blind_side_is_unknown_but_shows_what_the_other_saw(groups: Any) -> None:
    seen = of(look(Service(user(groups=[{"value": "g1"}]), groups)), Kind.GROUP)
    assert seen.state is ListState.UNKNOWN
    assert "the groups' side" in seen.reason
    assert [row.id for row in seen.rows] == ["g1"]
    seen = of(look(Service(500, listed(group("g1", "u1")))), Kind.GROUP)
    assert (seen.state, [row.id for row in seen.rows]) == (ListState.UNKNOWN, ["g1"])
    assert "the user's side" in seen.reason


@pytest.mark.parametrize("groups", ["g1", [{"display": "x"}], [7]])
def test_a_broken_user_side_is_unknown(groups: Any) -> None:
    assert of(look(Service(user(groups=groups), listed())), Kind.GROUP).state is ListState.UNKNOWN


@pytest.mark.parametrize(
    "groups",
    [
        listed(totalResults=5),
        listed(group("g1", "u1"), totalResults=0),
        listed(group("g1", "u1"), totalResults="1"),
        listed(group("g1", "u1"), totalResults=True),
        listed(group("g1", "u1"), group("g1", "u1")),
        listed(group("g1", "u1"), startIndex=3),
        listed({**group("g1", "u1"), "id": None}),
        listed(group("g1", "u1", displayName=None)),
        listed(group("g1", "u2")),
        {**listed(), "schemas": []},
        {**listed(), "Resources": {}},
        {"schemas": [LIST], "totalResults": 1},
        {"schemas": [LIST], "Resources": []},
        listed("g1"),
    ],
)
def test_a_list_that_lies_is_unknown(groups: Any) -> None:
    assert of(look(Service(groups=groups)), Kind.GROUP).state is ListState.UNKNOWN


def test_nothing_found_may_leave_out_resources() -> None:
    assert of(look(Service(groups={"schemas": [LIST], "totalResults": 0})), Kind.GROUP).state is ListState.COMPLETE


@pytest.mark.parametrize(
    ("pages", "why"),
    [
        (lambda start: listed(group("g1", "u1"), group("g2", "u1"), totalResults=4, startIndex=start), "repeats"),
        (lambda start: listed(group("g1", "u1"), group("g2", "u1"), totalResults=4), "loops"),
        (lambda start: listed(group(f"g{start}", "u1"), totalResults=2 + start, startIndex=start), "changed"),
        (lambda start: listed(*([group("g1", "u1")] if start == 1 else []), totalResults=2, startIndex=start), "short"),
        (lambda start: 500 if start > 1 else listed(group("g1", "u1"), totalResults=2), "500"),
    ],
)
def test_pages_that_lie_are_unknown(pages: Callable[[int], Any], why: str) -> None:
    seen = of(look(Service(page=pages)), Kind.GROUP)
    assert seen.state is ListState.UNKNOWN
    assert why in seen.reason


def test_small_pages_are_followed_to_the_end() -> None:
    seen = of(look(Service(page=lambda s: listed(group(f"g{s}", "u1"), totalResults=3, startIndex=s))), Kind.GROUP)
    assert (seen.state, [row.id for row in seen.rows]) == (ListState.COMPLETE, ["g1", "g2", "g3"])


@pytest.mark.parametrize("members", [{}, {"members": None}, {"members": []}])
def test_groups_that_show_no_members_need_a_filter_that_selects(members: dict[str, Any]) -> None:
    seen = of(look(Service(groups=listed(group("g1", **members)))), Kind.GROUP)
    assert (seen.state, [row.id for row in seen.rows]) == (ListState.COMPLETE, ["g1"])
    for nobody in (listed(totalResults=1), 400):
        seen = of(look(Service(groups=listed(group("g1", **members)), nobody=nobody)), Kind.GROUP)
        assert (seen.state, seen.rows) == (ListState.UNKNOWN, ())


def test_a_filter_that_never_finds_anything_is_not_believed() -> None:
    """A service that answers 200 and nothing to a filter it does not know (Snowflake did): the user's side shows a
    group, the filter none. When `User.groups` empties later, that alone proves nothing."""
    service = Service(user(groups=[{"value": "g1"}]))
    made = system(service)
    assert [row.id for row in of(made.round().look(WHO), Kind.GROUP).rows] == ["g1"]
    service.user = user(active=False)
    seen = of(made.round().look(WHO), Kind.GROUP)
    assert seen.state is ListState.UNKNOWN
    assert "not understood" in seen.reason
    # With the user's side declared as the only one, it is read as such.
    assert of(look(Service(user(groups=[])), groups="user"), Kind.GROUP).state is ListState.COMPLETE
    assert of(look(Service(404), groups="user"), Kind.GROUP).state is ListState.GONE_WITH_ACCOUNT
    assert of(look(Service(), groups="user"), Kind.GROUP).state is ListState.OMITTED


def test_a_filter_that_has_found_something_once_is_believed() -> None:
    service = Service(user(groups=[{"value": "g1"}]), listed(group("g2", "u9")))
    service.groups = listed(group("g2", "u1"))
    made = system(service)
    made.round().look(WHO)
    service.user, service.groups = user(), listed()
    assert of(made.round().look(WHO), Kind.GROUP).state is ListState.COMPLETE


def test_the_group_side_alone_can_be_declared() -> None:
    seen = of(look(Service(user(groups="broken"), listed(group("g1", "u1"))), groups="group"), Kind.GROUP)
    assert (seen.state, [row.id for row in seen.rows]) == (ListState.COMPLETE, ["g1"])


@pytest.mark.parametrize(
    "users",
    [
        401, 404, 500, b"<html>", b"{}",
        listed(user(userName="somebody", externalId="else")),
        listed({**user(), "id": None}),
        listed(totalResults=3),
    ],
)  # fmt: skip
def test_find_is_unknown_and_never_nobody(users: Any) -> None:
    found = system(Service(users=users)).round().find(replace(WHO, account=None))
    assert (found.state, found.accounts) == (ListState.UNKNOWN, ())
    assert found.reason


def test_a_search_that_fails_leaves_no_absence_behind() -> None:
    assert look(Service(404), search=True).account.presence is Presence.ABSENT
    seen = look(Service(404, users=500), search=True)
    assert seen.account.presence is Presence.UNKNOWN
    assert look(Service(users=500), search=True).account.presence is Presence.PRESENT


def test_kinds_can_be_declared_away() -> None:
    seen = look(Service(), without={"role": "this service has none"}, not_listable={"license": "no API"})
    assert [each.kind for each in seen.listings] == [Kind.GROUP]
