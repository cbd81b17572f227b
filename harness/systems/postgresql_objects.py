"""Objects of a database as scenarios name them (`table shop/public.orders`): found, given rights on, and owned."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from harness.ports import WriteFailed
from harness.systems import postgresql_catalog as catalog
from harness.systems.postgresql_look import right_rows, title
from harness.systems.postgresql_names import labelled, thing
from harness.wire.sql import Cells, Sql, Statement, quoted

# How each type's name is looked up in its database, and what the type is called in GRANT.
_FOUND = {
    "table": ("pg_class", "to_regclass", "TABLE"),
    "view": ("pg_class", "to_regclass", "TABLE"),
    "sequence": ("pg_class", "to_regclass", "SEQUENCE"),
    "function": ("pg_proc", "to_regprocedure", "FUNCTION"),
    "schema": ("pg_namespace", "to_regnamespace", "SCHEMA"),
    "type": ("pg_type", "to_regtype", "TYPE"),
}
_FUTURE = "IN SCHEMA public"
_RIGHT = re.compile(r"[A-Z][A-Z ]*")
_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
# Two changes of one object's rights at a time end in "tuple concurrently updated".
ALONE = Statement("SELECT pg_advisory_xact_lock(hashtext('exitproof'))")
TYPES = (*_FOUND, "policy", "default acl", "database", "parameter ACL")


@dataclass(frozen=True, slots=True)
class Named:
    """`table shop/public.orders` in its parts; `database` is empty for what belongs to the whole server."""

    type: str
    database: str
    identity: str

    @property
    def within(self) -> str | None:
        return self.database or None


def named(name: str) -> Named:
    """Raises `WriteFailed` for a name of another form."""
    kind = next((one for one in sorted(TYPES, key=len, reverse=True) if name.startswith(f"{one} ")), None)
    if kind is None:
        raise WriteFailed(f"{name!r} is no name of an object: begin it with one of {', '.join(TYPES)}")
    rest = name[len(kind) + 1 :]
    if kind in ("database", "parameter ACL"):
        return Named(kind, "", rest)
    database, slash, identity = rest.partition("/")
    if not slash or not database or not identity:
        raise WriteFailed(f"{name!r} lacks its database: {kind} DATABASE/NAME")
    return Named(kind, database, identity)


class Objects:
    """Rights on what is there. Every name goes through the server's own look-up before it stands in a statement."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def give(self, what: Named, right: str, role: str, oid: int) -> Cells:
        """Gives it, and answers the right's id and name as a look will list it. `role` is quoted."""
        before = {each for each, _ in self._rows(what, oid)}
        self._sql.change(*self._statements(what, right, role, give=True), database=what.within)
        after = self._rows(what, oid)
        new = [(each, name) for each, name in after if each not in before and self._is(what, right, name)]
        new = new or [(each, name) for each, name in after if self._is(what, right, name)]
        if not new:
            raise WriteFailed(f"{right} on {what.type} {what.identity} was given, and is not listed", in_doubt=True)
        return {"id": new[0][0], "listed": new[0][1]}

    def take(self, what: Named, right: str, role: str) -> None:
        """Takes it back; what is not there any more is done."""
        self._sql.change(*self._statements(what, right, role, give=False), database=what.within)

    def _rows(self, what: Named, oid: int) -> Sequence[tuple[str, str]]:
        held = self._sql.ask(catalog.held([oid], shared=not what.database), what.within).value
        return [
            (row.id, row.name)
            for each in held
            if each["how"] != "o"
            for row in right_rows(each, title(what.database, each))
        ]

    @staticmethod
    def _is(what: Named, right: str, name: str) -> bool:
        if what.type == "default acl":  # the server names them after whose and which objects they are for
            return name.startswith("default acl ") and name.endswith(f"#{right}")
        if what.type == "policy":
            return name.startswith("policy ") and name.endswith("#POLICY")
        place = f"{what.database}/" if what.database else ""
        plain = what.identity.lower() if what.type == "parameter ACL" else what.identity
        return name in (f"{what.type} {place}{plain}#{right}", f"{what.type} {place}{quoted(plain)}#{right}")

    def _statements(self, what: Named, right: str, role: str, *, give: bool) -> list[Statement]:
        if not _RIGHT.fullmatch(right):
            raise WriteFailed(f"{right!r} is no right: a right is written in capitals, as in GRANT")
        verb, to = ("GRANT", "TO") if give else ("REVOKE", "FROM")
        if what.type == "policy":
            return [ALONE, self._policy(what, role, give=give)]
        if what.type == "default acl":
            schema = self.identity("schema", what)
            on = f"ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} {verb} {right} ON TABLES {to} {role}"
            return [ALONE, Statement(on)]
        if what.type == "parameter ACL":
            if not _PARAMETER.fullmatch(what.identity):
                raise WriteFailed(f"{what.identity!r} is no parameter")
            return [ALONE, Statement(f"{verb} {right} ON PARAMETER {what.identity} {to} {role}")]
        if what.type == "database":
            return [ALONE, Statement(f"{verb} {right} ON DATABASE {quoted(what.identity)} {to} {role}")]
        on = f"{_FOUND[what.type][2]} {self.identity(what.type, what)}"
        return [ALONE, Statement(f"{verb} {right} ON {on} {to} {role}")]

    def _policy(self, what: Named, role: str, *, give: bool) -> Statement:
        table = self.identity("table", what)
        if give:
            return Statement(f"CREATE POLICY {role} ON {table} FOR SELECT TO {role} USING (true)")
        return Statement(f"DROP POLICY IF EXISTS {role} ON {table}")

    def identity(self, kind: str, what: Named) -> str:
        """The object's name as the server itself quotes it. Raises `WriteFailed` where there is none."""
        cls, look_up, _ = _FOUND[kind]
        asked = Statement(
            f"SELECT i.identity FROM pg_identify_object('{cls}'::regclass, {look_up}(%s)::oid, 0) i",  # noqa: S608
            (what.identity,),
        )
        found = self._sql.ask(asked, what.within).value
        if not found or found[0]["identity"] is None:
            raise WriteFailed(f"there is no {kind} {what.identity} in database {what.database}")
        return str(found[0]["identity"])


class Belongings:
    """Objects that are made for one identity to own, and go with it. The label and the role's name are their name."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def make(self, what: Named, role: str, oid: int, owner_name: str) -> Cells:
        """Answers what a look will list it as. Made in the schema `public`, by whoever may."""
        name = quoted(labelled(owner_name, what.identity))
        made = {
            "table": f"CREATE TABLE public.{name} (id int)",
            "function": f"CREATE FUNCTION public.{name}() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
            "schema": f"CREATE SCHEMA {name}",
            "default acl": f"ALTER DEFAULT PRIVILEGES FOR ROLE {role} {_FUTURE} GRANT SELECT ON TABLES TO PUBLIC",
        }.get(what.type)
        if made is None:
            raise WriteFailed(f"no {what.type} is made to be owned: a table, function, schema or default acl")
        before = {thing(each) for each in self._owned(what, oid)}
        full = {"table": f"TABLE public.{name}", "function": f"FUNCTION public.{name}()", "schema": f"SCHEMA {name}"}
        owned = [Statement(f"ALTER {full[what.type]} OWNER TO {role}")] if what.type in full else []
        self._sql.change(Statement(made), *owned, database=what.within)
        new = [each for each in self._owned(what, oid) if thing(each) not in before and each["type"] == what.type]
        if len(new) != 1:
            raise WriteFailed(f"{what.type} {name} was made, and is not listed", in_doubt=True)
        each = new[0]
        return {"id": thing(each), "database": what.database, "class": each["class"], "oid": each["oid"]}

    def remove(self, what: Named, cls: str, oid: int) -> None:
        """By oid, whoever owns it now and whatever it is called."""
        asked = Statement("SELECT type, identity FROM pg_identify_object(%s::regclass, %s::bigint::oid, 0)", (cls, oid))
        found = self._sql.ask(asked, what.within).value
        if not found or found[0]["identity"] is None:
            return
        if what.type == "default acl":
            whose = Statement(
                "SELECT quote_ident(r.rolname) AS name FROM pg_default_acl d JOIN pg_roles r ON r.oid = d.defaclrole"
                " WHERE d.oid = %s",
                (oid,),
            )
            for each in self._sql.ask(whose, what.within).value:
                undo = f"FOR ROLE {each['name']} {_FUTURE} REVOKE SELECT ON TABLES FROM PUBLIC"  # noqa: S608  quoted by the server
                self._sql.change(Statement(f"ALTER DEFAULT PRIVILEGES {undo}"), database=what.within)
            return
        self._sql.change(Statement(f"DROP {what.type.upper()} {found[0]['identity']}"), database=what.within)

    def _owned(self, what: Named, oid: int) -> list[Cells]:
        held = self._sql.ask(catalog.held([oid], shared=False), what.within).value
        return [each for each in held if each["how"] == "o"]
