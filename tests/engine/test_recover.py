"""A run that dies at any record of its journal: cleanup from the journal alone leaves nothing, and spares everybody."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from harness.engine.journalled import restore
from harness.engine.recover import recover
from harness.engine.virtual import VirtualKernel
from harness.evidence.canonical import canonical
from harness.evidence.journal import MemoryJournal
from harness.evidence.vault import Vault
from harness.model import Case, Cleanup, Join, Kind, ObjectSpec
from tests.engine.memory import MemoryConnector, User
from tests.engine.world import NoLedger, World, entitlement, make_case


class Crash(BaseException):
    """The process is gone: nothing catches it."""


class Torn(MemoryJournal):
    """Keeps the first records and dies at the next one."""

    def __init__(self, keep: int) -> None:
        super().__init__()
        self.keep = keep

    def write(self, record: Mapping[str, Any]) -> None:
        if len(self.records) >= self.keep:
            raise Crash
        super().write(record)
        canonical(record)  # what the real one writes must be JSON


SHARED = ObjectSpec("team-inbox", "mail", Kind.GROUP)
CASES = (
    make_case(
        "first",
        access=(
            entitlement("crm", "license", "pro"),
            entitlement("crm", "credential", "api"),
            entitlement("mail", "group", "team-inbox"),
        ),
        objects=(SHARED,),
    ),
    make_case("second", access=(entitlement("crm", "group", "all"),), attributes={"family_name": "O'Neill"}),
)


def drill(keep: int, *cases: Case) -> tuple[World, bool]:
    """A world in which somebody else lives, after a run that died at a record (or did not)."""
    world = World("crm", "mail")
    world.connector.acts["join"] = [_join]
    for system in world.systems.values():
        system.users["foreign"] = User("foreign", "zz-leaver-1-", "pw", rows={Kind.GROUP: {"g-all": "all"}})
        system.objects["theirs"] = "o-theirs"
    world.journal = Torn(keep)
    died = False
    try:
        world.run(*cases)
    except Crash:
        died = True
    if died:
        _bury(world)
    return world, died


def _bury(world: World) -> None:
    """A process that dies abandons its stories where they are; here the same interpreter has to bear it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        del world.engine
        world.kernel = world.connector.kernel = VirtualKernel()
        world.connector.clock = world.kernel
        for system in world.systems.values():
            system.clock = world.kernel
        while gc.collect():  # a story that is abandoned still tries to clean up, and that is abandoned too
            pass


def _join(connector: MemoryConnector, event: Any, person: Any) -> None:
    for system in connector.systems.values():
        system.count += 1
        made = f"{system.name}-{system.count}"
        system.users[made] = User(made, person.identity.username, "pw")


def tidy(world: World, records: list[dict[str, Any]] | None = None) -> Cleanup:
    """Another process, later: it knows the fleet and the journal, and nothing else."""
    kernel = VirtualKernel()
    for system in world.systems.values():
        system.clock = kernel
    world.connector.clock = world.connector.kernel = kernel
    given = world.journal.records if records is None else records
    return recover(world.fleet(), given, "run-1", 1, kernel, MemoryJournal(), NoLedger(), Vault())


def left(world: World) -> list[str]:
    places = world.systems.values()
    return [f"{s.name} {one}" for s in places for one in (*s.users, *s.objects) if one not in ("foreign", "theirs")]


def records_of(*cases: Case) -> int:
    world, died = drill(10**6, *cases)
    assert not died
    return len(world.journal.records)


def test_at_every_record() -> None:
    count = records_of(*CASES)
    assert count > 100
    dirty = 0
    for keep in range(count):
        world, died = drill(keep, *CASES)
        assert died
        dirty += bool(left(world))
        done = tidy(world)
        # An object whose making was never answered may be somebody else's: it is told, and not removed.
        doubtful = [text for text in done.leftovers if "may have been made" in text]
        assert done.leftovers == tuple(doubtful), (keep, done.leftovers)
        assert left(world) == (["mail team-inbox"] if doubtful else []), (keep, left(world))
        for system in world.systems.values():
            assert system.users["foreign"].rows == {Kind.GROUP: {"g-all": "all"}}
            assert "theirs" in system.objects
    assert dirty > count // 2  # the planted violation: most deaths do leave something


def test_a_join_in_doubt_is_found_by_name_and_left_by_the_connector_once() -> None:
    joined = make_case(
        "joined", access=(entitlement("crm", "account"), entitlement("mail", "account")), join=Join("hr", 60_000_000)
    )
    for keep in range(records_of(joined)):
        world, _ = drill(keep, joined)
        before = len(world.connector.fired)
        done = tidy(world)
        assert done.complete, (keep, done.leftovers)
        assert left(world) == [], keep
        fired = world.connector.fired[before:]
        assert len(fired) == len(set(fired))
        assert all(event.endswith("-retire") for event in fired)


def test_cleaning_up_twice_is_cleaning_up_once() -> None:
    world, _ = drill(60, *CASES)
    assert tidy(world).complete
    assert tidy(world).complete


def test_what_cannot_be_seen_is_not_clean() -> None:
    world, _ = drill(60, *CASES)
    world.systems["crm"].blind = "the reader was refused (401)"
    done = tidy(world)
    assert not done.complete
    assert any("crm" in text for text in done.leftovers)
    world.systems["crm"].blind = ""
    assert tidy(world).complete
    assert left(world) == []


def test_a_system_that_left_the_fleet_is_named() -> None:
    world, _ = drill(60, *CASES)
    kept = world.systems.pop("mail")
    done = tidy(world)
    assert "mail: this fleet has no such system" in done.leftovers
    assert [u for u in kept.users if u != "foreign"]


def test_what_was_cleaned_is_not_touched_again() -> None:
    world, died = drill(10**6, *CASES)
    assert not died
    found = restore(world.journal.records, "run-1", 1)
    assert found.cleaned == set(found.parties)
    assert not found.doubtful
    looks = {name: system.looks for name, system in world.systems.items()}
    assert tidy(world).complete
    assert {name: system.looks for name, system in world.systems.items()} == looks


def test_a_person_comes_back_as_it_was_with_all_its_names() -> None:
    world, _ = drill(10**6, CASES[1])
    records = [*world.journal.records]
    leaver = next(r for r in records if r["op"] == "identity" and r["subject"] == "leaver")
    assert leaver["family_name"] == "O'Neill"
    assert "password" not in str(records).replace("'password': None", "")
    assert "pw-" not in str(records)
    found = restore(
        [*records, {"op": "set", "identity": leaver["identity"], "values": {"username": "new"}}], "run-1", 1
    )
    who = found.parties[leaver["identity"]].identity
    assert who.username == "new"
    assert who.was == {"username": leaver["username"]}
    assert replace(who, username=leaver["username"], was={}).email == leaver["email"]


@pytest.mark.parametrize("state", ["sent", "in doubt"])
def test_a_creation_in_doubt_is_looked_for_by_its_name(state: str) -> None:
    world, _ = drill(10**6, CASES[1])
    identity = next(r for r in world.journal.records if r["op"] == "identity")
    world.systems["crm"].users["late"] = User("late", identity["username"], "pw")
    asked = {"op": "create", "identity": identity["identity"], "place": "crm", "state": state, "at": 1}
    done = tidy(world, [identity, asked])
    assert done.complete, done.leftovers
    assert left(world) == []
