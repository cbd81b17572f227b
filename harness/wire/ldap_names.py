"""Names and filters of LDAP as text: escaped as RFC 4514 and RFC 4515 say, and compared as a server would."""

from __future__ import annotations

from collections.abc import Iterable

from harness.wire.call import Unknown

Rdn = frozenset[tuple[str, str]]
Dn = tuple[Rdn, ...]
_SPECIAL = set('"+,;<>\\=#')


class NotADn(Unknown, ValueError):
    """The text is no distinguished name."""

    def __init__(self, text: str) -> None:
        super().__init__(f"not a distinguished name: {text!r}")


def dn_value(value: str) -> str:
    """A value as it stands in a distinguished name (RFC 4514 §2.4)."""
    made = []
    for place, char in enumerate(value):
        if char == "\0":
            made.append("\\00")
        elif char in _SPECIAL and (char != "#" or place == 0):
            made.append("\\" + char)
        elif char == " " and place in (0, len(value) - 1):
            made.append("\\ ")
        else:
            made.append(char)
    return "".join(made)


def below(rdn: tuple[str, str], base: str) -> str:
    """The name of an entry: `("uid", "anna")` below a base."""
    attribute, value = rdn
    return f"{attribute}={dn_value(value)},{base}" if base else f"{attribute}={dn_value(value)}"


def parsed(dn: str) -> Dn:
    """A distinguished name in the form in which equal ones are equal: attribute names and values without case, runs
    of spaces as one. Servers compare most naming attributes so (RFC 4518). Raises `NotADn`."""
    if not dn.strip():
        return ()
    rdns: list[Rdn] = []
    here: set[tuple[str, str]] = set()
    for part, end in _parts(dn):
        attribute, equals, value = part.partition("=")
        if not equals or not attribute.strip():
            raise NotADn(dn)
        here.add((attribute.strip().casefold(), _unescaped(value, dn)))
        if end != "+":
            rdns.append(frozenset(here))
            here = set()
    return tuple(rdns)


def same(one: str, other: str) -> bool:
    """Whether both name the same entry. Raises `NotADn`."""
    return parsed(one) == parsed(other)


def inside(dn: str, base: str) -> bool:
    """Whether an entry is the base or below it. Raises `NotADn`."""
    root = parsed(base)
    return not root or parsed(dn)[-len(root) :] == root


def first(dn: str) -> tuple[str, str]:
    """The first attribute and value of a name, as they are written, without escapes. Raises `NotADn`."""
    for part, _ in _parts(dn):
        attribute, equals, value = part.partition("=")
        if equals and attribute.strip():
            return attribute.strip(), _literal(value, dn)
        break
    raise NotADn(dn)


def parent(dn: str) -> str:
    """The name of the entry above, as it is written."""
    passed = 0
    for part, end in _parts(dn):
        passed += len(part) + 1
        if end in (",", ";"):
            return dn[passed:].lstrip()
    return ""


def rdn(dn: str) -> str:
    """The entry's own name below its parent, as it is written."""
    made = ""
    for part, end in _parts(dn):
        made += part
        if end != "+":
            break
        made += end
    return made.strip()


def _parts(dn: str) -> Iterable[tuple[str, str]]:
    start = place = 0
    quoted = False
    while place < len(dn):
        char = dn[place]
        if char == "\\":
            place += 2
            continue
        if char == '"':
            quoted = not quoted
        elif not quoted and char in ",;+":
            yield dn[start:place], char
            start = place + 1
        place += 1
    yield dn[start:], ""


def _literal(text: str, dn: str) -> str:
    bare = text.rstrip(" ")
    if bare != text and (len(bare) - len(bare.rstrip("\\"))) % 2:
        bare += " "  # the first of them is escaped: it belongs to the value
    text = bare.lstrip(" ")
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1]
    made = bytearray()
    place = 0
    while place < len(text):
        char = text[place]
        if char != "\\":
            made += char.encode()
            place += 1
        elif _hex(text[place + 1 : place + 3]):
            made.append(int(text[place + 1 : place + 3], 16))
            place += 3
        elif place + 1 < len(text):
            made += text[place + 1].encode()
            place += 2
        else:
            raise NotADn(dn)
    return made.decode(errors="replace")


def _unescaped(text: str, dn: str) -> str:
    return " ".join(_literal(text, dn).casefold().split())


def _hex(text: str) -> bool:
    return len(text) == 2 and all(c in "0123456789abcdefABCDEF" for c in text)


# --- filters ----------------------------------------------------------------------------------


def filter_value(value: str | bytes) -> str:
    """A value as it stands in a filter (RFC 4515 §3). Bytes are written out in hexadecimal, each of them."""
    if isinstance(value, bytes):
        return "".join(f"\\{byte:02x}" for byte in value)
    made = []
    for place, char in enumerate(value):
        # spaces at the ends as well: a client library may strip them
        if char in "*()\\\0" or (char.isspace() and place in (0, len(value) - 1)) or not char.isprintable():
            made += [f"\\{byte:02x}" for byte in char.encode()]
        else:
            made.append(char)
    return "".join(made)


def equals(attribute: str, value: str | bytes) -> str:
    return f"({attribute}={filter_value(value)})"


def all_of(*filters: str) -> str:
    return filters[0] if len(filters) == 1 else f"(&{''.join(filters)})"


def any_of(*filters: str) -> str:
    return filters[0] if len(filters) == 1 else f"(|{''.join(filters)})"
