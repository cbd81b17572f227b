"""The system `scim` against the real scim2-server: what it sees, what it changes, what survives a deletion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from harness.model import Account, Entitlement, Floor, Grant, Kind, Listing, ListState, Look, ObjectSpec, Presence
from harness.ports import Person, Provisions, System, WriteFailed
from harness.systems.scim import ADAPTER, Scim, ScimConfig
from tests.scim_server import TOKEN, Server, auth, identity, person, serving, tools

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def build(server: Server, **more: Any) -> Scim:
    config = {"type": "scim", "url": server.url, "owner": "iam", "auth": auth(), **more}
    made = ADAPTER.build("directory", ScimConfig.model_validate(config), tools()[0])
    assert isinstance(made, Scim)
    return made


def joined(system: Scim, name: str, **more: Any) -> Person:
    who = person(identity(1, name, **more))
    return replace(who, account=system.create(who))


def listing(look: Look, kind: Kind) -> Listing:
    return next(each for each in look.listings if each.kind is kind)


def ids(look: Look, kind: Kind) -> list[str]:
    return [row.id for row in listing(look, kind).rows]


def give(system: Scim, who: Person, kind: Kind, name: str) -> Grant:
    return system.grant(who, Entitlement("directory", kind, name), None)


def test_it_is_a_system_that_provisions(server: Server) -> None:
    system = build(server)
    assert isinstance(system, System)
    assert isinstance(system, Provisions)
    declared = system.declaration()
    assert set(declared.kinds) == {Kind.GROUP, Kind.ROLE, Kind.LICENSE}
    assert set(declared.kinds) | set(declared.without) | {Kind.ACCOUNT} == set(Kind)
    assert declared.floor is Floor.DELETED
    assert not declared.independent
    assert TOKEN not in repr(declared)
    assert system.check() == []


def test_a_wrong_address_or_token_shows_in_the_check(server: Server) -> None:
    config = {"type": "scim", "url": server.url + "/nowhere", "owner": "iam", "auth": auth()}
    system = ADAPTER.build("directory", ScimConfig.model_validate(config), tools()[0])
    assert isinstance(system, Scim)
    assert "404" in system.check()[0]


def test_the_whole_inventory_comes_and_goes(server: Server) -> None:
    system = build(server, create_missing=True)
    who = joined(system, "inventory")
    assert who.account is not None
    grants = [give(system, who, Kind.GROUP, "finance"), give(system, who, Kind.ROLE, "approver")]
    grants += [give(system, who, Kind.LICENSE, "pro"), give(system, who, Kind.LICENSE, "lite")]

    look = system.round().look(who)
    assert (look.account.presence, look.account.record) == (Presence.PRESENT, True)
    assert ids(look, Kind.GROUP) == [grants[0].id]
    assert [row.name for row in listing(look, Kind.GROUP).rows] == ["finance"]
    assert ids(look, Kind.ROLE) == ["approver"]
    assert ids(look, Kind.LICENSE) == ["pro", "lite"]
    assert all(row.by_name for row in listing(look, Kind.LICENSE).rows)
    assert all(each.state is ListState.COMPLETE and each.evidence and each.sent for each in look.listings)

    for grant in grants:
        system.revoke(who, grant)
        system.revoke(who, grant)  # twice is once
    look = system.round().look(who)
    assert listing(look, Kind.GROUP).state is ListState.COMPLETE
    assert ids(look, Kind.GROUP) == []
    # RFC 7643 §2.5: the last value gone, the attribute is left out.
    assert listing(look, Kind.LICENSE).state is ListState.OMITTED
    assert listing(look, Kind.ROLE).state is ListState.OMITTED
    # The group was made by this run, and its last member is out.
    assert server("GET", "/Groups", params={"filter": 'displayName eq "finance"'})["totalResults"] == 0


def test_a_disabled_account_keeps_its_record_and_its_groups(server: Server) -> None:
    system = build(server, create_missing=True)
    who = joined(system, "disabled")
    assert who.account is not None
    give(system, who, Kind.GROUP, "keepers")
    op = {"op": "replace", "path": "active", "value": False}
    urn = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
    server("PATCH", f"/Users/{who.account.id}", {"schemas": [urn], "Operations": [op]})
    look = system.round().look(who)
    assert (look.account.presence, look.account.record) == (Presence.ABSENT, True)
    assert len(ids(look, Kind.GROUP)) == 1


def test_a_deleted_user_still_stands_in_its_groups(server: Server) -> None:
    """What scim2-server really does: the member outlives the user, and only the groups' side shows it."""
    system = build(server, create_missing=True)
    who = joined(system, "dangling")
    assert who.account is not None
    grant = give(system, who, Kind.GROUP, "dangling-group")
    give(system, who, Kind.ROLE, "approver")
    server("DELETE", f"/Users/{who.account.id}")

    look = system.round().look(who)
    assert (look.account.presence, look.account.record) == (Presence.ABSENT, False)
    assert ids(look, Kind.GROUP) == [grant.id]
    assert listing(look, Kind.ROLE).state is ListState.GONE_WITH_ACCOUNT
    assert system.round().find(who).accounts == ()

    system.revoke(who, grant)
    assert ids(system.round().look(who), Kind.GROUP) == []


def test_groups_of_a_deleted_user_can_be_absent(server: Server) -> None:
    system = build(server)
    who = joined(system, "deleted-plain")
    assert who.account is not None
    server("DELETE", f"/Users/{who.account.id}")
    found = listing(system.round().look(who), Kind.GROUP)
    assert (found.state, found.rows) == (ListState.COMPLETE, ())


@pytest.mark.parametrize("name", ["o'brien", 'quo"te', "back\\slash", "a+b&c#d e", "ümlaut", "x) or (active pr"])
def test_names_that_break_filters_are_found(server: Server, name: str) -> None:
    system = build(server)
    assert system.round().find(person(identity(1, name))).accounts == ()
    who = joined(system, name)
    assert who.account is not None
    found = system.round().find(replace(who, account=None))
    assert (found.state, [each.id for each in found.accounts]) == (ListState.COMPLETE, [who.account.id])
    system.remove(who)
    assert system.round().find(who).accounts == ()


def test_every_page_is_read(server: Server) -> None:
    system = build(server, create_missing=True, page_size=2)
    who = joined(system, "pages")
    wanted = {give(system, who, Kind.GROUP, f"page-{n}").id for n in range(5)}
    found = listing(system.round().look(who), Kind.GROUP)
    assert {row.id for row in found.rows} == wanted
    assert len(found.evidence) == 4  # the record and three pages


def test_an_id_that_now_belongs_to_another_is_unknown_and_never_removed(server: Server) -> None:
    system = build(server)
    who = joined(system, "mine")
    theirs = joined(system, "theirs").account
    assert theirs is not None
    other = replace(who, account=Account("directory", theirs.id))
    look = system.round().look(other)
    assert (look.account.presence, look.account.reason) == (
        Presence.UNKNOWN, "the id belongs to another identity"
    )  # fmt: skip
    assert all(each.state is ListState.UNKNOWN for each in look.listings)
    with pytest.raises(WriteFailed, match="belongs to another identity"):
        system.remove(other)
    server("GET", f"/Users/{theirs.id}")


def test_a_renamed_user_is_known_by_what_it_was(server: Server) -> None:
    system = build(server, attributes={"externalId": None})
    who = joined(system, "before-marriage")
    renamed = replace(who, identity=replace(who.identity, username="after", was={"username": "before-marriage"}))
    renamed = replace(renamed, account=Account("directory", who.account.id if who.account else ""))
    assert system.round().look(renamed).account.presence is Presence.PRESENT


def test_missing_groups_are_not_made_unless_asked(server: Server) -> None:
    system = build(server)
    who = joined(system, "no-groups")
    with pytest.raises(WriteFailed, match="create_missing"):
        give(system, who, Kind.GROUP, "not-there")
    spec = ObjectSpec("not-there", "directory", Kind.GROUP)
    assert system.find_object(spec, None) is None
    with pytest.raises(WriteFailed, match="create_missing"):
        system.create_object(spec, None)


def test_a_group_that_was_there_before_is_never_removed(server: Server) -> None:
    urn = "urn:ietf:params:scim:schemas:core:2.0:Group"
    theirs = server("POST", "/Groups", {"schemas": [urn], "displayName": "theirs"})["id"]
    system = build(server, create_missing=True)
    who = joined(system, "guest")
    grant = give(system, who, Kind.GROUP, "theirs")
    assert grant.id == theirs
    system.revoke(who, grant)
    assert server.members(theirs) == []
    made = system.find_object(ObjectSpec("theirs", "directory", Kind.GROUP), None)
    assert made is not None
    with pytest.raises(WriteFailed, match="found, not made"):
        system.remove_object(made)
    # An id works as a name too: fleets map names to ids.
    assert give(system, who, Kind.GROUP, theirs).id == theirs


def test_objects_are_made_and_removed(server: Server) -> None:
    system = build(server, create_missing=True)
    spec = ObjectSpec("project-x", "directory", Kind.GROUP)
    made = system.create_object(spec, person(identity()))
    assert made.created
    again = system.find_object(spec, None)
    assert again is not None
    assert (again.id, again.created) == (made.id, False)
    system.remove_object(made)
    assert system.find_object(spec, None) is None


def test_put_spares_the_others(server: Server) -> None:
    system = build(server, create_missing=True, writes="put")
    one, two = joined(system, "put-one"), joined(system, "put-two")
    assert one.account is not None
    assert two.account is not None
    first = give(system, one, Kind.GROUP, "put-group")
    give(system, two, Kind.GROUP, "put-group")
    give(system, two, Kind.LICENSE, "pro")
    give(system, two, Kind.LICENSE, "lite")
    assert server.members(str(first.id)) == [one.account.id, two.account.id]
    system.revoke(one, first)
    system.revoke(two, Grant(Entitlement("directory", Kind.LICENSE, "pro"), "pro"))
    assert server.members(str(first.id)) == [two.account.id]
    assert ids(system.round().look(two), Kind.LICENSE) == ["lite"]


def test_attributes_are_templates(server: Server) -> None:
    enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    attributes = {
        "userName": "corp-{{ identity.username }}",
        "name.middleName": "Drill",
        "displayName": None,
        enterprise: {"department": "{{ identity.department }}"},
    }
    system = build(server, attributes=attributes)
    who = joined(system, "mapped", attributes={"department": "Finance"})
    assert who.account is not None
    kept = server("GET", f"/Users/{who.account.id}")
    assert kept["userName"] == "corp-mapped"
    assert kept["name"] == {"familyName": "Ver", "givenName": "Lea", "middleName": "Drill"}
    assert kept[enterprise] == {"department": "Finance"}
    assert "displayName" not in kept
    assert [each.id for each in system.round().find(who).accounts] == [who.account.id]
    assert system.round().look(replace(who, account=Account("directory", who.account.id))).account.presence is (
        Presence.PRESENT
    )


def test_a_second_account_of_the_same_person_is_a_stranger(server: Server) -> None:
    system = build(server, search=True)
    who = joined(system, "twice")
    assert system.round().look(who).strangers == ()
    urn = "urn:ietf:params:scim:schemas:core:2.0:User"
    body = {"schemas": [urn], "userName": "twice-again", "externalId": who.identity.external_id}
    other = server("POST", "/Users", body)["id"]
    assert system.round().look(who).strangers == (other,)


def test_deactivate_is_a_floor_of_its_own(server: Server) -> None:
    system = build(server, remove="deactivate")
    assert system.declaration().floor is Floor.DISABLED
    who = joined(system, "rests")
    system.remove(who)
    system.remove(who)
    assert system.round().look(who).account.record


def test_a_name_that_is_taken_is_a_refusal_not_a_doubt(server: Server) -> None:
    system = build(server)
    joined(system, "taken")
    with pytest.raises(WriteFailed) as caught:
        joined(system, "taken")
    assert not caught.value.in_doubt
