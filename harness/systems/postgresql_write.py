"""Makes roles, gives and takes access, and removes what it made: never more than belongs to the identity's own oid."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from threading import Lock

from harness.model import Account, Entitlement, Grant, Kind, Made, ObjectSpec, Secret
from harness.ports import Person, Tools, WriteFailed
from harness.systems import postgresql_catalog as catalog
from harness.systems.postgresql_look import marked, oid_of
from harness.systems.postgresql_names import group_mark, known_names, labelled, mark, role_name
from harness.systems.postgresql_objects import ALONE, Belongings, Objects, named
from harness.wire.auth import Basic
from harness.wire.sql import Cells, Held, Sql, Statement, literal, quoted
from harness.wire.sql_login import verifier
from harness.wire.template import Template

_PATIENCE_MS = 5_000
RE_ENABLE = "createrole"  # the right of a session that is used to give its own role the login back


@dataclass(slots=True)
class Writer:
    """`held`: the leavers' open sessions, by grant id."""

    system: str
    sql: Sql
    tools: Tools
    username: Template
    held: dict[str, Held] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    # --- accounts -------------------------------------------------------------------------------

    def create(self, person: Person) -> Account:
        name = role_name(self.username, person)
        role, words = quoted(name), literal(verifier(person.identity.password.reveal()))
        self.sql.change(
            Statement(f"CREATE ROLE {role} LOGIN PASSWORD {words}", shown=f"CREATE ROLE {role} LOGIN PASSWORD '***'"),
            Statement(f"COMMENT ON ROLE {role} IS {literal(mark(person))}"),
        )
        oid = self._oid(name)
        return Account(self.system, oid, {"id": oid, "name": name})

    def remove(self, person: Person) -> None:
        """Sessions first, and the logins that it made; then what it still owns goes to the writer (nothing is
        destroyed), its rights and those that came from it go, in every database; then the role."""
        oid = oid_of(person)
        for grant in person.grants:
            if grant.entitlement.kind is Kind.CREDENTIAL:
                self._drop_login(grant.id or "")
        self._end_sessions(oid)
        role = self._role(oid)
        if role is None:
            return
        if role["name"] not in known_names(self.username, person) and not marked(role, person):
            raise WriteFailed(f"the oid belongs to role {role['name']!r} now: not removed")
        name = quoted(role["name"])
        places = {each["database"] for each in self.sql.ask(catalog.places([oid])).value}
        databases = {each["oid"]: each["name"] for each in self.sql.ask(catalog.DATABASES).value if each["open"]}
        here = [databases[place] for place in sorted(places) if place in databases]
        for database in here or ([self.sql.main] if places else []):
            self.sql.change(
                ALONE,
                Statement(f"REASSIGN OWNED BY {name} TO CURRENT_USER"),
                Statement(f"DROP OWNED BY {name}"),
                database=database,
            )
        self.sql.change(Statement(f"DROP ROLE {name}"))

    def _end_sessions(self, oid: int) -> None:
        self.sql.change(
            Statement(
                "SELECT pg_terminate_backend(pid, %s) AS ended FROM pg_stat_activity WHERE usesysid = %s",
                (_PATIENCE_MS, oid),
            )
        )

    def _role(self, oid: int) -> Cells | None:
        found = [role for role in self.sql.ask(catalog.ROLES).value if role["oid"] == oid]
        return found[0] if found else None

    # --- access ---------------------------------------------------------------------------------

    def grant(self, person: Person, entitlement: Entitlement, made: Made | None) -> Grant:
        oid = oid_of(person)
        role = self._role(oid)
        if role is None:
            raise WriteFailed("the role is not there")
        name = entitlement.name
        me = quoted(role["name"])
        match entitlement.kind:
            case Kind.GROUP:
                group = made.id if made is not None else self._oid(name)
                self.sql.change(Statement(f"GRANT {self._name(group)} TO {me}"))
                return Grant(entitlement, group, object_id=group, vars={"id": group})
            case Kind.DELEGATION:
                other = self._oid(name)
                self.sql.change(Statement(f"GRANT {me} TO {self._name(other)}"))
                return Grant(entitlement, other, vars={"id": other})
            case Kind.ROLE:
                self.sql.change(Statement(f"ALTER ROLE {me} {attribute(name)}"))
                return Grant(entitlement, name, vars={"id": name})
            case Kind.SHARE:
                given = Objects(self.sql).give(named(name), right_of(entitlement), me, oid)
                return Grant(entitlement, given["id"], vars=given)
            case Kind.OWNERSHIP:
                owned = Belongings(self.sql).make(named(name), me, oid, role["name"])
                return Grant(entitlement, owned["id"], vars=owned)
            case Kind.CREDENTIAL:
                return self._another_login(person, entitlement, role["name"])
            case Kind.SESSION:
                if entitlement.right not in (None, RE_ENABLE):
                    raise WriteFailed(f"a session has no right {entitlement.right!r}: {RE_ENABLE}, or none")
                held = self.sql.hold(self.who(person, role["name"]), self.sql.main, entitlement.label).value
                key = f"{held.pid}.{held.since}"
                with self.lock:
                    self.held[key] = held
                return Grant(entitlement, key, vars={"id": key, "pid": held.pid})
        raise WriteFailed(f"PostgreSQL has no {entitlement.kind}")

    def revoke(self, person: Person, grant: Grant) -> None:
        """What went with the role, or before, is done."""
        oid = oid_of(person)
        name, key = grant.entitlement.name, grant.id or ""
        match grant.entitlement.kind:
            case Kind.SESSION:
                self._end_session(oid, key)
                return
            case Kind.OWNERSHIP:
                if "class" in grant.vars:
                    Belongings(self.sql).remove(named(name), grant.vars["class"], int(grant.vars["oid"]))
                return
            case Kind.CREDENTIAL:
                self._drop_login(key)
                return
        role = self._role(oid)
        if role is None:
            return
        me = quoted(role["name"])
        match grant.entitlement.kind:
            case Kind.GROUP | Kind.DELEGATION:
                other = self._role(int(key or self._oid(name)))
                if other is not None:
                    pair = (quoted(other["name"]), me)
                    given, to = pair if grant.entitlement.kind is Kind.GROUP else reversed(pair)
                    self.sql.change(Statement(f"REVOKE {given} FROM {to}"))
            case Kind.ROLE:
                self.sql.change(Statement(f"ALTER ROLE {me} NO{attribute(name)}"))
            case Kind.SHARE:
                Objects(self.sql).take(named(name), right_of(grant.entitlement), me)
            case other_kind:
                raise WriteFailed(f"PostgreSQL has no {other_kind}")

    def _another_login(self, person: Person, entitlement: Entitlement, name: str) -> Grant:
        """Made by the leaver, in a session of their own."""
        login, password = labelled(name, entitlement.name), secrets.token_urlsafe(18)
        self.tools.vault.learn(password)
        role = quoted(login)
        session = self.sql.hold(self.who(person, name), self.sql.main, "exitproof").value
        refused = self.sql.on(
            session,
            Statement(
                f"CREATE ROLE {role} LOGIN PASSWORD {literal(verifier(password))}",
                shown=f"CREATE ROLE {role} LOGIN PASSWORD '***'",
            ),
            {"42501": "the leaver may not make roles: give the role `createrole` first"},
            undo=False,
        ).value  # fmt: skip
        session.connection.close()
        if refused:
            raise WriteFailed(refused)
        oid = self._oid(login)
        return Grant(entitlement, oid, vars={"id": oid, "login": login}, secret=Secret(password))

    def _drop_login(self, id: str) -> None:
        role = self._role(int(id)) if id else None
        if role is not None:
            self._end_sessions(role["oid"])
            self.sql.change(Statement(f"DROP ROLE {quoted(role['name'])}"))

    def _end_session(self, oid: int, id: str) -> None:
        """Only the very session, never another one that has its process id now."""
        pid, _, since = id.partition(".")
        self.sql.change(
            Statement(
                "SELECT pg_terminate_backend(pid, %s) AS ended FROM pg_stat_activity WHERE pid = %s AND usesysid = %s"
                " AND (extract(epoch FROM backend_start) * 1000000)::bigint = %s",
                (_PATIENCE_MS, int(pid or 0), oid, int(since or 0)),
            )
        )

    # --- groups ---------------------------------------------------------------------------------

    def find_object(self, spec: ObjectSpec) -> Made | None:
        _only_group(spec)
        found = self._called(spec.name)
        return Made(spec, found, created=False) if found else None

    def create_object(self, spec: ObjectSpec, run_id: str) -> Made:
        _only_group(spec)
        role = quoted(spec.name)
        self.sql.change(
            Statement(f"CREATE ROLE {role} NOLOGIN"),
            Statement(f"COMMENT ON ROLE {role} IS {literal(group_mark(run_id))}"),
        )
        return Made(spec, self._oid(spec.name), created=True)

    def remove_object(self, made: Made) -> None:
        role = self._role(int(made.id))
        if role is None:
            return
        if not made.created or not (role["comment"] or "").startswith(group_mark("")):
            raise WriteFailed(f"the group {role['name']!r} was found, not made: not removed")
        self.sql.change(Statement(f"DROP ROLE {quoted(role['name'])}"))

    # --- who ------------------------------------------------------------------------------------

    def who(self, person: Person, name: str) -> Basic:
        return Basic(username=name, password=person.identity.password)

    def _oid(self, name: str) -> str:
        found = self._called(name)
        if found is None:
            raise WriteFailed(f"there is no role {name!r}")
        return found

    def _called(self, name: str) -> str | None:
        found = self.sql.ask(Statement("SELECT oid::bigint AS oid FROM pg_roles WHERE rolname = %s", (name,))).value
        return str(found[0]["oid"]) if found else None

    def _name(self, oid: str) -> str:
        role = self._role(int(oid))
        if role is None:
            raise WriteFailed(f"there is no role with oid {oid}")
        return quoted(role["name"])


def attribute(name: str) -> str:
    """Raises `WriteFailed` for what is no attribute of a role."""
    if name not in catalog.ATTRIBUTES:
        raise WriteFailed(f"{name!r} is no attribute of a role: {', '.join(catalog.ATTRIBUTES)}")
    return name.upper()


def right_of(entitlement: Entitlement) -> str:
    if not entitlement.right:
        return "POLICY" if named(entitlement.name).type == "policy" else "SELECT"
    return entitlement.right


def _only_group(spec: ObjectSpec) -> None:
    if spec.kind is not Kind.GROUP:
        raise WriteFailed(f"only groups are objects here, no {spec.kind}")
