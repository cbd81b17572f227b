"""No planted secret survives, in whatever encoding it comes back."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus, urlencode
from xml.etree import ElementTree

import markupsafe
from hypothesis import given
from hypothesis import strategies as st

from harness.evidence.vault import MARK, Vault

# Passwords as people and systems make them; surrogates cannot be sent at all.
secrets = st.text(st.characters(exclude_categories=["Cs"]), min_size=4, max_size=48).filter(
    lambda text: text not in MARK and len(set(text)) > 2
)
around = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def encodings(secret: str) -> list[str]:
    data = secret.encode()
    inner = json.dumps({"a": secret})
    return [
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        json.dumps(json.dumps(secret))[1:-1],
        json.dumps(inner, ensure_ascii=False),
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        urlencode({"p": secret}),
        quote(secret, safe="").replace("%2F", "%2f"),
        base64.b64encode(data).decode(),
        base64.b64encode(data).decode().rstrip("="),
        base64.urlsafe_b64encode(data).decode(),
        html.escape(secret),
        str(markupsafe.escape(secret)),
        secret.replace('"', '""'),
        repr(secret)[1:-1],
        base64.b64encode(f'"{secret}"'.encode("utf-16-le")).decode(),
        data.hex(),
        repr("'\"" + secret)[4:-1],
        repr(data)[2:-1],
        *(ElementTree.tostring(_element(secret), encoding=each).decode(each)[3:-4] for each in ("utf-8", "us-ascii")),
    ]


def _element(text: str) -> ElementTree.Element:
    made = ElementTree.Element("a")
    made.text = text
    return made


@given(secrets, around, around)
def test_no_encoding_of_a_secret_survives(secret: str, before: str, after: str) -> None:
    vault = Vault()
    vault.learn(secret)
    for encoded in encodings(secret):
        clean = vault.scrub(f"{before}{encoded}{after}")
        assert not vault.holds(clean) or secret in before + MARK + after
        assert encoded not in clean.replace(before, "").replace(after, "") or encoded in MARK


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.text('abcXYZ0189+/-_é"\\', min_size=9, max_size=40),
)
def test_no_basic_header_with_a_secret_survives(user: str, secret: str) -> None:
    vault = Vault()
    vault.learn(secret)
    for pair in (f"{user}:{secret}", f"{secret}:{user}", f"{secret}:"):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(pair.encode()).decode()
            assert text not in vault.scrub(f"Basic {text}")


@given(st.lists(st.text("abcdefgh012345", min_size=16, max_size=40), min_size=1, max_size=20, unique=True), st.data())
def test_many_long_secrets_are_found_anywhere(made: list[str], data: st.DataObject) -> None:
    vault = Vault()
    for secret in made:
        vault.learn(secret)
    planted = data.draw(st.lists(st.sampled_from(made), max_size=5))
    gaps = data.draw(st.lists(st.text("xyz. ", max_size=30), min_size=len(planted) + 1, max_size=len(planted) + 1))
    text = gaps[0] + "".join(secret + gap for secret, gap in zip(planted, gaps[1:], strict=True))
    clean, hits = vault.scrub_counted(text)
    assert all(secret not in clean for secret in made)
    assert clean.replace(MARK, "").strip("xyz. ") == ""
    assert (hits == 0) == (not planted)


@given(st.text(max_size=300))
def test_a_text_without_secrets_stays_as_it_is(text: str) -> None:
    vault = Vault()
    vault.learn("rd-7f1c0a94be2d4c55")
    assert vault.scrub(text) == text


def test_overlapping_secrets_leave_nothing_of_each_other() -> None:
    vault = Vault()
    for secret in ("abcdefghijklmnop", "mnopqrstuvwxyz01", "short"):
        vault.learn(secret)
    assert vault.scrub("<abcdefghijklmnopqrstuvwxyz01>") == f"<{MARK}>"
    assert vault.scrub("shortshort short") == f"{MARK}{MARK} {MARK}"


def test_what_is_too_short_to_be_told_from_text_is_left_to_its_key() -> None:
    vault = Vault()
    vault.learn("abc")
    vault.learn("")
    assert vault.scrub("abc") == "abc"


def test_the_vault_does_not_show_what_it_knows() -> None:
    vault = Vault()
    vault.learn("hunter2hunter2hunter2")
    assert "hunter2" not in repr(vault)
    assert vault.holds("xxhunter2hunter2hunter2")
    assert not vault.holds("hunter")
