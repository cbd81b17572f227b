"""Requests: their shape, what is sent, and lists of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from harness.config import Config
from harness.wire.call import Answer, Call, Unknown
from harness.wire.request import Failed, Requests, as_list, run


class Holder(Config):
    requests: Requests


class Vault:
    def __init__(self) -> None:
        self.known: list[str] = []

    def learn(self, secret: str) -> None:
        self.known.append(secret)

    def scrub(self, text: str) -> str:
        return text


class Wire:
    """Answers in order; remembers what was asked."""

    def __init__(self, *answers: tuple[int, Any] | Unknown) -> None:
        self.answers = list(answers)
        self.calls: list[Call] = []

    def __call__(self, call: Call) -> Answer:
        self.calls.append(call)
        given = self.answers.pop(0)
        if isinstance(given, Unknown):
            raise given
        status, body = given
        if status not in call.accept:
            raise Unknown(f"answered {status}", status=status)
        at = len(self.calls) * 10
        return Answer(status, call.url, {}, json.dumps(body).encode(), at, at + 5, (f"e{at}",))


def requests(value: Any) -> Any:
    return Holder.model_validate({"requests": value}).requests


def test_what_is_sent() -> None:
    one = requests(
        {
            "post": "/users/{{ id }}",
            "params": {"limit": 5, "on": True, "q": "{{ id }}", "many": ["a", "b"]},
            "headers": {"X-A": "v{{ id }}"},
            "json": {"id": "{{ id }}", "text": "{{ id }}."},
            "absent_on": [404],
        }
    )
    call = one.call({"id": 7})
    assert (call.method, call.url) == ("POST", "/users/7")
    assert call.params == (("limit", "5"), ("on", "true"), ("q", "7"), ("many", "a"), ("many", "b"))
    assert call.body == b'{"id":7,"text":"7."}'
    assert call.headers == {"X-A": "v7", "Content-Type": "application/json"}
    assert call.accept == {200, 201, 202, 204, 404}
    assert not call.look
    assert not call.own_auth
    assert not call.private


def test_form_and_content_type() -> None:
    call = requests({"put": "/x", "form": {"a": "b c", "n": 1}, "headers": {"content-type": "x/y"}}).call({})
    assert call.body == b"a=b+c&n=1"
    assert call.headers == {"content-type": "x/y"}


def test_as_leaver_is_private_and_on_its_own() -> None:
    call = requests({"get": "/me", "as": "leaver"}).call({})
    assert call.own_auth
    assert call.private


def test_a_header_takes_no_line_break() -> None:
    with pytest.raises(Unknown, match="line break"):
        requests({"get": "/", "headers": {"X": "{{ v }}"}}).call({"v": "a\r\nSet-Cookie: b"})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "exactly one of"),
        ({"get": "/", "post": "/"}, "exactly one of"),
        ({"get": "/", "json": {}, "form": {}}, "either `json` or `form`"),
        ({"get": "/{{ x"}, "template"),
        ({"get": "/", "json": {"a": ["{{ x"]}}, "template"),
        ({"get": "/", "take": {"a": "b[?c]"}}, "plain path"),
        ({"get": "/", "take": {"identity": "b"}}, "cannot be the name"),
        ({"get": "/", "take": {"not-a-name": "b"}}, "cannot be the name"),
        ({"get": "/", "expect": []}, "at least 1"),
        ({"get": "/", "works": [200]}, "Extra inputs"),
        ({"get": "/", "as": "admin"}, "leaver"),
        ({"get": "/", "ok": {"value": "ok"}}, "required"),
        ([], "at least 1"),
    ],
)
def test_wrong_requests_are_refused_when_loaded(value: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        requests(value)


def test_a_list_uses_what_an_earlier_one_took() -> None:
    wire, vault = Wire((200, {"data": {"role": "r-1"}}), (201, {"id": 9, "token": "tok-9"})), Vault()
    ran = run(
        requests(
            [
                {"get": "/role", "take": {"role_id": "data.role"}},
                {
                    "post": "/grant/{{ role_id }}",
                    "json": {"again": "{{ grant.role_id }}", "old": "{{ grant.kept }}"},
                    "take": {"id": "id", "secret": "token"},
                },
            ]
        ),
        {"grant": {"kept": 1}},
        wire,
        vault,
    )
    assert [call.url for call in wire.calls] == ["/role", "/grant/r-1"]
    assert wire.calls[1].body == b'{"again":"r-1","old":1}'
    assert ran.vars == {"role_id": "r-1", "id": 9, "secret": "tok-9"}
    assert (ran.sent, ran.answered, ran.evidence) == (10, 25, ("e10", "e20"))
    assert vault.known == ["tok-9"]


def test_what_a_leaver_is_answered_with_is_secret_but_for_its_id() -> None:
    vault = Vault()
    both = {"post": "/login", "as": "leaver", "take": {"id": "accessor", "helper": "token", "n": "n"}}
    run(requests(both), {}, Wire((200, {"accessor": "acc", "token": "tok", "n": 3})), vault)
    assert vault.known == ["tok"]


def test_a_list_ends_at_absent_on() -> None:
    wire = Wire((404, {}))
    ran = run(requests([{"get": "/a", "absent_on": [404], "take": {"x": "x"}}, {"put": "/b"}]), {}, wire, Vault())
    assert ran.ended
    assert len(wire.calls) == 1


def test_a_failure_ends_it_with_what_was_taken() -> None:
    wire = Wire((200, {"x": 1}), (500, {}), (200, {}))
    with pytest.raises(Failed, match=r"POST /b: answered 500") as caught:
        run(requests([{"get": "/a", "take": {"x": "x"}}, {"post": "/b"}, {"post": "/c"}]), {}, wire, Vault())
    assert caught.value.vars == {"x": 1}
    assert caught.value.status == 500
    assert len(wire.calls) == 2


@pytest.mark.parametrize(
    ("answers", "doubt"),
    [
        ([Unknown("reset", in_doubt=True)], True),
        ([Unknown("refused", in_doubt=False)], False),
        ([(200, {}), Unknown("refused", in_doubt=False)], True),  # the first has changed something
    ],
)
def test_whether_something_may_have_changed(answers: list[Any], doubt: bool) -> None:
    with pytest.raises(Failed) as caught:
        run(requests([{"post": "/a"}, {"post": "/b"}]), {}, Wire(*answers), Vault())
    assert caught.value.in_doubt is doubt


@pytest.mark.parametrize("body", [{"ok": False}, {"ok": "true"}, {"ok": None}, {}, {"ok": 1}])
def test_an_envelope_that_does_not_say_yes_is_an_error(body: Any) -> None:
    one = {"post": "/a", "ok": {"value": "ok", "present": [True]}}
    assert run(requests(one), {}, Wire((200, {"ok": True})), Vault()).vars == {}
    with pytest.raises(Failed, match="does not say that it worked"):
        run(requests(one), {}, Wire((200, body)), Vault())


def test_what_cannot_be_taken_is_an_error_and_not_null() -> None:
    with pytest.raises(Failed, match=r"no `data\.id` to take as `id`"):
        run(requests({"post": "/a", "take": {"id": "data.id"}}), {}, Wire((200, {"data": {}})), Vault())


def test_a_taken_template_needs_no_body() -> None:
    one = {"post": "/a", "take": {"id": "{{ identity.username }}"}}
    wire = Wire((204, None))
    assert run(requests(one), {"identity": {"username": "u"}}, wire, Vault()).vars == {"id": "u"}


def test_the_same_context_gives_the_same_bytes() -> None:
    one = requests({"post": "/a", "json": {"b": "{{ x }}", "a": "ü"}})
    assert one.call({"x": 1}).key() == one.call({"x": 1}).key()
    assert one.call({"x": 1}).body == '{"b":1,"a":"ü"}'.encode()


@pytest.mark.parametrize("value", ["\ud800", float("nan")])
@pytest.mark.parametrize("how", ["json", "form"])
def test_what_cannot_be_written_is_not_sent(how: str, value: Any) -> None:
    if how == "form" and value != value:
        pytest.skip("a form has no numbers")
    with pytest.raises(Unknown):
        requests({"post": "/", how: {"a": "{{ v }}"}}).call({"v": value})


def test_one_or_many() -> None:
    assert as_list(None) == ()
    assert len(as_list(requests({"get": "/"}))) == 1
    assert len(as_list(requests([{"get": "/"}, {"get": "/"}]))) == 2
