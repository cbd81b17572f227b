"""Dovecot: what a line that is removed leaves behind, and what locking, rehiring and grepping for a name do."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import fixtures.fleet.dovecot as module
from fixtures.fleet.dovecot import Dovecot, NotInstalled, running
from harness.model import Kind, Outcome, Subject, Vantage, Verdict
from tests.real.conftest import cannot
from tests.real.drills import Drilled, drill, finding, measured, secrets_in
from tests.real.facts import Clean, Fact, holds, passes

pytestmark = pytest.mark.real

HOME = Path(module.__file__).parent
FLEET = HOME / "fleet.yaml"
SCENARIOS = HOME / "scenarios"
LEAVER = Vantage.LEAVER
BOSS = "drill-boss/INBOX"


def _fact(name: str, case: str, seen: str, kind: Kind, what: str | None, **more: Any) -> Fact:
    return Fact(f"dovecot/{name}", seen, case, "dovecot", kind, what, **more)


FACTS: list[Fact] = [
    _fact("acl-stays", "line-removed", "Rights on somebody else's mailbox stay when the line is removed.",
          Kind.DELEGATION, f"{BOSS}#read", note="use refused"),
    _fact("acl-administer-stays", "line-removed", "So does the right to let others in.",
          Kind.DELEGATION, f"{BOSS}#administer"),
    _fact("open-session-reads", "line-removed", "An open session goes on reading the boss's mail.",
          Kind.SESSION, f"{BOSS}#read", vantage=LEAVER, reason="still reads"),
    _fact("open-session-administers", "line-removed", "An open session can still let others into the boss's mailbox.",
          Kind.SESSION, f"{BOSS}#administer", vantage=LEAVER, reason="still administers"),
    _fact("own-mail-stays", "line-removed", "The mail stays on the disk of a server that knows the account no more.",
          Kind.MAILBOX, "INBOX"),
    _fact("own-script-stays", "line-removed", "So does the script that sends it outside.",
          Kind.FORWARDING, "to-robin", reason="its script stays"),
    _fact("colleagues-rule-stays", "line-removed", "A colleague's rule that sends mail on to the leaver stays.",
          Kind.FORWARDING, BOSS),
    _fact("colleagues-rule-fires", "line-removed", "That rule fires: mail to the boss goes to who is gone.",
          Kind.FORWARDING, BOSS, vantage=LEAVER, reason="was sent on to"),
    _fact("master-user-stays", "master-user", "Master users are lines of another file: the leaver's stays.",
          Kind.ROLE, "master"),
    _fact("master-user-opens", "master-user", "A leaver who is a master user still opens anybody's mailbox.",
          Kind.ROLE, "master", vantage=LEAVER, reason="works"),
    _fact("login-ends", "master-user", "Signing in, which works for the rest of the second, is refused after it.",
          Kind.ACCOUNT, None, vantage=LEAVER, outcome=Outcome.REVOKED, reason="AUTHENTICATIONFAILED"),
    _fact("locked-redirects", "locked", "A locked account's redirect goes on sending mail outside.",
          Kind.FORWARDING, "to-private"),
    _fact("locked-mail-leaves", "locked", "A message to a locked account really leaves the house.",
          Kind.FORWARDING, "to-private", vantage=LEAVER, reason="was sent on to robin@elsewhere.example"),
    _fact("locked-session", "locked", "A session that was open when the account was locked goes on reading.",
          Kind.SESSION, "own", vantage=LEAVER, reason="still reads"),
    _fact("locked-acl", "locked", "A locked account keeps its rights on others' mailboxes.",
          Kind.DELEGATION, f"{BOSS}#read", note="use refused"),
    _fact("locked-record", "locked", "A locked account cannot be signed in to, and its record remains.",
          Kind.ACCOUNT, None, outcome=Outcome.REVOKED, reason="record remains"),
    _fact("rehired-rights", "rehired-same-name", "A line of the same name, written again, opens the boss's mailbox.",
          Kind.DELEGATION, f"{BOSS}#read", vantage=LEAVER, outcome=Outcome.RESURRECTED),
    _fact("rehired-acl", "rehired-same-name", "The rights of the earlier life were never taken back.",
          Kind.DELEGATION, f"{BOSS}#read"),
    _fact("rehired-mail", "rehired-same-name", "The rehired sees all of the earlier life's mail.",
          Kind.MAILBOX, "INBOX"),
    _fact("rehired-script", "rehired-same-name", "The earlier life's redirect runs again.",
          Kind.FORWARDING, "to-robin"),
    _fact("rehired-mail-leaves", "rehired-same-name", "And mail to the rehired leaves the house again.",
          Kind.FORWARDING, "to-robin", vantage=LEAVER, outcome=Outcome.RESURRECTED),
    _fact("last-delegate", "last-delegate", "A shared mailbox goes on naming its last delegate, who is gone.",
          Kind.DELEGATION, "press#read"),
]  # fmt: skip
CLEAN: list[Clean] = [
    Clean(
        "dovecot/everything",
        "The line, the master user, rights, rules, mail, and at last every session: nothing remains.",
        "everything",
    )
]


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(running())
        except NotInstalled as why:
            cannot(str(why))
        yield server


@pytest.fixture(scope="module")
def drilled(dovecot: Dovecot, tmp_path_factory: pytest.TempPathFactory) -> Drilled:
    """Every story at once."""
    stories = sorted({*(fact.case for fact in FACTS), *(clean.case for clean in CLEAN)})
    return drill(FLEET, [SCENARIOS / f"{name}.yaml" for name in stories], dovecot.env, tmp_path_factory.mktemp("run"))


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.id)
def test_fact(fact: Fact, drilled: Drilled) -> None:
    holds(fact, drilled)


@pytest.mark.parametrize("clean", CLEAN, ids=lambda clean: clean.id)
def test_clean(clean: Clean, drilled: Drilled) -> None:
    passes(clean, drilled)


def test_every_absence_was_measured(drilled: Drilled) -> None:
    found = [f for case in drilled.run.cases for f in case.findings if f.outcome is Outcome.REVOKED]
    assert len(found) > 15
    for each in found:
        measured(each)


def test_a_session_that_was_ended_is_told_by_the_servers_goodbye(drilled: Drilled) -> None:
    ended = finding(drilled.case("everything"), "dovecot", Kind.SESSION, "own", LEAVER)
    assert "BYE" in ended.reason


def test_bystanders_are_intact_and_the_server_is_as_it_was(drilled: Drilled, dovecot: Dovecot) -> None:
    assert {(f.subject, f.outcome) for f in drilled.run.bystanders} == {(Subject.BYSTANDER, Outcome.INTACT)}
    assert drilled.run.cleanup.complete
    state = told(dovecot)
    assert {each["name"] for each in state["accounts"]} == {"drill-boss", "drill-team", "drill-reader", "drill-admin"}
    assert {each["holder"] for each in state["roles"]} == {"drill-reader", "drill-admin"}
    kept = {each["name"]: each for each in state["store"]}
    assert not [name for name in kept if name.startswith("zz-")]
    for owner in ("drill-boss", "drill-team"):
        assert kept[owner] == {"name": owner, "mailboxes": ["INBOX"], "scripts": []}
    boss = dovecot.home / "mail" / "drill-boss" / "Maildir"
    assert len([*boss.glob("cur/*"), *boss.glob("new/*")]) == 1  # no message of ours
    for file in dovecot.home.joinpath("mail").rglob("dovecot-acl"):
        assert "zz-" not in file.read_text()


def told(server: Dovecot) -> dict[str, Any]:
    """What the host's own program prints."""
    command = [sys.executable, "-IS", server.env["DOVECOT_HOST"], str(server.home), "state"]
    found: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return found


def test_no_secret_is_in_the_run_folder(drilled: Drilled, dovecot: Dovecot) -> None:
    people = [result.identity for result in drilled.run.cases]
    secrets = [*dovecot.passwords.values(), *(who.password.reveal() for who in people if who is not None)]
    assert len(secrets) == 4 + len(drilled.run.cases)
    assert secrets_in(drilled.folder, secrets) == []
    assert secrets_in(drilled.folder, [str(people[0].username if people[0] else "")])  # the search does find


# --- names ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def irish(dovecot: Dovecot, drilled: Drilled, tmp_path_factory: pytest.TempPathFactory) -> Drilled:
    """The same fleet for people called O'Leary, once the others are gone."""
    assert drilled.run.cleanup.complete
    folder = tmp_path_factory.mktemp("irish")
    text = FLEET.read_text()
    assert "zz-leaver-" in text
    (folder / "fleet.yaml").write_text(text.replace("zz-leaver-", "zz-O'Leary-").replace("within: 16s", "within: 8s"))
    stories = [SCENARIOS / "grep-for-the-name.yaml", SCENARIOS / "everything.yaml"]
    return drill(folder / "fleet.yaml", stories, dovecot.env, folder / "run")


def test_a_script_that_greps_for_an_apostrophe_removes_nobody(irish: Drilled) -> None:
    result = irish.case("grep-for-the-name")
    assert result.claimed == "success"
    assert result.verdict is Verdict.FAIL
    assert finding(result, "dovecot", Kind.ACCOUNT).outcome is Outcome.RESIDUAL
    login = finding(result, "dovecot", Kind.ACCOUNT, vantage=LEAVER)
    assert (login.outcome, login.reason) == (Outcome.RESIDUAL, "works (signed in)")
    used = finding(result, "dovecot", Kind.DELEGATION, f"{BOSS}#read", LEAVER)
    assert used.outcome is Outcome.RESIDUAL
    assert result.cleanup.complete, result.cleanup.leftovers


def test_an_apostrophe_and_capitals_hinder_no_offboarding_that_knows_of_them(irish: Drilled) -> None:
    result = irish.case("everything")
    assert result.identity is not None
    assert "O'Leary" in result.identity.username
    account = finding(result, "dovecot", Kind.ACCOUNT)
    assert account.grant_id == result.identity.username.lower()
    passes(Clean("dovecot/irish", "", "everything"), irish)
