"""Synapse's answers are read strictly: each thing that could pass for another one is told apart."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from harness.model import Presence
from harness.wire import synapse_answers as read
from harness.wire.call import Answer, Unknown
from harness.wire.dialogue import Told

ME = "@zz:chat.example.test"
DEAD = {"errcode": "M_UNKNOWN_TOKEN", "soft_logout": False}


def answer(status: int, body: Any, kind: str = "application/json") -> Answer:
    text = body if isinstance(body, str) else json.dumps(body)
    return Answer(status, "http://chat/whoami", {"content-type": kind}, text.encode(), 10, 20, ("sha256:1",))


@pytest.mark.parametrize(
    ("status", "body", "presence"),
    [
        (200, {"user_id": ME}, Presence.PRESENT),
        (401, DEAD, Presence.ABSENT),
        (401, {"errcode": "M_USER_LOCKED", "soft_logout": True}, Presence.ABSENT),
        (403, {"errcode": "M_FORBIDDEN"}, Presence.ABSENT),
        (403, {"errcode": "M_USER_DEACTIVATED"}, Presence.ABSENT),
    ],
)
def test_the_closed_set_of_works_and_refused(status: int, body: Any, presence: Presence) -> None:
    used = read.judged(ME, answer(status, body), body)
    assert (used.presence, used.sent, used.answered, used.evidence) == (presence, 10, 20, ("sha256:1",))
    assert str(status) in used.reason


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (200, {"user_id": "@other:chat.example.test"}, "belongs to somebody else"),
        (200, {}, "belongs to somebody else"),
        (401, {**DEAD, "soft_logout": True}, "came to its own end"),
        (401, {"errcode": "M_UNKNOWN_TOKEN"}, "came to its own end"),
        (401, {"error": "no"}, "neither works nor refuses (401, no errcode)"),
        (401, {"errcode": "M_FORBIDDEN"}, "neither works nor refuses"),
        (403, {"errcode": "M_LIMIT_EXCEEDED"}, "neither works nor refuses"),
        (403, DEAD, "neither works nor refuses"),
    ],
)
def test_everything_else_is_unknown(status: int, body: Any, why: str) -> None:
    with pytest.raises(Unknown) as told:
        read.judged(ME, answer(status, body), body)
    assert why in told.value.reason
    assert told.value.evidence == ("sha256:1",)


@pytest.mark.parametrize(
    ("reader", "why"),
    [
        (lambda: read.truth({}, "locked"), "missing or null"),
        (lambda: read.truth({"locked": "false"}, "locked"), "'false', neither"),
        (lambda: read.truth({"locked": 0}, "locked"), "no truth value"),
        (lambda: read.text({"id": ""}, "id"), "no text"),
        (lambda: read.mapping({"a": []}, "a"), "no object"),
        (lambda: read.same({"name": "b"}, "name", "a"), "not the one that was asked for"),
        (lambda: read.items([], "media"), "no `media`"),
        (lambda: read.items({"media": {}}, "media"), "no list"),
        (lambda: read.items({"media": [None]}, "media"), "null or no object"),
        (lambda: read.items({"media": [{}]}, "media", "media_id"), "`media_id` is missing"),
        (lambda: read.whole({"devices": []}, "devices"), "0 items came, but the total says None"),
        (lambda: read.whole({"devices": [], "total": False}, "devices"), "total says False"),
        (
            lambda: read.words({"joined_rooms": ["!a"], "total": 2}, "joined_rooms"),
            "1 items came, but the total says 2",
        ),
        (lambda: read.words({"joined_rooms": [7], "total": 1}, "joined_rooms"), "no text"),
        (lambda: read.level(True), "no number"),
        (lambda: read.level("high"), "no number"),
        (lambda: read.event({"state": [{"type": "x", "state_key": ""}]}, "x"), "`content` is missing"),
        (
            lambda: read.event({"state": [{"type": "x", "state_key": "", "content": {}, "sender": "@a"}] * 2}, "x"),
            "has 2 states",
        ),
    ],
)
def test_what_cannot_be_read_says_why(reader: Callable[[], Any], why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        reader()
    with pytest.raises(Unknown):
        read.reading(reader)


def test_what_can_be_read() -> None:
    assert read.level("50") == read.level(50) == 50
    assert read.level("-1") == -1
    assert read.words({"joined_rooms": ["!a"], "total": 1}, "joined_rooms") == ["!a"]
    power = {"type": "x", "state_key": "", "content": {}, "sender": "@a"}
    assert read.event({"state": [{**power, "state_key": "@a"}, {**power, "type": "y"}, power]}, "x") == power
    assert read.event({"state": []}, "x") is None


def test_an_item_that_comes_twice_shows_that_the_list_moved() -> None:
    with pytest.raises(Unknown, match="twice"):
        read.distinct(Told([{"id": "a"}, {"id": "a"}], 1, 2), "id")


@pytest.mark.parametrize(("status", "doubt"), [(200, True), (201, True), (403, False)])
def test_a_change_whose_answer_cannot_be_read_is_in_doubt_unless_it_was_refused(status: int, doubt: bool) -> None:
    with pytest.raises(Unknown) as told:
        read.change(answer(status, "<html>", "text/html"))
    assert told.value.in_doubt is doubt


def test_a_refused_change_has_the_servers_own_sentence() -> None:
    said = {"errcode": "M_INVALID_USERNAME", "error": "User ID can only contain characters a-z"}
    told = read.not_done(answer(400, said), said)
    assert told.reason == "answered 400 (M_INVALID_USERNAME): User ID can only contain characters a-z"
    assert not told.in_doubt
