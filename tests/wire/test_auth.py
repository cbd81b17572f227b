"""Every kind of credential on the wire, and OAuth 2 tokens: fetched once, renewed in time, never seen."""

from __future__ import annotations

import base64
import threading
from typing import Any

import pytest
import responses

from harness.model import SECOND, Secret
from harness.wire.auth import MTLS, Auth, Basic, OAuth2
from harness.wire.call import Unknown
from tests.wire.world import T0, World, look, write

USERS = "http://api.test/v1/users"
TOKENS = "http://login.test/token"
CLIENT = OAuth2(token_url=TOKENS, client_id="drill", client_secret=Secret("cl1ent-s3cret-9f8e"), scope="read")


def _sent(number: int = -1) -> Any:
    return responses.calls[number].request


@responses.activate
def test_basic() -> None:
    responses.get(USERS, json={"you": base64.b64encode("rédacteur:pä55-wörd-lang".encode()).decode()})
    world = World(auth=Auth(basic=Basic(username="rédacteur", password=Secret("pä55-wörd-lang"))))
    world.wire.send(look())
    expected = base64.b64encode("rédacteur:pä55-wörd-lang".encode()).decode()
    assert _sent().headers["Authorization"] == f"Basic {expected}"
    assert expected[8:] not in str(world.documents())


@responses.activate
def test_header() -> None:
    responses.get(USERS, json={"echo": "00abcdefSSWSsecret"})
    world = World(auth=Auth(header={"Authorization": Secret("SSWS 00abcdefSSWSsecret")}))
    world.wire.send(look())
    assert _sent().headers["Authorization"] == "SSWS 00abcdefSSWSsecret"
    assert "00abcdefSSWSsecret" not in str(world.documents())


@responses.activate
def test_query() -> None:
    responses.get(USERS, json={})
    world = World(auth=Auth(query={"k": Secret("q w+e/r")}))
    world.wire.send(look(params=(("a", "1"),)))
    assert _sent().url == f"{USERS}?a=1&k=q%20w%2Be%2Fr"
    assert world.documents()[0]["url"] == f"{USERS}?a=1&k=[redacted]"


@responses.activate
def test_none_sends_nothing() -> None:
    responses.get(USERS, json={})
    World(auth=Auth(none=True)).wire.send(look())
    assert "Authorization" not in _sent().headers


@responses.activate
def test_a_client_certificate_is_not_used_for_the_leaver() -> None:
    responses.get(USERS, json={})
    world = World(auth=Auth(mtls=MTLS(cert="c.pem", key="k.pem")))
    world.wire.send(look())
    assert _sent().req_kwargs["cert"] == ("c.pem", "k.pem")
    world.wire.send(look(own_auth=True))
    assert _sent().req_kwargs["cert"] is None


def _token(life: object = 3600, value: str = "at-1-0123456789abcdef") -> None:
    responses.post(TOKENS, json={"access_token": value, "token_type": "Bearer", "expires_in": life})


@responses.activate
def test_a_token_is_fetched_once_and_again_before_it_ends() -> None:
    _token(600)
    responses.get(USERS, json={"echo": "at-1-0123456789abcdef"})
    world = World(auth=Auth(oauth2=CLIENT))
    for _ in range(3):
        world.wire.send(look())
    assert [call.request.method for call in responses.calls] == ["POST", "GET", "GET", "GET"]
    assert responses.calls[0].request.body == b"grant_type=client_credentials&scope=read"
    basic = base64.b64encode(b"drill:cl1ent-s3cret-9f8e").decode()
    assert responses.calls[0].request.headers["Authorization"] == f"Basic {basic}"
    assert _sent().headers["Authorization"] == "Bearer at-1-0123456789abcdef"
    world.clock.at = T0 + 539 * SECOND
    world.wire.send(look())
    assert len(responses.calls) == 5
    world.clock.at = T0 + 540 * SECOND  # a tenth of its life before its end
    world.wire.send(look())
    assert len(responses.calls) == 7
    kept = str(world.documents())
    assert "at-1-0123456789abcdef" not in kept
    assert "cl1ent" not in kept


@responses.activate
def test_many_threads_fetch_one_token() -> None:
    _token()
    responses.get(USERS, json={})
    world = World(auth=Auth(oauth2=CLIENT))
    threads = [threading.Thread(target=world.wire.send, args=(look(),)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [call.request.method for call in responses.calls].count("POST") == 1


@responses.activate
def test_a_withdrawn_token_is_renewed_once_for_a_look_and_never_for_a_write() -> None:
    _token()
    responses.get(USERS, status=401)
    responses.get(USERS, json={})
    responses.post(USERS, status=401)
    world = World(auth=Auth(oauth2=CLIENT))
    world.wire.send(look())
    assert [call.request.method for call in responses.calls] == ["POST", "GET", "POST", "GET"]
    with pytest.raises(Unknown, match="refused"):
        world.wire.send(write())
    assert len(responses.calls) == 5


@responses.activate
def test_a_lasting_401_ends() -> None:
    _token()
    responses.get(USERS, status=401)
    with pytest.raises(Unknown, match=r"^the credential was refused \(401\), asked 2 times$"):
        World(auth=Auth(oauth2=CLIENT)).wire.send(look())


@responses.activate
def test_some_take_the_client_only_in_the_body() -> None:
    responses.post(TOKENS, status=401, json={"error": "invalid_client"})
    _token()
    responses.get(USERS, json={})
    world = World(auth=Auth(oauth2=CLIENT))
    world.wire.send(look())
    assert b"client_secret=cl1ent-s3cret-9f8e" in _sent(1).body
    assert "Authorization" not in responses.calls[1].request.headers
    assert "cl1ent" not in str(world.documents())


@responses.activate
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"status": 401, "json": {"error": "invalid_client"}}, "the token endpoint refused the client's"),
        ({"status": 500}, "no access token: the server failed (500)"),
        ({"status": 403}, "no access token: this is not allowed (403)"),
        ({"body": "<html>"}, "no access token: the answer is an HTML page"),
        ({"json": {"token": "x"}}, "the token endpoint's answer holds no access token"),
        ({"json": []}, "the token endpoint's answer holds no access token"),
        ({"json": {"access_token": None}}, "the token endpoint's answer holds no access token"),
    ],
)  # fmt: skip
def test_without_a_token_nothing_is_sent(answer: dict[str, Any], reason: str) -> None:
    responses.post(TOKENS, **answer)
    with pytest.raises(Unknown) as caught:
        World(auth=Auth(oauth2=CLIENT)).wire.send(write())
    assert caught.value.reason.startswith(reason)
    assert caught.value.in_doubt is False
    assert caught.value.evidence
    assert all(call.request.url == TOKENS for call in responses.calls)


@responses.activate
@pytest.mark.parametrize("life", [None, "3600", 0, -5, 1e400, True, "soon", [1]])
def test_odd_lifetimes(life: object) -> None:
    responses.post(TOKENS, json={"access_token": "at-1-0123456789abcdef", "expires_in": life})
    responses.get(USERS, json={})
    if life == 1e400:  # not JSON at all
        with pytest.raises(Unknown, match="no access token"):
            World(auth=Auth(oauth2=CLIENT)).wire.send(look())
    else:
        World(auth=Auth(oauth2=CLIENT)).wire.send(look())
