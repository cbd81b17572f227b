"""The leaver's vantage and the trail: only declared answers count, and nothing that they give is kept."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from harness.model import SECOND, Kind, ListState, Presence, Secret, Touches
from tests.systems.http_case import BASE, SEATS, TOKEN, case, grant

USE: dict[str, Any] = {
    "get": "/me",
    "headers": {"X-Token": "{{ secret }}"},
    "works": [200],
    "refused": [401, 403],
}
HELD = grant(Kind.CREDENTIAL, "ci", "3", secret=Secret("very-secret-1"), vars={"role": "r1"})


def kind(use: Any) -> dict[str, Any]:
    return {"credential": {"list": SEATS, "use": use}}


@pytest.mark.parametrize(
    ("status", "presence"),
    [(200, Presence.PRESENT), (401, Presence.ABSENT), (403, Presence.ABSENT)]
    + [(status, Presence.UNKNOWN) for status in (201, 204, 302, 400, 404, 429, 500, 503)],
)
def test_only_declared_answers_count(status: int, presence: Presence) -> None:
    with case(kinds=kind(USE)) as it:
        it.answer("/me", {"me": "private-answer"}, status)
        used = it.system.use(it.person, HELD, "")
        assert it.mock.calls[0].request.headers.get("Authorization") is None, "only what the request names is sent"
        assert it.mock.calls[0].request.headers["X-Token"] == "very-secret-1"
        text = it.bench.evidence()
    assert used.presence is presence
    assert used.reason
    assert used.evidence
    assert 0 < used.sent <= used.answered
    for hidden in ("private-answer", "very-secret-1", TOKEN):
        assert hidden not in text


@pytest.mark.parametrize("status", [200, 401, 403])
def test_a_page_made_for_people_says_nothing(status: int) -> None:
    with case(kinds=kind(USE)) as it:
        it.mock.add("GET", BASE + "/me", body=" <!doctype html><form>", status=status, content_type="text/html")
        used = it.system.use(it.person, HELD, "")
    assert used.presence is Presence.UNKNOWN
    assert "HTML" in used.reason


def test_no_answer_is_unknown() -> None:
    with case(kinds=kind(USE)) as it:
        it.mock.add("GET", BASE + "/me", body=requests.ConnectionError("very-secret-1"))
        used = it.system.use(it.person, HELD, "")
    assert used.presence is Presence.UNKNOWN
    assert "very-secret-1" not in used.reason


LOGIN: list[dict[str, Any]] = [
    {
        "post": "/login",
        "json": {"login": "{{ identity.username }}", "password": "{{ identity.password }}"},
        "works": [200],
        "refused": [401],
        "take": {"made": "token"},
    },
    {"post": "/logout", "headers": {"X-Token": "{{ made }}"}},
]


def test_a_login_that_works_is_signed_out() -> None:
    with case(account={"login": LOGIN}) as it:
        it.answer("/login", {"token": "session-token-1"}, method="POST")
        it.answer("/logout", status=204, method="POST")
        used = it.system.login(it.person)
        assert it.asked() == ["POST /login", "POST /logout"]
        assert it.mock.calls[1].request.headers["X-Token"] == "session-token-1"
        assert it.mock.calls[1].request.headers.get("Authorization") is None
        text = it.bench.evidence()
        assert it.system.declaration().login is Touches.CHANGES
    assert used.presence is Presence.PRESENT
    assert len(used.evidence) == 2
    assert "session-token-1" not in text
    assert "pw-zz-leaver-7" not in text


def test_a_login_that_is_refused_is_not_signed_out() -> None:
    with case(account={"login": LOGIN}) as it:
        it.answer("/login", {}, 401, method="POST")
        assert it.system.login(it.person).presence is Presence.ABSENT
        assert it.asked() == ["POST /login"]


@pytest.mark.parametrize("body", [{"token": "session-token-1"}, {"other": 1}])
def test_a_sign_out_that_fails_is_told_and_changes_nothing(body: Any) -> None:
    with case(account={"login": LOGIN}) as it:
        it.answer("/login", body, method="POST")
        it.answer("/logout", {}, 500, method="POST")
        used = it.system.login(it.person)
    assert used.presence is Presence.PRESENT
    assert "but" in used.reason
    assert "session-token-1" not in used.reason


def test_an_envelope_that_says_no_is_unknown() -> None:
    use = {**USE, "ok": {"value": "ok", "present": [True]}}
    with case(kinds=kind(use)) as it:
        it.answer("/me", {"ok": False})
        assert it.system.use(it.person, HELD, "").presence is Presence.UNKNOWN


def test_each_channel_is_its_own() -> None:
    with case(kinds=kind({"api": USE, "web": {**USE, "get": "/web/{{ grant.role }}"}})) as it:
        it.answer("/me", {}, 401)
        it.answer("/web/r1", {})
        assert it.system.use(it.person, HELD, "api").presence is Presence.ABSENT
        assert it.system.use(it.person, HELD, "web").presence is Presence.PRESENT
        assert it.system.use(it.person, HELD, "").presence is Presence.UNKNOWN


def test_what_is_not_declared_or_not_known_is_unknown() -> None:
    with case(kinds=kind(USE)) as it:
        assert it.system.login(it.person).presence is Presence.UNKNOWN
        assert it.system.use(it.person, grant(Kind.SESSION, "s"), "").presence is Presence.UNKNOWN
        used = it.system.use(it.person, grant(Kind.CREDENTIAL, "ci", "3"), "")
        assert not it.mock.calls
    assert used.presence is Presence.UNKNOWN
    assert "secret" in used.reason
    assert used.sent > 0


# --- the trail -----------------------------------------------------------------------------------------

AUDIT = {
    "get": "/audit",
    "params": {"target": "{{ account.id }}"},
    "items": "rows",
    "where": {"on": "{{ account.id }}"},
    "take": {"actor": "by", "target": "on", "action": "did", "at": "at", "reason": "why"},
}


SINCE = round(datetime(2026, 11, 22, 9, 0, 1, tzinfo=UTC).timestamp()) * SECOND  # a second of skew is forgiven


def test_the_trail_has_the_rows_since_then() -> None:
    rows = [
        {"by": "hr", "on": 7, "did": "disable", "at": "2026-11-22T09:00:00Z", "why": "left"},
        {"by": "hr", "on": 8, "did": "disable", "at": "2026-11-22T09:00:00Z"},
        {"by": "me", "on": 7, "did": "create", "at": "2026-11-20T09:00:00+00:00"},
        {"by": "hr", "on": 7, "did": "remove", "at": "yesterday", "why": None},
    ]
    with case(audit=AUDIT) as it:
        it.answer("/audit", {"rows": rows})
        trail = it.system.changes(it.person, SINCE)
        assert it.system.declaration().audits
    assert trail.state is ListState.COMPLETE
    assert [(row.actor, row.action, row.reason) for row in trail.rows] == [
        ("hr", "disable", "left"),
        ("hr", "remove", ""),
    ]


@pytest.mark.parametrize(
    ("body", "status"), [({"rows": [{"by": None, "on": 7, "did": "x", "at": "y"}]}, 200), ({}, 200), ({}, 403)]
)
def test_a_trail_that_cannot_be_read_is_unknown(body: Any, status: int) -> None:
    with case(audit=AUDIT) as it:
        it.answer("/audit", body, status)
        trail = it.system.changes(it.person, 0)
    assert trail.state is ListState.UNKNOWN
    assert trail.reason


def test_check_says_what_is_wrong() -> None:
    with case() as it:
        it.answer("/users", {"items": []})
        assert it.system.check() == []
        it.mock.replace("GET", BASE + "/users", json={}, status=401)
        assert "401" in it.system.check()[0]
