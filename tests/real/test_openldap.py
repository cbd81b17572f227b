"""OpenLDAP: what a deleted, locked, moved, renamed or rehired entry leaves behind, with and without tidy references."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import fixtures.fleet.openldap as module
from fixtures.fleet.cache import NotInstalled
from fixtures.fleet.openldap import OpenLdap, running
from fixtures.fleet.openldap.prepare import admin
from fixtures.fleet.openldap.settings import PLAIN, SERVICES, TIDY
from harness.model import Kind, Outcome, Subject, Vantage
from tests.real.conftest import cannot
from tests.real.drills import Drilled, drill, finding, measured, secrets_in
from tests.real.facts import Clean, Fact, holds, passes

pytestmark = pytest.mark.real

HOME = Path(module.__file__).parent
FLEET = HOME / "fleet.yaml"
SCENARIOS = HOME / "scenarios"
LEAVER, LATE = Vantage.LEAVER, "appeared after leaving"
PLAINLY, TIDILY = "openldap", "openldap_refint"

FACTS = [
    # the entry goes, and nothing looks after what names it
    Fact("openldap/member-stays", "Without `refint`, `member` goes on naming a deleted entry.",
         "deleted", PLAINLY, Kind.GROUP, "drill-team"),
    Fact("openldap/unique-member-stays", "So does `uniqueMember`.", "deleted", PLAINLY, Kind.GROUP, "app-wiki"),
    Fact("openldap/member-uid-stays", "So does `memberUid`: the Unix group waits for the next of that name.",
         "deleted", PLAINLY, Kind.GROUP, "unix-build"),
    Fact("openldap/role-occupant-stays", "So does `roleOccupant`.", "deleted", PLAINLY, Kind.ROLE, "drill-auditor"),
    Fact("openldap/owner-stays", "So does `owner`.", "deleted", PLAINLY, Kind.OWNERSHIP, "printer-3#owner"),
    Fact("openldap/see-also-stays", "So does `seeAlso`.", "deleted", PLAINLY, Kind.OWNERSHIP, "printer-3#seeAlso"),
    Fact("openldap/manager-stays", "So does `manager`.", "deleted", PLAINLY, Kind.OWNERSHIP, "person-report#manager"),
    Fact("openldap/secretary-stays", "So does `secretary`: somebody who is gone still acts for the director.",
         "deleted", PLAINLY, Kind.DELEGATION, "director#secretary"),
    Fact("openldap/connection-outlives-delete",
         "A connection that was bound before stays authenticated after the entry is deleted.",
         "deleted", PLAINLY, Kind.SESSION, "workstation", vantage=LEAVER, reason="open as dn:uid="),
    Fact("openldap/connection-listed-after-delete",
         "The server's own monitor goes on listing it under the deleted name.",
         "deleted", PLAINLY, Kind.SESSION, "workstation"),
    # the entry goes, and refint looks after some of it
    Fact("openldap/refint-forgets-unique-member", "With `refint` on `member` and the like, `uniqueMember` stays.",
         "deleted-refint", TIDILY, Kind.GROUP, "app-wiki"),
    Fact("openldap/refint-forgets-member-uid",
         "`memberUid` stays as well: it is no name of an entry, so `refint` cannot look after it.",
         "deleted-refint", TIDILY, Kind.GROUP, "unix-build"),
    Fact("openldap/refint-keeps-connection", "Nor does it end a connection.",
         "deleted-refint", TIDILY, Kind.SESSION, "workstation", vantage=LEAVER, reason="open as dn:cn="),
    # locked
    Fact("openldap/locked-keeps-groups", "A locked account keeps its groups.",
         "locked", PLAINLY, Kind.GROUP, "drill-team"),
    Fact("openldap/locked-keeps-nested-groups", "And the groups that these are in.",
         "locked", PLAINLY, Kind.GROUP, "all-staff", reason="through another group"),
    Fact("openldap/locked-keeps-secretary", "It goes on acting for the director.",
         "locked", PLAINLY, Kind.DELEGATION, "director#secretary"),
    Fact("openldap/locked-keeps-own-secretary", "And somebody goes on acting for it.",
         "locked", PLAINLY, Kind.DELEGATION, "aide#own-secretary"),
    Fact("openldap/connection-outlives-lock", "A connection that was bound before stays authenticated after the lock.",
         "locked", PLAINLY, Kind.SESSION, "workstation", vantage=LEAVER, reason="open as dn:uid="),
    Fact("openldap/lock-without-lockout",
         "`pwdAccountLockedTime` does nothing where the policy has no `pwdLockout`: the entry reads as locked,"
         " and the password works.",
         "locked-in-vain", PLAINLY, Kind.ACCOUNT, None, vantage=LEAVER, channel="login", reason="signs in"),
    Fact("openldap/owner-after-terminate", "Locked and out of every group, and still the owner of a device.",
         "owner-of-objects", PLAINLY, Kind.OWNERSHIP, "printer-7#owner"),
    # moved
    Fact("openldap/moved-account-works", "An entry that was moved to the leavers signs in from there.",
         "moved", PLAINLY, Kind.ACCOUNT, None, vantage=LEAVER, channel="login", reason="ou=leavers"),
    Fact("openldap/moved-keeps-groups", "Without `refint` its groups go on naming it at its old place.",
         "moved", PLAINLY, Kind.GROUP, "drill-team"),
    Fact("openldap/moved-keeps-ownership", "So does what it owned.",
         "moved", PLAINLY, Kind.OWNERSHIP, "printer-3#owner"),
    # who is who
    Fact("openldap/rehire-old-membership",
         "Nothing takes the membership of a deleted entry away before the name is given again.",
         "rehired-same-name", PLAINLY, Kind.GROUP, "drill-alumni", reason="still there"),
    Fact("openldap/rehire-inherits-membership",
         "An entry that is made again under the same name is a member at once: the group lists it, its own "
         "`memberOf` is empty.",
         "rehired-same-name", PLAINLY, Kind.GROUP, "drill-alumni", reason=LATE),
    Fact("openldap/renamed-account-survives",
         "A tool that remembers the old name deletes nothing, and the server's answer (no such object) reads "
         "like success.",
         "renamed-before-leaving", PLAINLY, Kind.ACCOUNT, None, vantage=LEAVER, channel="login", reason="-new"),
    Fact("openldap/renamed-member-of-stays",
         "It does take the old name out of the group, whose member the renamed entry's own `memberOf` still "
         "calls it.",
         "renamed-before-leaving", PLAINLY, Kind.GROUP, "drill-sales", reason="only the entry itself says so"),
    Fact("openldap/capitals-stay",
         "A `memberUid` written in another case is passed over by a script that compares letter by letter.",
         "written-in-capitals", PLAINLY, Kind.GROUP, "unix-shouted", reason="in another case: ZZ-"),
    Fact("openldap/last-member-stays",
         "The last member of a `groupOfNames` cannot be taken out: the server refuses, and the script stops "
         "there.",
         "last-member", PLAINLY, Kind.GROUP, "sunset-project"),
    Fact("openldap/older-than-the-tool", "A tool that never linked an entry deletes nothing.",
         "there-before-the-tool", PLAINLY, Kind.ACCOUNT, None, vantage=LEAVER, channel="login", reason="signs in"),
    Fact("openldap/second-account", "The second account of the same person stays, found by the employee number.",
         "second-account", PLAINLY, Kind.ACCOUNT, None),
    Fact("openldap/second-account-works", "And its password works.",
         "second-account", PLAINLY, Kind.ACCOUNT, None, vantage=LEAVER, channel="login", reason="uid=adm-"),
]  # fmt: skip
CLEAN = [
    Clean("openldap/offboarded",
         "Locked, out of every group of every class, moved: a leaver who had nothing else; the same event "
         "again changes nothing.",
         "offboarded"),
    Clean("openldap/deleted-tidily",
         "With `refint` the groups, roles and objects of a deleted entry forget it by themselves.",
         "deleted-tidily"),
    Clean("openldap/renamed-and-known",
         "Renamed twice over, an apostrophe, a comma and an asterisk in the name: found by the employee "
         "number, and gone.",
         "renamed-and-known"),
]  # fmt: skip


@pytest.fixture(scope="module")
def openldap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenLdap]:
    try:
        with running(tmp_path_factory.mktemp("slapd")) as server:
            yield server
    except NotInstalled as why:
        cannot(str(why))


@pytest.fixture(scope="module")
def drilled(openldap: OpenLdap, tmp_path_factory: pytest.TempPathFactory) -> Drilled:
    """All stories at once."""
    return drill(FLEET, sorted(SCENARIOS.glob("*.yaml")), openldap.env, tmp_path_factory.mktemp("openldap") / "run")


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.id)
def test_fact(drilled: Drilled, fact: Fact) -> None:
    holds(fact, drilled)


@pytest.mark.parametrize("clean", CLEAN, ids=lambda clean: clean.id)
def test_clean(drilled: Drilled, clean: Clean) -> None:
    passes(clean, drilled)


def test_every_story_is_told(drilled: Drilled) -> None:
    told = {fact.case for fact in FACTS} | {clean.case for clean in CLEAN}
    assert told == {result.case.id for result in drilled.run.cases}


def test_nothing_is_inconclusive_and_every_absence_is_measured(drilled: Drilled) -> None:
    for result in drilled.run.cases:
        assert result.reason is None, (result.case.id, result.reason)
        for found in result.findings:
            assert found.outcome is not Outcome.INCONCLUSIVE, (result.case.id, found.kind, found.name, found.reason)
            if found.outcome is Outcome.REVOKED and found.vantage is Vantage.ADMIN:
                measured(found)


def test_what_the_connector_claimed_is_what_the_server_answered(drilled: Drilled) -> None:
    assert drilled.case("deleted").claimed == "success"
    last = drilled.case("last-member")
    assert last.claimed == "error"
    assert "objectClassViolation, 65" in last.claim_detail
    older = drilled.case("there-before-the-tool")
    assert (older.claimed, "never met this identity" in older.claim_detail) == ("error", True)
    assert drilled.case("renamed-before-leaving").claimed == "success"  # noSuchObject, taken for done


def test_the_locked_account_reads_as_gone_although_its_password_works(drilled: Drilled) -> None:
    by_admin = finding(drilled.case("locked-in-vain"), PLAINLY, Kind.ACCOUNT)
    assert by_admin.outcome is Outcome.REVOKED
    assert "locked (pwdAccountLockedTime)" in by_admin.reason


def test_bystanders_are_intact_and_the_server_is_as_it_was(drilled: Drilled, openldap: OpenLdap) -> None:
    assert {(f.subject, f.outcome) for f in drilled.run.bystanders} == {(Subject.BYSTANDER, Outcome.INTACT)}
    assert drilled.run.cleanup.complete
    prepared = {"engineers": [b"cn=nobody"], "all-staff": [b"cn=engineers,ou=groups"], "last-one": [b"cn=nobody"]}
    for suffix in (PLAIN, TIDY):
        with admin(openldap, suffix) as root:
            for unit in ("people", "leavers", "roles", "devices"):
                assert root.search(f"ou={unit},{suffix}", "(objectClass=*)", "LEVEL") is False
            root.search(f"ou=groups,{suffix}", "(objectClass=*)", "LEVEL", attributes=["cn", "member"])
            left = {one["attributes"]["cn"][0]: one["raw_attributes"]["member"] for one in root.response}
        tail = b"," + suffix.encode()
        expected = {name: [member + tail for member in members] for name, members in prepared.items()}
        if suffix == TIDY:  # the last member went by itself: slapo-refint(5), `refint_nothing`
            expected["last-one"] = [b"cn=refint-dummy" + tail]
        assert left == expected


def test_no_secret_is_in_the_run_folder(drilled: Drilled, openldap: OpenLdap) -> None:
    people = [result.identity for result in drilled.run.cases]
    secrets = [openldap.passwords[name] for name in SERVICES]
    secrets += [who.password.reveal() for who in people if who is not None]
    assert len(secrets) == len(SERVICES) + len(drilled.run.cases)
    assert secrets_in(drilled.folder, secrets) == []
    assert secrets_in(drilled.folder, [str(people[0].username if people[0] else "")])  # the search does find
