"""An account that a search finds beside the known one: a stranger at first, then one of the identity's own."""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.model import SECOND, Event, Kind, Look, Outcome, Step, Vantage
from harness.ports import Person
from tests.engine.memory import MemoryConnector, MemoryRound, MemorySystem, User
from tests.engine.world import World, make_case


@dataclass
class SearchingRound(MemoryRound):
    def look(self, person: Person) -> Look:
        mine = {one.id for one in (*person.former, person.account) if one is not None}
        namesakes = [user.id for user in self.system.users.values() if user.username == person.identity.username]
        return replace(super().look(person), strangers=tuple(each for each in namesakes if each not in mine))


@dataclass
class SearchingSystem(MemorySystem):
    def round(self) -> SearchingRound:
        return SearchingRound(self)


def second(connector: MemoryConnector, event: Event, person: Person) -> None:
    system = connector.systems["crm"]
    system.users["crm-second"] = User("crm-second", person.identity.username, "pw")


def test_a_stranger_that_is_adopted_is_followed_to_its_end_and_holds_nobody_up() -> None:
    """Until it was, the watch waited for ever: no look called the account a stranger any more."""
    world = World("crm")
    world.systems["crm"] = SearchingSystem("crm", world.kernel)
    world.connector.systems = world.systems
    world.connector.acts["second"] = [second]
    result = world.run(make_case(before=(Step("second", wait=2 * SECOND),))).cases[0]
    accounts = {f.grant_id: f.outcome for f in result.findings if f.kind is Kind.ACCOUNT and f.vantage is Vantage.ADMIN}
    assert accounts.pop("crm-second") is Outcome.REVOKED  # the connector knows the newest only
    assert list(accounts.values()) == [Outcome.RESIDUAL]
    assert result.cleanup.complete, result.cleanup.leftovers
