"""IMAP as pure shapes (RFC 3501, RFC 4314, RFC 5530): what a response line says, and how a word is written. No I/O."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

STATUS = re.compile(r"(OK|NO|BAD|BYE|PREAUTH)(?: \[([^\]]*)\])?(?: (.*))?", re.IGNORECASE)
LITERAL = re.compile(rb"\{([0-9]{1,10})\+?\}$")
_TOKEN = re.compile(rb'"((?:[^"\\]|\\.)*)"|[()]|[^\s()"{]+')
_PLAIN = re.compile(r"[A-Za-z0-9_./@:=+-]+")
_RIGHTS = re.compile(r"[a-z0-9]*")


class Malformed(Exception):
    """No IMAP, or not what was asked for: nothing can be concluded from it."""


class Atom(str):
    """A word without quotes; `NIL` is None."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Status:
    """`OK`, `NO`, `BAD` or `BYE`, its response code in capitals ("" without one), and its text."""

    word: str
    code: str
    text: str

    @property
    def shown(self) -> str:
        return " ".join(part for part in (self.word, f"[{self.code}]" if self.code else "", self.text) if part)


def status(text: str) -> Status | None:
    """None: no status response."""
    found = STATUS.fullmatch(text)
    if found is None:
        return None
    code = (found[2] or "").split(" ")[0].upper()
    return Status(found[1].upper(), code, "".join(c for c in (found[3] or "")[:200] if c.isprintable()))


def quoted(word: str) -> str:
    """A word as an argument: an atom where it is one, else a quoted string."""
    if not word.isascii() or any(ord(c) < 32 or ord(c) == 127 for c in word):
        raise Malformed("a name with characters that IMAP writes in no string")
    if _PLAIN.fullmatch(word) and word.upper() != "NIL":
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def parse(parts: Sequence[bytes | str]) -> list[Any]:
    """One response: text as bytes, literals as `str` between them. Words, numbers as words, lists, None for NIL."""
    stack: list[list[Any]] = [[]]
    for part in parts:
        if isinstance(part, str):
            stack[-1].append(part)
            continue
        at = 0
        while at < len(part):
            if part[at : at + 1] in (b" ", b"\t"):
                at += 1
                continue
            found = _TOKEN.match(part, at)
            if found is None:
                raise Malformed("a response that is no IMAP")
            at = found.end()
            _push(stack, found)
    if len(stack) != 1:
        raise Malformed("a list that does not end")
    return stack[0]


def _push(stack: list[list[Any]], found: re.Match[bytes]) -> None:
    word = found[0]
    if word == b"(":
        stack.append([])
    elif word == b")":
        if len(stack) == 1:
            raise Malformed("a list that ends and never began")
        done = stack.pop()
        stack[-1].append(done)
    elif found[1] is not None:
        stack[-1].append(text(re.sub(rb"\\(.)", rb"\1", found[1])))
    else:
        atom = Atom(text(word))
        stack[-1].append(None if atom.upper() == "NIL" else atom)


def text(data: bytes) -> str:
    """Raises `Malformed` for what is no text."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("a word that is no text") from None


@dataclass(frozen=True, slots=True)
class Listed:
    """One LIST response."""

    name: str
    delimiter: str
    selectable: bool


def listed(words: Sequence[Any]) -> Listed:
    """`LIST (\\HasNoChildren) "/" INBOX` (RFC 3501 §7.2.2)."""
    match words:
        case [_, list() as flags, (str() | None) as delimiter, str() as name] if name:
            marks = {str(flag).lower() for flag in flags}
            return Listed(name, delimiter or "", not marks & {"\\noselect", "\\nonexistent"})
    raise Malformed("a LIST response that is none")


def acl(words: Sequence[Any], mailbox: str) -> dict[str, str]:
    """`ACL mailbox identifier rights …` (RFC 4314 §3.6): whom it names, and with which rights."""
    _same(words, mailbox)
    pairs = [str(word) for word in words[2:]]
    if len(pairs) % 2 or any(isinstance(word, list) or word is None for word in words[2:]):
        raise Malformed("an ACL response with an identifier without rights")
    found = dict(zip(pairs[::2], pairs[1::2], strict=True))
    if len(found) * 2 != len(pairs) or not all(map(_RIGHTS.fullmatch, found.values())):
        raise Malformed("an ACL response with rights that are none, or an identifier twice")
    return found


def myrights(words: Sequence[Any], mailbox: str) -> str:
    """`MYRIGHTS mailbox rights` (RFC 4314 §3.8)."""
    _same(words, mailbox)
    if len(words) != 3 or not _RIGHTS.fullmatch(str(words[2])):
        raise Malformed("a MYRIGHTS response that is none")
    return str(words[2])


def prefixes(words: Sequence[Any]) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """The prefixes of the personal namespaces, and prefix and delimiter of all others (RFC 2342 §5): `NAMESPACE
    (("" "/")) (("shared/" "/")) NIL`, personal, other users', shared."""
    if len(words) != 4:
        raise Malformed("a NAMESPACE response that is none")
    made = [_namespaces(part) for part in words[1:]]
    return tuple(prefix for prefix, _ in made[0]), (*made[1], *made[2])


def _namespaces(part: Any) -> tuple[tuple[str, str], ...]:
    if part is None:
        return ()
    if not isinstance(part, list) or not all(isinstance(each, list) and len(each) >= 2 for each in part):
        raise Malformed("a NAMESPACE response that is none")
    return tuple((str(each[0]), str(each[1] or "")) for each in part)


def _same(words: Sequence[Any], mailbox: str) -> None:
    told = str(words[1]) if len(words) > 1 else ""
    if told != mailbox and not (told.upper() == mailbox.upper() == "INBOX"):
        raise Malformed("an answer about another mailbox than the one that was asked for")
