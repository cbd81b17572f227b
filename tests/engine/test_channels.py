"""A grant says in which ways it can be used: one that cannot be tried has no finding from the leaver's vantage."""

from __future__ import annotations

from dataclasses import replace

from harness.model import Entitlement, Grant, Kind, Made, Vantage, Verdict
from harness.ports import Person
from tests.engine.memory import MemorySystem
from tests.engine.read import only
from tests.engine.world import World, make_case


class Untried(MemorySystem):
    """Its credentials are seen, and cannot be tried."""

    def grant(self, person: Person, entitlement: Entitlement, made: Made | None) -> Grant:
        return replace(super().grant(person, entitlement, made), channels=frozenset())


def leaver_findings(system: type[MemorySystem]) -> tuple[Verdict, list[Kind]]:
    world = World()
    world.systems["crm"] = system("crm", world.kernel)
    world.connector.systems = world.systems
    result = only(world.run(make_case()))
    by_leaver = [f.kind for f in result.findings if f.vantage is Vantage.LEAVER and f.channel != "login"]
    return result.verdict, by_leaver


def test_what_cannot_be_tried_is_judged_from_the_admins_vantage_alone() -> None:
    assert leaver_findings(MemorySystem) == (Verdict.PASS, [Kind.CREDENTIAL])
    assert leaver_findings(Untried) == (Verdict.PASS, [])
