"""What in crm works without anybody signing in, and ends with its owner; and the seats that come with a group."""

from __future__ import annotations

from tests.sandbox.driver import Driver


def test_a_link_opens_for_anybody_until_whoever_shared_it_is_deactivated(driver: Driver) -> None:
    who = driver.person()
    path = f"/users/{who.ids['crm']}"
    first, second = (driver.ask("crm", "POST", f"{path}/links", {"report": name}) for name in ("pipeline", "margins"))
    assert sorted(row["report"] for row in driver.pages("crm", f"{path}/links", "links")) == ["margins", "pipeline"]
    assert follow(driver, first) == follow(driver, second) == 200
    driver.ask("crm", "DELETE", f"{path}/links/{second['id']}")
    assert (follow(driver, first), follow(driver, second)) == (200, 404)
    driver.ask("crm", "PATCH", path, {"active": False})
    assert follow(driver, first) == 404
    assert driver.pages("crm", f"{path}/links", "links") == []


def follow(driver: Driver, link: dict[str, str]) -> int:
    return driver.http.get(f"{driver.url('crm')}/shared/{link['token']}", timeout=10).status_code


def test_an_export_runs_in_a_name_until_its_owner_leaves(driver: Driver) -> None:
    who, other = driver.person(), driver.person()
    mine, others = (
        driver.ask("crm", "POST", "/schedules", {"name": "nightly", "owner": each.ids["crm"]}) for each in (who, other)
    )
    driver.event("terminated", who)
    left = [row["id"] for row in driver.pages("crm", "/schedules", "schedules")]
    assert mine["id"] not in left
    assert others["id"] in left


def test_a_seat_that_came_with_a_group_goes_with_it(driver: Driver) -> None:
    who = driver.person()
    path = f"/users/{who.ids['crm']}"
    driver.ask("crm", "PUT", f"/groups/analysts/members/{who.ids['crm']}")
    driver.ask("crm", "PUT", f"{path}/seats/invoicing")
    assert seats(driver, path) == {"invoicing": None, "reporting": "analysts"}
    assert driver.call("crm", "DELETE", f"{path}/seats/reporting").status_code == 404
    driver.ask("crm", "DELETE", f"/groups/analysts/members/{who.ids['crm']}")
    assert seats(driver, path) == {"invoicing": None}


def seats(driver: Driver, path: str) -> dict[str, str | None]:
    return {row["plan"]: row["group"] for row in driver.pages("crm", f"{path}/seats", "seats")}
