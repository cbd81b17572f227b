"""SCIM 2.0 as pure shapes (RFC 7643, RFC 7644): filters, PATCH bodies, list pages, what a record says. No I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from harness.model import Presence

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
MEDIA = "application/scim+json"

# The service provider's own, never sent back: RFC 7643 §3.1 (meta, id) and §4.1.2 (groups is readOnly).
READ_ONLY = ("id", "meta", "groups")


class Malformed(Exception):
    """An answer that is not what the RFC says it must be: nothing can be concluded from it."""


def eq(attribute: str, value: str) -> str:
    """A filter. RFC 7644 §3.4.2.2: the compared value is a JSON string, so JSON does the escaping."""
    return f"{attribute} eq {json.dumps(value, ensure_ascii=False)}"


def valued(attribute: str, value: str) -> str:
    """The PATCH path of one value of a multi-valued attribute, `members[value eq "2819c223"]` (RFC 7644 §3.5.2)."""
    return f"{attribute}[{eq('value', value)}]"


def patch(*operations: Mapping[str, Any]) -> dict[str, Any]:
    return {"schemas": [PATCH], "Operations": [dict(each) for each in operations]}


def encode(body: Any) -> bytes:
    """The same value always gives the same bytes; key order is the sender's own."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def at(resource: str, id: str) -> str:
    """`/Users/<id>` with the id as one path segment, whatever it holds."""
    return f"/{resource}/{quote(id, safe='')}"


@dataclass(frozen=True, slots=True)
class Page:
    total: int
    items: tuple[Mapping[str, Any], ...]


def page(data: Any, start: int) -> Page:
    """One list answer, checked (RFC 7644 §3.4.2). `itemsPerPage` is not: servers put their page size there."""
    if not isinstance(data, Mapping):
        raise Malformed("the list answer is not a JSON object")
    if LIST not in _schemas(data):
        raise Malformed("the answer is not a SCIM ListResponse (`schemas`)")
    total = data.get("totalResults")
    if isinstance(total, bool) or not isinstance(total, int) or total < 0:
        raise Malformed("`totalResults` is missing or not a count")
    # RFC 7644 §3.4.2: `Resources` may be left out only when nothing was found.
    if "Resources" not in data and total:
        raise Malformed(f"`Resources` is missing, although `totalResults` is {total}")
    items = data.get("Resources", ())
    if not isinstance(items, Sequence) or isinstance(items, str):
        raise Malformed("`Resources` is not a list")
    first = data.get("startIndex", start)
    if items and first != start:
        raise Malformed(f"asked for the page from {start}, was answered the page from {first!r}: paging loops")
    for item in items:
        if not isinstance(item, Mapping):
            raise Malformed("an item of `Resources` is not a JSON object")
        if not _word(item.get("id")):
            raise Malformed("an item of `Resources` has no `id`")
    return Page(total, tuple(items))


def record(data: Any, id: str) -> Mapping[str, Any]:
    """A User answered to a read by id: it must be one, and the one that was asked for."""
    if not isinstance(data, Mapping):
        raise Malformed("the record is not a JSON object")
    if USER not in _schemas(data):
        raise Malformed("the record is not a SCIM User (`schemas`)")
    if data.get("id") != id:
        raise Malformed("the record carries another `id` than the one that was asked for")
    return data


def active(data: Mapping[str, Any]) -> tuple[Presence, str]:
    """The closed set of `active` (RFC 7643 §4.1.1): a JSON boolean. A word like "False" is what a server stores
    that does not understand it, and nobody knows how it reads it back."""
    if "active" not in data:
        return Presence.UNKNOWN, "the record has no `active`"
    value = data["active"]
    if value is True:
        return Presence.PRESENT, ""
    if value is False:
        return Presence.ABSENT, "record remains"
    return Presence.UNKNOWN, f"`active` is {_shown(value)}, not true or false"


def values(data: Mapping[str, Any], attribute: str) -> tuple[Mapping[str, Any], ...] | None:
    """The values of a multi-valued attribute; None: left out or null, which RFC 7643 §2.5 calls unassigned."""
    found = data.get(attribute)
    if found is None:
        return None
    if not isinstance(found, Sequence) or isinstance(found, str):
        raise Malformed(f"`{attribute}` is not a list")
    for each in found:
        if not isinstance(each, Mapping) or not _word(each.get("value")):
            raise Malformed(f"an item of `{attribute}` has no `value`")
    return tuple(found)


def same(attribute: str, left: Any, right: Any) -> bool:
    """RFC 7643 §4.1.1, §3.1: `userName` is compared without case, `externalId` and `id` exactly."""
    if not isinstance(left, str) or not isinstance(right, str):
        return False
    return left.casefold() == right.casefold() if attribute.lower() == "username" else left == right


def writable(data: Mapping[str, Any]) -> dict[str, Any]:
    """A record as it may be sent back with PUT."""
    return {key: value for key, value in data.items() if key not in READ_ONLY}


def _schemas(data: Mapping[str, Any]) -> tuple[str, ...]:
    found = data.get("schemas")
    return tuple(x for x in found if isinstance(x, str)) if isinstance(found, list) else ()


def _word(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=True, default=str)
    return text if len(text) <= 40 else text[:37] + "…"
