"""Each defect leaves exactly its own residual, and nothing else remains or is lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from fixtures.sandbox import start
from fixtures.sandbox.defects import BUNDLES, DEFECTS
from tests.sandbox.conftest import World
from tests.sandbox.driver import Driver
from tests.sandbox.test_connector import EVERY_DOOR, GIVEN, OFF, ON, given


@dataclass(frozen=True)
class Remains:
    """After an everyday leaver was terminated: what is listed, which accounts are on, what still works."""

    held: frozenset[str] = frozenset()
    on: frozenset[str] = frozenset()
    works: frozenset[str] = frozenset()


def remains(*held: str, on: str = "", works: str = "") -> Remains:
    return Remains(frozenset(held), frozenset(on.split()), frozenset(works.split()))


EVERYDAY = {
    "scim-active-noop-200": remains(on="directory"),
    "member-remove-value-form": remains("directory/group/finance-all"),
    "delete-refused-by-ownership": remains("code/ownership/scripts"),
    "key-revoked-by-name": remains("code/credential/ssh-laptop"),
    "first-page-only": remains(
        "crm/group/account-owners",
        "mail/delegation/finance-inbox#read",
        "mail/delegation/press-inbox#send-as",
        "mail/share/board-inbox#Contracts",
        "mail/forwarding/home",
        "mail/forwarding/tap",
        "code/share/handbook#write",
        "code/ownership/scripts",
    ),
    "nested-not-expanded": remains("code/group/payments", "code/group/backend", "code/group/engineering"),
    "disabled-still-counted": remains("crm/license/sales-pro"),
    "delegate-on-others-mailbox": remains("mail/delegation/finance-inbox#read", "mail/delegation/press-inbox#send-as"),
    "rules-survive-conversion": remains("mail/forwarding/home", "mail/forwarding/tap"),
    "registered-device-stays": remains("mail/device/tablet"),
    "api-token-skips-active": remains(works="crm"),
    "session-survives-disable": remains("code/session/browser", works="session"),
    "manual-grant-untouched": remains(
        *(name for name in GIVEN if name.split("/")[1] in ("group", "role", "license")),
    ),
    "outside-collaborator": remains("code/share/handbook#write"),
    "list-hides-deprovisioned": remains("crm/group/account-owners"),
    "admin-flag-trusted": remains(works="mail-login"),
}


@pytest.mark.parametrize("defect", EVERYDAY)
def test_an_everyday_leaver_finds_it(world: World, defect: str) -> None:
    driver = world(defect)
    bystander, leaver = given(driver, driver.person()), given(driver, driver.person())
    before = driver.held(bystander)
    driver.event("terminated", leaver)
    expected = EVERYDAY[defect]
    assert driver.held(leaver) == expected.held
    active = driver.active(leaver)
    assert {system for system, on in active.items() if on} == expected.on
    assert driver.works(leaver) == expected.works
    if defect == "list-hides-deprovisioned":
        assert active["crm"] is None  # the record says gone
        driver.sync()
        assert driver.held(leaver) == expected.held
    assert driver.active(bystander) == ON
    assert driver.held(bystander) == before
    assert driver.works(bystander) == EVERY_DOOR


def test_a_neighbour_loses_what_the_leaver_lost(world: World) -> None:
    driver = world("remove-one-removes-all")
    bystander, leaver = given(driver, driver.person()), given(driver, driver.person())
    before = driver.held(bystander)
    driver.event("terminated", leaver)
    assert driver.held(leaver) == set()
    assert before - driver.held(bystander) == {"directory/group/finance-all"}


def test_one_neighbour_loses_a_licence(world: World) -> None:
    driver = world("neighbour-loses-licence")
    first, second, leaver, later = [given(driver, driver.person()) for _ in range(4)]
    driver.event("terminated", leaver)
    driver.event("terminated", later)
    assert "crm/license/sales-pro" not in driver.held(first)
    assert "crm/license/sales-pro" in driver.held(second)


def test_a_key_that_carries_the_name_is_revoked(world: World) -> None:
    driver = world("key-revoked-by-name")
    who = driver.person()
    path = f"/users/{who.ids['code']}/credentials"
    driver.ask("code", "POST", path, {"label": f"{who.username}-laptop"})
    driver.event("terminated", who)
    assert driver.pages("code", path) == []


@pytest.mark.parametrize("explicit", [False, True], ids=["by-family-name", "by-username"])
def test_who_was_renamed_keeps_crm(world: World, explicit: bool) -> None:
    driver = world("rename-before-disable")
    unrenamed = given(driver, driver.person())
    driver.event("terminated", unrenamed)
    assert (driver.active(unrenamed), driver.held(unrenamed)) == (OFF, set())

    who = given(driver, driver.joined())
    fields: dict[str, Any] = {"family_name": "Novak"}
    if explicit:
        fields |= {"username": f"{who.username}-new", "previous_username": who.username}
    driver.event("renamed", who, **fields)
    driver.event("terminated", who)
    assert driver.active(who) == {**OFF, "crm": True}
    assert driver.held(who) == {name for name in GIVEN if name.startswith("crm/")}
    assert driver.works(who) == {"crm", "crm-login"}


@pytest.mark.parametrize("again", ["sync", "replay"])
def test_an_older_event_that_comes_again_brings_access_back(world: World, again: str) -> None:
    driver = world("late-event-resurrects")
    who = driver.joined(department="Finance")
    sent = driver.event("terminated", who)
    assert driver.active(who) == OFF

    def once_more() -> None:
        if again == "sync":
            assert driver.sync() == "finished"
        else:
            driver.event("terminated", who, id=sent["id"])

    once_more()
    driver.until(lambda: driver.active(who) == ON)
    driver.until(lambda: "directory/group/finance-all" in driver.held(who))


def test_an_older_event_that_comes_again_changes_nothing_without_the_defect(driver: Driver) -> None:
    who = driver.joined(department="Finance")
    sent = driver.event("terminated", who)
    driver.event("terminated", who, id=sent["id"])
    assert driver.sync() == "finished"
    assert (driver.active(who), driver.held(who)) == (OFF, set())


def test_a_direct_and_a_nested_membership_overlap(world: World) -> None:
    driver = world("direct-and-nested-overlap")
    only_nested, both = driver.person(), driver.person()
    for who, teams in ((only_nested, ["payments"]), (both, ["engineering", "payments"])):
        for team in teams:
            driver.ask("code", "PUT", f"/teams/{team}/members/{who.ids['code']}")
        driver.event("terminated", who)
    assert driver.held(only_nested) == set()
    assert driver.held(both) == {"code/group/payments", "code/group/backend", "code/group/engineering"}


def test_accounts_from_before_the_connector_are_not_touched(world: World) -> None:
    driver = world("pre-scim-user-unmanaged")
    by_hand, joined = given(driver, driver.person()), driver.joined(department="Sales")
    for who in (by_hand, joined):
        driver.event("terminated", who)
    assert driver.active(by_hand) == ON
    assert driver.works(by_hand) == EVERY_DOOR
    assert (driver.active(joined), driver.held(joined)) == (OFF, set())


def test_what_the_connector_gave_itself_is_taken_all_the_same(world: World) -> None:
    driver = world("manual-grant-untouched")
    who = driver.joined(department="Engineering")
    driver.event("terminated", who)
    assert driver.held(who) == set()


def test_a_rehire_gets_the_old_groups_back(world: World) -> None:
    driver = world("rejoin-restores-groups")
    who = given(driver, driver.person())
    driver.event("terminated", who)
    assert driver.held(who) == set()
    driver.event("rehired", who)
    assert driver.active(who) == {**OFF, "directory": True}
    assert driver.held(who) == {"directory/group/finance-all"}


def test_the_next_sync_adds_the_team_again(world: World) -> None:
    driver = world("gitops-readds")
    who = given(driver, driver.person())
    driver.event("terminated", who)
    assert driver.held(who) == set()
    for _ in range(2):
        assert driver.sync() == "finished"
        assert {"code/group/payments", "code/group/security"} <= driver.held(who)


def test_repositories_of_a_renamed_owner_are_overlooked(world: World) -> None:
    """It needs both: an owner who was never renamed, and a renamed leaver's other access, are dealt with."""
    driver = world("renamed-owner-overlooked")
    for renamed, remains in ((False, set()), (True, {"code/ownership/scripts"})):
        who = given(driver, driver.joined())
        if renamed:
            driver.event("renamed", who, family_name="Lindholm")
        driver.event("terminated", who)
        assert driver.held(who) == remains


def test_an_owner_cannot_be_deleted(world: World) -> None:
    driver = world("delete-refused-by-ownership")
    who = given(driver, driver.person())
    driver.event("deleted", who, wait=False, id="deletion")
    driver.until(lambda: driver.ask("hr", "GET", "/hr/events/deletion", key="READ")["state"] == "failed")
    assert driver.sync() == "finished"
    assert driver.active(who) == {"directory": None, "crm": None, "mail": None, "code": False}
    assert driver.held(who) == {"code/ownership/scripts"}


def test_an_error_is_answered_although_it_worked(world: World) -> None:
    driver = world("guard-after-write")
    who = given(driver, driver.joined())
    body = {"type": "terminated", "id": "guarded", "employee": who.employee, "username": who.username}
    assert driver.post("/hr/events", body).status_code == 500
    driver.until(lambda: driver.ask("hr", "GET", "/hr/events/guarded", key="READ")["state"] == "applied")
    assert (driver.active(who), driver.held(who)) == (OFF, set())


def test_the_directory_keeps_no_trail(world: World) -> None:
    driver = world("scim-change-unlogged")
    who = given(driver, driver.person())
    driver.event("terminated", who)
    base = driver.url("directory").removesuffix("/scim/v2")
    token = driver.env["EXITPROOF_SANDBOX_DIRECTORY_READ"]
    page = driver.http.get(f"{base}/audit", headers={"Authorization": f"Bearer {token}"}, timeout=10).json()
    assert page == {"rows": []}


def test_the_realistic_connector_has_all_of_its_defects(world: World) -> None:
    driver = world("realistic")
    who = given(driver, driver.person())
    driver.event("terminated", who)
    found = {defect: EVERYDAY[defect] for defect in BUNDLES["realistic"] if defect in EVERYDAY}
    assert driver.held(who) == frozenset().union(*(each.held for each in found.values()))
    assert driver.works(who) == frozenset().union(*(each.works for each in found.values()))
    driver.event("rehired", who)
    assert "directory/group/finance-all" in driver.held(who)


def test_the_catalogue_is_whole() -> None:
    assert {defect.group for defect in DEFECTS.values()} >= set("ABCDEHIKLO")
    for name, defect in DEFECTS.items():
        assert defect.id == name
        assert defect.sentence.endswith(".")
        assert "\t" not in defect.sentence
        assert defect.source.startswith("https://")
    assert set().union(*BUNDLES.values()) <= set(DEFECTS)


def test_an_unknown_defect_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=rf"unknown defect 'nope' \(allowed: realistic, {min(DEFECTS)}, "):
        start(["nope"])
