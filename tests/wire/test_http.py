"""Every answer that a system can give: accepted, or unknown with a reason of its own."""

from __future__ import annotations

import re

import pytest
import requests
import responses

from harness.model import Secret
from harness.wire.auth import Auth
from harness.wire.call import Answer, Call, Unknown
from tests.wire.world import T0, TOKEN, World, answers, look, page, raw_server, write

USERS = "http://api.test/v1/users"


def unknown(world: World, call: Call) -> Unknown:
    with pytest.raises(Unknown) as caught:
        world.wire.send(call)
    return caught.value


@responses.activate
def test_an_accepted_answer_is_whole_and_cited() -> None:
    responses.get(USERS, json={"users": [1]}, headers={"X-Custom": "kept for the caller"})
    world = World()
    answer = world.wire.send(look(params=(("filter", 'userName eq "a b"'),)))
    assert answer.json() == {"users": [1]}
    assert answer.headers["x-custom"] == "kept for the caller"
    assert answer.url == USERS + "?filter=userName%20eq%20%22a%20b%22"
    assert (answer.sent, answer.answered) == (T0, T0)
    assert responses.calls[0].request.headers["Authorization"] == f"Bearer {TOKEN}"
    (document,) = world.documents()
    assert answer.evidence == tuple(world.exchanges)
    assert document["status"] == 200
    assert document["response"]["body"] == '{"users": [1]}'
    assert document["attempts"] == 1
    assert TOKEN not in str(document)


REASONS = {
    400: "the request was refused as malformed (400)",
    401: "the credential was refused (401)",
    403: "the reader may not look (403)",
    404: "not found (404) where an answer was expected",
    405: "this method is not allowed here (405)",
    410: "gone (410) where an answer was expected",
    418: "the request was refused (418 I'm a Teapot)",
    202: "an answer that was not expected here (202 Accepted)",
    500: "the server failed (500)",
    501: "the server failed (501)",
    502: "a gateway got no good answer (502), asked 4 times",
    503: "the service is unavailable (503), asked 4 times",
    504: "a gateway got no answer in time (504), asked 4 times",
    999: "a status that HTTP does not know (999)",
}


@responses.activate
@pytest.mark.parametrize(("status", "reason"), REASONS.items())
def test_each_status_has_its_reason(status: int, reason: str) -> None:
    responses.get(USERS, status=status, json={})
    world = World()
    caught = unknown(world, look())
    assert caught.reason == reason
    assert caught.status == status
    assert len(caught.evidence) == len(responses.calls)
    assert world.documents()[-1]["error"] == reason.partition(", asked")[0]


@responses.activate
@pytest.mark.parametrize(
    ("challenge", "named"),
    [
        (
            'Bearer realm="crm", error="insufficient_scope", scope="seats:read users:read"',
            ": it lacks the scope seats:read users:read",
        ),
        ('Bearer error=insufficient_scope, scope="seats:read"', ": it lacks the scope seats:read"),
        ('Bearer error="invalid_token", scope="seats:read"', ""),
        ('Bearer error="insufficient_scope", scope="\\" <b>"', ""),
        ('Bearer error="insufficient_scope"', ""),
    ],
)
def test_a_refusal_names_the_scope_that_is_missing(challenge: str, named: str) -> None:
    """RFC 6750 §3.1; the value is somebody else's text."""
    responses.get(USERS, status=403, json={}, headers={"WWW-Authenticate": challenge})
    assert unknown(World(), look()).reason == "the reader may not look (403)" + named


def test_the_reasons_differ() -> None:
    assert len(set(REASONS.values())) == len(REASONS)


@responses.activate
def test_an_endless_429_ends_with_our_patience() -> None:
    responses.get(USERS, status=429, headers={"Retry-After": "7"})
    world = World(patience_s=30)
    caught = unknown(world, look())
    assert caught.reason == "rate limited to the end of our patience (429), asked 5 times"
    assert world.clock.at - T0 == 28_000_000


@responses.activate
def test_a_redirect_is_never_followed_and_names_no_code() -> None:
    responses.get(USERS, status=302, headers={"Location": "https://login.test/sso?code=Zx81hidden#at=Zx81hidden"})
    world = World()
    caught = unknown(world, look())
    assert caught.reason == "redirected to https://login.test/sso (a login page?)"
    assert len(responses.calls) == 1
    assert "Zx81hidden" not in str(world.documents())


@responses.activate
def test_a_redirect_that_was_declared_is_an_answer() -> None:
    responses.get(USERS, status=302, headers={"Location": "/elsewhere"})
    assert World().wire.send(look(accept=frozenset((302,)))).status == 302


def _json(body: bytes, kind: str = "application/json") -> Answer:
    with responses.RequestsMock() as mock:
        mock.get(USERS, body=body, content_type=kind)
        return World().wire.send(look())


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        (b"<html><title>Sign in</title>", "text/html", "an HTML page"),
        (b"<!doctype html>", "application/json", "an HTML page"),
        (b"", "application/json", "no body"),
        (b'{"users": [{"id": 1}, {"i', "application/json", "truncated or malformed JSON"),
        (b'{"users": NaN}', "application/json", "NaN is not JSON"),
        (b'{"a": 1, "a": 2}', "application/json", "duplicate key"),
        (b"\xff\xfe\x00", "application/json", "not valid JSON"),
        (b"[" * 100_000, "application/json", "nested too deeply"),
    ],
)
def test_a_body_that_is_no_json_is_unknown(body: bytes, kind: str, reason: str) -> None:
    answer = _json(body, kind)
    with pytest.raises(Unknown, match=reason) as caught:
        answer.json()
    assert caught.value.evidence == answer.evidence


@responses.activate
@pytest.mark.parametrize(
    ("error", "reason", "in_doubt"),
    [
        (requests.ConnectTimeout(), "no connection within 30 s (timeout)", False),
        (requests.ReadTimeout(), "no answer within 30 s (timeout)", True),
        (requests.ConnectionError(ConnectionResetError(104, "reset")), "the connection was reset", True),
        (requests.ConnectionError(ConnectionRefusedError(111, "no")), "the connection was refused", False),
        (requests.exceptions.SSLError(), "TLS: no secure connection could be made", True),
        (requests.exceptions.InvalidURL(), "the address cannot be used", False),
        (OSError("Could not find the TLS certificate file"), "TLS: the client certificate", False),
        (requests.RequestException(f"secret {TOKEN}"), "the connection failed (RequestException)", True),
    ],
)
def test_a_write_that_fails_is_in_doubt_unless_it_certainly_was_not_sent(
    error: Exception, reason: str, in_doubt: bool
) -> None:
    responses.post(USERS, body=error)
    world = World()
    caught = unknown(world, write())
    assert caught.reason.startswith(reason)
    assert caught.in_doubt is in_doubt
    assert len(responses.calls) == 1
    assert world.clock.slept == []
    assert TOKEN not in str(world.documents())


@responses.activate
@pytest.mark.parametrize("status", [301, 302, 400, 401, 403, 404, 408, 500, 502, 503, 504])
def test_a_write_is_never_sent_twice(status: int) -> None:
    responses.post(USERS, status=status, headers={"Retry-After": "1"} if status == 503 else {})
    caught = unknown(World(), write())
    assert len(responses.calls) == 1
    assert caught.in_doubt is (status in (301, 302, 408) or status >= 500)


@responses.activate
def test_only_a_429_lets_a_write_be_sent_again() -> None:
    responses.post(USERS, status=429, headers={"Retry-After": "2"})
    responses.post(USERS, status=201, json={"id": 1})
    world = World()
    answer = world.wire.send(write())
    assert answer.status == 201
    assert len(answer.evidence) == len(responses.calls) == 2
    assert world.clock.at - T0 == 2_000_000
    assert answer.sent == T0 + 2_000_000  # the one that was answered


@responses.activate
def test_a_look_is_tried_again_and_bounded() -> None:
    responses.get(USERS, body=requests.ReadTimeout())
    world = World(attempts=3)
    caught = unknown(world, look())
    assert caught.reason == "no answer within 30 s (timeout), asked 3 times"
    assert len(responses.calls) == 3
    assert len(world.clock.slept) == 2
    again = World(attempts=3)
    unknown(again, look())
    assert again.clock.slept == world.clock.slept  # the jitter is deterministic


@responses.activate
def test_a_look_recovers() -> None:
    responses.get(USERS, status=503)
    responses.get(USERS, body=requests.ConnectionError(ConnectionResetError()))
    responses.get(USERS, json=[])
    answer = World().wire.send(look())
    assert answer.json() == []
    assert len(answer.evidence) == 3


@responses.activate
def test_the_leavers_own_call_carries_nothing_of_the_wires() -> None:
    responses.get(USERS, json={}, headers={"Set-Cookie": "sid=1f2e3d4c5b6a"})
    world = World(auth=Auth(query={"api_key": Secret(TOKEN)}))
    world.wire.send(look())
    world.wire.send(look(own_auth=True, private=True, headers={"X-Token": "leavers-own-token"}))
    own = responses.calls[1].request
    assert TOKEN in str(responses.calls[0].request.url)
    assert own.url == USERS
    assert "Cookie" not in own.headers
    assert "Authorization" not in own.headers
    assert own.headers["X-Token"] == "leavers-own-token"
    assert "leavers-own-token" not in str(world.documents())
    assert TOKEN not in str(world.documents())


@responses.activate
def test_a_private_answer_leaves_status_length_and_a_keyed_hash() -> None:
    responses.post(USERS, status=201, json={"harmless": "yes-but-private"}, headers={"Set-Cookie": "sid=1f2e3d4c"})
    world = World()
    answer = world.wire.send(write(private=True))
    assert answer.json() == {"harmless": "yes-but-private"}
    (document,) = world.documents()
    assert document["response"]["body"] is None
    assert document["response"]["bytes"] == len(answer.body)
    assert re.fullmatch(r"hmac-sha256:[0-9a-f]{24}", document["response"]["keyed_hash"])
    assert "yes-but-private" not in str(document)
    assert "1f2e3d4c" not in str(document)


@responses.activate
def test_a_credential_never_goes_to_another_host() -> None:
    responses.get("http://evil.test/users", json={})
    World().wire.send(look("http://evil.test/users"))
    assert "Authorization" not in responses.calls[0].request.headers
    responses.get("http://api.test:81/v1/users", json={})
    World().wire.send(look("http://api.test:81/v1/users"))
    assert "Authorization" not in responses.calls[1].request.headers


@pytest.mark.parametrize("url", ["/users/../admin", "/users/..", "ftp://api.test/x", "/a/./b"])
def test_an_address_that_leaves_its_path_is_not_sent(url: str) -> None:
    caught = unknown(World(), look(url))
    assert caught.reason == "the address of the request cannot be used"
    assert not caught.in_doubt


@responses.activate
def test_a_secret_in_a_redirects_path_is_not_in_the_reason() -> None:
    responses.get(USERS, status=302, headers={"Location": f"/reset/{TOKEN}"})
    assert unknown(World(), look()).reason == "redirected to http://api.test/reset/[redacted] (a login page?)"


def test_the_wire_shows_no_secret() -> None:
    assert TOKEN not in repr(World().wire)
    assert TOKEN not in repr(World().vault)


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "日本"])
def test_a_header_that_cannot_be_sent_is_not_sent(value: str) -> None:
    with raw_server(answers(page())) as server:
        caught = unknown(World(server.url), write(headers={"X-Name": value}))
        assert caught.reason == "a header of the request cannot be sent"
        assert not caught.in_doubt
        assert all(b"Evil" not in request for request in server.requests)


@responses.activate
def test_a_credential_in_the_query_is_not_in_the_answer_and_not_sent_twice() -> None:
    responses.get(USERS, json={})
    world = World(auth=Auth(query={"key": Secret(TOKEN)}))
    answer = world.wire.send(look("/users?a=1"))
    assert answer.url == USERS + "?a=1"
    world.wire.send(look(f"{USERS}?a=1&key={TOKEN}"))  # a next page that repeats what it was asked
    assert [call.request.url for call in responses.calls] == [f"{USERS}?a=1&key={TOKEN}"] * 2
