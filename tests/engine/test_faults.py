"""What breaks outside the systems themselves ends in a sentence: no endless watch, no deadlock, no crowd of people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from harness.engine.run import Run
from harness.model import SECOND, AccountSight, Event, Grant, Leave, Look, Presence, Receipt, Used, Verdict
from harness.model import Join as JoinBy
from harness.ports import Fleet, Person
from tests.engine.memory import MemoryConnector, MemoryRound
from tests.engine.read import only
from tests.engine.world import World, entitlement, make_case


def break_after_leaving(world: World, what: str) -> None:
    """From the event on, the reader (or the use) answers without ever having sent anything."""
    system = world.systems["crm"]
    broken: list[bool] = []

    class Tokenless(MemoryRound):
        def look(self, person: Person) -> Look:
            return Look(AccountSight(Presence.UNKNOWN, True, "no token")) if broken else super().look(person)

    use = system.use

    def used(person: Person, grant: Grant, channel: str) -> Used:
        if broken:
            raise OSError("gone")
        return use(person, grant, channel)

    def act(connector: MemoryConnector, event: Event, person: Person) -> None:
        broken.append(True)

    world.connector.acts = {"terminate": [act]}
    if what == "look":
        system.round = lambda: Tokenless(system)  # type: ignore[method-assign]
    else:
        system.use = used  # type: ignore[method-assign]


@pytest.mark.parametrize("what", ["look", "use"])
def test_a_look_that_was_never_sent_does_not_hold_up_the_watch(what: str) -> None:
    world = World()
    break_after_leaving(world, what)
    world.kernel.at(world.kernel.now() + 3600 * SECOND, world_is_late)
    result = only(world.run(make_case(access=[entitlement("crm", "credential", "api")])))
    assert result.verdict is not Verdict.PASS


def world_is_late() -> None:
    raise AssertionError("the watch of a minute went on for an hour")


def test_cases_that_leave_together_cannot_each_be_alone() -> None:
    world = World()
    held = [entitlement("crm", "group", "owners", sole=True)]
    leave = Leave("hr", "terminate", together=True)
    run = world.run(*(make_case(f"story[{n}]", access=held, leave=leave) for n in range(3)))
    assert run.verdict is Verdict.INCONCLUSIVE
    assert sum("cannot each be alone with owners" in (r.reason or "") for r in run.cases) == 2


def test_bystanders_that_could_not_be_made_are_not_tried_again_by_every_case() -> None:
    world = World()

    def broken(event: Event, person: Person) -> Receipt:
        raise OSError("the feed is down")

    world.connector.fire = broken  # type: ignore[method-assign]
    join = JoinBy("hr", 5 * SECOND)
    run = world.run(*(make_case(f"story[{n}]", join=join) for n in range(5)))
    assert run.verdict is Verdict.INCONCLUSIVE
    assert world.engine.context.people == 2


def test_a_control_account_that_is_not_there_makes_every_case_inconclusive() -> None:
    world = World()
    plain = world.fleet

    def fleet() -> Fleet:
        made = plain()
        control: Mapping[str, str] = {"username": "svc-control"}
        return replace(made, systems={**made.systems, "crm": replace(made.systems["crm"], control=control)})

    world.fleet = fleet  # type: ignore[method-assign]
    run = world.run(make_case("a"), make_case("b"))
    assert isinstance(world.engine, Run)
    assert run.verdict is Verdict.INCONCLUSIVE
    assert {r.reason for r in run.cases} == {"crm: the control account could not be found: 0 accounts of that name"}
    assert not world.connector.fired
