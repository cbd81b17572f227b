# ruff: noqa: E501  each fact is one line of a table
"""PostgreSQL: what each script of a DBA's runbook leaves behind, from NOLOGIN to all of it, and who leaves nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import fixtures.fleet.postgresql as module
from fixtures.fleet.postgresql import Cluster, NotInstalled, psql, running
from harness.model import Kind, Outcome, Phase, Presence, Subject, Vantage, Verdict
from tests.real.conftest import cannot
from tests.real.drills import Drilled, drill, finding, measured, secrets_in
from tests.real.facts import Clean, Fact, holds, passes

pytestmark = pytest.mark.real

HOME = Path(module.__file__).parent
FLEET = HOME / "fleet.yaml"
SCENARIOS = HOME / "scenarios"
ONE, ADMIN = "postgresql", "postgresql_admin"
INVOICES = "table drill_app/public.invoices#SELECT"
SALARIES = 'table drill_hr/private."Salaries"#UPDATE'
LEAVER = Vantage.LEAVER

FACTS = [
    Fact("postgresql/nologin-ends-the-login", "After NOLOGIN no new login is let in.", "nologin", ONE, Kind.ACCOUNT, "account", Outcome.REVOKED, LEAVER, reason="28000"),
    Fact("postgresql/nologin-leaves-memberships", "NOLOGIN leaves the role in its groups.", "nologin", ONE, Kind.GROUP, "drill_analysts"),
    Fact("postgresql/nologin-leaves-nested-memberships", "NOLOGIN leaves the role in the groups of its groups.", "nologin", ONE, Kind.GROUP, "drill_staff", reason="through drill_analysts"),
    Fact("postgresql/nologin-leaves-attributes", "NOLOGIN leaves CREATEROLE.", "nologin", ONE, Kind.ROLE, "createrole"),
    Fact("postgresql/nologin-leaves-members", "NOLOGIN leaves others in the leaver's role: they can still act as the leaver.", "nologin", ONE, Kind.DELEGATION, "drill_partner"),
    Fact("postgresql/nologin-leaves-grants", "NOLOGIN leaves grants on tables.", "nologin", ONE, Kind.SHARE, INVOICES),
    Fact("postgresql/nologin-leaves-grants-elsewhere", "NOLOGIN leaves grants in every other database.", "nologin", ONE, Kind.SHARE, SALARIES),
    Fact("postgresql/nologin-leaves-database-grants", "NOLOGIN leaves CONNECT on databases.", "nologin", ONE, Kind.SHARE, "database drill_hr#CONNECT"),
    Fact("postgresql/nologin-leaves-default-privileges", "NOLOGIN leaves default privileges: the leaver is granted each new table.", "nologin", ONE, Kind.SHARE, "default acl drill_hr/private#SELECT"),
    Fact("postgresql/nologin-leaves-parameters", "NOLOGIN leaves rights on the server's parameters.", "nologin", ONE, Kind.SHARE, "parameter ACL log_statement#SET"),
    Fact("postgresql/nologin-leaves-policies", "NOLOGIN leaves the leaver in row security policies.", "nologin", ONE, Kind.SHARE, "policy drill_app/public.prices#POLICY"),
    Fact("postgresql/nologin-leaves-ownership", "NOLOGIN leaves what the leaver owns, in every database.", "nologin", ONE, Kind.OWNERSHIP, "table drill_hr/notes"),
    Fact("postgresql/nologin-leaves-definers", "A SECURITY DEFINER function goes on running with the leaver's rights.", "nologin", ONE, Kind.OWNERSHIP, "function drill_app/bonus", reason="runs with its owner's rights"),
    Fact("postgresql/nologin-leaves-sessions", "An open session goes on after NOLOGIN.", "nologin", ONE, Kind.SESSION, "laptop", vantage=LEAVER, reason="works"),
    Fact("postgresql/session-re-enables-itself", "A live session with CREATEROLE gives its own role the login back.", "nologin", ONE, Kind.SESSION, "console#createrole", vantage=LEAVER, reason="works"),
    Fact("postgresql/nologin-leaves-made-roles", "A login that the leaver made for themselves goes on working after NOLOGIN.", "nologin", ONE, Kind.CREDENTIAL, "batch", vantage=LEAVER, reason="works"),
    Fact("postgresql/expiry-is-for-passwords", "VALID UNTIL ends the password, not the account: other ways to sign in and sessions remain.", "expired", ONE, Kind.ACCOUNT, "account", reason="ends passwords only"),
    Fact("postgresql/expired-password-is-refused", "An expired password is refused like a wrong one.", "expired", ONE, Kind.ACCOUNT, "account", Outcome.REVOKED, LEAVER, reason="28P01"),
    Fact("postgresql/drop-role-fails", "DROP ROLE fails while anything depends on the role; all of it stays.", "drop-fails", ONE, Kind.ACCOUNT, "account", vantage=LEAVER, reason="works"),
    Fact("postgresql/drop-owned-is-per-database", "DROP OWNED clears one database; grants in others stay.", "dropped-here", ONE, Kind.SHARE, SALARIES),
    Fact("postgresql/reassign-is-per-database", "REASSIGN OWNED works in one database; what is owned in others stays.", "dropped-here", ONE, Kind.OWNERSHIP, "table drill_hr/notes"),
    Fact("postgresql/drop-owned-clears-here", "In the database where it ran, DROP OWNED takes the grants.", "dropped-here", ONE, Kind.SHARE, INVOICES, Outcome.REVOKED),
    Fact("postgresql/drop-owned-keeps-memberships", "DROP OWNED takes no membership.", "dropped-here", ONE, Kind.GROUP, "drill_analysts"),
    Fact("postgresql/definer-becomes-the-superusers", "REASSIGN OWNED TO postgres makes a SECURITY DEFINER function run as the superuser.", "dropped-here", ONE, Kind.OWNERSHIP, "function drill_app/bonus", Outcome.REVOKED, reason="it belongs to postgres, a superuser now, and runs with that owner's rights"),
    Fact("postgresql/session-outlives-the-role", "After DROP ROLE the open session stays connected, with usename NULL.", "session-survives", ONE, Kind.SESSION, "laptop", reason="the role was dropped, and its session goes on"),
    Fact("postgresql/session-of-nobody-works", "The session of a dropped role still answers.", "session-survives", ONE, Kind.SESSION, "laptop", vantage=LEAVER, reason="works"),
    Fact("postgresql/dropped-role-cannot-come-back", "The session of a dropped role can give nobody a login.", "session-survives", ONE, Kind.SESSION, "console#createrole", Outcome.REVOKED, LEAVER, reason="22004"),
    Fact("postgresql/made-roles-outlive-the-maker", "Roles that the leaver made remain when the leaver's own is dropped.", "session-survives", ONE, Kind.CREDENTIAL, "batch", vantage=LEAVER, reason="works"),
    Fact("postgresql/rename-hides-from-names", "DROP ROLE IF EXISTS by an old name succeeds and does nothing; the role is the same by oid.", "renamed", ONE, Kind.ACCOUNT, "account"),
    Fact("postgresql/rename-keeps-the-password", "A renamed role signs in under its new name with its old (SCRAM) password.", "renamed", ONE, Kind.ACCOUNT, "account", vantage=LEAVER, reason="works"),
    Fact("postgresql/reinstated-has-it-all", "LOGIN given back to the old role brings back every grant of the earlier life.", "reinstated", ONE, Kind.SHARE, INVOICES),
    Fact("postgresql/second-account-stays", "A second account of the same person is nobody's to offboard.", "second-account", ADMIN, Kind.ACCOUNT, "account", vantage=LEAVER, reason="works"),
    Fact("postgresql/second-account-keeps-groups", "The second account stays in its groups.", "second-account", ADMIN, Kind.GROUP, "drill_staff"),
]  # fmt: skip
CLEAN = [
    Clean("postgresql/offboarded", "NOLOGIN, sessions ended, REASSIGN and DROP OWNED in every database, DROP ROLE; the last member of a group among them.", "offboarded"),
    Clean("postgresql/rehired", "A new role of the same name has a new oid, and nothing of the old one.", "rehired"),
]  # fmt: skip


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    try:
        with running(tmp_path_factory.mktemp("cluster")) as cluster:
            yield cluster
    except NotInstalled as why:
        cannot(str(why))


@pytest.fixture(scope="module")
def drilled(postgresql: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Drilled:
    """Every story in one drill."""
    cases = sorted({fact.case for fact in FACTS} | {clean.case for clean in CLEAN})
    stories = [SCENARIOS / f"{case}.yaml" for case in cases]
    assert {path.stem for path in SCENARIOS.glob("*.yaml")} == set(cases), "a story without a fact"
    return drill(FLEET, stories, postgresql.env, tmp_path_factory.mktemp("postgresql"))


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.id)
def test_fact(drilled: Drilled, fact: Fact) -> None:
    holds(fact, drilled)
    if fact.outcome is Outcome.REVOKED:
        measured(finding(drilled.case(fact.case), fact.system, fact.kind, fact.name, fact.vantage))


@pytest.mark.parametrize("clean", CLEAN, ids=lambda clean: clean.id)
def test_clean(drilled: Drilled, clean: Clean) -> None:
    passes(clean, drilled)


def test_no_finding_is_left_open(drilled: Drilled) -> None:
    """On a healthy server every look concludes: nothing is inconclusive, and nothing is claimed that was not seen."""
    for result in drilled.run.cases:
        unsure = [(f.kind, f.name, f.vantage, f.reason) for f in result.findings if f.outcome is Outcome.INCONCLUSIVE]
        assert not unsure, (result.case.id, unsure)
        assert result.verdict is not Verdict.INCONCLUSIVE, result.reason


def test_what_the_connector_claims_is_not_what_was_measured(drilled: Drilled) -> None:
    assert drilled.case("drop-fails").claimed == "error"
    assert "objects in database drill_hr" in (drilled.case("drop-fails").claim_detail or "")
    assert drilled.case("renamed").claimed == "success"  # IF EXISTS: the name was nobody's


def test_a_session_is_gone_because_the_server_says_so(drilled: Drilled) -> None:
    gone = finding(drilled.case("offboarded"), ONE, Kind.SESSION, "laptop", LEAVER)
    assert gone.outcome is Outcome.REVOKED
    assert "57P01" in gone.reason
    looks = [o for o in gone.observations if o.presence is Presence.ABSENT]
    assert {o.phase for o in looks} & {Phase.WATCH}
    assert all(o.control.startswith("bystander-") for o in looks)


def test_bystanders_are_intact_and_the_server_is_as_it_was(drilled: Drilled, postgresql: Cluster) -> None:
    assert drilled.run.bystanders
    assert {(f.subject, f.outcome) for f in drilled.run.bystanders} == {(Subject.BYSTANDER, Outcome.INTACT)}
    assert drilled.run.cleanup.complete
    assert rows(postgresql, "SELECT rolname FROM pg_roles WHERE oid >= 16384") == [
        "drill_analysts",
        "drill_partner",
        "drill_reader",
        "drill_staff",
    ]
    assert rows(postgresql, "SELECT DISTINCT usename FROM pg_stat_activity WHERE usesysid IS NOT NULL") == ["postgres"]
    for database, tables in (("drill_app", ["invoices", "prices"]), ("drill_hr", ["Salaries"])):
        made = "SELECT relname FROM pg_class WHERE relkind = 'r' AND oid >= 16384"
        assert rows(postgresql, made, database) == tables
        assert rows(postgresql, "SELECT 'x' FROM pg_default_acl UNION ALL SELECT 'x' FROM pg_policy", database) == []


def rows(cluster: Cluster, query: str, database: str = "postgres") -> list[str]:
    return sorted(psql(cluster, query, database).stdout.split())


def test_no_secret_is_in_the_run_folder(drilled: Drilled, postgresql: Cluster) -> None:
    people = [result.identity for result in drilled.run.cases]
    passwords = [who.password.reveal() for who in people if who is not None]
    assert len(passwords) == len(drilled.run.cases)
    assert secrets_in(drilled.folder, [postgresql.password, postgresql.reader_password, *passwords]) == []
    assert secrets_in(drilled.folder, ["SCRAM-SHA-256$"]) == []  # nor what the server keeps of one
    assert secrets_in(drilled.folder, ["drill_analysts"])  # the search does find
