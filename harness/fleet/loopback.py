"""Whether an address can only be this machine: `environment: sandbox` demands it of all. No DNS is asked."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from harness.fleet.refs import MISSING
from harness.source import DataPath

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_PATHS = frozenset(("get", "post", "put", "patch", "delete"))  # a request may carry a full URL
_URLS = frozenset(("url", "token_url"))
_DATA = frozenset(("json", "form", "params", "headers", "take", "where", "match"))  # what is sent, not where to


def loopback(address: str) -> bool:
    """`address` is a URL, a host, or host:port."""
    try:
        host = urlsplit(address if _SCHEME.match(address) else f"//{address}").hostname or ""
    except ValueError:
        return False
    if host == "localhost" or host.endswith(".localhost"):  # RFC 6761 §6.3
        return True
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return bool((mapped or found).is_loopback)


def outside(value: Any, path: DataPath = ()) -> Iterator[tuple[DataPath, str]]:
    """Every URL in a part of a fleet file that may not be this machine, with its place. An adapter that is reached by
    other keys tells them in `addresses()`."""
    if isinstance(value, dict):
        for key, below in value.items():
            if key not in _DATA:
                yield from outside(below, (*path, key))
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from outside(below, (*path, index))
    elif isinstance(value, str) and path:
        key = path[-1]
        asked = key in _URLS or (key in _PATHS and _SCHEME.match(value))
        if asked and not value.startswith(MISSING) and not loopback(value):
            yield path, str(getattr(value, "raw", value))
