"""Redaction by shape: what may stay of headers, URLs and bodies before anything is hashed or stored.

It knows no secret by value: that is the vault's part, which runs over whatever stays here.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from html import unescape
from urllib.parse import unquote, urlsplit, urlunsplit

from harness.evidence.redact_json import redact_json
from harness.evidence.secret_words import SUSPECT, TEXT_PAIR, is_secret
from harness.evidence.token_shapes import redact_shapes
from harness.evidence.vault import MARK

KEEP = 64 * 1024  # bytes of a body that are kept, after redaction

_HEADERS = frozenset(
    {
        *(
            "accept",
            "accept-encoding",
            "content-encoding",
            "content-language",
            "content-length",
            "content-type",
            "date",
        ),
        *("etag", "idempotency-key", "link", "location", "retry-after", "transfer-encoding", "user-agent"),
        *("ratelimit", "ratelimit-limit", "ratelimit-policy", "ratelimit-remaining", "ratelimit-reset"),
        *("x-rate-limit-limit", "x-rate-limit-remaining", "x-rate-limit-reset"),
        *("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"),
        *("x-request-id", "x-github-request-id", "x-okta-request-id"),
    }
)
_URL_HEADERS = frozenset(("link", "location"))

# A fresh key for each process: two answers of one run can be told equal, and nobody can guess what they said.
_RUN_KEY = secrets.token_bytes(32)


def keyed_hash(data: bytes) -> str:
    """Tells equal private bodies apart from different ones within this run, and nothing else."""
    return "hmac-sha256:" + hmac.new(_RUN_KEY, data, sha256).hexdigest()[:24]


def redact_headers(headers: Mapping[str, str]) -> tuple[dict[str, str], int]:
    """Only the headers on the allow-list, lower-case; and how many others were left out."""
    kept: dict[str, str] = {}
    left_out = 0
    for name, value in headers.items():
        lower = name.lower()
        if lower not in _HEADERS:
            left_out += 1
        elif lower in _URL_HEADERS:
            # A redirect's query and fragment carry codes and tokens (RFC 6749 §4.1.2, §4.2.2).
            kept[lower] = redact_url(value, drop_query=True)[0] if lower == "location" else redact_shapes(value)[0]
        else:
            kept[lower] = value
    return kept, left_out


def redact_query(query: str, known: frozenset[str] = frozenset()) -> tuple[str, int]:
    """A query or form body with the values under secret names, and those named in `known`, replaced."""
    pieces, hits = [], 0
    for piece in query.split("&"):
        name, equals, value = piece.partition("=")
        plain = unquote(name.replace("+", " "))
        if equals and value and (plain in known or is_secret(plain, in_query=True)):
            pieces.append(f"{name}={MARK}")
            hits += 1
        else:
            pieces.append(piece)
    return "&".join(pieces), hits


def redact_url(url: str, known: frozenset[str] = frozenset(), *, drop_query: bool = False) -> tuple[str, int]:
    """A URL without userinfo, fragment and secret query values."""
    if not ("?" in url or "@" in url or "#" in url):
        return url, 0
    try:
        parts = urlsplit(url)
    except ValueError:
        return f"[an unreadable address, {len(url)} characters]", 1
    host = parts.netloc
    hits = 0
    if "@" in host:
        host = f"{MARK}@{host.rpartition('@')[2]}"
        hits += 1
    query = parts.query
    if query and drop_query:
        query, more = MARK, 1
    else:
        query, more = redact_query(query, known)
    hits += more + bool(parts.fragment)
    return urlunsplit((parts.scheme, host, parts.path, query, "")), hits


def redact_text(text: str) -> tuple[str, int]:
    """Any text: `password=…`-like pairs, tokens by their shape, userinfo and signed URLs."""
    hits = 0
    lower = text.lower()
    if any(word in lower for word in SUSPECT):
        text, hits = TEXT_PAIR.subn(lambda m: m[1] + MARK, text)
    text, more = redact_shapes(text)
    return text, hits + more


def redact_body(data: bytes | None, content_type: str) -> tuple[str | None, int]:
    """What may stay of a body, as text of at most KEEP characters plus a note, and the number of replacements.

    JSON and forms keep all but secrets; an HTML page keeps its title; what is binary, or claims to be JSON, is not,
    and might hold a secret, keeps its length and type.
    """
    if not data:
        return None, 0
    return _polled(data, content_type) if len(data) <= _POLLED else _redact_body(data, content_type)


def _redact_body(data: bytes, content_type: str) -> tuple[str | None, int]:
    kind = content_type.partition(";")[0].strip().lower()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return f"[binary, {len(data)} bytes, {_type(kind)}]", 0
    head = text.lstrip()[:1]
    if "html" in kind or (head == "<" and "xml" not in kind):
        return _page(text, len(data)), 0
    if head in ("{", "[", '"') or "json" in kind:
        return redact_json(text) or (f"[not valid JSON, {len(data)} bytes, {_type(kind)}]", 0)
    if "x-www-form-urlencoded" in kind:
        text, hits = redact_query(text)
        text, more = redact_shapes(text)
        return text, hits + more
    if "\0" in text:
        return f"[binary, {len(data)} bytes, {_type(kind)}]", 0
    return redact_text(text)


# Polling reads the same answer again and again.
_POLLED = 16 * 1024
_polled = lru_cache(maxsize=256)(_redact_body)


def cut(text: str) -> str:
    """The first KEEP characters and a note of what was cut; only for text that is fully redacted already, because a
    secret that lies across the cut would be found by nobody."""
    if len(text) <= KEEP:
        return text
    return f"{text[:KEEP]}[cut: {len(text) - KEEP} more characters]"


def _type(kind: str) -> str:
    return kind if re.fullmatch(r"[\w.+-]+/[\w.+-]+", kind) else "of unknown type"


_TITLE = re.compile(r"<title[^>]*>([^<]{1,200})", re.IGNORECASE)


def _page(text: str, size: int) -> str:
    """An HTML page: hidden fields hold anti-forgery tokens, so only its title stays."""
    found = _TITLE.search(text)
    title = " ".join(unescape(found[1]).split()) if found else ""
    return f"[HTML page, {size} bytes" + (f", titled {redact_text(title)[0]!r}]" if title else "]")
