"""Synapse 1.163, a Matrix homeserver: six ways to let go of somebody, and what each of them leaves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from fixtures.fleet.synapse import Synapse
from harness.model import Kind, Outcome, Presence, Subject, Vantage
from tests.real.chat import FLEET, SCENARIOS, asked, served
from tests.real.drills import Drilled, absences, drill, finding, measured, secrets_in
from tests.real.facts import Clean, Fact, holds, passes

pytestmark = pytest.mark.real

ROOM, POWER = "drill-operations", "drill-operations#50"


def _all(event: str, id: str, seen: str, kind: Kind, name: str | None, **more: Any) -> Fact:
    return Fact(f"synapse/{id}", seen, f"chat-everything-held[{event}]", "synapse", kind, name, **more)


def _stays(event: str, how: str) -> list[Fact]:
    """What a deactivation does not touch, with `erase` and without."""
    after = f"After deactivation{how}"
    return [
        _all(
            event, f"login-as-works-{event}", f"{after} a token that an admin minted to act as the user still works",
            Kind.CREDENTIAL, "login-as", vantage=Vantage.LEAVER, reason="works (200)",
        ),
        _all(event, f"media-stays-{event}", f"{after} the files stay", Kind.SHARE, "handover.txt"),
        _all(event, f"sso-link-stays-{event}", f"{after} the single sign-on link stays", Kind.CONSENT, "oidc-acme"),
        _all(event, f"admin-flag-stays-{event}", f"{after} `admin: true` stays", Kind.ROLE, "server-admin"),
        _all(event, f"power-stays-{event}", f"{after} the power in a room that was left stays", Kind.ROLE, POWER),
        _all(event, f"alias-stays-{event}", f"{after} a room's address that the user made stays", Kind.OWNERSHIP, ROOM),
    ]  # fmt: skip


FACTS: list[Fact] = [
    *_stays("deactivate", ""),
    *_stays("erase", " with `erase`"),
    _all(
        "lock", "lock-keeps-sessions", "A lock refuses every session and ends none",
        Kind.SESSION, "laptop", note="use refused",
    ),
    _all("lock", "lock-keeps-rooms", "A locked user stays in all rooms", Kind.GROUP, ROOM),
    _all("lock", "lock-keeps-power", "A locked user keeps the power in a room", Kind.ROLE, POWER),
    _all("lock", "lock-keeps-pushers", "A lock leaves where notifications go", Kind.FORWARDING, "drill-bridge"),
    _all("lock", "lock-keeps-sso-link", "A lock leaves the single sign-on link", Kind.CONSENT, "oidc-acme"),
    _all("lock", "lock-keeps-media", "A lock leaves the files", Kind.SHARE, "handover.txt"),
    _all(
        "lock", "lock-refuses-login-as", "A lock, unlike a deactivation, refuses a minted token as well",
        Kind.CREDENTIAL, "login-as", vantage=Vantage.LEAVER, outcome=Outcome.REVOKED, reason="M_USER_LOCKED",
    ),
    _all(
        "suspend", "suspended-is-usable", "A suspended account can still be used",
        Kind.ACCOUNT, None, channel="", reason="suspended: it may still sign in",
    ),
    _all(
        "suspend", "suspended-signs-in", "A suspended user signs in with the password as before",
        Kind.ACCOUNT, None, vantage=Vantage.LEAVER, channel="login", reason="works (200)",
    ),
    _all(
        "suspend", "suspended-session-works", "A suspended user's session goes on",
        Kind.SESSION, "laptop", vantage=Vantage.LEAVER, reason="works (200)",
    ),
    _all("suspend", "suspended-stays-in-rooms", "A suspended user stays in all rooms", Kind.GROUP, ROOM),
    _all(
        "shadow-ban", "shadow-banned-signs-in", "A shadow-banned user signs in as before",
        Kind.ACCOUNT, None, vantage=Vantage.LEAVER, channel="login", reason="works (200)",
    ),
    _all(
        "log-out", "logged-out-signs-in-again", "Who was signed out of all devices signs in again",
        Kind.ACCOUNT, None, vantage=Vantage.LEAVER, channel="login", reason="works (200)",
    ),
    _all(
        "log-out", "log-out-spares-login-as", "Signing out all devices does not end a token that an admin minted",
        Kind.CREDENTIAL, "login-as", vantage=Vantage.LEAVER, reason="works (200)",
    ),
    _all(
        "log-out", "log-out-spares-pushers", "Signing out all devices leaves notifications that a minted token set up",
        Kind.FORWARDING, "drill-bridge",
    ),
    *(
        Fact(f"synapse/rehired-{what}", seen, "chat-rehired-same-name", "synapse", kind, name)
        for what, seen, kind, name in (
            ("admin", "Switched on again, the account is a server admin as before", Kind.ROLE, "server-admin"),
            ("power", "Switched on again, it has the old power in rooms", Kind.ROLE, "drill-contractors#moderator"),
            ("sso-link", "Switched on again, it has the old single sign-on link", Kind.CONSENT, "oidc-acme"),
            ("media", "Switched on again, it has the old files", Kind.SHARE, "drawings.txt"),
        )
    ),
    Fact(
        "synapse/ownerless-room", "The last admin of a room leaves, and nobody who is still in it has any power",
        "chat-last-admin", "synapse", Kind.ROLE, "drill-board#100", reason="nobody else in the room has this power",
    ),
    *(
        Fact(
            f"synapse/last-page-{name}", "Files on every page of the list stay, the last page included",
            "chat-many-files", "synapse", Kind.SHARE, f"{name}.txt",
        )
        for name in "ag"
    ),
]  # fmt: skip

CLEAN: list[Clean] = [
    Clean("synapse/only-rooms", "Deactivated, with rooms and a session: out of both", "chat-only-rooms"),
    Clean("synapse/careful-runbook", "Flag, link and files first, then deactivated", "chat-careful-runbook"),
]

STORIES = sorted({case.partition("[")[0] for case in [*(f.case for f in FACTS), *(c.case for c in CLEAN)]})


@pytest.fixture(scope="module")
def synapse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synapse]:
    with served(tmp_path_factory.mktemp("synapse")) as server:
        yield server


@pytest.fixture(scope="module")
def drilled(synapse: Synapse, tmp_path_factory: pytest.TempPathFactory) -> Drilled:
    """All stories in one drill."""
    stories = [SCENARIOS / f"{story}.yaml" for story in STORIES]
    return drill(FLEET, stories, synapse.env, tmp_path_factory.mktemp("drill"))


@pytest.mark.parametrize("fact", FACTS, ids=[fact.id for fact in FACTS])
def test_seen(drilled: Drilled, fact: Fact) -> None:
    holds(fact, drilled)


@pytest.mark.parametrize("clean", CLEAN, ids=[clean.id for clean in CLEAN])
def test_clean(drilled: Drilled, clean: Clean) -> None:
    passes(clean, drilled)


@pytest.mark.parametrize("event", ["deactivate", "erase"])
def test_a_deactivation_takes_account_rooms_session_and_notifications(drilled: Drilled, event: str) -> None:
    result = drilled.case(f"chat-everything-held[{event}]")
    for kind in (Kind.ACCOUNT, Kind.GROUP, Kind.SESSION, Kind.FORWARDING):
        found = finding(result, "synapse", kind)
        assert found.outcome is Outcome.REVOKED, found.reason
        measured(found)
    refused = finding(result, "synapse", Kind.ACCOUNT, vantage=Vantage.LEAVER)
    assert refused.outcome is Outcome.REVOKED, refused.reason
    assert "refused (403, M_FORBIDDEN)" in refused.reason


def test_rooms_are_left_after_the_answer_and_the_watch_waits_for_it(drilled: Drilled) -> None:
    """The account is gone with the answer; people are taken out of rooms in the background, one after the other."""
    result = drilled.case("chat-only-rooms")
    for name in ("drill-lunch", "drill-support"):
        group = finding(result, "synapse", Kind.GROUP, name)
        assert group.first_absent is not None
        assert group.deadline is not None
        assert group.first_absent < group.deadline


def test_a_rehire_is_looked_at_once_more(drilled: Drilled) -> None:
    result = drilled.case("chat-rehired-same-name")
    accounts = [f for f in result.findings if f.kind is Kind.ACCOUNT and f.vantage is Vantage.ADMIN]
    assert [f.outcome for f in accounts] == [Outcome.REVOKED, Outcome.INTACT]  # gone, and back as it was demanded
    old = finding(result, "synapse", Kind.ROLE, "server-admin")
    assert old.observations[-1].checkpoint == "the end"
    assert finding(result, "synapse", Kind.GROUP).outcome is Outcome.REVOKED  # the one thing that does not come back


def test_every_file_of_every_page_is_seen(drilled: Drilled) -> None:
    shares = [f for f in drilled.case("chat-many-files").findings if f.kind is Kind.SHARE]
    assert sorted(f.name for f in shares) == [f"{letter}.txt" for letter in "abcdefg"]
    assert {look.presence for f in shares for look in f.observations} == {Presence.PRESENT}


def test_no_absence_without_evidence(drilled: Drilled) -> None:
    revoked = [f for case in drilled.run.cases for f in case.findings if f.outcome is Outcome.REVOKED]
    assert revoked
    for found in revoked:
        assert all(look.evidence and look.control for look in absences(found)), found


def test_bystanders_are_intact_and_the_server_is_as_it_was(drilled: Drilled, synapse: Synapse) -> None:
    """Users cannot be deleted: they rest, deactivated, without anything; their names are used up."""
    assert drilled.run.bystanders
    assert {(f.subject, f.outcome) for f in drilled.run.bystanders} == {(Subject.BYSTANDER, Outcome.INTACT)}
    assert drilled.run.cleanup.complete
    assert asked(synapse, "/v1/rooms")["total_rooms"] == 0
    users = asked(synapse, "/v3/users?limit=1000&locked=true")["users"]
    made = [user for user in users if user["name"].startswith("@zz-")]
    assert len(made) == _resting(drilled)
    assert all(user["deactivated"] and user["erased"] and not user["admin"] for user in made)
    for user in made:
        assert asked(synapse, f"/v1/users/{user['name']}/media")["total"] == 0
        assert asked(synapse, f"/v1/users/{user['name']}/joined_rooms")["total"] == 0
        assert asked(synapse, f"/v2/users/{user['name']}")["external_ids"] == []


def _resting(drilled: Drilled) -> int:
    run = drilled.run
    return len(run.cleanup.resting) + sum(len(case.cleanup.resting) for case in run.cases)


def test_no_secret_is_in_the_run_folder(drilled: Drilled, synapse: Synapse) -> None:
    people = [result.identity for result in drilled.run.cases]
    secrets = [synapse.reader, synapse.writer, synapse.shared_secret]
    secrets += [who.password.reveal() for who in people if who is not None]
    assert secrets_in(drilled.folder, secrets) == []
    assert secrets_in(drilled.folder, ["syt_"]) == []  # how every access token of a Synapse begins
    assert secrets_in(drilled.folder, [str(people[0].username if people[0] else "")])  # the search does find


def test_the_user_list_hides_the_deactivated_unlessasked(drilled: Drilled, synapse: Synapse) -> None:
    """Which is why the adapter asks the third version of the list, and reads each account by its id."""
    hidden = {user["name"] for user in asked(synapse, "/v2/users?limit=1000")["users"]}
    shown = {user["name"] for user in asked(synapse, "/v2/users?limit=1000&deactivated=true")["users"]}
    assert not [name for name in hidden if name.startswith("@zz-")]
    assert len([name for name in shown if name.startswith("@zz-")]) == _resting(drilled) - 1  # one is locked besides
