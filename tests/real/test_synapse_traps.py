"""Names, rooms and rights at a real Synapse that a reader could take for something else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from fixtures.fleet.synapse import Synapse
from harness.model import Entitlement, Kind, ListState, ObjectSpec, Presence, Verdict
from harness.ports import Person, WriteFailed
from harness.systems.matrix import Matrix
from harness.testing.scene import timeless, unknowns
from tests.real.chat import FLEET, SCENARIOS, adapter, ask, asked, joined, listed, served, somebody
from tests.real.drills import drill

pytestmark = pytest.mark.real

SHARE = Entitlement("synapse", Kind.SHARE, "plan.txt")


@pytest.fixture(scope="module")
def synapse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synapse]:
    with served(tmp_path_factory.mktemp("synapse")) as server:
        yield server


@pytest.fixture
def system(synapse: Synapse) -> Iterator[Matrix]:
    made = adapter(synapse)
    yield made
    made.close()


# --- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("username", ["zz-o'brien", "ZZ-Obrien", "zz obrien", "zz-müller"])
def test_a_name_that_matrix_does_not_have_is_refused_before_anything_is_sent(system: Matrix, username: str) -> None:
    with pytest.raises(WriteFailed, match="no capitals, no apostrophe") as refused:
        system.create(somebody("name", username))
    assert not refused.value.in_doubt
    found = system.round().find(somebody("name", username))
    assert (found.state, found.accounts) == (ListState.COMPLETE, ())


def test_the_server_itself_would_refuse_it(synapse: Synapse) -> None:
    who = quote("@zz-o'brien:chat.example.test")
    answer = ask(synapse, "PUT", f"/_synapse/admin/v2/users/{who}", json={"password": "x"})
    assert (answer.status_code, answer.json()["errcode"]) == (400, "M_INVALID_USERNAME")


def test_a_drill_with_an_apostrophe_in_its_names_says_so_and_makes_nobody(synapse: Synapse, tmp_path: Path) -> None:
    fleet_file = tmp_path / "fleet.yaml"
    fleet_file.write_text(FLEET.read_text().replace('username: "zz-leaver', "username: \"zz-o'leaver"))
    case = drill(fleet_file, [SCENARIOS / "chat-only-rooms.yaml"], synapse.env, tmp_path / "run").case(
        "chat-only-rooms"
    )
    assert case.verdict is Verdict.INCONCLUSIVE
    assert "a Matrix user name holds only a-z" in (case.reason or "")
    assert "o'leaver" in (case.reason or "")
    assert asked(synapse, "/v3/users?name=leaver")["total"] == 0


def test_somebody_whose_name_differs_in_case_only_is_found(system: Matrix) -> None:
    joined(system, somebody("case"))
    found = system.round().find(somebody("case", "ZZ-Case-1"))
    assert [account.id for account in found.accounts] == ["@zz-case-1:chat.example.test"]


def test_an_account_that_is_there_is_not_made_again(system: Matrix) -> None:
    """PUT would have changed its password."""
    who = joined(system, somebody("twice"))
    system.remove(who)
    with pytest.raises(WriteFailed, match="Synapse never forgets a user"):
        system.create(somebody("twice"))
    assert system.round().find(somebody("twice")).accounts  # deactivated, and found all the same


def test_an_account_that_was_made_at_another_time_is_somebody_else(system: Matrix) -> None:
    who = joined(system, somebody("other"))
    assert who.account is not None
    former = replace(who, account=replace(who.account, vars={**who.account.vars, "created": 1}))
    look = system.round().look(former)
    assert (look.account.presence, look.account.mistaken) == (Presence.UNKNOWN, True)
    assert {found.state for found in look.listings} == {ListState.UNKNOWN}
    with pytest.raises(WriteFailed, match="another account"):
        system.remove(former)


# --- rooms ---------------------------------------------------------------------------------------


def test_who_made_a_room_of_today_is_above_all_levels_for_ever(synapse: Synapse, system: Matrix) -> None:
    who = joined(system, somebody("creator"))
    room, minted = _own_room(synapse, who)
    me = ask(synapse, "GET", "/_matrix/client/v3/account/whoami").json()["user_id"]
    ask(synapse, "POST", f"/_matrix/client/v3/rooms/{room}/invite", minted, {"user_id": me}).raise_for_status()
    ask(synapse, "POST", f"/_matrix/client/v3/join/{room}", json={}).raise_for_status()
    assert asked(synapse, f"/v1/rooms/{room}")["version"] == "12"
    system.remove(who)
    rows = {row.name: row.note for row in listed(system, who, "role").rows}
    assert rows == {"workshop#creator": "nobody can take this away from a room's creator"}
    ask(synapse, "DELETE", f"/_synapse/admin/v1/rooms/{room}", json={"force_purge": True}).raise_for_status()
    assert listed(system, who, "role").rows == ()  # a room that is gone gives nobody anything


def test_a_room_that_everybody_has_left_is_closed_for_ever(synapse: Synapse, system: Matrix) -> None:
    who = joined(system, somebody("hermit"))
    room, minted = _own_room(synapse, who)
    assert [row.name for row in listed(system, who, "role").rows] == ["workshop#creator"]
    ask(synapse, "POST", f"/_matrix/client/v3/rooms/{room}/leave", minted, {}).raise_for_status()
    found = listed(system, who, "role")
    assert (found.state, found.rows) == (ListState.COMPLETE, ())
    assert ask(synapse, "POST", f"/_matrix/client/v3/join/{room}", minted, {}).status_code == 404


def _own_room(synapse: Synapse, who: Person) -> tuple[str, str]:
    """A room that the user made, as Synapse makes them today, and a token of the user."""
    assert who.account is not None
    minted = ask(synapse, "POST", f"/_synapse/admin/v1/users/{who.account.id}/login", json={}).json()["access_token"]
    body = {"name": "workshop", "preset": "public_chat"}
    made = ask(synapse, "POST", "/_matrix/client/v3/createRoom", minted, body).json()["room_id"]
    return made, minted


def test_power_in_a_room_that_was_never_entered_is_seen_where_all_rooms_are_looked_at(synapse: Synapse) -> None:
    own, every = adapter(synapse), adapter(synapse, rooms="all", page_size=1)
    made = [own.create_object(ObjectSpec(f"drill-hall-{n}", "synapse", Kind.GROUP), None) for n in range(3)]
    while asked(synapse, "/v1/rooms?search_term=drill-hall")["total_rooms"] < 3:  # filled in the background
        assert own.find_object(made[0].spec, None) is not None
    who = joined(own, somebody("stranger"))
    given = own.grant(who, Entitlement("synapse", Kind.ROLE, "drill-hall-2", right="50"), made[2])
    assert listed(own, who, "role").rows == ()  # the blind spot that the page names
    assert [row.id for row in listed(every, who, "role").rows] == [given.id]
    own.revoke(who, given)
    assert listed(every, who, "role").rows == ()
    for each in made:
        own.remove_object(each)
    own.close()
    every.close()


def test_a_file_in_quarantine_is_out_of_reach(synapse: Synapse, system: Matrix) -> None:
    who = joined(system, somebody("files"))
    given = system.grant(who, SHARE, None)
    path = f"/_synapse/admin/v1/media/quarantine/chat.example.test/{given.id}"
    ask(synapse, "POST", path, json={}).raise_for_status()
    assert [(row.id, row.presence) for row in listed(system, who, "share").rows] == [(given.id, Presence.ABSENT)]


# --- rights --------------------------------------------------------------------------------------


def test_the_reader_sees_all_that_the_writer_sees(synapse: Synapse, system: Matrix) -> None:
    who = joined(system, somebody("seen"))
    for entitlement in (
        SHARE,
        Entitlement("synapse", Kind.SESSION, "laptop"),
        Entitlement("synapse", Kind.CONSENT, "o"),
    ):
        system.grant(who, entitlement, None)
    writer = adapter(synapse, reader=synapse.writer)
    assert timeless(system.round().look(who)) == timeless(writer.round().look(who))
    assert unknowns(system.round().look(who)) == []
    assert system.check() == writer.check() == []
    assert system.declaration().independent
    writer.close()


def test_whoever_is_no_server_admin_sees_nothing_and_nothing_is_absent(synapse: Synapse, system: Matrix) -> None:
    who = joined(system, somebody("plain"))
    body = {"type": "m.login.password", "user": "zz-plain-1", "password": who.identity.password.reveal()}
    token = ask(synapse, "POST", "/_matrix/client/v3/login", json=body).json()["access_token"]
    plain = adapter(synapse, reader=token)
    look = plain.round().look(who)
    assert look.account.presence is Presence.UNKNOWN
    assert {found.state for found in look.listings} == {ListState.UNKNOWN}
    assert all("403" in reason for reason in unknowns(look)), unknowns(look)
    assert "403" in plain.check()[0]
    plain.close()


def test_a_server_name_that_is_not_the_readers_is_told(synapse: Synapse) -> None:
    other = adapter(synapse, server_name="example.test")
    assert "`server_name` is 'example.test', but the reader is @drill-reader-" in other.check()[0]
    other.close()


def test_a_minted_token_of_a_deactivated_admin_opens_the_admin_api(synapse: Synapse, system: Matrix) -> None:
    """Until whoever minted it signs out everywhere."""
    who = joined(system, somebody("boss"))
    system.grant(who, Entitlement("synapse", Kind.ROLE, "server-admin"), None)
    minter = joined(system, somebody("minter"))
    system.grant(minter, Entitlement("synapse", Kind.ROLE, "server-admin"), None)
    session = system.grant(minter, Entitlement("synapse", Kind.SESSION, "desk"), None)
    assert session.secret is not None
    assert who.account is not None
    own = session.secret.reveal()
    path = f"/_synapse/admin/v1/users/{who.account.id}/login"
    minted = ask(synapse, "POST", path, own, json={}).json()["access_token"]
    system.remove(who)  # deactivated and erased
    assert ask(synapse, "GET", "/_synapse/admin/v3/users", minted).status_code == 200
    assert ask(synapse, "POST", "/_matrix/client/v3/createRoom", minted, {"name": "after"}).status_code == 200
    assert ask(synapse, "POST", "/_matrix/media/v3/upload", minted, {"any": "file"}).status_code == 200
    assert [row.name for row in listed(system, who, "group").rows] == ["after"]  # somebody who left is in a new room
    assert ask(synapse, "POST", "/_matrix/client/v3/logout/all", own, json={}).status_code == 200
    assert ask(synapse, "GET", "/_synapse/admin/v3/users", minted).status_code == 401


def test_a_suspended_user_may_read_and_not_write_and_a_locked_one_neither(synapse: Synapse, system: Matrix) -> None:
    who = joined(system, somebody("quiet"))
    assert who.account is not None
    session = system.grant(who, Entitlement("synapse", Kind.SESSION, "laptop"), None)
    assert session.secret is not None
    own, user = session.secret.reveal(), who.account.id
    room = ask(synapse, "POST", "/_matrix/client/v3/createRoom", own, {"name": "diary"}).json()["room_id"]
    read, write = (
        f"/_matrix/client/v3/rooms/{room}/messages?dir=b",
        f"/_matrix/client/v3/rooms/{room}/send/m.room.message",
    )

    def tried() -> tuple[int, int]:
        said = ask(synapse, "POST", write, own, {"msgtype": "m.text", "body": "still here"})
        return ask(synapse, "GET", read, own).status_code, said.status_code

    assert tried() == (200, 200)
    ask(synapse, "PUT", f"/_synapse/admin/v1/suspend/{user}", json={"suspend": True}).raise_for_status()
    assert tried() == (200, 403)
    assert system.round().look(who).account.presence is Presence.PRESENT
    ask(synapse, "PUT", f"/_synapse/admin/v2/users/{user}", json={"locked": True}).raise_for_status()
    assert tried() == (401, 401)
    assert system.round().look(who).account.presence is Presence.ABSENT


def test_a_token_that_ends_by_itself_was_not_revoked(synapse: Synapse) -> None:
    system = adapter(synapse, tokens_last="250ms")
    who = joined(system, somebody("expired"))
    given = system.grant(who, Entitlement("synapse", Kind.CREDENTIAL, "login-as"), None)
    used = system.use(who, given, "")
    while used.presence is Presence.PRESENT:
        used = system.use(who, given, "")
    assert used.presence is Presence.UNKNOWN
    assert "came to its own end" in used.reason
    system.close()
