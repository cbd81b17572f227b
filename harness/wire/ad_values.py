"""Active Directory's values as text and back: GUIDs, SIDs, times; and the code of a sign-in's refusal. Pure."""

from __future__ import annotations

import re
import struct
from datetime import datetime
from uuid import UUID

from harness.model import Instant

NEVER = (0, 0x7FFF_FFFF_FFFF_FFFF)  # MS-ADA1 accountExpires: both mean that it never does
_EPOCH = 11_644_473_600  # seconds from 1601 to 1970
_REFUSAL = re.compile(r"\bdata ([0-9a-f]+)\b")


class Malformed(ValueError):
    """The bytes are not what they should be."""


def guid(raw: bytes) -> str:
    """`objectGUID` as text. The first three fields are little-endian (MS-DTYP §2.3.4). Raises `Malformed`."""
    if len(raw) != 16:
        raise Malformed(f"a GUID has 16 bytes, not {len(raw)}")
    return str(UUID(bytes_le=raw))


def guid_bytes(text: str) -> bytes:
    return UUID(text).bytes_le


def sid(raw: bytes) -> str:
    """`objectSid` as text, `S-1-5-21-…` (MS-DTYP §2.4.2.1). Raises `Malformed`."""
    found, end = sid_at(raw, 0)
    if end != len(raw):
        raise Malformed("there is something after the SID")
    return found


def sid_at(raw: bytes, start: int) -> tuple[str, int]:
    """The SID that begins there, and where it ends. Raises `Malformed`."""
    if len(raw) < start + 8:
        raise Malformed("a SID is cut off")
    revision, count = raw[start], raw[start + 1]
    end = start + 8 + 4 * count
    if revision != 1 or count > 15 or len(raw) < end:
        raise Malformed("this is no SID")
    authority = int.from_bytes(raw[start + 2 : start + 8], "big")
    parts = struct.unpack_from(f"<{count}I", raw, start + 8)
    shown = f"0x{authority:012x}" if authority >= 1 << 32 else str(authority)
    return "-".join(["S-1", shown, *map(str, parts)]), end


def sid_bytes(text: str) -> bytes:
    """Raises `Malformed`."""
    words = text.split("-")
    try:
        if words[:2] != ["S", "1"] or not 3 <= len(words) <= 18:
            raise ValueError
        authority = int(words[2], 16 if words[2].startswith("0x") else 10)
        parts = [int(word) for word in words[3:]]
        return bytes([1, len(parts)]) + authority.to_bytes(6, "big") + struct.pack(f"<{len(parts)}I", *parts)
    except (ValueError, OverflowError, struct.error):
        raise Malformed(f"this is no SID: {text!r}") from None


def rid(text: str) -> tuple[str, int]:
    """A SID as its domain and the number in it: a primary group is told by its number alone. Raises `Malformed`."""
    sid_bytes(text)
    domain, _, number = text.rpartition("-")
    return domain, int(number)


def instant(filetime: int) -> Instant | None:
    """A FILETIME (100 ns since 1601); None for the two values that mean never."""
    return None if filetime in NEVER else filetime // 10 - _EPOCH * 1_000_000


def generalized(text: str) -> Instant | None:
    """A GeneralizedTime in UTC as directories write it, `20261125023055.0Z`; None for anything else."""
    match = re.fullmatch(r"(\d{14})(?:[.,]\d+)?Z", text)
    if match is None:
        return None
    try:
        return int(datetime.strptime(match[1] + "+0000", "%Y%m%d%H%M%S%z").timestamp()) * 1_000_000
    except ValueError:
        return None


def refusal(message: str) -> str:
    """The code in `AcceptSecurityContext error, data 533, v1db1`; empty where there is none."""
    found = _REFUSAL.search(message)
    return found[1] if found else ""
