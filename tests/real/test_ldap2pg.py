# ruff: noqa: E501  each fact is one line of a table
"""ldap2pg between a directory and a database: a clean leaver, and four who were seen to keep or to take something."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import fixtures.fleet.ldap2pg as module
from fixtures.fleet.ldap2pg import NotInstalled, Pair, running
from fixtures.fleet.postgresql import psql
from harness.model import Kind, Outcome, Subject, Vantage
from tests.real.conftest import cannot
from tests.real.drills import Drilled, drill, finding, measured, secrets_in
from tests.real.facts import Clean, Fact, holds, passes

pytestmark = pytest.mark.real

HOME = Path(module.__file__).parent
FLEET = HOME / "fleet.yaml"
ONE = "ldap2pg_database"
LEAVER = Vantage.LEAVER
PASSED_ON = "it belongs to postgres, a superuser now, and runs with that owner's rights"

FACTS = [
    Fact("ldap2pg/dangling-member-keeps-login", "The user's entry is deleted while the group still names it: the role keeps LOGIN for ever.", "entry-deleted", ONE, Kind.ACCOUNT, "account"),
    Fact("ldap2pg/dangling-member-keeps-groups", "The role of a deleted entry stays in its groups.", "entry-deleted", ONE, Kind.GROUP, "app_analysts"),
    Fact("ldap2pg/dangling-member-keeps-grants", "The role of a deleted entry keeps its grants.", "entry-deleted", ONE, Kind.SHARE, "table drill_app/public.invoices#SELECT"),
    Fact("ldap2pg/dangling-member-keeps-ownership", "The role of a deleted entry keeps what it owns, in every database.", "entry-deleted", ONE, Kind.OWNERSHIP, "table drill_hr/notes"),
    Fact("ldap2pg/dangling-member-keeps-sessions", "An open session of a deleted entry goes on working.", "entry-deleted", ONE, Kind.SESSION, "laptop", vantage=LEAVER, reason="works"),
    Fact("ldap2pg/dangling-member-cannot-bind", "A new login is refused only because the directory knows the password no more.", "entry-deleted", ONE, Kind.ACCOUNT, "account", Outcome.REVOKED, LEAVER, reason="28000"),
    Fact("ldap2pg/sessions-are-ended", "When the membership goes, ldap2pg ends the leaver's sessions.", "out-of-the-group", ONE, Kind.SESSION, "laptop", Outcome.REVOKED, LEAVER, reason="57P01"),
    Fact("ldap2pg/owned-goes-to-the-superuser", "A SECURITY DEFINER function of the leaver becomes the superuser's, and runs with those rights.", "out-of-the-group", ONE, Kind.OWNERSHIP, "function drill_app/bonus", Outcome.REVOKED, reason=PASSED_ON),
    Fact("ldap2pg/the-leavers-grants-are-lost", "A right that the leaver gave to a colleague who stays is lost.", "what-the-leaver-gave", ONE, Kind.SHARE, "table drill_app/public.prices#SELECT", Outcome.COLLATERAL, subject=Subject.BYSTANDER),
    Fact("ldap2pg/unmanaged-database-stops-it", "An object in a database that ldap2pg does not manage: it stops in mid-run with 1, and the role stays.", "owner-elsewhere", ONE, Kind.ACCOUNT, "account", vantage=LEAVER, reason="works"),
    Fact("ldap2pg/unmanaged-object-stays", "The object in the unmanaged database stays the leaver's.", "owner-elsewhere", ONE, Kind.OWNERSHIP, "table drill_hr/notes"),
    Fact("ldap2pg/a-failed-run-lends-the-role", "The run that stopped has made the superuser's role a member of the leaver's, and leaves it so.", "owner-elsewhere", ONE, Kind.DELEGATION, "postgres", reason="appeared after leaving"),
    Fact("ldap2pg/the-next-run-dies", "The next run dies too: whoever leaves then keeps LOGIN.", "in-the-next-run", ONE, Kind.ACCOUNT, "account", vantage=LEAVER, reason="works"),
    Fact("ldap2pg/the-next-leaver-keeps-sessions", "Whoever leaves in the run that dies keeps the open session too.", "in-the-next-run", ONE, Kind.SESSION, "laptop", vantage=LEAVER, reason="works"),
]  # fmt: skip
CLEAN = [
    Clean("ldap2pg/out-of-the-group", "The membership goes: sessions ended, REASSIGN and DROP OWNED in every managed database, DROP ROLE.", "out-of-the-group"),
]  # fmt: skip
BROKEN = ("owner-elsewhere", "in-the-next-run")  # they stop ldap2pg for everybody: on a pair of servers of their own


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    try:
        with running(tmp_path_factory.mktemp("pair")) as made:
            yield made
    except NotInstalled as why:
        cannot(str(why))


@pytest.fixture(scope="module")
def drilled(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Drilled:
    """The stories that leave ldap2pg itself in order."""
    stories = sorted((HOME / "scenarios").glob("*.yaml"))
    return drill(FLEET, stories, pair.env, tmp_path_factory.mktemp("ldap2pg"))


@pytest.fixture(scope="module")
def broken(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Drilled:
    """Two nights of a job that is not told of a database in which somebody owns a table."""
    stories = sorted((HOME / "broken").glob("*.yaml"))
    with running(tmp_path_factory.mktemp("broken-pair"), ("postgres", "drill_app")) as other:
        return drill(FLEET, stories, other.env, tmp_path_factory.mktemp("broken"))


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.id)
def test_fact(drilled: Drilled, broken: Drilled, fact: Fact) -> None:
    where = broken if fact.case in BROKEN else drilled
    holds(fact, where)
    if fact.outcome is Outcome.REVOKED:
        measured(finding(where.case(fact.case), fact.system, fact.kind, fact.name, fact.vantage))


@pytest.mark.parametrize("clean", CLEAN, ids=lambda clean: clean.id)
def test_clean(drilled: Drilled, clean: Clean) -> None:
    passes(clean, drilled)


def test_every_story_has_its_fact() -> None:
    stories = {path.stem for folder in ("scenarios", "broken") for path in (HOME / folder).glob("*.yaml")}
    assert stories == {fact.case for fact in FACTS} | {clean.case for clean in CLEAN}


def test_no_finding_is_left_open(drilled: Drilled, broken: Drilled) -> None:
    for result in (*drilled.run.cases, *broken.run.cases):
        unsure = [(f.kind, f.name, f.vantage, f.reason) for f in result.findings if f.outcome is Outcome.INCONCLUSIVE]
        assert not unsure, (result.case.id, unsure)


def test_what_the_job_said(drilled: Drilled, broken: Drilled) -> None:
    """It claims success where the role keeps LOGIN for ever, and tells what it could not do only as an exit code."""
    assert {result.claimed for result in drilled.run.cases} == {"success"}
    first, second = (broken.case(case) for case in BROKEN)
    assert (first.claimed, second.claimed) == ("error", "error")
    assert "exit code 1: " in (first.claim_detail or "")
    assert "1 object in database drill_hr" in (first.claim_detail or "")
    assert "exit code 70: " in (second.claim_detail or "")  # it did not even begin


def test_only_the_colleague_who_had_it_from_the_leaver_lost_it(drilled: Drilled, broken: Drilled) -> None:
    lost = [f for f in drilled.run.bystanders if f.outcome is not Outcome.INTACT]
    assert [(f.kind, f.name, f.outcome) for f in lost] == [
        (Kind.SHARE, "table drill_app/public.prices#SELECT", Outcome.COLLATERAL)
    ]
    assert {f.outcome for f in broken.run.bystanders} == {Outcome.INTACT}


def test_after_cleanup_the_job_makes_nobody_again(drilled: Drilled, pair: Pair) -> None:
    """Deleting an entry leaves its name in the group, from which the next run of the job makes the role again: whoever
    can still be signed in as leaves once more, through the source."""
    assert drilled.run.cleanup.complete
    assert drilled.case("entry-deleted").identity is not None
    feed(pair, "sync", "nobody")
    assert roles(pair) == []
    for database, tables in (("drill_app", "invoices prices"), ("drill_hr", "Salaries")):
        made = "SELECT relname FROM pg_class WHERE relkind = 'r' AND oid >= 16384 ORDER BY 1"
        assert psql(pair.cluster, made, database).stdout.split() == tables.split()


def feed(pair: Pair, event: str, uid: str) -> None:
    login = {"PGHOST": "127.0.0.1", "PGPORT": str(pair.cluster.port), "PGUSER": "postgres"}
    env = {**os.environ, **pair.env, **login, "PGPASSWORD": pair.cluster.password}
    command = [pair.env["LDAP2PG_PYTHON"], pair.env["LDAP2PG_FEED"], event, uid]
    subprocess.run(command, env=env, check=True, capture_output=True, timeout=60)


def roles(pair: Pair) -> list[str]:
    found = psql(pair.cluster, "SELECT rolname FROM pg_roles WHERE rolname LIKE '%zz-%' ORDER BY 1").stdout
    return found.split()


def test_no_secret_is_in_the_run_folder(drilled: Drilled, pair: Pair) -> None:
    people = [result.identity for result in drilled.run.cases]
    passwords = [who.password.reveal() for who in people if who is not None]
    assert len(passwords) == len(drilled.run.cases)
    assert secrets_in(drilled.folder, [pair.password, pair.cluster.password, *passwords]) == []
    assert secrets_in(drilled.folder, ["app_analysts"])  # the search does find
