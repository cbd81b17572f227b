"""The connector `webhook`: exact bytes, signatures, what is claimed, and what is in doubt."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from harness.connectors.webhook import Webhook, WebhookConfig
from harness.evidence.exchanges import Exchanges
from harness.model import SECOND, Claim, Event, Progress
from harness.ports import Connector
from harness.wire.auth import Auth
from harness.wire.http import HttpWire
from tests.loopback import Loopback, Says, listening
from tests.scim_server import identity, person, secret, tools

KEY = "the-signing-secret"
FEED = {
    "post": "/hr/events",
    "json": {"id": "{{ event.id }}", "at": "{{ event.time }}", "who": "{{ identity.username }}"},
}


@pytest.fixture
def hr() -> Iterator[Loopback]:
    with listening() as server:
        yield server


def build(url: str, events: dict[str, Any], timeout_s: float = 5.0, **more: Any) -> tuple[Webhook, Exchanges]:
    given = {"type": "webhook", "url": url, "owner": "iam", "events": events, **more}
    config = WebhookConfig.model_validate(given)
    made_with, kept, _ = tools()
    wire = HttpWire(url, config.auth or Auth(none=True), made_with, timeout_s=timeout_s)
    return Webhook("hr", config, wire.send, made_with), kept


EVENT = Event("ev-7", "terminate", 1_700_000_000 * SECOND)
WHO = person(identity())
SIGN = {"header": "X-Signature", "scheme": "hmac-sha256", "secret": secret(KEY)}


def test_the_signature_is_over_the_exact_bytes(hr: Loopback) -> None:
    connector, kept = build(hr.url, {"terminate": FEED}, sign=SIGN)
    assert isinstance(connector, Connector)
    receipt = connector.fire(EVENT, WHO)
    (got,) = hr.got
    assert got.headers["x-signature"] == hmac.new(KEY.encode(), got.body, "sha256").hexdigest()
    assert json.loads(got.body) == {"id": "ev-7", "at": "2023-11-14T22:13:20.000Z", "who": "zz-leaver-1"}
    assert (receipt.claim, receipt.in_doubt) == (Claim.SUCCESS, False)
    assert receipt.answered is not None
    assert 0 < receipt.sent <= receipt.answered
    assert KEY not in "".join(json.dumps(kept.get(name)) for name in kept)


def test_a_replay_is_the_same_bytes_whatever_has_changed(hr: Loopback) -> None:
    connector, _ = build(hr.url, {"terminate": FEED}, sign=SIGN)
    connector.fire(EVENT, WHO)
    connector.fire(EVENT, replace(WHO, identity=replace(WHO.identity, username="renamed")))
    connector.fire(replace(EVENT, id="ev-8"), replace(WHO, identity=replace(WHO.identity, username="renamed")))
    first, again, other = hr.got
    assert (first.body, first.headers["x-signature"]) == (again.body, again.headers["x-signature"])
    assert b"renamed" in other.body


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 500, 503])
def test_an_error_answer_is_claimed_as_error_and_sent_once(hr: Loopback, status: int) -> None:
    hr.answer = lambda _: Says(status, {"error": "no"})
    connector, _ = build(hr.url, {"terminate": FEED})
    receipt = connector.fire(EVENT, WHO)
    assert len(hr.got) == 1
    assert (receipt.claim, receipt.in_doubt) == (Claim.ERROR, False)
    assert receipt.answered is not None
    assert str(status) in receipt.detail


@pytest.mark.parametrize("says", [Says(hang=1.5), Says(drop=True)])
def test_no_answer_after_sending_is_in_doubt_and_never_sent_twice(hr: Loopback, says: Says) -> None:
    hr.answer = lambda _: says
    connector, _ = build(hr.url, {"terminate": FEED}, timeout_s=0.5)
    receipt = connector.fire(EVENT, WHO)
    assert len(hr.got) == 1
    assert (receipt.claim, receipt.answered, receipt.in_doubt) == (Claim.NONE, None, True)


def test_even_a_get_event_is_never_sent_twice(hr: Loopback) -> None:
    hr.answer = lambda _: Says(503)
    connector, _ = build(hr.url, {"terminate": {"get": "/run-sync"}})
    assert connector.fire(EVENT, WHO).claim is Claim.ERROR
    assert len(hr.got) == 1


def test_a_refused_connection_is_not_in_doubt() -> None:
    connector, _ = build("http://127.0.0.1:9", {"terminate": FEED})
    receipt = connector.fire(EVENT, WHO)
    assert (receipt.claim, receipt.answered, receipt.in_doubt) == (Claim.NONE, None, False)
    assert receipt.sent > 0


def test_what_cannot_be_rendered_is_never_sent(hr: Loopback) -> None:
    connector, _ = build(hr.url, {"terminate": {"post": "/x", "json": {"n": "{{ receipts.join.number }}"}}})
    receipt = connector.fire(EVENT, WHO)
    assert (receipt.claim, receipt.in_doubt, hr.got) == (Claim.ERROR, False, [])
    connector.fire(EVENT, replace(WHO, receipts={"join": {"number": 7}}))
    assert json.loads(hr.got[0].body) == {"n": 7}


def test_a_list_uses_what_it_took_and_claims_the_worst(hr: Loopback) -> None:
    hr.answer = lambda got: Says(body={"id": 5}) if got.path == "/one" else Says(500)
    steps = [{"post": "/one", "take": {"ticket": "id"}}, {"post": "/two/{{ ticket }}"}]
    connector, _ = build(hr.url, {"terminate": steps})
    receipt = connector.fire(EVENT, WHO)
    assert [got.path for got in hr.got] == ["/one", "/two/5"]
    assert (receipt.claim, dict(receipt.vars)) == (Claim.ERROR, {"ticket": 5})
    assert len(receipt.evidence) == 2


def test_an_envelope_that_says_no_is_an_error(hr: Loopback) -> None:
    hr.answer = lambda _: Says(body={"ok": False})
    connector, _ = build(hr.url, {"terminate": {**FEED, "ok": {"value": "ok", "present": [True]}}})
    assert connector.fire(EVENT, WHO).claim is Claim.ERROR


@pytest.mark.parametrize(
    ("says", "progress"),
    [
        (Says(body={"state": "finished"}), Progress.FINISHED),
        (Says(body={"state": "aborted"}), Progress.FAILED),
        (Says(body={"state": "queued"}), Progress.RUNNING),
        (Says(body={"state": None}), Progress.UNKNOWN),
        (Says(body=[]), Progress.UNKNOWN),
        (Says(404), Progress.UNKNOWN),
        (Says(200), Progress.UNKNOWN),
    ],
)
def test_done(hr: Loopback, says: Says, progress: Progress) -> None:
    hr.answer = lambda _: says
    done = {"get": "/sync/last", "value": "state", "until": ["finished"], "failed": ["aborted"]}
    connector, _ = build(hr.url, {"terminate": {**FEED, "done": done, "returns_within": "30s", "idempotent": True}})
    traits = connector.events()["terminate"]
    assert (traits.has_done, traits.has_sent, traits.idempotent, traits.returns_within) == (
        True,
        False,
        True,
        30 * SECOND,
    )
    assert connector.done(EVENT, WHO)[0] is progress


@pytest.mark.parametrize(
    ("sent", "says", "arrived"),
    [
        ({"absent_on": [404]}, Says(404), False),
        ({"absent_on": [404]}, Says(200), True),
        ({"absent_on": [404]}, Says(403), None),
        ({"items": "events"}, Says(body={"events": [1]}), True),
        ({"items": "events"}, Says(body={"events": []}), False),
        ({"items": "events"}, Says(body={}), None),
        ({"value": "seen", "present": [True], "absent": [False]}, Says(body={"seen": False}), False),
        ({"value": "seen", "present": [True], "absent": [False]}, Says(body={"seen": "no"}), None),
    ],
)
def test_whether_it_arrived(hr: Loopback, sent: dict[str, Any], says: Says, arrived: bool | None) -> None:
    hr.answer = lambda _: says
    connector, _ = build(hr.url, {"terminate": {**FEED, "sent": {"get": "/events/{{ event.id }}", **sent}}})
    assert connector.events()["terminate"].has_sent
    assert connector.arrived(EVENT, WHO)[0] is arrived
    assert hr.got[0].path == "/events/ev-7"


@pytest.mark.parametrize(
    "events",
    [
        {},
        {"x": {"post": "/a", "get": "/b"}},
        {"x": {"post": "/a", "unknown": 1}},
        {"x": {"post": "/a", "sent": {"get": "/b"}}},
        {"x": {"post": "/a", "done": {"get": "/b", "value": "s"}}},
        {"x": []},
        {"x": {"post": "/{{ broken"}},
    ],
)
def test_what_is_wrong_is_refused_when_loaded(events: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        build("http://127.0.0.1:9", events)


def test_a_literal_secret_is_refused() -> None:
    with pytest.raises(ValidationError, match="literal"):
        build("http://127.0.0.1:9", {"x": FEED}, sign={**SIGN, "secret": "in the clear"})


def test_a_list_with_traits_is_written_as_requests() -> None:
    steps = {"requests": [{"post": "/a"}, {"post": "/b"}], "idempotent": True}
    connector, _ = build("http://127.0.0.1:9", {"x": steps, "y": [{"post": "/a"}]})
    assert connector.events()["x"].idempotent
    assert not connector.events()["y"].idempotent
