"""Cleanup takes back what the run made, all of it, and never touches what is somebody else's by now."""

from __future__ import annotations

from dataclasses import replace

from harness.model import (
    SECOND,
    Account,
    AccountSight,
    Demand,
    Event,
    Join,
    Kind,
    Listing,
    ListState,
    Look,
    Presence,
    Step,
)
from harness.ports import Person, WriteFailed
from tests.engine.memory import MemoryConnector, MemoryRound, MemorySystem, User
from tests.engine.read import only
from tests.engine.world import World, entitlement, make_case


class Reassigning(MemorySystem):
    """Gives the id of a deleted account to somebody else; says so when it is read."""

    def round(self) -> MemoryRound:
        return _Suspicious(self)


class _Suspicious(MemoryRound):
    def look(self, person: Person) -> Look:
        seen = super().look(person)
        user = self.system.user(person)
        if user is None or user.username == person.identity.username:
            return seen
        why = "the id belongs to another identity: `login` is not what `match` asks for"
        sight = replace(seen.account, presence=Presence.UNKNOWN, reason=why, mistaken=True)
        return Look(sight, tuple(Listing(each.kind, ListState.UNKNOWN, (), why) for each in seen.listings))


def test_nothing_is_taken_from_somebody_who_has_the_id_now() -> None:
    world = World()
    system = world.systems["crm"] = Reassigning("crm", world.kernel)
    theirs: list[User] = []

    def reassign(connector: MemoryConnector, event: Event, person: Person) -> None:
        mine = system.users[person.accounts["crm"].id]
        theirs.append(User(mine.id, "a colleague", "", True, {kind: dict(rows) for kind, rows in mine.rows.items()}))
        system.users[mine.id] = theirs[0]

    world.connector.acts = {"terminate": [reassign]}
    held = make_case(access=[entitlement("crm", "group", "sales"), entitlement("crm", "license", "pro")])
    result = only(world.run(held))
    assert system.users[theirs[0].id] is theirs[0]
    assert set(theirs[0].rows) == {Kind.GROUP, Kind.LICENSE}
    assert all(theirs[0].rows.values()), "what a colleague holds was revoked"
    assert not result.cleanup.complete


def test_what_an_earlier_account_still_holds_is_taken_back_too() -> None:
    world = World()
    system = world.systems["crm"]
    taken: list[tuple[str, str]] = []
    revoke = system.revoke
    system.undeletable = True

    def watched(person: Person, grant: object) -> None:
        assert isinstance(person.account, Account)
        taken.append((person.account.id, str(getattr(grant, "id", ""))))
        revoke(person, grant)  # type: ignore[arg-type]

    def second_account(connector: MemoryConnector, event: Event, person: Person) -> None:
        system.count += 1
        number = f"crm-{system.count}"
        system.users[number] = User(number, person.identity.username, "")

    system.revoke = watched  # type: ignore[method-assign]
    world.connector.acts = {"terminate": [second_account]}
    only(world.run(make_case(access=[entitlement("crm", "group", "sales")])))
    holders = [user for user in system.users.values() if user.rows.get(Kind.GROUP)]
    assert not holders, "a membership of the first account was left"
    assert any(number == "g-sales" for _, number in taken)


def test_a_refused_revoke_whose_list_cannot_be_read_is_a_leftover() -> None:
    world = World()
    system = world.systems["crm"]

    def gone_dark(connector: MemoryConnector, event: Event, person: Person) -> None:
        system.users.pop(person.accounts["crm"].id)

    def refuse(person: Person, grant: object) -> None:
        raise WriteFailed("the writer has lost its right")

    class Dark(MemoryRound):
        def look(self, person: Person) -> Look:
            seen = super().look(person)
            if seen.account.record:
                return seen
            sight = AccountSight(Presence.ABSENT, False, "", seen.account.sent, seen.account.answered)
            return Look(sight, tuple(Listing(each.kind, ListState.UNKNOWN, (), "403") for each in seen.listings))

    system.round = lambda: Dark(system)  # type: ignore[method-assign]
    system.revoke = refuse  # type: ignore[method-assign]
    world.connector.acts = {"terminate": [gone_dark]}
    result = only(world.run(make_case(access=[entitlement("crm", "group", "sales")])))
    assert any("lost its right" in left for left in result.cleanup.leftovers), result.cleanup


def join(connector: MemoryConnector, event: Event, person: Person) -> None:
    for system in connector.systems.values():
        system.count += 1
        made = f"{system.name}-{system.count}"
        system.users[made] = User(made, person.identity.username, "pw")


JOINED = make_case(access=(entitlement("crm", "account"), entitlement("mail", "account")), join=Join("hr", 60 * SECOND))


def test_whom_a_slow_source_brings_back_after_cleanup_is_taken_back_again() -> None:
    world = World()
    world.connector.acts["join"] = [join]
    system = world.systems["crm"]
    removed: list[str] = []
    remove = system.remove

    def slow(person: Person) -> None:
        remove(person)
        if person.identity.username not in removed:
            removed.append(person.identity.username)
            back = User(f"back-{len(removed)}", person.identity.username, "pw")
            world.kernel.at(world.kernel.now() + SECOND, lambda: system.users.setdefault(back.id, back))

    system.remove = slow  # type: ignore[method-assign]
    run = world.run(JOINED, make_case("longer", hold=(60 * SECOND,)))  # the world goes on when the case is over
    assert removed
    assert all(result.cleanup.complete for result in run.cases)
    leaver = run.cases[0].identity
    assert leaver is not None
    assert leaver.username in removed
    assert leaver.username not in {user.username for user in system.users.values()}


def test_whoever_came_back_leaves_once_more_through_the_source() -> None:
    def rejoin(connector: MemoryConnector, event: Event, person: Person) -> None:
        for name, account in person.accounts.items():
            connector.systems[name].users[account.id].active = True

    world = World()
    world.connector.acts |= {"join": [join], "rejoin": [rejoin]}
    back = Demand((entitlement("crm", "account"), entitlement("mail", "account")))
    only(world.run(replace(JOINED, then=(Step("rejoin", demand=back),))))
    leaver = [event for event in world.connector.fired if "-leaver-" in event and event.endswith("-retire")]
    assert len(leaver) == 1, world.connector.fired
    assert all(not system.users for system in world.systems.values())

    world = World()
    world.connector.acts["join"] = [join]
    only(world.run(JOINED))
    assert not [event for event in world.connector.fired if "-leaver-" in event and event.endswith("-retire")]
