"""Throttling: what the other side asks for is done by all threads, within our patience, in virtual time."""

from __future__ import annotations

import threading

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from harness.model import SECOND
from harness.ports import Limits
from harness.wire.call import Unknown
from harness.wire.limits import Gate, backoff, told_to_wait, used_up
from tests.wire.world import T0, VirtualClock, World, look

USERS = "http://api.test/v1/users"
EPOCH = T0 // SECOND
DATE = "Mon, 26 Oct 2026 06:13:20 GMT"  # not T0: their clock is their own


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "9" * 400}, None),
        ({"retry-after": "Mon, 26 Oct 2026 06:13:50 GMT", "date": DATE}, 30),
        ({"retry-after": "Mon, 26 Oct 2026 06:13:00 GMT", "date": DATE}, 0),
        ({"x-rate-limit-remaining": "0", "x-rate-limit-reset": str(EPOCH + 9)}, 9),  # Okta
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(EPOCH + 9)}, 9),  # GitHub
        ({"x-ratelimit-remaining": "5", "x-ratelimit-reset": str(EPOCH + 9)}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str((EPOCH + 9) * 1000)}, 9),  # in milliseconds
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "junk"}, None),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "12"}, 12),  # IETF draft 6
        ({"ratelimit": '"default";r=0;t=8'}, 8),  # the draft of today
        ({"ratelimit": '"default";r=4;t=8'}, None),
        ({"retry-after": "2", "x-ratelimit-remaining": "0", "x-ratelimit-reset": str(EPOCH + 900)}, 2),
    ],
)
def test_what_a_header_asks_for(headers: dict[str, str], seconds: float | None) -> None:
    expected = None if seconds is None else round(seconds * SECOND)
    assert told_to_wait(headers, T0) == expected


def test_their_epoch_is_read_by_their_clock() -> None:
    theirs = 1_792_995_200  # DATE
    headers = {"date": DATE, "x-ratelimit-remaining": "0", "x-ratelimit-reset": str(theirs + 20)}
    assert told_to_wait(headers, T0) == 20 * SECOND


@given(st.dictionaries(st.sampled_from(["retry-after", "date", "ratelimit", "x-ratelimit-reset"]), st.text()))
def test_no_header_breaks_it(headers: dict[str, str]) -> None:
    told = told_to_wait(headers, T0)
    assert told is None or told >= 0
    used_up(headers)


@given(st.integers(1, 30), st.text())
def test_backoff_grows_within_bounds_and_is_the_same_twice(attempt: int, seed: str) -> None:
    assert backoff(attempt, seed) == backoff(attempt, seed)
    assert SECOND // 8 <= backoff(attempt, seed) <= 8 * SECOND


@responses.activate
def test_a_403_that_is_throttling_is_waited_out() -> None:
    spent = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(EPOCH + 40)}
    responses.get(USERS, status=403, headers=spent)
    responses.get(USERS, json=[])
    world = World()
    world.wire.send(look())
    assert world.clock.at == T0 + 40 * SECOND


@responses.activate
def test_googles_403_without_a_header() -> None:
    responses.get(USERS, status=403, json={"error": {"errors": [{"reason": "rateLimitExceeded"}]}})
    responses.get(USERS, json=[])
    assert len(World().wire.send(look()).evidence) == 2


@responses.activate
def test_more_than_our_patience_is_not_waited_for() -> None:
    responses.get(USERS, status=429, headers={"Retry-After": "3600"})
    world = World(patience_s=60)
    with pytest.raises(Unknown, match="rate limited to the end of our patience"):
        world.wire.send(look())
    assert world.clock.slept == []
    assert len(responses.calls) == 1


@responses.activate
def test_the_last_good_answer_makes_all_wait() -> None:
    spent = {"x-rate-limit-remaining": "0", "x-rate-limit-reset": str(EPOCH + 5)}
    responses.get(USERS, json=[], headers=spent)
    responses.get(USERS, json=[])
    world = World()
    assert world.wire.send(look()).sent == T0
    assert world.wire.send(look()).sent == T0 + 5 * SECOND


@responses.activate
def test_when_one_is_told_to_wait_all_wait() -> None:
    responses.get(USERS, json=[])
    world = World()
    world.wire.gate.close_until(T0 + 10 * SECOND)
    assert world.wire.send(look()).sent == T0 + 10 * SECOND
    world.wire.gate.close_until(T0 + 500 * SECOND)
    with pytest.raises(Unknown) as caught:
        world.wire.send(look())
    assert caught.value.reason == "rate limited to the end of our patience (not sent)"
    assert not caught.value.in_doubt


@responses.activate
def test_two_wires_may_share_one_gate() -> None:
    responses.get(USERS, json=[])
    first = World(limits=Limits(rate=1.0))
    second = World(gate=first.wire.gate)
    second.clock = first.clock
    sent = [wire.send(look()).sent for wire in (first.wire, second.wire, first.wire)]
    assert len(sent) == 3
    assert first.clock.slept == [SECOND, 2 * SECOND] or first.clock.slept == [SECOND, SECOND]


@responses.activate
def test_the_rate_holds() -> None:
    responses.get(USERS, json=[])
    world = World(limits=Limits(rate=10.0))
    sent = [world.wire.send(look()).sent for _ in range(21)]
    assert sent == [T0 + n * SECOND // 10 for n in range(21)]


def test_the_rate_holds_over_threads() -> None:
    class Frozen(VirtualClock):
        def sleep(self, span: int) -> None:
            self.slept.append(span)

    clock = Frozen()
    gate = Gate(Limits(rate=4.0), clock)
    threads = [threading.Thread(target=gate.take) for _ in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(clock.slept) == [n * SECOND // 4 for n in range(1, 9)]  # each has a token of its own
