"""Makes any text safe to look at: what would hide, reorder or break shows itself as a visible escape.

Everything in a report may come from a probed system. Escaping for HTML, XML or CSV is the writer's work and comes
on top; here characters that deceive the eye (bidi, zero-width, controls, lone surrogates) become `\\u202e`.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from urllib.parse import urlsplit, urlunsplit

from harness.model import SECOND, Duration, Instant, iso

LIMIT = 400

# Printable by the Unicode tables, invisible to people: fillers, variation selectors, the braille blank.
_BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0") | {
    chr(code) for code in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
}


class Shown(str):
    """Text that already went through `visible`, so that nothing is escaped twice."""

    __slots__ = ()


def visible(text: str, *, lines: bool = False) -> Shown:
    """The text with every deceiving character as `\\uXXXX`. With `lines`, line feeds stay."""
    if isinstance(text, Shown):
        return text
    if text.isprintable() and text.isascii():
        return Shown(text)
    out: list[str] = []
    marks = 0
    for char in text:
        marks = marks + 1 if unicodedata.combining(char) else 0
        # A third combining mark on one letter climbs over the neighbouring lines.
        if (char.isprintable() and char not in _BLANKS and marks < 3) or (lines and char == "\n"):
            out.append(char)
        else:
            out.append(f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}")
    return Shown("".join(out))


def clip(text: str, limit: int = LIMIT, *, lines: bool = False) -> Shown:
    """Visible text of at most `limit` characters; tells how many were left out."""
    if isinstance(text, Shown):
        return text
    if len(text) > limit:
        return Shown(f"{visible(text[:limit], lines=lines)} … ({len(text) - limit} more characters)")
    return _repeated(text, lines) if len(text) < 100 else visible(text, lines=lines)


@lru_cache(maxsize=20_000)
def _repeated(text: str, lines: bool) -> Shown:
    """A report prints the same short words many thousand times."""
    return visible(text, lines=lines)


def encodable(text: str) -> str:
    """The text itself, but for lone surrogates, which no file can hold: they become visible escapes."""
    if text.isascii():
        return text
    return "".join(f"\\u{ord(char):04x}" if "\ud800" <= char <= "\udfff" else char for char in text)


def one_line(text: str) -> str:
    """A story or a note written over several lines, as one paragraph."""
    return " ".join(text.split())


def plain_url(url: str) -> str:
    """The URL without user, password, query and fragment: an address names a place, never a key to it."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "(not a URL)"
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def span(length: Duration) -> str:
    """A duration as it is read aloud: `850 ms`, `41.2 s`, `15 m 07 s`, `1 h 02 m`, `3 d 4 h`."""
    if length < 0:
        return "−" + span(-length)
    if length < SECOND:
        return f"{length // 1000} ms"
    if length < 60 * SECOND:
        return f"{length // 100_000 / 10:.1f} s"
    seconds = length // SECOND
    if seconds < 3600:
        return f"{seconds // 60} m {seconds % 60:02d} s"
    if seconds < 86_400:
        return f"{seconds // 3600} h {seconds % 3600 // 60:02d} m"
    return f"{seconds // 86_400} d {seconds % 86_400 // 3600} h"


def since(at: Instant, t0: Instant | None) -> str:
    """An instant as the time after T0, `+41.2 s`; without a T0 the hour of the day."""
    if t0 is None:
        return iso(at)[11:23]
    return f"+{span(at - t0)}" if at >= t0 else span(at - t0)


def stamp(at: Instant) -> str:
    """An instant for people, UTC with milliseconds: `2026-11-22 09:00:00.000`."""
    return iso(at)[:-1].replace("T", " ")


def label(kind: str, name: str) -> str:
    """What a grant is called in a sentence. An account has no name of its own, and is not called `account account`."""
    return kind if name in ("", kind) else f"{kind} {name}"


def count(number: int, one: str, many: str = "") -> str:
    """`1 grant`, `2 grants`."""
    return f"{number} {one if number == 1 else many or one + 's'}"
