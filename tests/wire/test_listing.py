"""Reading lists in memory: what is shared, what compares alike, and that nobody else's items are taken."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.wire.call import Answer, Call, Unknown
from harness.wire.listing import collect, is_below, select
from harness.wire.memo import Memo
from harness.wire.selection import ListSpec, alike


class Wire:
    """Answers by path; counts what was asked."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def __call__(self, call: Call) -> Answer:
        self.asked.append(call.url)
        given_ = self.answers[call.url]
        status, body = given_ if isinstance(given_, tuple) else (200, given_)
        if status not in call.accept:
            raise Unknown(f"answered {status}", status=status, evidence=(f"e-{call.url}",), sent=1, answered=2)
        at = len(self.asked)
        return Answer(status, call.url, {}, json.dumps(body).encode(), at, at + 1, (f"e-{call.url}",))


MEMBERS = ListSpec.model_validate(
    {
        "each": {"get": "/groups", "items": "@", "take": {"gid": "id"}},
        "get": "/groups/{{ gid }}",
        "items": "@",
        "where": {"user": "{{ account.id }}"},
        "id": "id",
        "name": "{{ gid }}",
    }
)


def groups(members: list[list[Any]]) -> Wire:
    rows: dict[str, Any] = {"/groups": [{"id": n} for n in range(len(members))]}
    for n, users in enumerate(members):
        rows[f"/groups/{n}"] = [{"id": f"{n}-{at}", "user": user} for at, user in enumerate(users)]
    return Wire(rows)


_USERS = st.lists(st.lists(st.sampled_from([1, 2, 3, "1", "4", True, "x"]), max_size=5), max_size=4)


@given(_USERS, st.sampled_from([1, 2, "1", "x", 9]))
def test_a_sweep_gives_each_account_exactly_its_own_items(members: list[list[Any]], who: Any) -> None:
    wire = groups(members)
    sweep = collect(MEMBERS, {}, Memo(wire))
    got = sorted(item.value["id"] for item, _ in select(MEMBERS, sweep, {"account": {"id": who}}))
    mine = [f"{n}-{at}" for n, users in enumerate(members) for at, user in enumerate(users) if same(user, who)]
    assert got == sorted(mine)
    assert len(wire.asked) == len(set(wire.asked)) == len(members) + 1


def test_below_an_object_that_the_subject_was_in_nobody_may_be_nameless() -> None:
    """Graph's "limited information": members that the reader may not see come back without their ids."""
    words = {"id": "{{ gid }}", "each": {"get": "/groups", "items": "@", "take": {"gid": "id"}}}
    spec = ListSpec.model_validate({"get": "/groups/{{ gid }}", "items": "@", "where": {"user": "{{ account.id }}"},
                                    "name": "{{ gid }}", **words})  # fmt: skip
    sweep = collect(spec, {}, Memo(groups([[1, None], [1, 2]])))
    who = {"account": {"id": 2}}
    assert len(select(spec, sweep, who, ["1"])) == 1  # no nameless one there
    assert len(select(spec, sweep, {"account": {"id": 1}}, ["0"])) == 2  # the subject itself is there
    assert select(spec, sweep, {"account": {"id": 3}}, ["1"]) == []
    with pytest.raises(Unknown, match="an item below this object has no `user`: whose it is cannot be told"):
        select(spec, sweep, who, ["0"])


def same(one: Any, other: Any) -> bool:
    return str(one) == str(other) and isinstance(one, bool) == isinstance(other, bool)


@given(st.none() | st.booleans() | st.integers() | st.text(max_size=4))
def test_alike_is_by_text_but_never_across_null_and_truth(value: Any) -> None:
    assert alike(value) == alike(value)
    for other in (None, True, False, 1, 0, "", "null", "true", "1"):
        equal = type(value) is type(other) and value == other
        number = {type(value), type(other)} == {int, str} and str(value) == str(other)
        assert (alike(value) == alike(other)) is (equal or number)


def test_a_list_that_all_may_share_is_known_as_such() -> None:
    words = {"get": "/x", "items": "@", "id": "id", "name": "name"}
    assert MEMBERS.shared
    assert ListSpec.model_validate(words).shared
    assert not ListSpec.model_validate({**words, "get": "/x/{{ account.id }}"}).shared
    assert not ListSpec.model_validate({**words, "params": {"q": "{{ identity.email }}"}}).shared
    assert not ListSpec.model_validate({**words, "where": {"{{ account.id }}": 1}}).shared


def test_evidence_cites_every_exchange_once_also_of_a_failure() -> None:
    wire = groups([[1], [1]])
    assert list(collect(MEMBERS, {}, Memo(wire)).evidence) == ["e-/groups", "e-/groups/0", "e-/groups/1"]
    wire.answers["/groups/1"] = (500, {})
    with pytest.raises(Unknown) as caught:
        collect(MEMBERS, {}, Memo(wire))
    assert caught.value.evidence == ("e-/groups", "e-/groups/0", "e-/groups/1")
    assert "GET /groups/1" in caught.value.reason


def test_what_was_asked_is_remembered_with_its_outcome() -> None:
    memo, made = Memo(groups([])), []

    def fail() -> None:
        made.append(1)
        raise Unknown("no")

    for _ in range(2):
        with pytest.raises(Unknown):
            memo.once("key", fail)
    assert made == [1]


@pytest.mark.parametrize(
    ("key", "outer", "below"),
    [("o=1 t=2", "o=1", True), ("o=1", "o=1", True), ("o=11", "o=1", False), ("o=2", "o=1", False), ("o=2", "", True)],
)
def test_keys_of_rows(key: str, outer: str, below: bool) -> None:
    assert is_below(key, outer) is below
