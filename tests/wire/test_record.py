"""The exchange document: nothing secret in it, whichever way it came in, and what is left is still evidence."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from harness.evidence.canonical import canonical
from harness.evidence.redact import KEEP
from harness.evidence.vault import Vault
from harness.wire.record import Scribe
from tests.wire.world import T0

# With a letter of its own alphabet, so that a secret cannot be part of the document's own words.
secrets = st.text('ŽžQ789+/=-_ "\\&?%', min_size=6, max_size=70).filter(lambda s: s.strip() == s and len(set(s)) > 3)


def scribed(vault: Vault, **more: Any) -> str:
    given: dict[str, Any] = {
        "method": "GET",
        "url": "http://h/p",
        "headers": {},
        "body": None,
        "status": 200,
        "answer_headers": {"content-type": "application/json"},
        "answer": b"{}",
        "private": False,
        "sent": T0,
        "answered": T0 + 1234,
        "attempts": 1,
        "error": None,
    }
    return canonical(Scribe(vault).document(**{**given, **more})).decode()


@given(secrets, st.integers(0, 4), st.booleans())
def test_no_planted_secret_survives_in_any_encoding(secret: str, before: int, ascii_only: bool) -> None:
    vault = Vault()
    vault.learn(secret)
    pad = "n" * before
    basic = base64.b64encode(f"{pad}:{secret}".encode()).decode()
    document = {"echo": [f"{pad}{secret}{pad}"], "in": json.dumps({"deep": secret}), "url": quote(secret, safe="")}
    kept = scribed(
        vault,
        url=f"http://h/{quote(secret, safe='')}/p?x={quote(secret)}",
        headers={"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"},
        body=f"a={quote(secret)}".encode(),
        answer_headers={"etag": secret, "content-type": "application/json", "link": f"<http://h/{quote(secret)}>"},
        answer=json.dumps({**document, "basic": basic}, ensure_ascii=ascii_only).encode(),
        error=f"said {secret}",
    )
    held = json.loads(kept)
    flat = [held["url"], held["error"], held["request"]["body"], held["response"]["body"]]
    flat += [*held["request"]["headers"].values(), *held["response"]["headers"].values()]
    shapes = [secret, quote(secret), quote(secret, safe=""), json.dumps(secret)[1:-1], json.dumps(json.dumps(secret))]
    for text in flat:
        assert not vault.holds(text)
        for shape in (*shapes, basic, base64.b64encode(secret.encode()).decode()):
            assert shape not in text
    assert held["redactions"] >= 5


@given(st.integers(KEEP - 60, KEEP + 5))
def test_a_secret_across_the_cut_is_gone(at: int) -> None:
    vault = Vault()
    secret = "Žž-0123456789-abcdefghij-Hunter2-is-not-here"
    vault.learn(secret)
    kept = scribed(vault, answer_headers={"content-type": "text/plain"}, answer=("x" * at + secret + "y" * 99).encode())
    assert "Žž-0" not in kept
    assert "more characters]" in kept or at + 99 < KEEP


def test_the_whole_document() -> None:
    vault = Vault()
    made = json.loads(scribed(vault, body=b'{"userName": "a", "password": "b"}', headers={"Content-Type": "a/json"}))
    assert made == {
        "method": "GET",
        "url": "http://h/p",
        "request": {"headers": {"content-type": "a/json"}, "body": '{"userName":"a","password":"[redacted]"}'},
        "status": 200,
        "response": {"headers": {"content-type": "application/json"}, "body": "{}", "bytes": 2},
        "sent": "2026-10-26T07:33:20.000Z",
        "answered": "2026-10-26T07:33:20.001Z",
        "attempts": 1,
        "error": None,
        "redactions": 1,
    }
