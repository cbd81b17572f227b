"""The known-secret set: every secret that the run uses or makes, found again in whatever form it comes back."""

from __future__ import annotations

import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from html import escape
from threading import Lock
from urllib.parse import quote, quote_plus

MARK = "[redacted]"

# A shorter value cannot be told from ordinary text; only the key it stands under protects it.
SHORTEST = 4

# Needles of at least _LONG characters are found by sampling: every window of _LONG characters holds one
# _GRAM-character piece that starts at a multiple of _STRIDE, so only those pieces of a text are looked up. The cost of
# a scrub does not grow with the number of secrets.
_LONG, _GRAM = 16, 6
_STRIDE = _LONG - _GRAM + 1


def _base64_cores(data: bytes) -> Iterator[str]:
    """What stays the same of `data` in the base64 of any longer text that holds it, at each of the three offsets;
    this covers the Basic scheme's `user:password` (RFC 7617) too."""
    for offset in range(3):
        padded = b"\0" * offset + data
        start, stop = (0, 2, 3)[offset], len(padded) * 8 // 6  # characters made of `data` alone
        for encode in (b64encode, urlsafe_b64encode):
            yield encode(padded).decode()[start:stop]


_HEX = re.compile(r"%[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}")


def _fold(text: str) -> str:
    """One spelling for escapes, at the same length: `%2f` and `%2F`, `\\u00e9` and `\\u00E9` are the same."""
    if "%" in text or "\\u" in text:
        return _HEX.sub(lambda m: m[0].lower(), text)
    return text


def _in_json(text: str) -> Iterator[str]:
    for ascii_only in (True, False):
        inner = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield inner
        yield inner.replace("/", "\\/")


def _in_markup(text: str) -> Iterator[str]:
    """The standard library, Jinja2 and XML writers each spell quotes and letters their own way."""
    bare = escape(text, quote=False)
    yield from (bare, escape(text), bare.replace('"', "&quot;"))
    for quoted in (bare, bare.replace('"', "&#34;").replace("'", "&#39;"), escape(text).replace("&#x27;", "&apos;")):
        yield quoted
        yield quoted.encode("ascii", "xmlcharrefreplace").decode()


def _in_python(text: str, data: bytes) -> Iterator[str]:
    """Between quotes that the text around it chose."""
    yield repr("'\"" + text)[4:-1].replace("\\'", "'")
    yield repr(b"'\"" + data)[5:-1].replace("\\'", "'")


def forms(secret: str) -> set[str]:
    """Every way in which `secret` may stand in a text: raw, URL-encoded, base64 (also as part of more, as in Basic),
    hexadecimal, escaped as in HTML, XML, CSV and Python's `repr`, and each of them JSON-escaped, twice too (a body
    inside an exchange)."""
    data = secret.encode("utf-8", "surrogatepass")
    plain = {secret, *_in_markup(secret), secret.replace('"', '""'), data.hex(), data.hex().upper()}
    plain |= {shown.replace("'", quoted) for shown in _in_python(secret, data) for quoted in ("'", "\\'")}
    plain |= {quote(data, safe=""), quote(data, safe="/"), quote_plus(data), quote(data, safe="!*'();:@&=+$,/?")}
    once = {inner for form in plain for inner in _in_json(form)}
    twice = {inner for form in once for inner in _in_json(form)}
    wide = secret.encode("utf-16-le", "surrogatepass")  # how Active Directory takes a password
    cores = {core for each in (data, wide) for core in _base64_cores(each) if len(core) >= SHORTEST}
    escaped = {core.replace("/", "\\/") for core in cores} | {quote(core, safe="") for core in cores}
    return {_fold(form) for form in plain | once | twice | cores | escaped if len(form) >= SHORTEST}


class Vault:
    """Implements `ports.Vault`. Safe to use from many threads; never shows what it knows."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: set[str] = set()
        self._short: tuple[str, ...] = ()
        self._grams: dict[str, tuple[tuple[int, str], ...]] = {}

    def learn(self, secret: str) -> None:
        """From now on `secret` is scrubbed. Values under four characters are ignored (see SHORTEST)."""
        if len(secret) < SHORTEST or secret in self._known:
            return
        with self._lock:
            if secret in self._known:
                return
            needles = forms(secret)
            short = [needle for needle in needles if len(needle) < _LONG]
            for needle in needles:
                for offset in range(_STRIDE if len(needle) >= _LONG else 0):
                    gram = needle[offset : offset + _GRAM]
                    self._grams[gram] = (*self._grams.get(gram, ()), (offset, needle))
            self._short = (*self._short, *short)
            self._known.add(secret)

    def _spans(self, text: str) -> list[tuple[int, int]]:
        spans = []
        text = _fold(text)
        for needle in self._short:
            at = text.find(needle)
            while at >= 0:
                spans.append((at, at + len(needle)))
                at = text.find(needle, at + 1)
        grams = self._grams
        if grams:
            pieces = [text[at : at + _GRAM] for at in range(0, len(text) - _GRAM + 1, _STRIDE)]
            if not grams.keys().isdisjoint(pieces):
                for index, piece in enumerate(pieces):
                    for offset, needle in grams.get(piece, ()):
                        start = index * _STRIDE - offset
                        if start >= 0 and text.startswith(needle, start):
                            spans.append((start, start + len(needle)))
        return spans

    def known(self) -> tuple[str, ...]:
        """For another process of this run, whose vault learns them, and for nobody else: never written anywhere."""
        with self._lock:
            return tuple(self._known)

    def reach(self) -> int:
        """The length of the longest form of any secret."""
        with self._lock:
            return max(map(len, (form for secret in self._known for form in forms(secret))), default=0)

    def holds(self, text: str, shortest: int = SHORTEST) -> bool:
        """Whether a known secret occurs in `text` in any form of at least so many characters."""
        return any(stop - start >= shortest for start, stop in self._spans(text))

    def scrub(self, text: str) -> str:
        return self.scrub_counted(text)[0]

    def scrub_counted(self, text: str) -> tuple[str, int]:
        """The text without any known secret, and how many places were replaced."""
        spans = self._spans(text)
        if not spans:
            return text, 0
        spans.sort()
        kept: list[str] = []
        count, end = 0, 0
        reach = 0
        for start, stop in spans:
            if start >= reach:
                kept += (text[end:start], MARK)
                count += 1
            reach = end = max(reach, stop)
        kept.append(text[reach:])
        return "".join(kept), count

    def __repr__(self) -> str:
        return f"Vault({len(self._known)} secrets)"
