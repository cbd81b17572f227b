"""The system `postgresql` in the shipped contract suite, in front of a real server, with its least-privilege reader."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fixtures.fleet.postgresql import Cluster, NotInstalled, psql, running
from harness.config import Ref
from harness.model import Entitlement, Kind
from harness.ports import System, Tools
from harness.systems.postgresql import PostgresqlConfig, build
from harness.testing.spoken import SpokenContract, SpokenWorld, Trouble
from tests.real.conftest import cannot

pytestmark = pytest.mark.real

NAME = "postgresql"


class Postgres(SpokenWorld):
    reading = frozenset({"SELECT"})
    pages = "the answer of a query has no pages: it is whole, or an error"
    entitlements = (
        Entitlement(NAME, Kind.GROUP, "drill_analysts"),
        Entitlement(NAME, Kind.ROLE, "createrole"),
        Entitlement(NAME, Kind.ROLE, "createdb"),
        Entitlement(NAME, Kind.DELEGATION, "drill_partner"),
        Entitlement(NAME, Kind.SHARE, "table drill_app/public.invoices", right="SELECT"),
        Entitlement(NAME, Kind.SHARE, "function drill_app/public.total()", right="EXECUTE"),
        Entitlement(NAME, Kind.SHARE, 'table drill_hr/private."Salaries"', right="UPDATE"),
        Entitlement(NAME, Kind.SHARE, "schema drill_hr/private", right="USAGE"),
        Entitlement(NAME, Kind.SHARE, "database drill_hr", right="CONNECT"),
        Entitlement(NAME, Kind.SHARE, "parameter ACL log_statement", right="SET"),
        Entitlement(NAME, Kind.SHARE, "default acl drill_hr/private", right="INSERT"),
        Entitlement(NAME, Kind.SHARE, "policy drill_app/public.prices"),
        Entitlement(NAME, Kind.OWNERSHIP, "table drill_app/notes"),
        Entitlement(NAME, Kind.OWNERSHIP, "function drill_app/bonus"),
        Entitlement(NAME, Kind.OWNERSHIP, "schema drill_hr/scratch"),
        Entitlement(NAME, Kind.OWNERSHIP, "default acl drill_hr/public"),
        Entitlement(NAME, Kind.CREDENTIAL, "batch"),
        Entitlement(NAME, Kind.SESSION, "laptop"),
        Entitlement(NAME, Kind.SESSION, "console", right="createrole"),
    )

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.upstream = ("127.0.0.1", cluster.port)
        self.secrets = (cluster.password, cluster.reader_password)

    def build(self, host: str, port: int, tools: Tools, timeout_s: float, *, wrong: bool = False) -> System:
        given = {
            "type": "postgresql",
            "url": f"postgresql://{host}:{port}/drill_app",
            "owner": "dba",
            "sslmode": "disable",
            "reader": login("drill_reader", "wrong" if wrong else self.cluster.reader_password),
            "writer": login("postgres", self.cluster.password),
        }
        config = PostgresqlConfig.model_validate(given)
        return build(NAME, config, tools, timeout_s=timeout_s, attempts=2 if timeout_s > 1 else 1)

    def troubles(self) -> Mapping[str, Trouble]:
        return {
            "reader-without-rights": lambda: self._while(
                "REVOKE pg_read_all_stats FROM drill_reader", "GRANT pg_read_all_stats TO drill_reader"
            ),
            "reader-may-not-connect": lambda: self._while(
                "REVOKE CONNECT ON DATABASE drill_hr FROM drill_reader",
                "GRANT CONNECT ON DATABASE drill_hr TO drill_reader",
            ),
            "catalog-closed": lambda: self._while(
                "REVOKE SELECT ON pg_shdepend FROM PUBLIC", "GRANT SELECT ON pg_shdepend TO PUBLIC"
            ),
            "roles-closed": lambda: self._while(
                "REVOKE SELECT ON pg_roles FROM PUBLIC", "GRANT SELECT ON pg_roles TO PUBLIC"
            ),
            "reader-locked": lambda: self._while("ALTER ROLE drill_reader NOLOGIN", "ALTER ROLE drill_reader LOGIN"),
        }

    @contextmanager
    def _while(self, begin: str, end: str) -> Iterator[None]:
        psql(self.cluster, begin, "drill_app")
        try:
            yield
        finally:
            psql(self.cluster, end, "drill_app")


def login(username: str, password: str) -> dict[str, Any]:
    return {"auth": {"basic": {"username": username, "password": Ref(password, "${env:PASSWORD}")}}}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder: Path = tmp_path_factory.mktemp("postgresql")
    try:
        with running(folder) as made:
            yield made
    except NotInstalled as why:
        cannot(str(why))


class TestPostgresql(SpokenContract):
    @pytest.fixture
    def world(self, cluster: Cluster) -> SpokenWorld:
        _clear(cluster)
        return Postgres(cluster)


def _clear(cluster: Cluster) -> None:
    """Some tests leave their people behind, and the next one makes people of the same names."""
    psql(cluster, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename LIKE '%zz-%'")
    for database in ("drill_app", "drill_hr"):
        psql(cluster, _OBJECTS, database)
        psql(cluster, _EACH.format(what="DROP OWNED BY %I CASCADE"), database)
    psql(cluster, _EACH.format(what="DROP ROLE %I"))


_OBJECTS = """
DO $$ DECLARE what text; BEGIN
    FOR what IN
        SELECT 'TABLE ' || oid::regclass FROM pg_class WHERE relkind = 'r' AND relname LIKE 'zz-%: %'
        UNION ALL SELECT 'FUNCTION ' || oid::regprocedure FROM pg_proc WHERE proname LIKE 'zz-%: %'
        UNION ALL SELECT 'SCHEMA ' || oid::regnamespace FROM pg_namespace WHERE nspname LIKE 'zz-%: %'
    LOOP EXECUTE 'DROP ' || what; END LOOP;
END $$
"""
_EACH = """
DO $$ DECLARE who name; BEGIN
    FOR who IN SELECT rolname FROM pg_roles WHERE rolname LIKE '%zz-%' LOOP
        EXECUTE format('{what}', who);
    END LOOP;
END $$
"""
