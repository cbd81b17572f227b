"""The services: credentials kept apart, pages that must be followed, signatures, a late replica, nothing left open."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from fixtures.sandbox import start
from tests.sandbox.conftest import World
from tests.sandbox.driver import Driver, Held

LISTS = [
    ("directory", "/Users", "Resources"),
    ("directory", "/Groups", "Resources"),
    ("crm", "/users", "users"),
    ("crm", "/groups/account-owners/members", "members"),
    ("mail", "/users", "users"),
    ("mail", "/mailboxes", "mailboxes"),
    ("mail", "/mailboxes/finance-inbox/rights", "rights"),
    ("mail", "/rules", "rules"),
    ("code", "/users", ""),
    ("code", "/teams", ""),
    ("code", "/repos", ""),
    ("code", "/repos/handbook/collaborators", ""),
]


@pytest.mark.parametrize("system", ["directory", "crm", "mail", "code"])
def test_a_reader_may_only_read_and_a_stranger_nothing(driver: Driver, system: str) -> None:
    path = "/Users" if system == "directory" else "/users"
    assert driver.call(system, "GET", path, key="READ").status_code == 200
    assert driver.call(system, "POST", path, {"login": "x", "userName": "x"}, key="READ").status_code == 403
    assert driver.call(system, "GET", path, bearer="wrong").status_code == 401
    assert driver.call(system, "POST", path, {"login": "x"}, bearer="wrong").status_code == 401
    others = [name for name in ("directory", "crm", "mail", "code") if name != system]
    for other in others:
        foreign = driver.env[f"EXITPROOF_SANDBOX_{other.upper()}_WRITE"]
        assert driver.call(system, "GET", path, bearer=foreign).status_code == 401


def test_a_reader_without_one_scope_is_refused_there_and_nowhere_else() -> None:
    """RFC 6750 §3.1 says how; the credential that writes has every scope."""
    with start(lacking=["crm.seats:read", "directory.groups:read"]) as sandbox:
        driver = Driver(sandbox.env)
        who = driver.person()
        seats = f"/users/{who.ids['crm']}/seats"
        refused = driver.call("crm", "GET", seats, key="READ")
        assert refused.status_code == 403
        assert 'error="insufficient_scope", scope="seats:read"' in refused.headers["WWW-Authenticate"]
        assert driver.call("crm", "GET", seats).status_code == 200
        assert driver.call("crm", "GET", f"/users/{who.ids['crm']}/roles", key="READ").status_code == 200
        assert driver.call("directory", "GET", "/Groups", key="READ").status_code == 403
        assert driver.call("directory", "GET", "/Users", key="READ").status_code == 200
        driver.close()


def test_an_unknown_scope_is_named_beside_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"unknown scope: 'crm.seat:read' \(allowed: .*crm.seats:read"):
        start(lacking=["crm.seat:read"])


@pytest.mark.parametrize(("system", "path", "items"), LISTS)
def test_every_list_needs_its_pages(driver: Driver, system: str, path: str, items: str) -> None:
    first = driver.ask(system, "GET", path, key="READ")
    shown = first if isinstance(first, list) else first[items]
    whole = driver.pages(system, path, items)
    assert 0 < len(shown) <= 5 < len(whole)
    assert len({row["id"] for row in whole}) == len(whole)


def test_what_is_made_during_paging_shifts_no_page(driver: Driver) -> None:
    before = [user["id"] for user in driver.pages("crm", "/users", "users")]
    first = driver.ask("crm", "GET", "/users", key="READ")
    who = driver.person()
    driver.ask("crm", "DELETE", f"/users/{who.ids['crm']}")
    second = driver.ask("crm", "GET", first["next"], key="READ")
    assert [user["id"] for user in (*first["users"], *second["users"])] == before[:10]


@pytest.mark.parametrize("signature", ["", "0" * 64, "nonsense", "é"])
def test_hr_refuses_a_wrong_signature_and_nothing_happens(driver: Driver, signature: str) -> None:
    who = driver.person()
    body = {"type": "terminated", "id": f"forged-{signature}", "username": who.username}
    raw = signature.encode()  # requests sends header bytes as they are
    answer = driver.post("/hr/events", body, raw)  # type: ignore[arg-type]
    assert answer.status_code == 401
    assert driver.post("/sync", None, raw).status_code == 401  # type: ignore[arg-type]
    assert driver.call("hr", "GET", f"/hr/events/forged-{signature}", key="READ").status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"type": "fired", "id": "bad-1", "username": "x"}, 422),
        ({"type": "terminated", "username": "x"}, 422),
        ({"type": "terminated", "id": "bad-2"}, 422),
        ({"type": "terminated", "id": "bad-3", "employee": "E-99999"}, 404),
        ({"type": "terminated", "id": "bad-4", "username": "x", "effective": "soon"}, 422),
        ({"type": "hired", "id": "bad-5", "username": "amara.okafor"}, 409),
    ],
)
def test_hr_refuses_what_makes_no_sense(driver: Driver, body: dict[str, str], status: int) -> None:
    assert driver.post("/hr/events", body).status_code == status


def test_the_same_event_twice_is_one_event(driver: Driver) -> None:
    who = driver.joined(department="Sales")
    first = driver.event("terminated", who)
    driver.ask("crm", "PATCH", f"/users/{who.ids['crm']}", {"active": True})  # would be undone, were it done again
    again = driver.event("terminated", who, id=first["id"])
    assert again == {**first, "duplicate": True}
    time.sleep(0.3)
    assert driver.active(who)["crm"] is True
    assert driver.active(who)["directory"] is False


def test_a_leaver_who_signs_in_with_the_wrong_password_is_refused(driver: Driver) -> None:
    who = driver.person()
    for system in ("crm", "mail", "code"):
        body = {"login": who.username, "password": "wrong"}
        assert driver.call(system, "POST", "/login", body, bearer="none").status_code == 401
        assert driver.login(system, who).status_code == 200


def test_a_sign_in_can_be_signed_out_again(driver: Driver) -> None:
    who = driver.person()
    token = driver.login("code", who).json()["session"]
    assert driver.call("code", "POST", "/logout", headers={"X-Session": token}).status_code == 204
    assert driver.pages("code", f"/users/{who.ids['code']}/sessions") == []
    assert driver.call("code", "GET", "/user", headers={"X-Session": token}).status_code == 401
    for system, path in (("crm", "/me"), ("mail", "/sync")):
        session = driver.login(system, who).json()["session"]
        assert driver.call(system, "GET", path, bearer=session).status_code == 200
        assert driver.call(system, "POST", "/logout", bearer=session).status_code == 204
        assert driver.call(system, "GET", path, bearer=session).status_code == 401


def test_code_deletes_nobody_who_owns_something(driver: Driver) -> None:
    who = driver.person()
    repo = driver.ask("code", "POST", "/repos", {"name": "scripts", "owner": who.ids["code"]})
    assert driver.call("code", "DELETE", f"/users/{who.ids['code']}").status_code == 409
    driver.ask("code", "DELETE", f"/repos/{repo['id']}")
    assert driver.call("code", "DELETE", f"/users/{who.ids['code']}").status_code == 204


def test_mail_leaves_an_empty_list_out(driver: Driver) -> None:
    who = driver.person()
    assert "mailboxes" in driver.ask("mail", "GET", f"/users/{who.ids['mail']}", key="READ")
    driver.event("terminated", who)
    assert "mailboxes" not in driver.ask("mail", "GET", f"/users/{who.ids['mail']}", key="READ")


def test_a_late_replica_serves_readers_only(world: World) -> None:
    driver = world(lag=0.4)
    who = driver.person()
    for system, path in (("crm", f"/users/{who.ids['crm']}"), ("directory", f"/Users/{who.ids['directory']}")):
        assert driver.call(system, "GET", path).status_code == 200
        assert driver.call(system, "GET", path, key="READ").status_code == 404
    driver.until(lambda: driver.active(who) == dict.fromkeys(("crm", "mail", "code", "directory"), True), within=2)
    driver.event("terminated", who)
    assert driver.active(who)["crm"] is True
    driver.until(lambda: not any(driver.active(who).values()), within=2)


def test_jitter_changes_the_order_and_loses_nobody(world: World, driver: Driver) -> None:
    shuffled = world(jitter=True)
    names = [user["login"] for user in shuffled.pages("crm", "/users", "users")]
    assert names != sorted(names)
    assert len(set(names)) == len(names) == 18


def test_latency_is_added_to_every_answer(world: World) -> None:
    driver = world(latency=0.15)
    for system, path in (("directory", "/Groups"), ("crm", "/groups"), ("hr", "/hr/people")):
        began = time.monotonic()
        driver.ask(system, "GET", path, key="READ")
        assert time.monotonic() - began >= 0.15


def test_access_ends_after_the_delay_not_before(world: World) -> None:
    driver = world(delay=0.5)
    who = driver.person()
    began = time.monotonic()
    driver.event("terminated", who, wait=False)
    assert time.monotonic() - began < 0.4
    assert all(driver.active(who).values())
    driver.until(lambda: not any(driver.active(who).values()))
    assert time.monotonic() - began >= 0.5


def test_it_is_up_in_under_three_seconds_and_leaves_nothing_behind() -> None:
    before = set(threading.enumerate())
    began = time.monotonic()
    sandbox = start(delay=0.02)
    assert time.monotonic() - began < 3
    driver = Driver(sandbox.env)
    who: Held = driver.person()
    driver.event("terminated", who)
    ports = [int(driver.url(name).split(":")[2].split("/")[0]) for name in ("hr", "directory", "crm", "mail", "code")]
    assert len(set(ports)) == 5
    sandbox.close()
    sandbox.close()
    driver.close()
    assert set(threading.enumerate()) <= before
    for port in ports:
        with pytest.raises(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            pass


def test_a_port_that_is_taken_leaves_nothing_running() -> None:
    before = set(threading.enumerate())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError):
            start(port_base=port - 2)
    assert set(threading.enumerate()) <= before
