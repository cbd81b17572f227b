"""How a domain is looked at: the account by its GUID, groups from both sides, references, every security descriptor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.model import Account, Kind, Presence, Row
from harness.ports import Person
from harness.systems.ad_sweep import ACES, Guarded, entries, mailboxes, owned, sweep
from harness.wire import ad_values
from harness.wire.ad import (
    DISABLED,
    EXTENDED_DN,
    IN_CHAIN,
    LOCKED,
    PASSWORD_EXPIRED,
    Domain,
    Thing,
    known,
    names_of,
    number,
    plain,
    refers,
    sid_of,
    thing,
)  # fmt: skip
from harness.wire.call import Unknown
from harness.wire.dialogue import Told
from harness.wire.ldap_entry import Entry
from harness.wire.ldap_names import all_of, any_of, equals, filter_value
from harness.wire.survey import Asking, Reader, Record, Rows

FIRST = "member;range=0-1499"  # as many values as Active Directory answers at once; the wire asks for the rest
MEMBERS, REFERENCES = "the groups' members", "the references"
RECORD = (
    "objectClass", "objectGUID", "objectSid", "isDeleted", "lastKnownParent", "sAMAccountName", "userPrincipalName",
    "userAccountControl", "msDS-User-Account-Control-Computed", "accountExpires", "primaryGroupID", "memberOf",
)  # fmt: skip
# What names a person: linked attributes lose a deleted one by themselves, the others keep the tombstone's name.
DELEGATING = {"publicDelegates": "on-behalf", "msExchDelegateListLink": "auto-mapped"}
OWNING = {
    "managedBy": "managed-by", "manager": "manager", "secretary": "secretary", "seeAlso": "see-also",
    "assistant": "assistant", "msExchCoManagedByLink": "co-managed-by",
}  # fmt: skip


@dataclass(slots=True)
class AdLooks:
    """Implements `wire.survey.Survey`."""

    name: str
    domain: Domain
    kinds: frozenset[Kind]
    forest: bool
    external_id: str

    def find(self, asking: Asking, person: Person) -> Sequence[Account]:
        who = person.identity.username
        found = asking(("find", who.casefold()), lambda: self.domain.search(
            all_of("(objectClass=user)", any_of(
                equals("sAMAccountName", who), f"(userPrincipalName={filter_value(who)}@*)")),
            (*RECORD[:3], "sAMAccountName", "userPrincipalName"),
        ))  # fmt: skip
        return [self._account(each, who) for each in found]

    def _account(self, found: Entry, who: str) -> Account:
        names = (found.text("sAMAccountName") or "", (found.text("userPrincipalName") or "").partition("@")[0])
        if who.casefold() not in (name.casefold() for name in names):
            raise Unknown(f"the filter was ignored: {plain(found.dn)} came, which is not {who}")
        return Account(self.name, thing(found).guid, account_vars(found))

    def search(self, asking: Asking, person: Person) -> Sequence[str]:
        """Other accounts of the same person, by the number that the personnel system gave."""
        given = person.identity.external_id
        wanted = all_of("(objectClass=user)", equals(self.external_id, given))
        found = asking(("person", given), lambda: self.domain.search(wanted, (*RECORD[:3], self.external_id)))
        for each in found:
            if given.casefold() not in (value.casefold() for value in each.texts(self.external_id)):
                raise Unknown(f"the filter was ignored: {plain(each.dn)} came, which has not {given}")
        return [thing(each).guid for each in found]

    # --- the account ----------------------------------------------------------------------------

    def record(self, asking: Asking, person: Person) -> Record:
        assert person.account is not None  # noqa: S101  a look needs an account
        id_ = person.account.id
        found = asking(("record", id_), lambda: self.domain.by_guid(id_, RECORD, deleted=True))
        if found is None:
            # Deleted objects leave a tombstone for months. Without one it was moved to where this reader is blind.
            raise Unknown("neither the account nor its tombstone can be seen: it may lie where the reader may not look")
        sid = sid_of(found)
        if sid is None:
            raise Unknown("the account's objectSid cannot be read")
        if known(person.account.vars) not in ("", sid):
            return Record(Presence.UNKNOWN, reason="the id belongs to another identity now", mistaken=True)
        if found.text("isDeleted") == "TRUE":
            where = plain(found.text("lastKnownParent") or "")
            return Record(Presence.ABSENT, record=False, reason=f"deleted from {where or '?'}; its tombstone remains")
        return self._state(asking, found)

    def _state(self, asking: Asking, found: Entry) -> Record:
        control = number(found, "userAccountControl")
        if control is None:
            raise Unknown("userAccountControl is missing: the reader may not see whether the account is disabled")
        if control & DISABLED:
            return Record(Presence.ABSENT, reason="disabled, record remains", data=found)
        ends = ad_values.instant(number(found, "accountExpires") or 0)
        if ends is not None:
            now = ad_values.generalized(asking("root", self.domain.root).now)
            if now is None:
                raise Unknown("the account has an end, but the server does not tell its time")
            if ends <= now:
                return Record(Presence.ABSENT, reason="expired, record remains", data=found)
        computed = number(found, "msDS-User-Account-Control-Computed") or 0
        if computed & LOCKED:
            # After wrong passwords. It opens by itself, and says nothing about leaving.
            return Record(Presence.PRESENT, reason="locked for a while after wrong passwords, not disabled", data=found)
        late = computed & PASSWORD_EXPIRED
        return Record(Presence.PRESENT, reason="the password must be changed first" if late else "", data=found)

    # --- the inventory --------------------------------------------------------------------------

    def readers(self) -> Mapping[Kind, Reader]:
        every: dict[Kind, Reader] = {
            Kind.GROUP: self._groups,
            Kind.DELEGATION: self._delegations,
            Kind.OWNERSHIP: self._ownerships,
            Kind.SHARE: self._shares,
        }
        return {kind: reader for kind, reader in every.items() if kind in self.kinds}

    def _groups(self, asking: Asking, person: Person, seen: Record) -> Rows:
        """The groups' side is what counts: it is there for a deleted account too. The account's side may only add, and
        tells which groups are direct."""
        data: Entry | None = seen.known()
        id_ = _id(person)
        mine = set(names_of(data, "memberOf")) if data is not None else set()
        rows: dict[str, Row] = {}
        for one in self._chain(asking, id_):
            note = "" if one.guid in mine or data is None else "through another group"
            rows[one.guid] = Row(one.guid, one.label, note=note, views=(MEMBERS,))
        for group in {g.object_id for g in person.grants if g.entitlement.kind is Kind.GROUP and g.object_id}:
            if group not in rows and (label := self._listed(asking, group, id_)):
                rows[group] = Row(group, label, note="in the group's own list of members", views=(MEMBERS,))
        for guid in mine - rows.keys():
            rows[guid] = Row(guid, self._label(asking, guid), note="only the account's side says so")
        for row in self._primary(asking, data) if data is not None else ():
            rows.setdefault(row.id, row)
        return Rows(tuple(rows.values()), views=(MEMBERS,))

    def _chain(self, asking: Asking, guid: str) -> list[Thing]:
        """Every group that holds it, directly or through others."""
        wanted = all_of("(objectClass=group)", refers("member", guid, IN_CHAIN))
        return [thing(each) for each in asking(("member", guid), lambda: self.domain.search(wanted))]

    def _listed(self, asking: Asking, group: str, id_: str) -> str:
        """The group's name, if its own list of members, read to its end, holds the account."""
        found = asking(("list", group), lambda: self.domain.by_guid(group, ("sAMAccountName", "objectGUID", FIRST)))
        if found is None:
            return ""  # deleted: the search has just not found it either
        return thing(found).label if id_ in names_of(found, "member") else ""

    def _label(self, asking: Asking, guid: str) -> str:
        found = asking(("object", guid), lambda: self.domain.by_guid(guid))
        return thing(found).label if found is not None else guid

    def _primary(self, asking: Asking, data: Entry) -> Iterator[Row]:
        """The one group that stands in no list: it is a number in the account, and a member of others itself."""
        number_ = number(data, "primaryGroupID")
        sid = sid_of(data)
        if number_ is None or sid is None:
            raise Unknown("primaryGroupID cannot be read: one group would be overlooked")
        group = f"{ad_values.rid(sid)[0]}-{number_}"
        found = asking(("sid", group), lambda: self.domain.search(equals("objectSid", ad_values.sid_bytes(group))))
        if len(found) != 1:
            raise Unknown(f"the primary group {group} cannot be seen")
        one = thing(found[0])
        yield Row(one.guid, one.label, note="primary group")
        for other in self._chain(asking, one.guid):
            yield Row(other.guid, other.label, note="through the primary group", views=(MEMBERS,))

    def _delegations(self, asking: Asking, person: Person, seen: Record) -> Rows:
        sid = self._sid(person, seen)
        rows = [*self._references(asking, person, DELEGATING)]
        rows += entries(self._swept(asking), sid, mail=True)
        rows += mailboxes(self._swept(asking), sid)
        return self._rows(person, Kind.DELEGATION, rows, DELEGATING)

    def _ownerships(self, asking: Asking, person: Person, seen: Record) -> Rows:
        rows = [*self._references(asking, person, OWNING)]
        rows += owned(self._swept(asking), self._sid(person, seen))
        return self._rows(person, Kind.OWNERSHIP, rows, OWNING)

    def _shares(self, asking: Asking, person: Person, seen: Record) -> Rows:
        rows = entries(self._swept(asking), self._sid(person, seen), mail=False)
        return Rows(tuple(rows), views=(ACES,))

    def _references(self, asking: Asking, person: Person, attributes: Mapping[str, str]) -> Iterator[Row]:
        """Objects that name the account. An attribute that the schema does not know matches nothing."""
        id_ = _id(person)
        every = {**DELEGATING, **OWNING}
        found = asking(("named", id_), lambda: self.domain.search(
            any_of(*(refers(attribute, id_) for attribute in every)),
            ("objectGUID", "sAMAccountName", "cn", "ou", *every), "", EXTENDED_DN))  # fmt: skip
        for each in found:
            one = thing(each)
            for attribute, word in attributes.items():
                if id_ in names_of(each, attribute):
                    yield Row(f"{one.guid}#{word}", f"{one.label}#{word}", note=attribute, views=(REFERENCES,))

    def _rows(self, person: Person, kind: Kind, rows: Sequence[Row], referring: Mapping[str, str]) -> Rows:
        """Of two places to look at, a control must show those that this identity's access is in."""
        words = {(g.entitlement.right or "") for g in person.grants if g.entitlement.kind is kind}
        words |= {row.id.partition("#")[2] for row in rows}
        views = {REFERENCES if word in referring.values() else ACES for word in words}
        return Rows(tuple(rows), views=tuple(sorted(views)))

    def _swept(self, asking: Asking) -> tuple[Guarded, ...]:
        root = asking("root", self.domain.root)
        contexts = [c for c in root.contexts if c != root.schema] if self.forest else [root.base]
        if root.base not in contexts:
            raise Unknown("the server does not name its own domain among its partitions")
        return tuple(each for context in contexts for each in asking(("sweep", context), _of(self.domain, context)))

    def _sid(self, person: Person, seen: Record) -> str:
        data: Entry | None = seen.known()
        sid = sid_of(data) if data is not None else None
        sid = sid or (known(person.account.vars) if person.account is not None else "")
        if not sid:
            raise Unknown("the account is deleted and its SID was never seen")
        return sid


def account_vars(found: Entry) -> dict[str, str]:
    one = thing(found)
    return {"id": one.guid, "sid": sid_of(found) or "", "dn": one.dn, "username": found.text("sAMAccountName") or ""}


def _of(domain: Domain, context: str) -> Callable[[], Told[tuple[Guarded, ...]]]:
    return lambda: sweep(domain, context)


def _id(person: Person) -> str:
    assert person.account is not None  # noqa: S101  a look needs an account
    return person.account.id
