"""Any dialogue: an answer or a reason, every try in evidence, and only looks are asked again."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from harness.ports import Limits, Tools
from harness.testing.bench import Bench
from harness.wire.call import Unknown
from harness.wire.dialogue import Asked, Broken, Dialogue, Heard

LOOK = Asked("SEARCH", "ldap://127.0.0.1/dc=example", {"filter": "(uid=zz)"})


def tries(*answers: Heard[int] | Broken) -> Callable[[], Heard[int]]:
    left = iter(answers)

    def one() -> Heard[int]:
        answer = next(left)
        if isinstance(answer, Broken):
            raise answer
        return answer

    return one


def test_an_answer_is_bounded_and_recorded() -> None:
    bench = Bench()
    told = Dialogue(bench.tools).ask(LOOK, tries(Heard(7, {"entries": [b"zz", b"\xff\x00"]}, 0)))
    assert told.value == 7
    assert 0 < told.sent <= told.answered
    assert len(told.evidence) == 1
    kept = bench.exchanges.kept[0]
    assert (kept["method"], kept["url"], kept["status"], kept["error"]) == ("SEARCH", LOOK.url, 0, None)
    assert json.loads(kept["request"]["body"]) == {"filter": "(uid=zz)"}
    assert json.loads(kept["response"]["body"]) == {"entries": ["zz", "0xff00"]}


def test_a_look_is_asked_again_and_every_try_is_evidence() -> None:
    bench = Bench()
    busy = Broken("the server is busy (51)", again=True, code=51)
    told = Dialogue(bench.tools, attempts=3).ask(LOOK, tries(busy, busy, Heard(1)))
    assert told.value == 1
    assert len(told.evidence) == 3
    assert [kept["error"] for kept in bench.exchanges.kept] == [busy.reason, busy.reason, None]
    assert [kept["attempts"] for kept in bench.exchanges.kept] == [1, 2, 3]


def test_to_the_end_it_is_unknown_with_its_reason() -> None:
    bench = Bench()
    busy = Broken("the server is busy (51)", again=True, code=51)
    with pytest.raises(Unknown, match="busy") as raised:
        Dialogue(bench.tools, attempts=2).ask(LOOK, tries(busy, busy))
    assert raised.value.status == 51
    assert len(raised.value.evidence) == 2
    assert raised.value.sent


@pytest.mark.parametrize("in_doubt", [True, False])
def test_a_change_is_never_asked_again(in_doubt: bool) -> None:
    change = Asked("DELETE", LOOK.url, None, look=False)
    lost = Broken("the connection was lost", again=True, in_doubt=in_doubt)
    with pytest.raises(Unknown) as raised:
        Dialogue(Bench().tools).ask(change, tries(lost, Heard(1)))
    assert raised.value.in_doubt is in_doubt


def test_what_cannot_be_mended_is_not_asked_again() -> None:
    with pytest.raises(Unknown, match="refused"):
        Dialogue(Bench().tools).ask(LOOK, tries(Broken("the bind was refused (49)"), Heard(1)))


def test_no_secret_reaches_evidence_or_reason() -> None:
    bench = Bench()
    bench.vault.learn("hunter2-hunter2")
    asked = Asked("BIND", LOOK.url, {"name": "cn=reader", "note": "hunter2-hunter2"})
    with pytest.raises(Unknown) as raised:
        Dialogue(bench.tools).ask(asked, tries(Broken("no: hunter2-hunter2")))
    assert "hunter2" not in bench.evidence() + raised.value.reason


def test_a_private_answer_is_not_stored() -> None:
    bench = Bench()
    asked = Asked("CreateAccessKey", "aws://iam", {"UserName": "zz"}, look=False, private=True)
    Dialogue(bench.tools).ask(asked, tries(Heard(1, {"Key": "left-out"})))
    response = bench.exchanges.kept[0]["response"]
    assert response["body"] is None
    assert response["keyed_hash"]
    assert "left-out" not in bench.evidence()


def test_the_limits_of_the_system_hold() -> None:
    bench = Bench()
    tools = Tools(bench.clock, bench.exchanges, bench.vault, Limits(rate=2.0))
    dialogue = Dialogue(tools)
    sent = [dialogue.ask(LOOK, tries(Heard(n))).sent for n in range(3)]
    assert sent[2] - sent[0] >= 990_000  # two a second
    assert Dialogue(tools, gate=dialogue.gate).gate is dialogue.gate
