"""PostgreSQL, look by look: the least reader against the superuser, names that mislead, and what is spared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from fixtures.fleet.postgresql import Cluster, NotInstalled, psql, running
from harness.model import Kind, ListState, Presence
from harness.ports import WriteFailed
from harness.testing.scene import listing, timeless
from harness.testing.tcp import TcpRelay
from tests.contract.test_postgresql import Postgres
from tests.real.conftest import cannot
from tests.real.postgresql_desk import system, working

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    try:
        with running(tmp_path_factory.mktemp("cluster")) as made:
            yield made
    except NotInstalled as why:
        cannot(str(why))


# --- the reader ---------------------------------------------------------------------------------


def test_the_reader_with_least_rights_sees_all_that_the_superuser_sees(cluster: Cluster) -> None:
    with working(cluster, "zz-everything") as desk:
        for wanted in Postgres.entitlements:
            desk.give(wanted.kind, wanted.name, wanted.right)
        desk.sql(f"GRANT SELECT (amount) ON public.invoices TO {desk.role}")
        desk.sql(f"SELECT lo_create(4711); GRANT SELECT ON LARGE OBJECT 4711 TO {desk.role}")
        admin = system(cluster, "postgres")
        try:
            everything = admin.round().look(desk.somebody)
        finally:
            admin.close()
        assert timeless(desk.look()) == timeless(everything)
        kinds = {found.kind: len(found.rows) for found in everything.listings}
        assert set(kinds) == set(desk.system.declaration().kinds)
        assert all(kinds.values()), kinds
        shares = desk.rows(Kind.SHARE)
        assert "table column drill_app/public.invoices.amount#SELECT" in shares
        assert "large object drill_app/4711#SELECT" in shares
        desk.sql("SELECT lo_unlink(4711)")


def test_check_tells_which_right_the_reader_lacks(cluster: Cluster) -> None:
    made = system(cluster)
    try:
        assert made.check() == []
        psql(cluster, "REVOKE pg_read_all_stats FROM drill_reader")
        psql(cluster, "REVOKE CONNECT ON DATABASE drill_hr FROM drill_reader")
        told = "; ".join(made.check())
        assert "may not connect to drill_hr" in told
        assert "pg_read_all_stats" in told
    finally:
        psql(cluster, "GRANT pg_read_all_stats TO drill_reader")
        psql(cluster, "GRANT CONNECT ON DATABASE drill_hr TO drill_reader")
        made.close()


def test_a_look_keeps_no_database_busy(cluster: Cluster) -> None:
    """Who drops or copies a database does not have to wait for the reader."""
    with working(cluster, "zz-quiet") as desk:
        desk.give(Kind.SHARE, 'table drill_hr/private."Salaries"', "SELECT")
        assert desk.rows(Kind.SHARE)
        busy = "SELECT datname FROM pg_stat_activity WHERE usename = 'drill_reader' ORDER BY 1"
        assert set(desk.sql(busy).split()) == {"drill_app"}


def test_a_database_that_lets_nobody_in_is_unknown_only_to_whom_it_matters(cluster: Cluster) -> None:
    with working(cluster, "zz-shut") as desk:
        desk.sql("CREATE DATABASE drill_shut")
        desk.sql(f"CREATE TABLE public.left (id int); ALTER TABLE public.left OWNER TO {desk.role}", "drill_shut")
        desk.sql("ALTER DATABASE drill_shut ALLOW_CONNECTIONS false")
        try:
            found = listing(desk.look(), Kind.OWNERSHIP)
            assert found is not None
            assert found.state is ListState.UNKNOWN
            assert "drill_shut" in found.reason
            with working(cluster, "zz-elsewhere") as other:
                assert other.rows(Kind.OWNERSHIP) == {}
        finally:
            desk.sql("ALTER DATABASE drill_shut ALLOW_CONNECTIONS true")
            desk.sql("DROP DATABASE drill_shut")


# --- names that mislead -------------------------------------------------------------------------


def test_a_name_that_differs_in_case_is_somebody_else(cluster: Cluster) -> None:
    with working(cluster, "zz-O'Neil") as desk:
        desk.sql("""CREATE ROLE "zz-o'neil" LOGIN; CREATE ROLE "ZZ-O'NEIL" LOGIN""")
        try:
            found = desk.system.round().find(desk.somebody)
            assert [account.id for account in found.accounts] == [desk.somebody.account.id]  # type: ignore[union-attr]
            desk.system.remove(desk.somebody)
            assert desk.look().account.presence is Presence.ABSENT
            spared = desk.sql("SELECT rolname FROM pg_roles WHERE rolname ILIKE 'zz-o%' ORDER BY 1")
            assert spared.splitlines() == ["ZZ-O'NEIL", "zz-o'neil"]
        finally:
            desk.sql("""DROP ROLE "zz-o'neil"; DROP ROLE "ZZ-O'NEIL" """)


@pytest.mark.parametrize(
    "name", ['zz "quoted"', "zz; DROP TABLE public.invoices; --", "zz-Łukasz %s %(x)s", "zz $$ ' \\"]
)
def test_a_name_is_a_name_whatever_it_holds(cluster: Cluster, name: str) -> None:
    with working(cluster, name) as desk:
        desk.give(Kind.GROUP, "drill_analysts")
        desk.give(Kind.SHARE, "policy drill_app/public.prices", "POLICY")
        desk.give(Kind.OWNERSHIP, "function drill_app/bonus")
        desk.give(Kind.SESSION, name)
        assert desk.look().account.presence is Presence.PRESENT
        told = name.replace("Ł", "??")  # PostgreSQL 15 keeps an application's name in ASCII
        assert set(desk.rows(Kind.SESSION)) == {told}
        assert len(desk.rows(Kind.SHARE)) == len(desk.rows(Kind.OWNERSHIP)) == 1
        assert desk.system.login(desk.somebody).presence is Presence.PRESENT
    assert psql(cluster, "SELECT count(*) FROM public.invoices", "drill_app").stdout.strip() == "0"


@pytest.mark.parametrize(
    ("kind", "name", "right"),
    [
        (Kind.SHARE, "table drill_app/public.invoices; DROP TABLE public.prices", "SELECT"),
        (Kind.SHARE, "table drill_app/public.invoices", "SELECT ON public.prices TO PUBLIC; --"),
        (Kind.SHARE, "parameter ACL log_statement TO PUBLIC; --", "SET"),
        (Kind.SHARE, "table drill_nowhere/public.invoices", "SELECT"),
        (Kind.SHARE, "invoices", "SELECT"),
        (Kind.OWNERSHIP, "index drill_app/x", None),
        (Kind.ROLE, "superuser; --", None),
        (Kind.GROUP, "zz-no-such-role", None),
        (Kind.SESSION, "laptop", "superuser"),
        (Kind.LICENSE, "seat", None),
    ],
)
def test_what_is_no_access_here_is_refused_and_changes_nothing(
    cluster: Cluster, kind: Kind, name: str, right: str | None
) -> None:
    with working(cluster, "zz-refused") as desk:
        before = timeless(desk.look())
        with pytest.raises(WriteFailed):
            desk.give(kind, name, right)
        assert timeless(desk.look()) == before
        assert desk.sql("SELECT count(*) FROM pg_class WHERE relname IN ('invoices', 'prices')") == "2"


def test_an_oid_that_is_somebody_elses_now_is_neither_gone_nor_touched(cluster: Cluster) -> None:
    with working(cluster, "zz-first") as desk:
        desk.sql('COMMENT ON ROLE "zz-first" IS NULL; ALTER ROLE "zz-first" RENAME TO "zz-stranger"')
        sight = desk.look().account
        assert (sight.presence, sight.mistaken) == (Presence.UNKNOWN, True)
        with pytest.raises(WriteFailed, match="belongs to role"):
            desk.system.remove(desk.somebody)
        desk.sql('ALTER ROLE "zz-stranger" RENAME TO "zz-first"')


def test_a_role_that_was_renamed_without_a_word_is_known_by_its_comment(cluster: Cluster) -> None:
    with working(cluster, "zz-maiden", search=True) as desk:
        desk.sql('ALTER ROLE "zz-maiden" RENAME TO "zz-married"')
        assert desk.look().account.presence is Presence.PRESENT
        mark = desk.sql("SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = 'zz-married'")
        desk.sql(f"""CREATE ROLE "zz-second" LOGIN; COMMENT ON ROLE "zz-second" IS 'admin of {mark}0 and {mark} too'""")
        desk.sql(f"""CREATE ROLE "zz-other" LOGIN; COMMENT ON ROLE "zz-other" IS '{mark}0'""")
        try:
            second = desk.sql("SELECT oid FROM pg_roles WHERE rolname = 'zz-second'")
            assert desk.look().strangers == (second,)
        finally:
            desk.sql('DROP ROLE "zz-second"; DROP ROLE "zz-other"')


# --- what an account can still do ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "presence", "reason"),
    [
        ("NOLOGIN", Presence.ABSENT, "NOLOGIN"),
        ("CONNECTION LIMIT 0", Presence.ABSENT, "CONNECTION LIMIT 0"),
        ("CONNECTION LIMIT 0 SUPERUSER", Presence.PRESENT, ""),  # which superusers are exempt from
        ("VALID UNTIL '2001-01-01'", Presence.PRESENT, "VALID UNTIL"),
        ("VALID UNTIL 'infinity'", Presence.PRESENT, ""),
    ],
)
def test_what_makes_an_account_unusable(cluster: Cluster, change: str, presence: Presence, reason: str) -> None:
    with working(cluster, "zz-usable") as desk:
        desk.sql(f"ALTER ROLE {desk.role} {change}")
        sight = desk.look().account
        assert (sight.presence, sight.record) == (presence, True)
        assert sight.reason.startswith(reason)


def test_a_login_is_refused_only_by_codes_that_are_certain(cluster: Cluster) -> None:
    with working(cluster, "zz-login") as desk:
        assert desk.system.login(desk.somebody).presence is Presence.PRESENT
        for change, presence, code in (
            ("CONNECTION LIMIT 0", Presence.UNKNOWN, "53300"),
            ("CONNECTION LIMIT -1 NOLOGIN", Presence.ABSENT, "28000"),
            ("LOGIN PASSWORD NULL", Presence.ABSENT, "28P01"),
        ):
            desk.sql(f"ALTER ROLE {desk.role} {change}")
            used = desk.system.login(desk.somebody)
            assert used.presence is presence, (change, used.reason)
            assert code in used.reason


@pytest.mark.parametrize("fault", ["reset", "closed-in-an-answer", "silence", "garbage", "refused"])
def test_a_session_that_broke_without_a_word_was_not_ended(cluster: Cluster, fault: str) -> None:
    with TcpRelay(("127.0.0.1", cluster.port)) as relay, working(cluster, "zz-broken", port=relay.port) as desk:
        desk.give(Kind.SESSION, "laptop")
        desk.give(Kind.SESSION, "console", "createrole")
        for grant in desk.somebody.grants[:1]:
            assert desk.system.use(desk.somebody, grant, "").presence is Presence.PRESENT
        relay.plant(fault)
        for grant in desk.somebody.grants:
            used = desk.system.use(desk.somebody, grant, "")
            assert used.presence is Presence.UNKNOWN, used.reason
            assert used.reason
        relay.clear()


# --- what is spared -----------------------------------------------------------------------------


def test_what_a_leaver_was_given_to_own_is_never_destroyed(cluster: Cluster) -> None:
    with working(cluster, "zz-steward") as desk:
        desk.sql("CREATE TABLE public.register (id int)")
        desk.sql(f"ALTER TABLE public.register OWNER TO {desk.role}")
        assert "table drill_app/public.register" in desk.rows(Kind.OWNERSHIP)
        desk.system.remove(desk.somebody)
        assert desk.sql("SELECT tableowner FROM pg_tables WHERE tablename = 'register'") == "postgres"
        desk.sql("DROP TABLE public.register")


def test_whoever_only_gave_a_right_holds_none(cluster: Cluster) -> None:
    with working(cluster, "zz-giver") as desk:
        desk.sql(
            f"GRANT SELECT ON public.invoices TO {desk.role} WITH GRANT OPTION;"
            f" SET SESSION AUTHORIZATION {desk.role}; GRANT SELECT ON public.invoices TO drill_partner;"
        )
        assert desk.rows(Kind.SHARE) == {"table drill_app/public.invoices#SELECT": "with grant option"}
        names = _depends(desk.cluster, "drill_partner")
        assert names == ["invoices"]
    assert _depends(cluster, "drill_partner") == []  # it came from the leaver, and went with it


def _depends(cluster: Cluster, role: str) -> Sequence[str]:
    query = f"SELECT objid::regclass FROM pg_shdepend WHERE refobjid = '{role}'::regrole"
    return psql(cluster, query, "drill_app").stdout.split()
