"""The correct connector: everything of a leaver ends, everywhere, and nobody else loses anything."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.sandbox.driver import Driver, Held

OFF = {"directory": False, "crm": False, "mail": False, "code": False}
ON = dict.fromkeys(OFF, True)
GIVEN = {
    "crm/license/sales-pro",
    "crm/role/deal-desk",
    "crm/group/account-owners",
    "crm/credential/ci-deploy",
    "mail/delegation/finance-inbox#read",
    "mail/delegation/press-inbox#send-as",
    "mail/share/board-inbox#Contracts",
    "mail/forwarding/home",
    "mail/forwarding/tap",
    "mail/device/tablet",
    "code/group/payments",
    "code/group/backend",
    "code/group/engineering",
    "code/group/security",
    "code/role/billing-manager",
    "code/share/handbook#write",
    "code/ownership/scripts",
    "code/credential/ssh-laptop",
    "code/consent/build-bot",
    "code/session/browser",
    "directory/group/finance-all",
    "directory/role/expense-approver",
    "directory/license/ledger",
}
EVERY_DOOR = {"crm", "device", "key", "consent", "session", "crm-login", "mail-login", "code-login"}


def given(driver: Driver, who: Held) -> Held:
    driver.give_everything(who)
    held = driver.held(who)
    assert held >= GIVEN
    assert any(name.startswith("mail/mailbox/") for name in held)
    assert driver.works(who) == EVERY_DOOR
    return who


@pytest.fixture
def leaver(driver: Driver) -> Held:
    return given(driver, driver.person())


@pytest.fixture
def bystander(driver: Driver) -> Held:
    return given(driver, driver.person())


def test_join_gives_accounts_and_birthright_with_a_password_that_works(driver: Driver) -> None:
    who = driver.joined(department="Sales")
    assert driver.active(who) == ON
    assert driver.held(who) == {
        "directory/group/all-staff",
        "directory/group/sales-all",
        "crm/license/sales-pro",
        "crm/group/sales-team",
        f"mail/mailbox/{who.username}@drill.example",
    }
    assert {"crm-login", "mail-login", "code-login"} == driver.works(who)


@pytest.mark.parametrize("make", [Driver.person, Driver.joined], ids=["by-hand", "joined"])
def test_terminate_leaves_nothing(driver: Driver, make: Callable[[Driver], Held], bystander: Held) -> None:
    who, before = given(driver, make(driver)), driver.held(bystander)
    driver.event("terminated", who, reason="resignation")
    assert driver.active(who) == OFF
    assert driver.held(who) == set()
    assert driver.works(who) == set()
    assert driver.active(bystander) == ON
    assert driver.held(bystander) == before
    assert driver.works(bystander) == EVERY_DOOR


def test_residents_keep_what_they_have(driver: Driver, leaver: Held) -> None:
    def snapshot() -> list[object]:
        groups = driver.pages("directory", "/Groups", "Resources")
        seen: list[object] = [{g["displayName"]: sorted(m["value"] for m in g.get("members", [])) for g in groups}]
        for group in driver.pages("crm", "/groups", "groups"):
            members = driver.pages("crm", f"/groups/{group['id']}/members", "members")
            seen.append((group["name"], [row["id"] for row in members if row["id"] != leaver.ids["crm"]]))
        return seen

    def without_leaver(seen: list[object]) -> list[object]:
        first = seen[0]
        assert isinstance(first, dict)
        mine = leaver.ids["directory"]
        return [{name: [m for m in members if m != mine] for name, members in first.items()}, *seen[1:]]

    before = snapshot()
    driver.event("terminated", leaver)
    assert snapshot() == without_leaver(before)


def test_delete_removes_the_accounts(driver: Driver, leaver: Held) -> None:
    driver.event("deleted", leaver)
    assert driver.active(leaver) == dict.fromkeys(OFF)
    assert driver.held(leaver) == set()
    assert driver.call("crm", "GET", f"/users/{leaver.ids['crm']}/seats", key="READ").status_code == 404
    assert driver.works(leaver) == set()


def test_suspend_disables_and_keeps_what_hangs_on_it(driver: Driver, leaver: Held) -> None:
    driver.event("suspended", leaver)
    assert driver.active(leaver) == OFF
    assert driver.works(leaver) == set()
    assert driver.held(leaver) >= GIVEN - {"crm/credential/ci-deploy", "code/session/browser"}


def test_news_of_a_move_that_come_after_the_leaving_give_nothing(driver: Driver) -> None:
    who = driver.joined(department="Finance")
    driver.event("terminated", who)
    driver.event("moved", who, department="Engineering")
    assert driver.sync() == "finished"
    assert (driver.active(who), driver.held(who)) == (OFF, set())


def test_move_takes_the_old_departments_access_and_gives_the_new_ones(driver: Driver) -> None:
    who = driver.joined(department="Finance")
    driver.join_group(who, "finance-approvers")
    driver.ask("mail", "PUT", f"/mailboxes/finance-inbox/rights/{who.ids['mail']}/send-as")
    driver.ask("crm", "PUT", f"/users/{who.ids['crm']}/seats/reporting")
    driver.event("moved", who, department="Engineering")
    assert driver.active(who) == ON
    assert driver.held(who) == {
        "directory/group/all-staff",
        "directory/group/engineering-all",
        "code/role/member",
        "code/group/engineering",
        "crm/license/reporting",
        f"mail/mailbox/{who.username}@drill.example",
    }


@pytest.mark.parametrize("make", [Driver.person, Driver.joined], ids=["by-hand", "joined"])
def test_rename_before_leaving_hides_nothing(driver: Driver, make: Callable[[Driver], Held]) -> None:
    who = given(driver, make(driver))
    driver.event("renamed", who, family_name="Novak")
    user = driver.ask("directory", "GET", f"/Users/{who.ids['directory']}", key="READ")
    assert user["userName"] == f"{who.username}-novak"
    assert driver.ask("mail", "GET", f"/users/{who.ids['mail']}", key="READ")["login"] == f"{who.username}-novak"
    assert driver.ask("crm", "GET", f"/users/{who.ids['crm']}", key="READ")["login"] == who.username
    assert "mail-login" in driver.works(who)  # the old name is an alias
    driver.event("terminated", who)
    assert driver.active(who) == OFF
    assert driver.held(who) == set()
    assert driver.works(who) == set()


def test_rejoin_brings_back_the_directory_account_and_nothing_old(driver: Driver, leaver: Held) -> None:
    driver.event("terminated", leaver)
    driver.event("rehired", leaver)
    assert driver.active(leaver) == {**OFF, "directory": True}
    assert driver.held(leaver) == set()
    assert driver.sync() == "finished"
    assert driver.active(leaver) == {**OFF, "directory": True}


def test_sync_ends_what_somebody_gave_a_leaver_again(driver: Driver, leaver: Held) -> None:
    driver.event("terminated", leaver)
    driver.join_group(leaver, "wiki-editors")
    driver.ask("crm", "PATCH", f"/users/{leaver.ids['crm']}", {"active": True})
    assert driver.held(leaver) == {"directory/group/wiki-editors"}
    assert driver.sync() == "finished"
    assert driver.active(leaver) == OFF
    assert driver.held(leaver) == set()


def test_sync_touches_nobody_who_works_here(driver: Driver, bystander: Held) -> None:
    joined = given(driver, driver.joined(department="Sales"))
    before = [driver.held(who) for who in (bystander, joined)]
    assert driver.sync() == "finished"
    assert [driver.held(who) for who in (bystander, joined)] == before
    assert driver.active(joined) == ON


def test_a_leaving_in_the_future_waits_for_its_time(driver: Driver, leaver: Held) -> None:
    driver.event("terminated", leaver, wait=False, effective="2099-01-01T00:00:00Z")
    assert driver.sync() == "finished"
    assert driver.active(leaver) == ON


def test_the_last_member_can_leave(driver: Driver) -> None:
    who = driver.person()
    driver.ask("crm", "PUT", f"/groups/owners/members/{who.ids['crm']}")
    assert len(driver.pages("crm", "/groups/owners/members", "members")) == 1
    driver.event("terminated", who)
    assert driver.pages("crm", "/groups/owners/members", "members") == []


@pytest.mark.parametrize("system", ["directory", "crm", "mail", "code"])
def test_every_change_of_the_connector_is_in_the_trail(driver: Driver, leaver: Held, system: str) -> None:
    driver.event("terminated", leaver, reason="resignation")
    base = driver.url(system).removesuffix("/scim/v2")
    token = driver.env[f"EXITPROOF_SANDBOX_{system.upper()}_READ"]
    url, rows = f"{base}/audit?target={leaver.ids[system]}", []
    while url:
        page = driver.http.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=10).json()
        rows += page["rows"]
        url = base + page["next"] if page.get("next") else ""
    mine = [row for row in rows if row["actor"] == "hr-connector"]
    assert {row["target"] for row in rows} == {leaver.ids[system]}
    assert all(row["reason"].startswith("terminated E-") and "resignation" in row["reason"] for row in mine)
    expected = {
        "directory": {"user.update", "group.remove"},
        "crm": {"user.deactivate", "seats.take", "roles.take", "group.remove"},
        "mail": {"user.suspended", "rights.take", "shares.take", "rule.delete", "device.unpair", "mailbox.hand-over"},
        "code": {
            "user.blocked",
            "team.remove",
            "role.take",
            "repository.unshare",
            "repository.hand-over",
            "credential.revoke",
            "consent.withdraw",
        },
    }
    assert {row["action"] for row in mine} == expected[system]
    assert {row["actor"] for row in rows} - {"hr-connector", "admin-api"} <= {leaver.username}
