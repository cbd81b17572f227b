"""What a directory says of one identity: the entry by its id, and everything that names it, from both sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.model import Account, Kind, Presence, Row
from harness.ports import Person
from harness.systems.ldap_config import LdapConfig
from harness.systems.ldap_former import Names, by_dn, cn, holds, lower, written_otherwise
from harness.systems.ldap_session import open_connections
from harness.wire.call import Unknown
from harness.wire.ldap import LdapWire
from harness.wire.ldap_entry import Entry, Search
from harness.wire.ldap_names import all_of, any_of, equals, first, same
from harness.wire.survey import Asking, Reader, Record, Rows

GROUP_SIDE, ENTRY_SIDE = "the groups' side", "the entry's side"
INDIRECT = "through another group"
ONLY_GROUP = "only the group says so, the entry does not"
_DEEPEST = 32  # groups within groups; a ring ends by itself
_AT_ONCE = 40  # names in one filter


class LdapSurvey:
    """Implements `wire.survey.Survey`."""

    def __init__(self, name: str, config: LdapConfig, wire: LdapWire, names: Names) -> None:
        self.name = name
        self._config = config
        self._wire = wire
        self.names = names
        self._filled = False  # whether any entry has shown groups of its own in this run

    # --- the account --------------------------------------------------------------------------

    def find(self, asking: Asking, person: Person) -> Sequence[Account]:
        config, who = self._config, person.identity
        asked = [(config.name, who.username)] + ([(config.external, who.external_id)] if config.external else [])
        wanted = any_of(*(equals(attribute, value) for attribute, value in asked if attribute))
        found = self._people(asking, wanted)
        for one in found:
            if not any(holds(one, attribute, value) for attribute, value in asked if attribute):
                raise Unknown(f"the filter was ignored: an entry of another name came ({one.dn})")
        return [self.account(one) for one in found]

    def strangers(self, asking: Asking, person: Person) -> Sequence[str]:
        """The ids of all accounts with the identity's immutable attribute."""
        wanted = equals(self._config.external or "", person.identity.external_id)
        return [self.account(one).id for one in self._people(asking, wanted)]

    def _people(self, asking: Asking, wanted: str) -> tuple[Entry, ...]:
        config = self._config
        search = Search(
            config.base, all_of(equals("objectClass", config.object_classes[0]), wanted), attributes=self._attributes
        )
        return asking(search, lambda: self._wire.search(search))

    @property
    def _attributes(self) -> tuple[str, ...]:
        """By name: nothing that the reader need not see, and operational ones come only if they are named."""
        config = self._config
        named = [config.id, config.name, config.external, config.entry_side, "mail", *config.locked, *config.unlocked]
        return tuple(dict.fromkeys(attribute for attribute in (*named, *config.own) if attribute))

    def account(self, entry: Entry) -> Account:
        """Raises `Unknown` for an entry without its immutable id."""
        own = self.id_of(entry)
        users = entry.texts(self._config.name)
        self.names.learn(own, entry.dn, users)
        told = {"id": own, "dn": entry.dn} | ({"name": users[0]} if users else {})
        return Account(self.name, own, told)

    def id_of(self, entry: Entry) -> str:
        found = entry.text(self._config.id)
        if not found:
            raise Unknown(f"{entry.dn} shows no {self._config.id}: hidden from the reader, or it has another name here")
        return found

    def entry(self, asking: Asking, account: Account) -> Entry | None:
        """The entry by its id, wherever it is by now."""
        config = self._config
        search = Search(config.base, equals(config.id, account.id), attributes=self._attributes)
        found = asking(search, lambda: self._wire.search(search))
        if len(found) > 1:
            raise Unknown(f"{len(found)} entries have the id {account.id}")
        if found and self.id_of(found[0]) != account.id:
            raise Unknown("the filter was ignored: an entry with another id came")
        return found[0] if found else None

    def record(self, asking: Asking, person: Person) -> Record:
        assert person.account is not None  # noqa: S101  a look has one
        entry = self.entry(asking, person.account)
        if entry is None:
            return Record(Presence.ABSENT, record=False, reason="no entry has this id any more")
        reason = self.mistaken(entry, person)
        if reason:
            return Record(Presence.UNKNOWN, reason=reason, mistaken=True)
        self.account(entry)  # a new name is learnt
        presence, reason = self._usable(entry)
        return Record(presence, reason=reason, by_name=not self._identifiers(entry), data=entry)

    def mistaken(self, entry: Entry, person: Person) -> str:
        """Why the entry is another identity's by now; "" if it is not."""
        who = person.identity
        known = {who.username, who.external_id, who.email, *who.was.values(), *person.identifiers.values()}
        for account in (person.account, *person.former):
            known |= {str(account.vars[key]) for key in ("name",) if account is not None and key in account.vars}
        carried = {value.casefold() for value in self._identifiers(entry)}
        if carried and not carried & {value.casefold() for value in known}:
            return "the id belongs to another identity"
        return ""

    def _identifiers(self, entry: Entry) -> tuple[str, ...]:
        config = self._config
        named = (config.name, config.external, "mail")
        return tuple(value for attribute in named if attribute for value in entry.texts(attribute))

    def _usable(self, entry: Entry) -> tuple[Presence, str]:
        config = self._config
        reasons = []
        for attribute in dict.fromkeys((*config.locked, *config.unlocked)):
            for value in entry.texts(attribute):
                if value.casefold() in lower(config.locked.get(attribute, ())):
                    return Presence.ABSENT, f"locked ({attribute}), record remains"
                if value.casefold() not in lower(config.unlocked.get(attribute, ())):
                    return Presence.UNKNOWN, f"{attribute} is {value!r}: neither in `locked` nor in `unlocked`"
                reasons.append(attribute)
        return Presence.PRESENT, f"not locked ({', '.join(reasons)})" if reasons else ""

    # --- what names it ------------------------------------------------------------------------

    def readers(self) -> Mapping[Kind, Reader]:
        config = self._config
        made: dict[Kind, Reader] = {}
        for kind, traits in config.declared().items():
            if kind is Kind.GROUP:
                made[kind] = self._groups
            elif kind is Kind.SESSION:
                if traits.listed:
                    made[kind] = self._connections
            else:
                made[kind] = self._referring(kind)
        return made

    def _groups(self, asking: Asking, person: Person, record: Record) -> Rows:
        """Direct memberships from both sides, and the groups of these groups. A deleted entry's groups are looked at
        all the same: they may go on naming it."""
        assert person.account is not None  # noqa: S101
        entry: Entry | None = record.known()
        dns, users = self.names.of(person.account)
        config = self._config
        direct = self._naming(asking, dns, users)
        said = entry.texts(config.entry_side) if entry is not None and config.entry_side else ()
        self._filled = self._filled or bool(said)
        silent = entry is not None and self._filled
        rows = {}
        for group in direct:
            note = written_otherwise(group, users, config) or (
                ONLY_GROUP if silent and by_dn(group, users, config) else ""
            )
            rows[self.id_of(group)] = Row(self.id_of(group), cn(group), note=note, views=(GROUP_SIDE,))
        for dn in said:
            group_id, name, note = self._said(asking, dn, direct)
            views: tuple[str, ...] = (ENTRY_SIDE,)
            if group_id in rows:
                note = "" if rows[group_id].note == ONLY_GROUP else rows[group_id].note
                views = (GROUP_SIDE, ENTRY_SIDE)
            rows[group_id] = Row(group_id, name, note=note, views=views)
        for group in self._above(asking, [one.dn for one in direct] + list(said)):
            rows.setdefault(self.id_of(group), Row(self.id_of(group), cn(group), note=INDIRECT))
        # Not every server fills `memberOf`, and none for `memberUid`: it is a view where it has shown something.
        views = (GROUP_SIDE, ENTRY_SIDE) if said else (GROUP_SIDE,)
        return Rows(tuple(rows.values()), views=views)

    def _naming(self, asking: Asking, dns: Sequence[str], users: Sequence[str]) -> tuple[Entry, ...]:
        """The groups that name one of these, whatever case a user name is written in."""
        parts = []
        for attribute, value in self._config.members.items():
            if value == "dn":
                parts += [equals(attribute, dn) for dn in dns]
            else:
                # RFC 2307 compares `memberUid` by case: what was written otherwise is found only by the other rule.
                rules = (attribute, f"{attribute}:caseIgnoreIA5Match:")
                parts += [equals(rule, user) for user in users for rule in rules]
        if not parts:
            raise Unknown("no name of the account is known")
        # Whom a group names besides is nobody's business here, and may be many.
        written = tuple(attribute for attribute, value in self._config.members.items() if value == "name")
        return self._all(asking, any_of(*parts), written)

    def _said(self, asking: Asking, dn: str, direct: Sequence[Entry]) -> tuple[str, str, str]:
        """Id, name and note of a group that the entry's own list names."""
        known = next((one for one in direct if same(one.dn, dn)), None)
        if known is None:
            known = asking((dn, "read"), lambda: self._wire.read(dn, (self._config.id, "cn")))
        if known is None:
            return dn, first(dn)[1], "the entry names a group that is not there, or may not be seen"
        return self.id_of(known), cn(known), "only the entry itself says so"

    def _above(self, asking: Asking, dns: Sequence[str]) -> tuple[Entry, ...]:
        """The groups of groups, level by level."""
        attributes = [attribute for attribute, value in self._config.members.items() if value == "dn"]
        seen = list(dns)
        found: list[Entry] = []
        level = list(dns) if attributes else []
        for _ in range(_DEEPEST):
            above: list[Entry] = []
            for start in range(0, len(level), _AT_ONCE):
                names = level[start : start + _AT_ONCE]
                wanted = any_of(*(equals(attribute, dn) for dn in names for attribute in attributes))
                above += self._all(asking, wanted, ())
            fresh = [one for one in above if not any(same(one.dn, dn) for dn in seen)]
            if not fresh:
                return tuple(found)
            found += fresh
            level = [one.dn for one in fresh]
            seen += level
        raise Unknown(f"groups stand in groups more than {_DEEPEST} deep")

    def _referring(self, kind: Kind) -> Reader:
        """Other entries that name the account, and what the account's own entry names."""
        theirs = [attribute for attribute, given in self._config.references.items() if given is kind]
        own = [attribute for attribute, given in self._config.own.items() if given is kind]

        def read(asking: Asking, person: Person, record: Record) -> Rows:
            assert person.account is not None  # noqa: S101
            entry: Entry | None = record.known()
            dns, _ = self.names.of(person.account)
            rows = []
            for other in self._naming_it(asking, dns) if theirs else ():
                for attribute in theirs:
                    if any(same(value, dn) for value in other.texts(attribute) for dn in dns):
                        name = cn(other) if kind is Kind.ROLE else f"{cn(other)}#{attribute}"
                        rows.append(Row(f"{self.id_of(other)}#{attribute}", name))
            for attribute in own:
                for dn in entry.texts(attribute) if entry is not None else ():
                    rows.append(Row(f"{person.account.id}#own-{attribute}:{dn}", f"{first(dn)[1]}#own-{attribute}"))
            return Rows(tuple(rows))

        return read

    def _naming_it(self, asking: Asking, dns: Sequence[str]) -> tuple[Entry, ...]:
        """The entries of which any reference attribute names the account: asked once for all kinds."""
        attributes = tuple(self._config.references)
        return self._all(asking, any_of(*(equals(each, dn) for each in attributes for dn in dns)), attributes)

    def _all(self, asking: Asking, wanted: str, attributes: tuple[str, ...]) -> tuple[Entry, ...]:
        search = Search(self._config.base, wanted, attributes=(self._config.id, "cn", *attributes))
        return asking(search, lambda: self._wire.search(search))

    # --- open connections ---------------------------------------------------------------------

    def _connections(self, asking: Asking, person: Person, record: Record) -> Rows:
        """Connections that were opened under one of the account's names; also after the entry went."""
        assert person.account is not None  # noqa: S101
        record.known()
        dns, _ = self.names.of(person.account)
        return Rows(tuple(Row(each, f"connection {each}") for each in self.connections(asking, dns)))

    def connections(self, asking: Asking, dns: Sequence[str]) -> list[str]:
        shown = asking("connections", lambda: open_connections(self._wire, self._config))
        return [each for each, dn in shown.items() if any(same(dn, mine) for mine in dns)]
