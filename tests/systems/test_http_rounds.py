"""One round: what renders alike is sent once, for every identity and every thread."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from requests import PreparedRequest

from harness.model import Kind, ListState
from tests.systems.http_case import BASE, GROUPS, SEATS, case, row, sweep


def test_requests_that_render_alike_are_sent_once_in_a_round() -> None:
    with case(lists={"delegation": GROUPS, "group": {**GROUPS, "absent_on": []}}) as it:
        for number in (7, 8):
            it.record(number)
        sweep(it, {"a": [row(1, 7), row(2, 8)]})
        shared = it.system.round()
        first, second = shared.look(it.person), shared.look(it.somebody(8))
        assert sorted(it.asked()) == ["GET /groups", "GET /groups/a/members", "GET /users/7", "GET /users/8"]
        it.look()
        assert it.asked().count("GET /groups") == 2, "another round asks again"
    assert [r.id for r in first.listings[0].rows] == ["1"]
    assert [r.id for r in second.listings[0].rows] == ["2"]


def test_each_list_accepts_its_own_statuses_of_a_shared_answer() -> None:
    strict, lenient = {**SEATS, "get": "/seats"}, {**SEATS, "get": "/seats", "absent_on": [404]}
    for lists in ({"license": strict, "role": lenient}, {"role": lenient, "license": strict}):
        with case(lists=lists) as it:
            it.record()
            it.answer("/seats", {}, 404)
            states = {found.kind: found.state for found in it.look().listings}
        assert states == {Kind.LICENSE: ListState.UNKNOWN, Kind.ROLE: ListState.COMPLETE}


def test_a_round_is_shared_by_threads_also_while_a_request_is_under_way() -> None:
    with case(lists={"delegation": GROUPS}) as it:
        started, go = threading.Event(), threading.Event()

        def slowly(request: PreparedRequest) -> tuple[int, dict[str, str], str]:
            started.set()
            go.wait(5)
            return 200, {"Content-Type": "application/json"}, '{"items": []}'

        it.mock.add_callback("GET", BASE + "/groups", slowly)
        for number in (7, 8, 9):
            it.record(number)
        shared = it.system.round()
        with ThreadPoolExecutor(3) as pool:
            looks = [pool.submit(shared.look, it.somebody(number)) for number in (7, 8, 9)]
            assert started.wait(5)
            go.set()
            states = {look.result(5).listings[0].state for look in looks}
        assert it.asked().count("GET /groups") == 1
    assert states == {ListState.COMPLETE}


def test_a_failure_is_shared_too() -> None:
    with case(lists={"delegation": GROUPS}) as it:
        for number in (7, 8):
            it.record(number)
        it.answer("/groups", {}, 403)
        shared = it.system.round()
        looks = [shared.look(it.person), shared.look(it.somebody(8))]
        assert it.asked().count("GET /groups") == 1
    assert {look.listings[0].state for look in looks} == {ListState.UNKNOWN}
