"""What is asked of a directory and what it hands over: searches, controls, entries with their values as they came."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

from harness.wire.call import Unknown

Scope = Literal["sub", "one", "base"]
Control = tuple[str, bool, bytes | None]  # OID, critical, value

# Active Directory's (MS-ADTS §3.1.1.3.4.1): deleted objects too; no references to the other naming contexts.
SHOW_DELETED: Control = ("1.2.840.113556.1.4.417", True, None)
SHOW_RECYCLED: Control = ("1.2.840.113556.1.4.2064", True, None)
DOMAIN_SCOPE: Control = ("1.2.840.113556.1.4.1339", True, None)

# Values of these are never stored, whoever may read or write them.
SECRET = frozenset((
    "userpassword", "unicodepwd", "dbcspwd", "ntpwdhistory", "lmpwdhistory", "supplementalcredentials", "pwdhistory",
    "krbprincipalkey", "sambantpassword", "sambalmpassword", "authpassword", "olcrootpw", "ms-mcs-admpwd",
))  # fmt: skip


def sd_flags(flags: int) -> Control:
    """Which parts of a security descriptor come: 1 owner, 2 group, 4 DACL, 8 SACL (LDAP_SERVER_SD_FLAGS_OID). Without
    it a reader who may not see the SACL gets no descriptor at all."""
    if not 0 < flags < 16:
        raise ValueError("1 owner, 2 group, 4 DACL, 8 SACL")
    return ("1.2.840.113556.1.4.801", True, bytes((0x30, 3, 2, 1, flags)))


@dataclass(frozen=True, slots=True)
class Search:
    """One search, all of its pages. `elsewhere`: what the caller says it does not ask for, as the start of a search
    reference (`ldap://host/DC=DomainDnsZones`); any other reference makes the answer incomplete."""

    base: str
    filter: str = "(objectClass=*)"
    scope: Scope = "sub"
    attributes: tuple[str, ...] = ("*",)
    controls: tuple[Control, ...] = ()
    elsewhere: tuple[str, ...] = ()
    paged: bool = (
        True  # False where the server has no pages (OpenLDAP's cn=Monitor): success alone says that it is whole
    )
    bulky: frozenset[str] = frozenset()  # attributes, in lower case, of which evidence keeps size and SHA-256 only

    def shown(self, page: int, size: int) -> dict[str, Any]:
        told: dict[str, Any] = {"scope": self.scope, "filter": self.filter, "attributes": list(self.attributes)}
        if self.pages:
            told |= {"page": page, "size": size}
        if self.controls:
            told["controls"] = [control[0] for control in self.controls]
        return told

    @property
    def pages(self) -> bool:
        return self.paged and self.scope != "base"


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry. Attribute names without regard to case; what did not come is an empty tuple, which means nothing
    where the reader may not see the attribute."""

    dn: str
    values: Mapping[str, tuple[bytes, ...]]

    def raw(self, name: str) -> tuple[bytes, ...]:
        return self.values.get(name.lower(), ())

    def texts(self, name: str) -> tuple[str, ...]:
        """Raises `Unknown` for a value that is no text."""
        try:
            return tuple(value.decode() for value in self.raw(name))
        except UnicodeDecodeError:
            raise Unknown(f"a value of {name} is not UTF-8") from None

    def text(self, name: str) -> str | None:
        """The only value; None without one. Raises `Unknown` for several."""
        values = self.texts(name)
        if len(values) > 1:
            raise Unknown(f"{name} has {len(values)} values where one was expected")
        return values[0] if values else None

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self.values


def entry(raw_dn: bytes, values: Mapping[str, list[bytes]]) -> Entry:
    """Raises `Unknown` for a name that is no text."""
    try:
        dn = raw_dn.decode()
    except UnicodeDecodeError:
        raise Unknown("the name of an entry is not UTF-8") from None
    made: dict[str, tuple[bytes, ...]] = {}
    for name, found in values.items():
        made[name.lower()] = (*made.get(name.lower(), ()), *found)
    return Entry(dn, made)


def shown(found: Entry, bulky: frozenset[str] = frozenset()) -> dict[str, Any]:
    """An entry as evidence keeps it."""
    return {"dn": found.dn, "attributes": {name: _told(name, given, bulky) for name, given in found.values.items()}}


def _told(name: str, given: tuple[bytes, ...], bulky: frozenset[str]) -> list[Any]:
    if bare(name) in SECRET:
        return ["***"]
    if bare(name) in bulky:
        return [f"{len(value)} bytes, sha256 {sha256(value).hexdigest()}" for value in given]
    return list(given)


def addressed(dn: str) -> str:
    """The name to ask for an entry by. With the control for extended names one comes as `<GUID=…>;<SID=…>;CN=…`, which
    is no name to ask by; its first part is, and follows the entry when it is moved."""
    head, mark, _ = dn.partition(">;")
    return f"{head}>" if mark and head.startswith("<") else dn


def bare(name: str) -> str:
    """An attribute's name without its options (RFC 4512 §2.5.2)."""
    return name.partition(";")[0].lower()


def ranges(found: Entry) -> Iterator[tuple[str, str, int, int | None]]:
    """Attributes that came in part (MS-ADTS §3.1.1.3.1.3.3): name with its option, name, first, last; None: the end.
    Raises `Unknown` for an option that cannot be read."""
    for name in found.values:
        attribute, _, option = name.partition(";range=")
        if not option:
            continue
        low, dash, high = option.partition("-")
        if not (dash and low.isdigit() and (high == "*" or high.isdigit())):
            raise Unknown(f"a range that cannot be read: {name}")
        yield name, attribute, int(low), None if high == "*" else int(high)
