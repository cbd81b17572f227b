"""Redaction by shape: headers, URLs, JSON with SCIM PATCH and Bulk, forms, pages, tokens; evidence stays readable."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.evidence.redact import KEEP, cut, keyed_hash, redact_body, redact_headers, redact_text, redact_url
from harness.evidence.redact_json import redact_json
from harness.evidence.secret_words import is_secret
from harness.evidence.vault import MARK

JSON = "application/json"
SECRET = "Hunter2-is-Hunter2"


def through(document: Any) -> Any:
    text, _ = redact_body(json.dumps(document).encode(), "application/scim+json") or ("", 0)
    assert text is not None
    return json.loads(text)


PLANTED: list[Any] = [
    {"password": SECRET},
    {"PassWord": SECRET},
    {"a": [{"b": {"client_secret": SECRET}}]},
    {"credentials": {"password": {"value": SECRET}}},
    {"access_token": SECRET, "refreshToken": SECRET, "id_token": SECRET},
    {"api-key": SECRET, "X-Api-Key": SECRET},
    {"secret_id": SECRET},
    {"recoveryCodes": [SECRET, SECRET]},
    {"tokens": [{"id": "t1", "token": SECRET}]},
    {"token": {"id": "t1", "value": SECRET}},
    {"code": SECRET},
    {"otp": 123456},
    {"Operations": [{"op": "replace", "path": "password", "value": SECRET}]},
    {"Operations": [{"op": "Replace", "value": {"password": SECRET}}]},
    {"Operations": [{"op": "add", "path": "urn:ietf:params:scim:schemas:core:2.0:User:password", "value": SECRET}]},
    {"Operations": [{"method": "POST", "path": "/Users", "data": {"userName": "a", "password": SECRET}}]},
    {"Operations": [{"method": "PATCH", "data": {"Operations": [{"op": "add", "path": "password", "value": SECRET}]}}]},
    [{"op": "replace", "path": "/credentials/password", "value": SECRET}],
    {"attributes": [{"name": "api_key", "value": SECRET}]},
    {"inner": json.dumps({"password": SECRET})},
    {"pass\u0077ord": SECRET},
]


@pytest.mark.parametrize("document", PLANTED, ids=str)
def test_a_secret_under_its_key_is_gone(document: Any) -> None:
    kept = json.dumps(through(document))
    assert SECRET not in kept
    assert "123456" not in kept
    assert MARK in kept


def test_a_key_that_is_escaped_is_still_a_key() -> None:
    text, hits = redact_body(b'{"pass\\u0077ord": "' + SECRET.encode() + b'"}', JSON)
    assert text == f'{{"password":"{MARK}"}}'
    assert hits == 1


def test_twin_keys_hide_nothing() -> None:
    text, _ = redact_body(f'{{"password": "{SECRET}1", "password": "{SECRET}2"}}'.encode(), JSON)
    assert SECRET not in str(text)


KEPT: list[Any] = [
    {"tokens": [{"id": "t1", "label": "drill"}]},
    {"nextPageToken": "p2", "next_token": "x", "continuationToken": "y", "$skiptoken": "z"},
    {"passwordChanged": "2026-11-22T09:00:00Z", "password_policy": "strict", "token_type": "Bearer"},
    {"secret_id_accessor": "acc-1", "tokenId": "7", "token_ttl": 30},
    {"code": "E0000011", "country_code": "DE", "error": {"code": 404}},
    {"password": None, "token": "", "secret": False},
    {"name": "pinboard", "value": "kept"},
    {"session": {"id": "s-1", "status": "ACTIVE"}},
]


@pytest.mark.parametrize("document", KEPT, ids=str)
def test_what_is_evidence_and_no_secret_stays(document: Any) -> None:
    assert through(document) == document


def test_json_without_a_secret_stays_byte_for_byte() -> None:
    body = b'{ "items" : [1.0,  {"id":"u-1"}] }\n'
    assert redact_body(body, JSON) == (body.decode(), 0)


@pytest.mark.parametrize(
    "text",
    [
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
        "-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBg\\n-----END PRIVATE KEY-----",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "github_pat_11ABCDEFG0abcdefghijklmnop",
        "glpat-ABCDEFGHIJKLMNOPQRST",
        "xoxb-2173645-1234567890",
        "AKIAIOSFODNN7EXAMPLE",
        "Bearer abc123.def456",
        "Basic dXNlcjpwYXNzd29yZA==",
        "hvs.CAESIJlxAbCdEfGhIjKlMn",
        "https://user:pa55w0rd@host/path",
        "https://b.s3.test/k?X-Amz-Signature=fe5f80f77d5fa3beca038a248ff027d0445342fe&X-Amz-Expires=60",
        "https://a.blob.test/c?sv=2020&sig=Zm9vYmFyYmF6",
        "https://h/cb#access_token=Zm9vYmFyYmF6&x=1",
    ],
)
def test_a_token_shows_by_its_shape_anywhere(text: str) -> None:
    for kind, body in ((JSON, json.dumps({"note": f"see {text} there"})), ("text/plain", f"see {text} there")):
        kept, hits = redact_body(body.encode(), kind)
        assert hits >= 1
        assert kept is not None
        assert MARK in kept
        for piece in ("eyJzdWI", "MIIEv", "b3Blbn", "16C7e42F", "11ABCDE", "ABCDEFGHIJ", "2173645", "IOSFOD", "abc123"):
            assert piece not in kept
        for piece in ("dXNlcjpw", "CAESIJ", "pa55w0rd", "fe5f80f7", "Zm9vYmFy"):
            assert piece not in kept


def test_a_form_and_a_text() -> None:
    form, hits = redact_body(
        b"grant_type=password&username=a&password=x%20y&code=abc", "application/x-www-form-urlencoded"
    )
    assert (form, hits) == (f"grant_type=password&username=a&password={MARK}&code={MARK}", 2)
    for text in (
        "password: hunter2",
        'client_secret = "a b c"',
        "<userPassword>hunter2</userPassword>",
        "Cookie: sid=1",
    ):
        kept, hits = redact_text(text)
        assert hits == 1, text
        assert "hunter2" not in kept
        assert "a b c" not in kept
        assert "sid=1" not in kept


def test_a_page_keeps_its_title_only() -> None:
    page = b"<html><title>Sign\n in &amp; go</title><input name=csrf value=Zm9vYmFy></html>"
    assert redact_body(page, "text/html; charset=utf-8") == ("[HTML page, 77 bytes, titled 'Sign in & go']", 0)


def test_what_cannot_be_read_keeps_length_and_type() -> None:
    assert redact_body(b"\xff\xfe\x00", "image/png") == ("[binary, 3 bytes, image/png]", 0)
    assert redact_body(b"a\0b", 'x"y') == ("[binary, 3 bytes, of unknown type]", 0)
    assert redact_body(b'{"password": "hunt', JSON) == ("[not valid JSON, 18 bytes, application/json]", 0)
    assert redact_body(b'{"users": [1', JSON) == ('{"users": [1', 0)
    assert redact_body(b"", JSON) == (None, 0)
    assert redact_body(None, "") == (None, 0)


def test_headers_are_an_allow_list() -> None:
    kept, out = redact_headers({
        "Content-Type": "a/b", "Authorization": "x", "Set-Cookie": "y", "X-Vault-Token": "z", "DPoP": "d",
        "Location": "/cb?code=1#t=2", "Link": "<http://h/u?p=2&token=abcd>; rel=next",
    })  # fmt: skip
    assert out == 4
    assert kept == {
        "content-type": "a/b",
        "location": f"/cb?{MARK}",
        "link": f"<http://h/u?p=2&token={MARK}>; rel=next",
    }


def test_urls() -> None:
    assert redact_url("http://h/p?a=1") == ("http://h/p?a=1", 0)
    assert redact_url("http://u:p@h:1/p?token=x&k=v#f", frozenset("k")) == (
        f"http://{MARK}@h:1/p?token={MARK}&k={MARK}",
        4,
    )
    assert redact_url("http://[::1?x")[1] == 1


def test_a_long_text_is_cut_with_a_note() -> None:
    assert cut("a" * KEEP) == "a" * KEEP
    assert cut("a" * (KEEP + 7)) == "a" * KEEP + "[cut: 7 more characters]"


def test_a_keyed_hash_tells_equal_from_different_and_nothing_else() -> None:
    assert keyed_hash(b"a") == keyed_hash(b"a") != keyed_hash(b"b")
    assert "ca978112ca1bbdca" not in keyed_hash(b"a")  # the plain SHA-256 could be guessed


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=12,
)


@given(values, st.sampled_from(["password", "client_secret", "apiKey", "access_token", "Private-Key"]), st.booleans())
def test_wherever_it_is_planted_it_is_gone(document: Any, key: str, ascii_only: bool) -> None:
    planted = {"rest": document, "deep": [document, {"x": {key: SECRET}}]}
    text, hits = redact_body(json.dumps(planted, ensure_ascii=ascii_only).encode("utf-8", "replace"), JSON)
    assert hits >= 1
    assert SECRET not in str(text)


@given(st.text(max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    redact_text(text)
    redact_json(text)
    redact_url(text)
    redact_body(text.encode("utf-8", "surrogatepass"), "text/plain")


def test_deep_nesting_is_no_way_out() -> None:
    body = b'{"a":' * 5000 + b'{"password":"' + SECRET.encode() + b'"}' + b"}" * 5000
    assert SECRET not in str(redact_body(body, JSON)[0])


@pytest.mark.parametrize(("name", "secret"), [("password", True), ("code", False), ("PWD", True), ("username", False)])
def test_names(name: str, secret: bool) -> None:
    assert is_secret(name) is secret


@pytest.mark.parametrize("text", ["exchange failed: client_secret=hunter2", "said password: 'hunter2'", "otp=hunter2;"])
def test_an_errors_text_inside_json_quotes_no_secret(text: str) -> None:
    clean, hits = redact_body(json.dumps({"error": [{"message": text}]}).encode(), "application/json")
    assert clean is not None
    assert "hunter2" not in clean
    assert hits == 1


def test_an_address_inside_json_keeps_the_mark_of_its_page() -> None:
    text = json.dumps({"next": "/users?page_token=p2&password=x1", "password": None})
    clean, hits = redact_body(text.encode(), "application/json")
    assert clean == text.replace("x1", MARK)
    assert hits == 1
