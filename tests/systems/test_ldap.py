"""What the system `ldap` takes for access and what for its absence, entry by entry, on a real slapd."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from fixtures.fleet.cache import NotInstalled
from fixtures.fleet.openldap import OpenLdap, running
from fixtures.fleet.openldap.prepare import admin
from fixtures.fleet.openldap.settings import PLAIN
from harness.model import Entitlement, Kind, ListState, Presence
from harness.ports import WriteFailed
from harness.systems.ldap import build
from harness.systems.ldap_config import LdapConfig
from harness.testing.bench import Bench, identity, person
from harness.testing.scene import listing
from tests.real.conftest import cannot
from tests.systems.ldap_desk import PEOPLE, Desk, config

pytestmark = pytest.mark.real

NOBODY = f"cn=nobody,{PLAIN}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenLdap]:
    try:
        with running(tmp_path_factory.mktemp("slapd")) as one:
            yield one
    except NotInstalled as why:
        cannot(str(why))


@pytest.fixture
def made(server: OpenLdap) -> Iterator[list[Desk]]:
    """Whoever a test brings; the tree is emptied after it."""
    desks: list[Desk] = []
    yield desks
    for desk in desks:
        desk.system.close()
    with admin(server, PLAIN) as root:
        for unit in ("people", "leavers", "groups", "devices"):
            root.search(f"ou={unit},{PLAIN}", "(objectClass=*)", "LEVEL", attributes=["1.1"])
            for entry in root.response:
                assert root.delete(entry["dn"]), root.result


@pytest.fixture
def desk(server: OpenLdap, made: list[Desk]) -> Desk:
    made.append(Desk(server, identity("anna", 1)))
    return made[-1]


# --- the account --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "presence", "reason"),
    [
        ("000001010000Z", Presence.ABSENT, "locked (pwdAccountLockedTime), record remains"),
        ("20200101000000Z", Presence.UNKNOWN, "neither in `locked` nor in `unlocked`"),  # until it ends by itself
    ],
)
def test_a_lock_is_absent_only_with_a_declared_value(desk: Desk, value: str, presence: Presence, reason: str) -> None:
    assert desk.sight() == (Presence.PRESENT, True, "")
    desk.root("modify", desk.dn, {"pwdAccountLockedTime": [("MODIFY_ADD", [value])]})
    seen = desk.sight()
    assert seen[:2] == (presence, True)
    assert reason in seen[2]


def test_any_attribute_may_lock(server: OpenLdap, made: list[Desk]) -> None:
    kinds = {"locked": {"employeeType": ["Former"]}, "unlocked": {"employeeType": ["staff"]}}
    made.append(Desk(server, identity("anna", 1), attributes={"employeeType": "staff"}, **kinds))
    desk = made[-1]
    assert desk.sight() == (Presence.PRESENT, True, "not locked (employeeType)")
    desk.root("modify", desk.dn, {"employeeType": [("MODIFY_REPLACE", ["FORMER"])]})
    assert desk.sight()[0] is Presence.ABSENT
    desk.root("modify", desk.dn, {"employeeType": [("MODIFY_REPLACE", ["on leave"])]})
    assert desk.sight()[0] is Presence.UNKNOWN
    desk.root("modify", desk.dn, {"employeeType": [("MODIFY_DELETE", [])]})
    assert desk.sight()[0] is Presence.PRESENT


def test_an_entry_is_known_by_its_id_wherever_it_is(desk: Desk) -> None:
    desk.root("modify_dn", desk.dn, "uid=somebody-else", new_superior=f"ou=leavers,{PLAIN}")
    assert desk.sight()[0] is Presence.PRESENT  # the employee number is still the identity's
    desk.root("delete", f"uid=somebody-else,ou=leavers,{PLAIN}")
    assert desk.sight() == (Presence.ABSENT, False, "no entry has this id any more")


def test_an_entry_that_is_somebody_elses_now_is_not_touched(desk: Desk) -> None:
    changes = {"employeeNumber": ["ext-other"], "mail": ["other@drill.example.test"]}
    desk.root("modify", desk.dn, {name: [("MODIFY_REPLACE", value)] for name, value in changes.items()})
    desk.root("modify_dn", desk.dn, "uid=other")
    look = desk.system.round().look(desk.person)
    assert look.account.mistaken
    assert {found.state for found in look.listings} == {ListState.UNKNOWN}
    with pytest.raises(WriteFailed, match="another identity now"):
        desk.system.remove(desk.person)


def test_find_sees_every_account_of_the_name_or_number_in_any_case(server: OpenLdap, made: list[Desk]) -> None:
    made.append(Desk(server, identity("anna", 1)))
    desk = made[0]
    twin = {"objectClass": "inetOrgPerson", "cn": "x", "sn": "x", "uid": "adm-anna", "employeeNumber": "EXT-ZZ-ANNA-1"}
    desk.root("add", f"uid=adm-anna,{PEOPLE}", attributes=twin)
    desk.root(
        "add", f"uid=ZZ-ANNA-1,ou=leavers,{PLAIN}", attributes={**twin, "uid": "ZZ-ANNA-1", "employeeNumber": "7"}
    )
    found = desk.system.round().find(desk.person)
    assert found.state is ListState.COMPLETE
    assert len(found.accounts) == 3
    assert len(desk.system.round().look(desk.person).strangers) == 1  # by the immutable attribute


def test_nobody_is_found_only_if_it_was_looked_for(desk: Desk) -> None:
    stranger = person(identity("nobody", 9))
    assert desk.system.round().find(stranger).accounts == ()
    assert desk.system.round().find(stranger).state is ListState.COMPLETE


# --- groups -------------------------------------------------------------------------------------------


def test_both_sides_of_a_membership_are_told(desk: Desk) -> None:
    desk.group("team", desk.dn)
    row = desk.rows(Kind.GROUP)["team"]
    assert row.views == ("the groups' side", "the entry's side")
    assert row.note == ""


def test_the_group_counts_where_the_entry_is_silent(server: OpenLdap, desk: Desk, made: list[Desk]) -> None:
    """As after a rehire: `memberOf` is written when the group changes, not when the entry is made again."""
    desk.group("old", desk.dn)
    desk.root("delete", desk.dn)
    back = desk.system.create(desk.person)
    rehired = replace(desk.person, account=back)
    desk.group("new", desk.dn)
    found = listing(desk.system.round().look(rehired), Kind.GROUP)
    assert found is not None
    assert {row.name: row.note for row in found.rows} == {
        "old": "only the group says so, the entry does not",
        "new": "",
    }


def test_groups_in_groups_and_a_ring_of_them(desk: Desk) -> None:
    inner = desk.group("inner", desk.dn)
    middle = desk.group("middle", inner)
    outer = desk.group("outer", middle)
    desk.root("modify", inner, {"member": [("MODIFY_ADD", [outer])]})  # round and round
    rows = desk.rows(Kind.GROUP)
    assert {name: row.note for name, row in rows.items()} == {
        "inner": "", "middle": "through another group", "outer": "through another group"
    }  # fmt: skip


@pytest.mark.parametrize("written", ["zz-anna-1", "ZZ-ANNA-1"])
def test_a_unix_group_in_any_case(desk: Desk, written: str) -> None:
    desk.group("unix", written, "somebody", attribute="memberUid", object_class="posixGroup")
    note = desk.rows(Kind.GROUP)["unix"].note
    assert note == ("" if written == "zz-anna-1" else "memberUid writes the name in another case: ZZ-ANNA-1")


def test_names_of_earlier_times_still_count(desk: Desk) -> None:
    desk.group("by-name", desk.dn)
    desk.group("unix", "zz-anna-1", attribute="memberUid", object_class="posixGroup")
    desk.sight()
    desk.root("modify_dn", desk.dn, "uid=renamed")
    desk.sight()
    desk.root("delete", f"uid=renamed,{PEOPLE}")
    assert set(desk.rows(Kind.GROUP)) == {"by-name", "unix"}


def test_a_group_that_only_the_entry_still_names(desk: Desk) -> None:
    team = desk.group("team", desk.dn, NOBODY)
    desk.root("modify_dn", desk.dn, "uid=renamed")
    desk.root("modify", team, {"member": [("MODIFY_DELETE", [desk.dn])]})  # by the old name: the overlay misses it
    assert {row.note for row in desk.rows(Kind.GROUP).values()} == {"only the entry itself says so"}
    desk.root("delete", team)
    assert {row.note for row in desk.rows(Kind.GROUP).values()} == {
        "the entry names a group that is not there, or may not be seen"
    }


# --- changes ------------------------------------------------------------------------------------------


def test_the_last_member_leaves_the_placeholder_behind(desk: Desk) -> None:
    wanted = Entitlement("directory", Kind.GROUP, "team")
    team = desk.group("team", NOBODY)
    grant = desk.system.grant(desk.person, wanted, None)
    assert desk.members(team) == [desk.dn]
    desk.system.revoke(desk.person, grant)
    desk.system.revoke(desk.person, grant)
    assert desk.members(team) == [NOBODY]


def test_what_is_removed_is_forgotten_and_others_are_not(server: OpenLdap, desk: Desk, made: list[Desk]) -> None:
    made.append(Desk(server, identity("ben", 2)))
    other = made[-1]
    team = desk.group("team", desk.dn, other.dn)
    unix = desk.group("unix", "ZZ-Anna-1", "zz-ben-2", attribute="memberUid", object_class="posixGroup")
    for _ in range(2):
        desk.system.remove(desk.person)
    assert desk.members(team) == [other.dn]
    assert desk.members(unix, "memberUid") == ["zz-ben-2"]
    assert set(other.rows(Kind.GROUP)) == {"team", "unix"}


def test_a_name_that_somebody_has_again_is_not_forgotten(desk: Desk) -> None:
    team = desk.group("team", desk.dn)
    desk.root("delete", desk.dn)
    desk.system.create(desk.person)  # somebody has the name again
    desk.system.remove(desk.person)  # the first account is cleaned up
    assert desk.members(team) == [desk.dn]


def test_which_attribute_is_meant_must_be_said(desk: Desk) -> None:
    printer = Entitlement("directory", Kind.OWNERSHIP, "printer", on="printer")
    desk.root("add", f"cn=printer,ou=devices,{PLAIN}", attributes={"objectClass": "device", "cn": "printer"})
    with pytest.raises(WriteFailed, match="say it as `right`"):
        desk.system.grant(desk.person, printer, None)


def test_what_the_server_refuses_is_told_and_not_in_doubt(desk: Desk) -> None:
    with pytest.raises(WriteFailed, match="entryAlreadyExists, 68") as caught:
        desk.system.create(desk.person)
    assert not caught.value.in_doubt
    with pytest.raises(WriteFailed, match="there is no group 'nowhere'"):
        desk.system.grant(desk.person, Entitlement("directory", Kind.GROUP, "nowhere"), None)


# --- what it says of itself -----------------------------------------------------------------------------


def test_it_accounts_for_every_kind(desk: Desk) -> None:
    told = desk.system.declaration()
    assert {*told.kinds, *told.without, *told.not_listable, Kind.ACCOUNT} == set(Kind)
    assert "shows no open connections" in told.not_listable[Kind.SESSION]
    assert not told.kinds[Kind.SESSION].listed
    assert told.independent
    assert told.reader.startswith("cn=reader")
    assert desk.system.check() == []


def test_check_names_the_cause(server: OpenLdap) -> None:
    system = build("directory", config(server, base=f"ou=nowhere,{PLAIN}", people=None, groups=None), Bench().tools)
    assert "is not there, or the reader may not see it" in system.check()[0]
    system.close()
    given = {"type": "ldap", "owner": "iam", "url": "ldap://127.0.0.1:1", "base": PLAIN, "auth": {"none": True}}
    system = build("directory", LdapConfig.model_validate(given), Bench().tools, attempts=1)
    assert "the connection was refused" in system.check()[0]
    assert system.declaration().reader == "nobody (anonymous)"
    system.close()


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("url", "http://127.0.0.1", "not an address of a directory"),
        ("people", "ou=people,dc=elsewhere", "not a distinguished name below `base`"),
        ("placeholder", "nobody", "not a distinguished name"),
        ("references", {"owner": "mailbox"}, "references may be delegation, ownership, role"),
        ("page_size", 0, "greater than or equal to 1"),
    ],
)
def test_a_wrong_fleet_file_is_told(server: OpenLdap, key: str, value: Any, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        config(server, **{key: value})
