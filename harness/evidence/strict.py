"""JSON that others wrote, read so that no two readers can see different things in it."""

from __future__ import annotations

import json
from typing import Any

from harness.evidence.canonical import canonical


def parse(data: bytes, whole: bool = False) -> Any:
    """`whole`: fractions are refused. Raises ValueError for anything that is not JSON in UTF-8, has a key twice, or is
    too deep to be read."""
    try:
        return json.loads(
            data.decode(), object_pairs_hook=_once, parse_constant=_refuse, parse_float=_refuse if whole else None
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None


def exact(line: bytes) -> dict[str, Any]:
    """One object in its RFC 8785 bytes, whose numbers are whole as all of ours are: so no reader has to print a
    fraction as ECMAScript does. Raises ValueError for any other."""
    made = parse(line, whole=True)
    try:
        same = isinstance(made, dict) and canonical(made) == line
    except (TypeError, ValueError, RecursionError):
        same = False
    if not same:
        raise ValueError("not one object in RFC 8785 form")
    found: dict[str, Any] = made
    return found


def document(data: bytes) -> dict[str, Any]:
    """A file that is one such object and a line feed."""
    if not data.endswith(b"\n"):
        raise ValueError("its last line is cut off")
    return exact(data[:-1])


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key stands there twice")
    return made


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} has no place here")
