"""A domain of Active Directory, served by Samba: what disabling, deleting and moving an account leave behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

import fixtures.fleet.samba as module
from fixtures.fleet.samba import BASE, NotInstalled, Samba, running
from harness.config import Ref
from harness.model import Kind, Outcome, Subject, Vantage, Verdict
from harness.systems.ad_look import FIRST
from harness.systems.ad_sweep import sweep
from harness.testing.bench import Bench
from harness.wire.ad import Domain, names_of, thing
from harness.wire.auth import Auth
from harness.wire.ldap import LdapWire
from harness.wire.ldap_entry import SHOW_RECYCLED
from harness.wire.ldap_link import Address
from tests.real.conftest import cannot
from tests.real.drills import Drilled, drill, finding, measured, secrets_in
from tests.real.facts import Clean, Fact, holds, passes

pytestmark = pytest.mark.real

HOME = Path(module.__file__).parent
FLEET = HOME / "fleet.yaml"
SCENARIOS = HOME / "scenarios"
STORIES = (
    "ad-disabled", "ad-deleted", "ad-moved", "ad-renamed", "ad-rehired",
    "ad-deleted-clean", "ad-terminated",
)  # fmt: skip
DISABLED, DELETED, MOVED, RENAMED, REHIRED = STORIES[:5]
GROUP, MAIL, OWN, SHARE = Kind.GROUP, Kind.DELEGATION, Kind.OWNERSHIP, Kind.SHARE
LEAVER, REVOKED = Vantage.LEAVER, Outcome.REVOKED


def fact(id: str, seen: str, case: str, kind: Kind, name: str | None, **more: object) -> Fact:
    return Fact(f"samba/{id}", seen, case, "ad", kind, name, **more)  # type: ignore[arg-type]


MANY = [
    fact("disable-groups", "A disabled account stays in its groups.", DISABLED, GROUP, "drill-team"),
    fact("disable-nested", "It stays in the groups that those are members of.", DISABLED, GROUP, "drill-company",
         reason="through another group"),
    fact("disable-primary", "It stays in its primary group, which no list of members shows.", DISABLED, GROUP,
         "Domain Users", reason="primary group"),
    fact("disable-deputy", "It may still send on somebody's behalf (publicDelegates).", DISABLED, MAIL,
         "ad-chief#on-behalf", reason="publicDelegates"),
    fact("disable-send-as", "It keeps the extended right to send as somebody else.", DISABLED, MAIL,
         "ad-chief#send-as"),
    fact("disable-managed-by", "It still manages a computer (managedBy).", DISABLED, OWN, "ad-server#managed-by"),
    fact("disable-manager", "It is still somebody's manager.", DISABLED, OWN, "ad-kiosk#manager"),
    fact("disable-reset", "Its SID may still reset passwords in a folder.", DISABLED, SHARE,
         "ad-helpdesk#reset-password"),
    fact("disable-session", "A connection that was open before goes on reading the directory.", DISABLED,
         Kind.SESSION, "laptop", vantage=LEAVER, reason="still reads"),
    fact("disable-ticket", "A service ticket in the cache still gives new sign-ins.", DISABLED, Kind.CREDENTIAL,
         "ticket", vantage=LEAVER, reason="with the cached ticket works"),
    fact("disable-login", "A sign-in with the password is refused at once.", DISABLED, Kind.ACCOUNT, "account",
         outcome=REVOKED, vantage=LEAVER, channel="login"),
    fact("delete-groups", "Deleting takes the account out of its groups.", DELETED, GROUP, "drill-team",
         outcome=REVOKED),
    fact("delete-deputy", "Deleting takes it out of linked attributes such as publicDelegates.", DELETED, MAIL,
         "ad-board#on-behalf", outcome=REVOKED),
    fact("delete-aces", "The entries of a folder's permissions go on naming the SID of a deleted account.", DELETED,
         SHARE, "ad-finance#full-control"),
    fact("delete-dacl", "So does the right to change those permissions.", DELETED, SHARE, "ad-finance#write-dacl"),
    fact("delete-send-as", "So does the right to send as somebody else.", DELETED, MAIL, "ad-board#send-as"),
    fact("delete-mailbox", "A mailbox's own descriptor goes on naming the SID.", DELETED, MAIL,
         "ad-board#full-access", reason="the mailbox's own descriptor"),
    fact("delete-owner", "A deleted account goes on owning objects.", DELETED, OWN, "ad-printer#owner"),
    fact("delete-unlinked", "An attribute that is not linked (secretary) goes on naming the tombstone.", DELETED, OWN,
         "ad-board#secretary", reason="secretary"),
    fact("delete-session", "An open connection survives the deletion of its account.", DELETED, Kind.SESSION,
         "laptop", vantage=LEAVER, reason="still reads"),
    fact("delete-ticket", "A cached ticket of a deleted account still gives new sign-ins.", DELETED, Kind.CREDENTIAL,
         "ticket", vantage=LEAVER, reason="with the cached ticket works"),
    fact("delete-tombstone", "A deleted account leaves a tombstone.", DELETED, Kind.ACCOUNT, "account",
         outcome=REVOKED, reason="its tombstone remains"),
    fact("move-account", "An account that was only moved to another folder can be used as before.", MOVED,
         Kind.ACCOUNT, "account"),
    fact("move-login", "It signs in as before.", MOVED, Kind.ACCOUNT, "account", vantage=LEAVER, channel="login",
         reason="signed in"),
    fact("rename-groups", "Renamed before leaving, apostrophe and comma in the name: what it holds is found.",
         RENAMED, GROUP, "drill-team"),
    fact("rename-account", "And it is the renamed account that was disabled.", RENAMED, Kind.ACCOUNT, "account",
         outcome=REVOKED, reason="disabled, record remains"),
    fact("rehire-dangling", "After a rehire of the same name the old SID is still named.", REHIRED, SHARE,
         "ad-contracts#write"),
]  # fmt: skip
CROWD = fact("crowd", "The last of 1,601 members is found, and stays when disabled.", "ad-crowd", GROUP, "drill-crowd")
FACTS = [*MANY, CROWD]
CLEAN = [
    Clean("samba/deleted", "Groups, a deputy's right and a managed computer go with a deleted account.",
          "ad-deleted-clean"),
    Clean("samba/terminated", "Disabled, taken out of all groups and moved: nothing but the primary group stays, as "
          "the policy says.", "ad-terminated"),
]  # fmt: skip


@contextmanager
def served(*, crowd: bool = False) -> Iterator[Samba]:
    """In a short folder of its own: pytest's are too long for the sockets in them."""
    with ExitStack() as stack:
        try:
            samba = stack.enter_context(running(crowd=crowd))
        except NotInstalled as why:
            cannot(str(why))
        yield samba


@pytest.fixture(scope="module")
def samba() -> Iterator[Samba]:
    with served() as started:
        yield started


@pytest.fixture(scope="module")
def drilled(samba: Samba, tmp_path_factory: pytest.TempPathFactory) -> Drilled:
    """Every story at once."""
    stories = [SCENARIOS / f"{name}.yaml" for name in STORIES]
    return drill(FLEET, stories, samba.env, tmp_path_factory.mktemp("run") / "run")


@contextmanager
def as_(samba: Samba, name: str) -> Iterator[Domain]:
    auth = {"basic": {"username": f"DRILL\\{name}", "password": Ref(samba.passwords[name], "${env:PASSWORD}")}}
    domain = Domain(LdapWire(Address.of(samba.url), Auth.model_validate(auth), Bench().tools))
    try:
        yield domain
    finally:
        domain.close()


@pytest.mark.parametrize("one", MANY, ids=lambda one: one.id)
def test_fact(one: Fact, drilled: Drilled) -> None:
    holds(one, drilled)


@pytest.mark.parametrize("one", CLEAN, ids=lambda one: one.id)
def test_clean(one: Clean, drilled: Drilled) -> None:
    passes(one, drilled)


def test_every_finding_is_one_that_is_known(drilled: Drilled) -> None:
    """No false alarm: nothing is inconclusive, and whatever remains is a fact or comes with one."""
    expected = {(f.case, f.kind, f.name) for f in FACTS}
    expected |= {(case, GROUP, name) for case in (DISABLED, MOVED, RENAMED)
                 for name in ("drill-team", "drill-division", "drill-company", "Domain Users", "Users")}  # fmt: skip
    expected |= {(MOVED, SHARE, "ad-projects#write"), (RENAMED, SHARE, "ad-archive#read")}
    for result in drilled.run.cases:
        assert result.reason is None, result.reason
        assert result.claimed == "success", result.claim_detail
        for found in result.findings:
            assert found.outcome is not Outcome.INCONCLUSIVE, (result.case.id, found.kind, found.name, found.reason)
            if found.verdict is Verdict.FAIL:
                assert (result.case.id, found.kind, found.name) in expected, found.reason


def test_an_absence_was_measured(drilled: Drilled) -> None:
    for kind, name in ((GROUP, "drill-team"), (MAIL, "ad-board#auto-mapped"), (OWN, "ad-database#managed-by")):
        found = finding(drilled.case(DELETED), "ad", kind, name)
        assert found.outcome is REVOKED, found.reason
        measured(found)


def test_a_rehired_person_is_not_taken_for_the_old_one(drilled: Drilled) -> None:
    """The new account has a SID of its own: what names the old one is not its."""
    found = [f for f in drilled.case(REHIRED).findings if f.vantage is Vantage.ADMIN]
    accounts = [f for f in found if f.kind is Kind.ACCOUNT]
    assert [f.outcome for f in accounts] == [REVOKED, Outcome.INTACT]
    assert accounts[0].grant_id != accounts[1].grant_id
    assert [f.outcome for f in found if f.kind is SHARE] == [Outcome.RESIDUAL]
    assert not [f for f in found if f.kind is GROUP and f.name == "drill-team" and f.outcome is not REVOKED]


def test_bystanders_are_intact_and_the_domain_is_as_it_was(drilled: Drilled, samba: Samba) -> None:
    assert drilled.run.bystanders
    assert {(f.subject, f.outcome) for f in drilled.run.bystanders} == {(Subject.BYSTANDER, Outcome.INTACT)}
    assert drilled.run.cleanup.complete
    with as_(samba, "Administrator") as admin:
        left = {e.text("name") for e in admin.search("(name=*)", ("name",), f"OU=Drill,{BASE}").value}
        gone = admin.search("(isDeleted=TRUE)", ("sAMAccountName",), "", SHOW_RECYCLED).value
    standing = {"drill-team", "drill-division", "drill-company"}
    assert left == {"Drill", "People", "Left", "Things", *standing}
    assert any((e.text("sAMAccountName") or "").startswith("zz-ad-") for e in gone)  # as the docs say


def test_no_secret_is_in_the_run_folder(drilled: Drilled, samba: Samba) -> None:
    people = [result.identity for result in drilled.run.cases]
    secrets = [*samba.passwords.values(), *(who.password.reveal() for who in people if who is not None)]
    assert len(secrets) == len(STORIES) + 4
    assert secrets_in(drilled.folder, secrets) == []
    assert secrets_in(drilled.folder, [str(people[0].username if people[0] else "")])  # the search does find


def test_the_reader_sees_all_that_an_administrator_sees(samba: Samba) -> None:
    """Every object and every permission in every partition, with no right to change any; deleted objects too."""
    with as_(samba, "exitproof-reader") as reader, as_(samba, "Administrator") as admin:
        for context in reader.root().value.contexts:
            seen = {(each.guid, each.raw) for each in sweep(reader, context).value}
            assert seen == {(each.guid, each.raw) for each in sweep(admin, context).value}
        mine, all_ = ({e.dn for e in who.search("(isDeleted=TRUE)", ("cn",), "", SHOW_RECYCLED).value}
                      for who in (reader, admin))  # fmt: skip
        assert mine == all_
        assert len(mine) > 1
        tried = reader.search("(sAMAccountName=drill-team)").value[0]
        with pytest.raises(Exception, match=r"may not|refused|insufficient"):
            reader.wire.modify(tried.dn, [("replace", "description", ["x"])])


def test_a_member_beyond_the_first_1500_is_found_and_its_list_read_to_the_end(tmp_path: Path) -> None:
    with served(crowd=True) as samba:
        ran = drill(FLEET, [SCENARIOS / "ad-crowd.yaml"], samba.env, tmp_path / "run")
        with as_(samba, "exitproof-writer") as writer, as_(samba, "exitproof-reader") as reader:
            group = thing(writer.search("(sAMAccountName=drill-crowd)").value[0])
            late = thing(writer.search("(sAMAccountName=drill-team)").value[0])
            writer.wire.modify(group.dn, [("add", "member", [late.dn])])
            whole = reader.by_guid(group.guid, ("objectGUID", FIRST)).value
            assert whole is not None
            members = list(names_of(whole, "member"))
    assert len(members) == 1601
    assert late.guid in members
    holds(CROWD, ran)
    asked = [json.loads(path.read_text()) for path in (ran.folder / "exchanges").glob("*.json")]
    parts = [e for e in asked if "member;range=1500-*" in str((e["request"] or {}).get("body"))]
    assert parts  # at the latest when it was taken out again
    assert all(e["status"] == 0 for e in parts)
