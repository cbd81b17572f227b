"""What is asked of PostgreSQL's own catalogs about a role, and nothing that the reader could not see whole.

`pg_shdepend` is the key: it names every object of every database that a role owns or holds rights on, by the role's
oid, also where the reader has no right on the object itself. What the rights are only each database's catalogs tell.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.wire.sql import Statement

ROLES = Statement("""
SELECT r.oid::bigint AS oid, r.rolname::text AS name, r.rolcanlogin AS login, r.rolconnlimit AS sessions,
    coalesce(r.rolvaliduntil < now(), false) AS expired, r.rolsuper AS superuser, r.rolcreaterole AS createrole,
    r.rolcreatedb AS createdb, r.rolreplication AS replication, r.rolbypassrls AS bypassrls, d.description AS comment
FROM pg_roles r LEFT JOIN pg_shdescription d ON d.objoid = r.oid AND d.classoid = 'pg_authid'::regclass
""")
ATTRIBUTES = ("superuser", "createrole", "createdb", "replication", "bypassrls")

MEMBERS = Statement("""
SELECT roleid::bigint AS role, member::bigint AS member, bool_or(admin_option) AS admin
FROM pg_auth_members GROUP BY 1, 2
""")

DATABASES = Statement("""
SELECT oid::bigint AS oid, datname::text AS name, datallowconn AS open,
    has_database_privilege(oid, 'CONNECT') AS readable
FROM pg_database
""")

# Parallel workers belong to the session that leads them. Of a session that the reader may not see, it is told no age.
SESSIONS = Statement("""
SELECT a.pid, (extract(epoch FROM a.backend_start) * 1000000)::bigint AS since, a.usesysid::bigint AS role,
    a.usename::text AS usename, a.datname::text AS database, a.application_name AS application
FROM pg_stat_activity a WHERE a.usesysid IS NOT NULL AND a.leader_pid IS NULL
""")


def places(oids: Sequence[int]) -> Statement:
    """Which databases hold something of these roles; 0 stands for what belongs to the whole server."""
    return Statement(
        "SELECT DISTINCT dbid::bigint AS database, refobjid::bigint AS role FROM pg_shdepend"
        " WHERE refclassid = 'pg_authid'::regclass AND refobjid = ANY (%s::bigint[]::oid[])",
        (list(oids),),
    )


def held(oids: Sequence[int], *, shared: bool) -> Statement:
    """All that these roles own or have rights on in the database that is asked, or in the whole server. `rights` are
    those a role holds itself; `gave` tells that it is named only because others have theirs from it. What an object
    had when it was installed (`i`, since version 17) is no right."""
    where = "s.dbid = 0" if shared else "s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())"
    return Statement(_HELD.format(where=where, acls=_SHARED if shared else _LOCAL), (list(oids),))


# One list for each catalog that keeps rights: what is not among them is told without its rights, never left out.
_LOCAL = """
    SELECT relacl FROM pg_class WHERE oid = s.objid AND s.classid = 'pg_class'::regclass AND s.objsubid = 0
    UNION ALL SELECT attacl FROM pg_attribute
        WHERE attrelid = s.objid AND attnum = s.objsubid AND s.classid = 'pg_class'::regclass AND s.objsubid > 0
    UNION ALL SELECT proacl FROM pg_proc WHERE oid = s.objid AND s.classid = 'pg_proc'::regclass
    UNION ALL SELECT nspacl FROM pg_namespace WHERE oid = s.objid AND s.classid = 'pg_namespace'::regclass
    UNION ALL SELECT typacl FROM pg_type WHERE oid = s.objid AND s.classid = 'pg_type'::regclass
    UNION ALL SELECT lanacl FROM pg_language WHERE oid = s.objid AND s.classid = 'pg_language'::regclass
    UNION ALL SELECT fdwacl FROM pg_foreign_data_wrapper
        WHERE oid = s.objid AND s.classid = 'pg_foreign_data_wrapper'::regclass
    UNION ALL SELECT srvacl FROM pg_foreign_server WHERE oid = s.objid AND s.classid = 'pg_foreign_server'::regclass
    UNION ALL SELECT lomacl FROM pg_largeobject_metadata
        WHERE oid = s.objid AND s.classid = 'pg_largeobject'::regclass
    UNION ALL SELECT defaclacl FROM pg_default_acl WHERE oid = s.objid AND s.classid = 'pg_default_acl'::regclass
"""
_SHARED = """
    SELECT datacl FROM pg_database WHERE oid = s.objid AND s.classid = 'pg_database'::regclass
    UNION ALL SELECT spcacl FROM pg_tablespace WHERE oid = s.objid AND s.classid = 'pg_tablespace'::regclass
    UNION ALL SELECT paracl FROM pg_parameter_acl WHERE oid = s.objid AND s.classid = 'pg_parameter_acl'::regclass
"""
_HELD = """
SELECT s.refobjid::bigint AS role, s.dbid::bigint AS database, s.classid::regclass::text AS class,
    s.objid::bigint AS oid, s.objsubid AS sub,
    s.deptype::text AS how, i.type, i.identity,
    EXISTS (SELECT FROM pg_proc p WHERE p.oid = s.objid AND s.classid = 'pg_proc'::regclass AND p.prosecdef) AS definer,
    coalesce(r.rights, ARRAY[]::text[]) AS rights, coalesce(r.gave, false) AS gave
FROM pg_shdepend s
CROSS JOIN LATERAL pg_identify_object(s.classid, s.objid, s.objsubid) i
LEFT JOIN LATERAL (
    SELECT array_agg(e.privilege_type || CASE WHEN e.is_grantable THEN '*' ELSE '' END ORDER BY e.privilege_type)
            FILTER (WHERE e.grantee = s.refobjid) AS rights,
        bool_or(e.grantor = s.refobjid) AS gave
    FROM ({acls}) a(acl) CROSS JOIN LATERAL aclexplode(a.acl) e
) r ON true
WHERE s.refclassid = 'pg_authid'::regclass AND s.deptype <> 'i' AND s.refobjid = ANY (%s::bigint[]::oid[]) AND {where}
"""


def re_enabled(oid: int) -> Statement:
    """Gives the role its login back, by whatever name it has now. SQLSTATE 22004: it has none, it was dropped."""
    found = f"(SELECT rolname FROM pg_roles WHERE oid = {oid:d})"  # noqa: S608  a number
    return Statement(f"DO $$ BEGIN EXECUTE format('ALTER ROLE %I LOGIN', {found}); END $$")


# Whose an object is now, where it still is: for what a leaver owned and no longer owns.
_OWNERS = {
    "pg_class": ("pg_class", "relowner"),
    "pg_proc": ("pg_proc", "proowner"),
    "pg_namespace": ("pg_namespace", "nspowner"),
    "pg_database": ("pg_database", "datdba"),
}


def owner(catalog: str, oid: int) -> Statement | None:
    """The present owner of one object, and whether the object runs with the owner's rights."""
    if catalog not in _OWNERS:
        return None
    table, column = _OWNERS[catalog]
    definer = "t.prosecdef" if catalog == "pg_proc" else "false"
    return Statement(
        f"SELECT r.rolname::text AS name, r.rolsuper AS superuser, {definer} AS definer"  # noqa: S608  our own words
        f" FROM {table} t JOIN pg_roles r ON r.oid = t.{column} WHERE t.oid = %s",
        (oid,),
    )
