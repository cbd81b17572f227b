"""The guard: what a run may make at most is foreseen whole, and kept to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.model import BadInput, Kind, ObjectSpec, Subject, Verdict
from harness.ports import Fleet
from tests.engine.world import World, entitlement, make_case


def limited(world: World, most: int) -> World:
    plain = world.fleet

    def fleet() -> Fleet:
        made = plain()
        return replace(made, guard=replace(made.guard, max_identities=most))

    world.fleet = fleet  # type: ignore[method-assign]
    return world


def test_every_identity_of_a_run_is_foreseen() -> None:
    held = [entitlement("crm", "license", "sales-pro")]
    box = ObjectSpec("inbox", "crm", Kind.GROUP, Subject.CUSTODIAN)
    cases = [make_case("a", access=held), make_case("b", access=held, objects=(box,))]  # two pools, one bare for mail
    world = World()
    assert world.run(*cases).verdict is Verdict.PASS
    made = world.engine.context.people
    assert made == 8
    assert limited(World(), made).run(*cases).verdict is Verdict.PASS
    with pytest.raises(BadInput, match="needs up to 8 identities"):
        limited(World(), made - 1).run(*cases)


def test_what_was_not_foreseen_is_refused_all_the_same() -> None:
    world = limited(World(), 5)
    begun = world.kernel.now()

    def shrink() -> None:
        world.engine.context.fleet = limited(World(), 4).fleet()

    world.kernel.at(begun, shrink)
    run = world.run(make_case())
    assert world.engine.context.people == 4
    assert run.verdict is Verdict.INCONCLUSIVE
