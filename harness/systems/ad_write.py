"""What the harness makes in a domain, gives there and takes back: by GUID, and of others' entries none is touched."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Literal

from harness.model import Entitlement, Grant, Identity, Kind, Made, ObjectSpec
from harness.ports import WriteFailed
from harness.systems.ad_look import DELEGATING, OWNING
from harness.wire import ad_rights, ad_values
from harness.wire.ad import (
    DACL,
    DISABLED,
    DOMAIN_ADMINS,
    ID,
    MAILBOX_DESCRIPTOR,
    NORMAL,
    OWNER,
    Domain,
    Thing,
    at,
    names_of,
    new_user,
    parsed,
    sid_of,
    thing,
)  # fmt: skip
from harness.wire.ad_descriptor import Ace, Descriptor, dump
from harness.wire.ldap_codes import NO_SUCH_OBJECT
from harness.wire.ldap_entry import Entry
from harness.wire.ldap_names import below

NO_SUCH_VALUE, EXISTS = (16, 53), (20, 68)  # noSuchAttribute, unwillingToPerform (not a member); the value, the entry
CLASSES = ("group", "organizationalUnit", "user")
_WORDS = {word: attribute for attribute, word in {**DELEGATING, **OWNING}.items()}
_SINGLE = ("managedBy", "manager")
_CLASS = {
    Kind.GROUP: "group", Kind.SHARE: "organizationalUnit", Kind.DELEGATION: "user", Kind.OWNERSHIP: "computer",
}  # fmt: skip
_CONTROL = {Kind.DELEGATION: NORMAL, Kind.OWNERSHIP: 0x1000}  # a workstation
FULL_ACCESS = 0x1  # Exchange's mailbox right
SELF = "S-1-5-10"


class AdWriter:
    """Raises `Unknown` and `WriteFailed`. Security descriptors are read, changed and written one at a time."""

    def __init__(self, domain: Domain, people: str, things: str) -> None:
        self.domain = domain
        self._people = people
        self._things = things
        self._lock = threading.Lock()

    # --- accounts and objects -------------------------------------------------------------------

    def create(self, who: Identity, upn: str, more: Mapping[str, str]) -> Entry:
        dn = below(("CN", who.username), self._people)
        self.domain.wire.add(dn, new_user(who, upn, more))
        return self._there(dn)

    def find(self, spec: ObjectSpec) -> Made | None:
        found = self.domain.named(spec.name, CLASSES).value
        if len(found) > 1:
            raise WriteFailed(f"{len(found)} objects are called {spec.name!r}: nobody knows which is meant")
        return _made(spec, thing(found[0]), created=False) if found else None

    def make(self, spec: ObjectSpec, owner: str | None) -> Made:
        """A delegation hangs on a mailbox, which is a disabled user; rights on a folder; what somebody is responsible
        for is a computer."""
        dn = below(("OU" if spec.kind is Kind.SHARE else "CN", spec.name), self._things)
        values: dict[str, list[str | bytes]] = {"objectClass": [_CLASS[spec.kind]]}
        if spec.kind is not Kind.SHARE:
            values["sAMAccountName"] = [spec.name + ("$" if spec.kind is Kind.OWNERSHIP else "")]
        if spec.kind in _CONTROL:
            values["userAccountControl"] = [str(_CONTROL[spec.kind] | DISABLED)]
        if owner is not None and spec.kind is not Kind.DELEGATION:
            values["managedBy"] = [self._dn(owner)]
        self.domain.wire.add(dn, values)
        return _made(spec, thing(self._there(dn)), created=True)

    def remove(self, guid: str, sid: str) -> None:
        """What is gone already is gone. `sid`: only what still has it is removed."""
        found = self.domain.by_guid(guid).value
        if found is None:
            return
        if sid and sid_of(found) != sid:
            raise WriteFailed("the id belongs to another identity now: not removed")
        self.domain.wire.delete(thing(found).dn, accept=(NO_SUCH_OBJECT,))

    # --- access -------------------------------------------------------------------------------

    def grant(self, account: str, sid: str, wanted: Entitlement, made: Made) -> Grant:
        right = wanted.right or ""
        if wanted.kind is Kind.GROUP:
            self.domain.wire.modify(self._dn(made.id), [("add", "member", [self._dn(account)])], accept=EXISTS)
            return Grant(wanted, made.id, object_id=made.id, vars={"id": made.id})
        if right in _WORDS:
            attribute = _WORDS[right]
            word: Literal["replace", "add"] = "replace" if attribute in _SINGLE else "add"
            self.domain.wire.modify(self._dn(made.id), [(word, attribute, [self._dn(account)])], accept=EXISTS)
        elif right == "full-access":
            self._mailbox(made.id, lambda was: was.plus(Ace(0, 0, FULL_ACCESS, sid)))
        elif right == "owner":
            self._owner(made.id, sid)
        elif right in ad_rights.GIVEN:
            self._permissions(made.id, sid, right, give=True)
        else:
            known = ", ".join(sorted({*_WORDS, *ad_rights.GIVEN, "full-access", "owner"}))
            raise WriteFailed(f"{right or 'no right'}: not a right that can be given here ({known})")
        id_ = f"{made.id}#{right}"
        return Grant(wanted, id_, object_id=made.id, vars={"id": id_})

    def revoke(self, account: str, sid: str, grant: Grant) -> None:
        """Nothing where the object is gone, or holds nothing of this account's."""
        right = grant.entitlement.right or ""
        attribute = "member" if grant.entitlement.kind is Kind.GROUP else _WORDS.get(right, "")
        object_id = grant.object_id or ""
        target = self.domain.by_guid(object_id, (*ID, *filter(None, [attribute]))).value if object_id else None
        if target is None:
            return
        if attribute:
            if account in names_of(target, attribute):
                self.domain.wire.modify(thing(target).dn, [("delete", attribute, [at(account)])], accept=NO_SUCH_VALUE)
        elif right == "full-access":
            self._mailbox(object_id, lambda was: was.without(*(ace for ace in was.dacl or () if ace.sid == sid)))
        elif right == "owner":
            if self.domain.descriptor(at(object_id)).owner == sid:
                self._owner(object_id, f"{ad_values.rid(sid)[0]}-{DOMAIN_ADMINS}")
        else:
            self._permissions(object_id, sid, right, give=False)

    def _permissions(self, guid: str, sid: str, right: str, *, give: bool) -> None:
        with self._lock:
            was = self.domain.descriptor(at(guid))
            own = [ace for ace in was.dacl or () if ad_rights.gives(ace, right, sid)]
            wanted = was.plus(ad_rights.entry(right, sid)) if give else was.without(*own)
            if wanted != was:
                self.domain.set_descriptor(self._dn(guid), wanted, DACL)

    def _owner(self, guid: str, sid: str) -> None:
        with self._lock:
            self.domain.set_descriptor(self._dn(guid), Descriptor(sid, None, None), OWNER)

    def _mailbox(self, guid: str, change: Callable[[Descriptor], Descriptor]) -> None:
        with self._lock:
            found = self.domain.by_guid(guid, (MAILBOX_DESCRIPTOR,)).value
            raw = found.raw(MAILBOX_DESCRIPTOR) if found is not None else ()
            was = parsed(raw[0], "a mailbox") if raw else Descriptor(SELF, SELF, ())
            if change(was) != was:
                self.domain.wire.modify(self._dn(guid), [("replace", MAILBOX_DESCRIPTOR, [dump(change(was))])])

    def _dn(self, guid: str) -> str:
        found = self.domain.by_guid(guid).value
        if found is None:
            raise WriteFailed("the object is not there any more")
        return thing(found).dn

    def _there(self, dn: str) -> Entry:
        found = self.domain.wire.read(dn, ID).value
        if found is None:
            raise WriteFailed(f"{dn} was made, but cannot be read", in_doubt=True)
        return found


def _made(spec: ObjectSpec, found: Thing, *, created: bool) -> Made:
    return Made(spec, found.guid, created=created, vars={"id": found.guid, "dn": found.dn})
