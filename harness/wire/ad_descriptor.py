"""Security descriptors as bytes (MS-DTYP §2.4): who owns an object, which rights are given to whom. Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

from harness.wire.ad_values import Malformed, guid, guid_bytes, sid_at, sid_bytes

ALLOWED, DENIED = frozenset((0, 5, 9, 11)), frozenset((1, 6, 10, 12))
_OBJECT = frozenset((5, 6, 11, 12))  # carry the GUID of a right, a property or a class (MS-DTYP §2.4.4.3)
_CALLBACK = frozenset((9, 10, 11, 12))
INHERITED = 0x10
INHERITABLE = 0x02 | 0x01
_SELF_RELATIVE, _DACL_PRESENT = 0x8000, 0x0004
_HEAD, _ACL, _ACE = struct.Struct("<BBHIIII"), struct.Struct("<BBHHH"), struct.Struct("<BBH")


@dataclass(frozen=True, slots=True)
class Ace:
    """One entry of a DACL. `type` 0 or 5: allowed; `about` is the GUID of the one right or property that it is for,
    `below` of the class of children that inherit it. `rest`: the condition of a callback entry, as it came."""

    type: int
    flags: int
    mask: int
    sid: str
    about: str = ""
    below: str = ""
    rest: bytes = b""

    @property
    def allows(self) -> bool:
        return self.type in ALLOWED

    @property
    def inherited(self) -> bool:
        return bool(self.flags & INHERITED)


@dataclass(frozen=True, slots=True)
class Descriptor:
    """`dacl` None: there is none, which lets everybody in (MS-DTYP §2.5.3). `control`: as it was."""

    owner: str | None
    group: str | None
    dacl: tuple[Ace, ...] | None
    control: int = _SELF_RELATIVE | _DACL_PRESENT

    def without(self, *gone: Ace) -> Descriptor:
        return replace(self, dacl=tuple(ace for ace in self.dacl or () if ace not in gone))

    def plus(self, ace: Ace) -> Descriptor:
        """Explicit entries stand before inherited ones, refusals before permissions (the canonical order)."""
        aces = list(self.dacl or ())
        place = next((n for n, a in enumerate(aces) if a.inherited or (a.allows and not a.inherited)), len(aces))
        return self if ace in aces else replace(self, dacl=(*aces[:place], ace, *aces[place:]))


def parse(raw: bytes) -> Descriptor:
    """Raises `Malformed` for whatever is not wholly understood: half a list would hide entries."""
    try:
        revision, _, control, owner, group, _, dacl = _HEAD.unpack_from(raw, 0)
    except struct.error:
        raise Malformed("a security descriptor is cut off") from None
    if revision != 1 or not control & _SELF_RELATIVE:
        raise Malformed("this is no self-relative security descriptor")
    aces = tuple(_acl(raw, dacl)) if control & _DACL_PRESENT and dacl else None
    return Descriptor(
        sid_at(raw, owner)[0] if owner else None, sid_at(raw, group)[0] if group else None, aces, control
    )  # fmt: skip


def _acl(raw: bytes, start: int) -> Iterator[Ace]:
    try:
        revision, _, size, count, _ = _ACL.unpack_from(raw, start)
    except struct.error:
        raise Malformed("an access list is cut off") from None
    end = start + size
    if revision not in (2, 4) or end > len(raw):
        raise Malformed("this is no access list")
    place = start + _ACL.size
    for _ in range(count):
        ace, place = _ace(raw, place, end)
        yield ace


def _ace(raw: bytes, start: int, limit: int) -> tuple[Ace, int]:
    try:
        kind, flags, size = _ACE.unpack_from(raw, start)
        end = start + size
        if size < _ACE.size or end > limit:
            raise Malformed("an entry of an access list is longer than the list")
        if kind not in ALLOWED | DENIED:
            raise Malformed(f"an entry of an access list is of the type {kind}, which is not known here")
        (mask,) = struct.unpack_from("<I", raw, start + 4)
        place, about, below = start + 8, "", ""
        if kind in _OBJECT:
            (which,) = struct.unpack_from("<I", raw, place)
            place += 4
            if which & 1:
                about, place = guid(raw[place : place + 16]), place + 16
            if which & 2:
                below, place = guid(raw[place : place + 16]), place + 16
    except struct.error:
        raise Malformed("an entry of an access list is cut off") from None
    found, place = sid_at(raw, place)
    if place > end or (place < end and kind not in _CALLBACK):
        raise Malformed("an entry of an access list has another size than it says")
    return Ace(kind, flags, mask, found, about, below, raw[place:end]), end


def dump(descriptor: Descriptor) -> bytes:
    """The same as bytes, for the `SD_FLAGS` that have owner, group and DACL."""
    parts = bytearray(_HEAD.size)
    places = [0, 0, 0]
    for n, who in enumerate((descriptor.owner, descriptor.group)):
        if who is not None:
            places[n] = len(parts)
            parts += sid_bytes(who)
    control = descriptor.control | _SELF_RELATIVE
    if descriptor.dacl is not None:
        control |= _DACL_PRESENT
        places[2] = len(parts)
        entries = b"".join(map(_bytes, descriptor.dacl))
        revision = 4 if any(ace.type in _OBJECT for ace in descriptor.dacl) else 2
        parts += _ACL.pack(revision, 0, _ACL.size + len(entries), len(descriptor.dacl), 0) + entries
    _HEAD.pack_into(parts, 0, 1, 0, control, places[0], places[1], 0, places[2])
    return bytes(parts)


def _bytes(ace: Ace) -> bytes:
    body = struct.pack("<I", ace.mask)
    if ace.type in _OBJECT:
        body += struct.pack("<I", bool(ace.about) | bool(ace.below) << 1)
        body += b"".join(guid_bytes(each) for each in (ace.about, ace.below) if each)
    body += sid_bytes(ace.sid) + ace.rest
    return _ACE.pack(ace.type, ace.flags, _ACE.size + len(body)) + body
