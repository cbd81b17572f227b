"""LMTP: a message is taken, or there is nobody to take it; every other answer says neither."""

from __future__ import annotations

import json

import pytest

from harness.wire.call import Unknown
from harness.wire.dialogue import Dialogue
from harness.wire.lmtp import LmtpWire
from tests.wire.talker import Answer, Talker, talking
from tests.wire.world import World

GREETING = b"220 ready\r\n"


def lmtp(**answers: bytes) -> Answer:
    """Answers by verb; `END` is the answer to the whole message."""
    reading = [False]

    def answer(line: bytes) -> bytes | None:
        if reading[0]:
            reading[0] = line != b"."
            return answers.get("END", b"250 kept\r\n") if line == b"." else b""
        verb = line.split(b" ")[0].decode().upper()
        reading[0] = verb == "DATA"
        return answers.get(verb, b"354 go on\r\n" if verb == "DATA" else b"250 ok\r\n") or None

    return answer


def deliver(talker: Talker) -> tuple[bool, World]:
    world = World()
    wire = LmtpWire(Dialogue(world.tools), talker.address("lmtp"), 0.5)
    return wire.deliver("ada@drill.example.test", "probe 1").value, world


def test_a_message_is_taken_once() -> None:
    with talking(lmtp(), GREETING) as talker:
        taken, world = deliver(talker)
    assert taken
    assert b"Subject: probe 1" in talker.heard
    assert sum(line == b"DATA" or line == b"data" for line in talker.heard) == 1
    assert "ada@drill.example.test" in json.dumps(world.documents())


def test_nobody_takes_it() -> None:
    with talking(lmtp(RCPT=b"550 5.1.1 no such person\r\n"), GREETING) as talker:
        assert deliver(talker)[0] is False


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ({"RCPT": b"550 5.7.1 not from you\r\n"}, "550"),
        ({"RCPT": b"451 4.3.0 later\r\n"}, "451"),
        ({"END": b"452 4.2.2 full\r\n"}, "452"),
        ({"MAIL": b"500 what\r\n"}, "500"),
        ({"LHLO": b""}, "no delivery"),
        ({"END": b""}, "no delivery"),
    ],
)
def test_any_other_answer_says_neither(answers: dict[str, bytes], why: str) -> None:
    with talking(lmtp(**answers), GREETING) as talker, pytest.raises(Unknown) as told:
        deliver(talker)
    assert why in told.value.reason
    assert sum(line.upper() == b"DATA" for line in talker.heard) <= 1


def test_nobody_listens() -> None:
    with talking(lmtp(), GREETING) as talker:
        pass
    with pytest.raises(Unknown, match="connection refused"):
        deliver(talker)
