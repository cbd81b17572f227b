"""Cleanup under attack: it takes nothing that is not the run's own, believes nothing but a look, and hides nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness.model import Entitlement, Kind, Verdict
from harness.session.drill import exit_code
from harness.testing.faults import Asked
from tests.verdicts.directory import Directory
from tests.verdicts.front import WRITER, anywhere, segments
from tests.verdicts.planted import status
from tests.verdicts.shop import Shop
from tests.verdicts.stage import Behind, Stage, staged

WORLDS: dict[str, Callable[[], Behind]] = {"http": Shop, "scim": Directory}
both = pytest.mark.parametrize("world", WORLDS)


def work(stage: Stage) -> None:
    stage.deeds = [stage.behind.disable, stage.behind.strip]


def people(stage: Stage) -> dict[str, Any]:
    behind: Any = stage.behind
    return {str(n): u for n, u in (behind.store.users if isinstance(behind, Shop) else behind.users).items()}


@both
def test_look_alikes_are_never_touched(world: str) -> None:
    """Names that begin, end or read like the leaver's, made before, during and after."""
    with staged(WORLDS[world]()) as stage:
        names = [f"zz-leaver-1-{n}{tail}" for n in (1, 2, 3) for tail in ("0", "-admin", " ", ".")] + ["ZZ-LEAVER-1-30"]
        behind: Any = stage.behind

        def add(name: str) -> str:
            if world == "http":
                return str(behind.store.add(name, "x")["id"])
            body = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name, "active": True}
            return str(behind._add(body)[1]["id"])

        before = [add(name) for name in names]
        during: list[str] = []
        work(stage)
        stage.deeds.append(lambda _: during.extend(add(name + "9") for name in names))
        writes: list[Asked] = []
        stage.on_ask = lambda asked, _: writes.append(asked) if asked.method in ("DELETE", "PATCH", "PUT") else None
        told = stage.drill()
        left = people(stage)
    assert told.case.verdict is Verdict.PASS, told
    assert {*before, *during} <= left.keys()
    touched = {segments(asked)[1] for asked in writes if segments(asked)[0].lower() == "users"}
    assert not touched & {*before, *during}


@both
def test_an_id_given_to_another_person_stays_theirs_even_where_cleanup_is_blind(world: str) -> None:
    """It was seen to be somebody else's once. That nobody can look any more does not make it ours again."""
    with staged(WORLDS[world]()) as stage:
        stage.heals = False

        def recycle(account: str) -> None:
            person = people(stage)[account]
            person |= {"login": "else", "userName": "else", "externalId": "else", "emails": [], "active": True}
            stage.later(1_000_000, lambda: stage.front.plant(status(403), anywhere))

        stage.deeds = [recycle]
        writes: list[Asked] = []
        stage.on_ask = lambda asked, bearer: writes.append(asked) if stage.t0 and bearer == WRITER else None
        told = stage.drill()
        mine = [w for w in writes if stage.leaver in w.path and w.method != "GET"]
        theirs = people(stage)[stage.leaver]
    assert not mine
    assert theirs["active"] is True
    assert not told.case.cleanup.complete
    assert told.case.verdict is Verdict.INCONCLUSIVE


@both
def test_a_removal_that_answers_an_error_although_it_worked_is_complete(world: str) -> None:
    with staged(WORLDS[world]()) as stage:
        work(stage)
        answered = stage.front.backend

        def lying(asked: Asked, bearer: str, body: Any) -> tuple[int, Any]:
            code, answer = answered(asked, bearer, body)
            if asked.method == "DELETE" and code == 204:
                return 500, {"error": "no"}
            return code, answer

        stage.front.backend = lying
        told = stage.drill()
        left = [person for person in people(stage).values() if "zz-leaver" in str(person)]
    assert told.case.verdict is Verdict.PASS, told
    assert told.case.cleanup.complete, told
    assert exit_code(told.run) == 0
    assert not left


@both
def test_a_removal_that_is_refused_is_a_leftover(world: str) -> None:
    with staged(WORLDS[world]()) as stage:
        work(stage)
        answered = stage.front.backend

        def refusing(asked: Asked, bearer: str, body: Any) -> tuple[int, Any]:
            if asked.method == "DELETE" and segments(asked)[0].lower() == "users" and len(segments(asked)) == 2:
                return 403, {"error": "not you"}
            return answered(asked, bearer, body)

        stage.front.backend = refusing
        told = stage.drill()
    assert told.case.verdict is Verdict.PASS, told
    assert not told.case.cleanup.complete
    assert any("account" in text and "403" in text for text in told.case.cleanup.leftovers), told
    assert exit_code(told.run) == 7


@both
def test_success_although_nothing_was_removed_is_a_leftover(world: str) -> None:
    with staged(WORLDS[world]()) as stage:
        work(stage)
        answered = stage.front.backend

        def idle(asked: Asked, bearer: str, body: Any) -> tuple[int, Any]:
            return (204, None) if asked.method == "DELETE" else answered(asked, bearer, body)

        stage.front.backend = idle
        told = stage.drill()
    assert told.case.verdict is Verdict.PASS, told
    assert exit_code(told.run) == 7, told


@both
def test_cleanup_that_cannot_look_is_not_complete(world: str) -> None:
    with staged(WORLDS[world]()) as stage:
        work(stage)
        stage.heals = False
        told_of: list[str] = []

        def blind(asked: Asked, bearer: str) -> None:
            if asked.method == "DELETE" and not told_of:
                told_of.append(asked.path)
                stage.front.plant(status(403), anywhere)

        stage.on_ask = blind
        told = stage.drill()
    assert told_of
    assert not (told.case.cleanup.complete and told.run.cleanup.complete), told
    assert exit_code(told.run) in (6, 7)


def test_membership_that_outlives_its_account_is_a_leftover() -> None:
    """The account goes, its row in a group stays: `PUT` gave it without an id of its own."""
    with staged(Shop()) as stage:
        shop: Any = stage.behind
        answered = stage.front.backend

        def clinging(asked: Asked, bearer: str, body: Any) -> tuple[int, Any]:
            path = segments(asked)
            if asked.method == "DELETE" and path[0] == "groups":
                return 204, None  # and keeps it
            members = {name: list(who) for name, who in shop.store.groups.items()}
            answer = answered(asked, bearer, body)
            if asked.method == "DELETE":
                shop.store.groups.update(members)
            return answer

        stage.front.backend = clinging
        stage.deeds = [shop.disable, shop.strip]
        told = stage.drill(access=(Entitlement("shop", Kind.GROUP, "owners"),))
    assert told.case.verdict is Verdict.PASS, told
    assert not told.run.cleanup.complete, "the bystanders are still members of a group, as people who are no more"
    assert exit_code(told.run) == 7
