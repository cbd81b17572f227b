"""One Active Directory domain over the wire to LDAP: objects by GUID, by name, their security descriptors, sign-ins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.model import Identity, Secret
from harness.wire import ad_values
from harness.wire.ad_descriptor import Descriptor, dump, parse
from harness.wire.ad_values import Malformed
from harness.wire.call import Unknown
from harness.wire.dialogue import Told
from harness.wire.ldap import Bound, Held, LdapWire
from harness.wire.ldap_entry import DOMAIN_SCOPE, SHOW_RECYCLED, Control, Entry, Search, sd_flags
from harness.wire.ldap_names import all_of, any_of, equals

OWNER, GROUP, DACL = 1, 2, 4
DESCRIPTOR = "nTSecurityDescriptor"
MAILBOX_DESCRIPTOR = "msExchMailboxSecurityDescriptor"
EXTENDED_DN: Control = ("1.2.840.113556.1.4.529", True, bytes((0x30, 3, 2, 1, 1)))  # names carry GUID and SID
IN_CHAIN = "1.2.840.113556.1.4.1941"
DISABLED, LOCKED, NORMAL, PASSWORD_EXPIRED = 0x2, 0x10, 0x200, 0x80_0000  # userAccountControl, MS-ADTS §2.2.16
DOMAIN_ADMINS = 512
ID = ("objectGUID", "objectSid", "sAMAccountName", "cn", "ou", "objectClass")
_MARK = "<GUID="
_BULKY = frozenset((DESCRIPTOR.lower(), MAILBOX_DESCRIPTOR.lower()))  # thousands of them in each sweep


@dataclass(frozen=True, slots=True)
class Root:
    """What the server says of itself. `now` is its own clock, by which accounts expire."""

    base: str
    contexts: tuple[str, ...]
    schema: str
    now: str


@dataclass(frozen=True, slots=True)
class Thing:
    """An object by what does not change, and by what people call it."""

    guid: str
    label: str
    dn: str
    entry: Entry


class Domain:
    """Everything raises `Unknown`."""

    def __init__(self, wire: LdapWire) -> None:
        self.wire = wire
        self._base = ""

    def root(self) -> Told[Root]:
        told = self.wire.read(
            "", ("defaultNamingContext", "namingContexts", "schemaNamingContext", "currentTime", "dnsHostName")
        )
        found = told.value
        base = found.text("defaultNamingContext") if found is not None else None
        schema = found.text("schemaNamingContext") if found is not None else None
        if found is None or not base or not schema:
            raise _blind(told, "the server names no domain of its own: this is no Active Directory")
        root = Root(base, found.texts("namingContexts"), schema, found.text("currentTime") or "")
        return Told(root, told.sent, told.answered, told.evidence)

    @property
    def base(self) -> str:
        """The domain's name; asked once in the life of this object, because it never changes."""
        if not self._base:
            self._base = self.root().value.base
        return self._base

    def by_guid(self, guid: str, attributes: tuple[str, ...] = ID, *, deleted: bool = False) -> Told[Entry | None]:
        """The object wherever it lies now, with names that carry GUIDs; None: it cannot be seen there."""
        controls = (EXTENDED_DN, SHOW_RECYCLED) if deleted else (EXTENDED_DN,)
        return self.wire.read(at(guid), attributes, controls=controls)

    def search(
        self, filter: str, attributes: tuple[str, ...] = ID, base: str = "", *controls: Control
    ) -> Told[tuple[Entry, ...]]:
        """In this domain alone: the other partitions are asked by their own names."""
        every = (DOMAIN_SCOPE, *controls)
        return self.wire.search(Search(base or self.base, filter, "sub", attributes, every, bulky=_BULKY))

    def named(self, name: str, classes: tuple[str, ...]) -> Told[tuple[Entry, ...]]:
        """Objects of one of these classes that somebody calls so."""
        names = any_of(equals("sAMAccountName", name), equals("ou", name), equals("cn", name))
        return self.search(all_of(any_of(*(equals("objectClass", each) for each in classes)), names))

    def descriptor(self, dn: str, *controls: Control) -> Descriptor:
        told = self.wire.read(dn, (DESCRIPTOR,), controls=(sd_flags(OWNER | GROUP | DACL), *controls))
        raw = told.value.raw(DESCRIPTOR) if told.value is not None else ()
        if len(raw) != 1:
            raise _blind(told, f"the security descriptor of {dn} cannot be read")
        return parsed(raw[0], dn)

    def set_descriptor(self, dn: str, wanted: Descriptor, part: int, *controls: Control) -> Told[int]:
        """Only the part that is named is changed."""
        return self.wire.modify(dn, [("replace", DESCRIPTOR, [dump(wanted)])], controls=(sd_flags(part), *controls))

    def sign_in(self, who: str, password: Secret) -> Told[Bound]:
        return self.wire.bind_as(who, password)

    def hold(self, who: str, password: Secret) -> Told[Held]:
        return self.wire.hold(who, password)

    def close(self) -> None:
        self.wire.close()


def at(guid: str) -> str:
    """A name that follows the object when it is renamed or moved (MS-ADTS §3.1.1.3.1.2.4)."""
    return f"{_MARK}{guid}>"


def new_user(who: Identity, upn: str, more: Mapping[str, str]) -> dict[str, list[str | bytes]]:
    """The attributes of an enabled account. The password is text in quotes, in UTF-16 (MS-ADTS §3.1.1.3.1.5)."""
    values: dict[str, list[str | bytes]] = {
        "objectClass": ["user"], "sAMAccountName": [who.username], "userPrincipalName": [upn],
        "givenName": [who.given_name], "sn": [who.family_name], "mail": [who.email],
        "displayName": [f"{who.given_name} {who.family_name}"], "userAccountControl": [str(NORMAL)],
        "unicodePwd": [f'"{who.password.reveal()}"'.encode("utf-16-le")],
    }  # fmt: skip
    values |= {name: [value] for name, value in more.items()}
    return {name: given for name, given in values.items() if all(given)}


def dns_name(base: str) -> str:
    """The domain's DNS name from its DN."""
    return ".".join(part.partition("=")[2] for part in base.split(",")).lower()


def refers(attribute: str, guid: str, rule: str = "") -> str:
    """A filter: this attribute names that object."""
    return f"({attribute}{f':{rule}:' if rule else ''}={at(guid)})"


def thing(found: Entry) -> Thing:
    """Raises `Unknown` for an object without an id."""
    raw = found.raw("objectGUID")
    if len(raw) != 1:
        raise Unknown(f"an object has no objectGUID that this reader may see: {plain(found.dn)}")
    label = (found.text("sAMAccountName") or "").rstrip("$")  # a computer's ends so
    label = label or found.text("ou") or found.text("cn") or plain(found.dn)
    return Thing(decoded(ad_values.guid, raw[0], "objectGUID"), label, plain(found.dn), found)


def sid_of(found: Entry) -> str | None:
    raw = found.raw("objectSid")
    return decoded(ad_values.sid, raw[0], "objectSid") if len(raw) == 1 else None


def names_of(found: Entry, attribute: str) -> Iterator[str]:
    """The GUIDs in the values of an attribute that names objects, read with `EXTENDED_DN`. Raises `Unknown`."""
    for value in found.texts(attribute):
        mark, _, rest = value.partition(">;")
        if not mark.startswith(_MARK) or not rest:
            raise Unknown(f"a value of {attribute} does not carry the GUID that was asked for")
        yield mark.removeprefix(_MARK).lower()


def plain(dn: str) -> str:
    """A name without the GUID and the SID that were asked for."""
    while dn.startswith((_MARK, "<SID=")):
        head, _, rest = dn.partition(">;")
        if not rest:
            return head + ">"
        dn = rest
    return dn


def number(found: Entry, attribute: str) -> int | None:
    """None where it did not come. Raises `Unknown` for what is no number."""
    text = found.text(attribute)
    if text is None:
        return None
    if not text.lstrip("-").isdigit():
        raise Unknown(f"{attribute} is no number")
    return int(text)


def parsed(raw: bytes, dn: str) -> Descriptor:
    try:
        return parse(raw)
    except Malformed as error:
        raise Unknown(f"the security descriptor of {dn} cannot be understood: {error}") from None


def decoded(how: Any, raw: bytes, what: str) -> str:
    try:
        return str(how(raw))
    except Malformed as error:
        raise Unknown(f"{what}: {error}") from None


def known(vars: Mapping[str, Any]) -> str:
    """The SID that an account was made or found with."""
    return str(vars.get("sid") or "")


def _blind(told: Told[Any], reason: str) -> Unknown:
    return Unknown(reason, evidence=told.evidence, sent=told.sent, answered=told.answered)
