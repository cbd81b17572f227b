"""What one round sees of a role: its record, and each kind of access, by oid and over all databases."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from threading import Lock

from harness.model import Account, Kind, Presence, Row
from harness.ports import Person
from harness.systems import postgresql_catalog as catalog
from harness.systems.postgresql_names import known_names, mark, role_name, thing
from harness.wire.call import Unknown
from harness.wire.dialogue import Told
from harness.wire.sql import Cells, Sql, Statement
from harness.wire.survey import GONE, Asking, Reader, Record, Rows
from harness.wire.template import Template


@dataclass(slots=True)
class PostgresqlSurvey:
    """Implements `wire.survey.Survey`."""

    name: str
    sql: Sql
    username: Template
    kinds: frozenset[Kind]
    people: People

    def find(self, asking: Asking, person: Person) -> Sequence[Account]:
        wanted = role_name(self.username, person)
        roles = self._roles(asking).values()
        return [
            Account(self.name, str(role["oid"]), {"id": str(role["oid"]), "name": role["name"]})
            for role in roles
            if role["name"] == wanted
        ]

    def record(self, asking: Asking, person: Person) -> Record:
        """By oid: a role that was renamed is still the same. LOGIN alone makes it usable; an expiry date only closes
        the door of the password."""
        oid = oid_of(person)
        role = self._roles(asking).get(oid)
        if role is None:
            return Record(Presence.ABSENT, record=False, reason="the role was dropped")
        if role["name"] not in known_names(self.username, person) and not marked(role, person):
            return Record(Presence.UNKNOWN, reason=f"the oid belongs to role {role['name']!r} now", mistaken=True)
        if not role["login"]:
            return Record(Presence.ABSENT, reason="NOLOGIN, record remains", data=role)
        if role["sessions"] == 0 and not role["superuser"]:
            return Record(Presence.ABSENT, reason="CONNECTION LIMIT 0, record remains", data=role)
        expired = "VALID UNTIL has passed, which ends passwords only" if role["expired"] else ""
        return Record(Presence.PRESENT, reason=expired, data=role)

    def strangers(self, asking: Asking, person: Person) -> Sequence[str]:
        """Other roles that carry this person's mark in their comment, whatever they are called."""
        return [str(r["oid"]) for r in self._roles(asking).values() if r["login"] and marked(r, person)]

    def readers(self) -> Mapping[Kind, Reader]:
        every: dict[Kind, Reader] = {
            Kind.GROUP: self._groups,
            Kind.ROLE: self._attributes,
            Kind.DELEGATION: self._members,
            Kind.SHARE: self._rights,
            Kind.OWNERSHIP: self._owned,
            Kind.CREDENTIAL: self._made,
            Kind.SESSION: self._sessions,
        }
        return {kind: read for kind, read in every.items() if kind in self.kinds}

    # --- roles among themselves -----------------------------------------------------------------

    def _groups(self, asking: Asking, person: Person, record: Record) -> Rows:  # noqa: ARG002  oids outlive a record
        """Every role that this one is in, through others too."""
        return Rows(tuple(self._reached(asking, oid_of(person), "member", "role")))

    def _members(self, asking: Asking, person: Person, record: Record) -> Rows:  # noqa: ARG002
        """Every role that is in this one: whoever may act as the leaver."""
        return Rows(tuple(self._reached(asking, oid_of(person), "role", "member")))

    def _reached(self, asking: Asking, start: int, source: str, target: str) -> Iterator[Row]:
        names = {oid: role["name"] for oid, role in self._roles(asking).items()}
        members = asking("members", lambda: self.sql.ask(catalog.MEMBERS))
        seen = {start}
        at = [start]
        while at:
            here = at.pop(0)
            for member in (m for m in members if m[source] == here and m[target] not in seen):
                there = member[target]
                seen.add(there)
                at.append(there)
                direct = here == start
                how = ("with admin option" if member["admin"] else "") if direct else f"through {names.get(here, here)}"
                yield Row(str(there), names.get(there, str(there)), note=how)

    def _attributes(self, asking: Asking, person: Person, record: Record) -> Rows:  # noqa: ARG002
        """What the role may do without any grant: it goes with the record."""
        role = record.known()
        if role is None:
            return GONE
        return Rows(tuple(Row(word, word) for word in catalog.ATTRIBUTES if role[word]))

    def _made(self, asking: Asking, person: Person, record: Record) -> Rows:  # noqa: ARG002
        """Logins that the leaver made for themselves. The server keeps no record of who made a role (before version
        16), so these are the ones that the journal knows."""
        roles = self._roles(asking)
        ours = [grant.id for grant in person.grants if grant.entitlement.kind is Kind.CREDENTIAL and grant.id]
        there = [roles[int(oid)] for oid in ours if int(oid) in roles]
        return Rows(
            tuple(
                Row(str(r["oid"]), r["name"])
                if r["login"]
                else Row(str(r["oid"]), r["name"], Presence.ABSENT, "NOLOGIN, record remains")
                for r in there
            )
        )

    def _sessions(self, asking: Asking, person: Person, record: Record) -> Rows:  # noqa: ARG002
        """By the oid that signed in: it stays when the role is dropped under an open session."""
        rows = asking("sessions", lambda: self.sql.ask(catalog.SESSIONS))
        if any(row["since"] is None for row in rows):
            raise Unknown("sessions of others are hidden from the reader: it needs pg_read_all_stats")
        return Rows(
            tuple(
                Row(
                    f"{row['pid']}.{row['since']}",
                    row["application"] or f"pid {row['pid']}",
                    note="" if row["usename"] else "the role was dropped, and its session goes on",
                )
                for row in rows
                if row["role"] == oid_of(person)
            )
        )

    # --- what they have in databases ------------------------------------------------------------

    def _owned(self, asking: Asking, person: Person, record: Record) -> Rows:  # noqa: ARG002
        rows = [
            Row(thing(each), title(database, each), note="runs with its owner's rights" if each["definer"] else "")
            for database, each in self._held(asking, oid_of(person))
            if each["how"] == "o"
        ]
        return Rows((*rows, *self._passed_on(asking, person, {row.id for row in rows})))

    def _rights(self, asking: Asking, person: Person, record: Record) -> Rows:  # noqa: ARG002
        return Rows(
            tuple(
                row
                for database, each in self._held(asking, oid_of(person))
                if each["how"] != "o"
                for row in right_rows(each, title(database, each))
            )
        )

    def _held(self, asking: Asking, oid: int) -> Iterable[tuple[str, Cells]]:
        """With the name of its database, "" for what belongs to the whole server. Only databases that hold something
        are connected to; one that could not be is told by name, whatever it holds."""
        databases = asking("databases", lambda: self.sql.ask(catalog.DATABASES))
        closed = sorted(each["name"] for each in databases if each["open"] and not each["readable"])
        if closed:
            raise Unknown(f"the reader may not connect to {', '.join(closed)}")
        names = {each["oid"]: each["name"] for each in databases}
        shut = {each["oid"] for each in databases if not each["open"]}
        for place in sorted(each["database"] for each in self._of(asking, oid, "places", catalog.places)):
            if place in shut or (place and place not in names):
                raise Unknown(f"database {names.get(place, place)} holds something of it, and lets nobody in")
            database = names.get(place, "")
            held = partial(catalog.held, shared=not place)
            yield from ((database, row) for row in self._of(asking, oid, f"held {place}", held, database or None))

    def _of(
        self,
        asking: Asking,
        oid: int,
        key: str,
        statement: Callable[[Sequence[int]], Statement],
        database: str | None = None,
    ) -> list[Cells]:
        """One question serves everybody whom this system has been asked about; a newcomer asks by itself."""
        everybody = self.people.with_(oid)
        rows = asking(key, lambda: asked(self.sql.ask(statement(everybody), database), everybody))
        if oid not in rows[0]:
            rows = asking((key, oid), lambda: asked(self.sql.ask(statement([oid]), database), [oid]))
        return [row for row in rows[1] if row["role"] == oid]

    def _passed_on(self, asking: Asking, person: Person, still: set[str]) -> Iterator[Row]:
        """What the leaver is known to have owned, and who owns it now."""
        for grant in person.grants:
            if grant.entitlement.kind is not Kind.OWNERSHIP or not grant.id or grant.id in still:
                continue
            asked = catalog.owner(str(grant.vars.get("class")), int(grant.vars.get("oid", 0)))
            if asked is None:
                continue
            found = asking(
                ("owner", grant.id),
                lambda asked=asked, grant=grant: self.sql.ask(asked, grant.vars["database"]),  # type: ignore[misc]
            )
            for row in found:
                whose = f"{row['name']}, a superuser" if row["superuser"] else row["name"]
                note = f"it belongs to {whose} now"
                note += ", and runs with that owner's rights" if row["definer"] else ""
                yield Row(grant.id, grant.entitlement.label, Presence.ABSENT, note)

    def _roles(self, asking: Asking) -> Mapping[int, Cells]:
        rows = asking("roles", lambda: self.sql.ask(catalog.ROLES))
        return {row["oid"]: row for row in rows}


@dataclass(slots=True)
class People:
    """Every role that this system has been asked about."""

    oids: set[int] = field(default_factory=set)
    lock: Lock = field(default_factory=Lock)

    def with_(self, oid: int) -> list[int]:
        with self.lock:
            self.oids.add(oid)
            return sorted(self.oids)


def asked(told: Told[list[Cells]], oids: Sequence[int]) -> Told[tuple[frozenset[int], list[Cells]]]:
    """An answer together with whom it is about."""
    return Told((frozenset(oids), told.value), told.sent, told.answered, told.evidence)


def oid_of(person: Person) -> int:
    if person.account is None:
        raise ValueError("a look needs an account")
    return int(person.account.id)


def marked(role: Cells, person: Person) -> bool:
    """Its comment says that it was made for this identity."""
    return mark(person) in (role["comment"] or "").split()


def title(database: str, each: Cells) -> str:
    """`table shop/public.orders`, `database shop`: the name that scenarios use too."""
    kind, identity = each["type"] or each["class"], each["identity"] or str(each["oid"])
    return f"{kind} {database}/{identity}" if database else f"{kind} {identity}"


def right_rows(each: Cells, name: str) -> Iterator[Row]:
    """One row for each right. A role that is named only because others have their rights from it holds nothing."""
    if each["how"] == "r":
        yield Row(f"{thing(each)}#POLICY", f"{name}#POLICY")
        return
    for right in each["rights"]:
        plain = right.rstrip("*")
        yield Row(f"{thing(each)}#{plain}", f"{name}#{plain}", note="with grant option" if right != plain else "")
    if not each["rights"] and not each["gave"]:
        yield Row(thing(each), name, note="what exactly the right is could not be told")
