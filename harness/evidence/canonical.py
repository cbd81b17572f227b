"""RFC 8785 canonical JSON: the C encoder where it gives the same bytes, the reference package for the rest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import rfc8785

_SAFE = 2**53 - 1
_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), check_circular=False).encode


def _plain(value: Any) -> bool:
    """Whether the C encoder's sorted output is RFC 8785: strings, booleans, null, safe integers and lists of them.
    It sorts keys by code point, RFC 8785 by UTF-16 unit: the same for ASCII keys. Floats differ (`1.0` is `1`)."""
    if isinstance(value, str) or value is None:
        return True
    if isinstance(value, int):  # booleans too
        return -_SAFE <= value <= _SAFE
    if isinstance(value, dict):
        for key, item in value.items():
            if not (isinstance(key, str) and key.isascii() and (item.__class__ is str or _plain(item))):
                return False
        return True
    return isinstance(value, list | tuple) and all(map(_plain, value))


def _storable(value: Any) -> Any:
    """What RFC 8785 cannot hold, as text: integers of 2^53 and more, infinities, lone surrogates; a hostile value
    must never stop a run."""
    if isinstance(value, str):
        return str(value).encode("utf-8", "backslashreplace").decode()
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return int(value) if -_SAFE <= value <= _SAFE else str(int(value))
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else str(value)
    if isinstance(value, Mapping):
        return {str(_storable(str(key))): _storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        listed = [_storable(item) for item in value]
        return sorted(listed, key=str) if isinstance(value, set | frozenset) else listed
    raise TypeError(f"{type(value).__name__} has no place in a record")


def canonical(value: Any) -> bytes:
    """`value` (mappings, lists, strings, numbers, booleans, None) as RFC 8785 bytes.

    Raises TypeError for anything else.
    """
    if _plain(value):
        try:
            return _encode(value).encode()
        except UnicodeEncodeError:  # a lone surrogate
            pass
    return rfc8785.dumps(_storable(value))
