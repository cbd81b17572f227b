"""The closing looks of a watch are sent early enough to be answered in time, however slow a sign-in is."""

from __future__ import annotations

from dataclasses import replace

from harness.engine.virtual import EPOCH
from harness.model import SECOND, Kind, Outcome, Presence, Used, Vantage, Verdict, Within
from harness.ports import Person
from tests.engine.memory import MemorySystem
from tests.engine.read import find, only
from tests.engine.test_life import leave_license
from tests.engine.world import World, make_case


class SlowDoor(MemorySystem):
    """A sign-in takes most of a second, as where passwords are hashed with care."""

    def login(self, person: Person) -> Used:
        asked = self.clock.now()
        self.clock.sleep(800_000)
        return replace(super().login(person), sent=asked)


def test_a_slow_sign_in_is_answered_before_the_deadline() -> None:
    world = World()
    world.systems["crm"] = SlowDoor("crm", world.kernel)
    world.connector.systems = world.systems
    world.connector.acts["terminate"] = [leave_license]  # something stays: the watch goes on to the deadline
    result = only(world.run(make_case(within=Within(10 * SECOND))))
    assert find(result, Kind.LICENSE).outcome is Outcome.RESIDUAL
    signed_in = find(result, Kind.ACCOUNT, Vantage.LEAVER)
    assert signed_in.outcome is Outcome.REVOKED, signed_in.reason
    assert signed_in.deadline is not None
    assert signed_in.first_absent is not None
    assert EPOCH < signed_in.first_absent <= signed_in.deadline
    # and not earlier than it must be: what goes away late must not be taken for a doing of the sign-in
    assert signed_in.deadline - signed_in.first_absent < 3 * SECOND


def test_a_hold_of_many_checkpoints_saves_a_sign_in_for_its_end() -> None:
    """At most three refused logins in a case: an account that locks itself would tell nothing any more."""
    world = World()
    result = only(world.run(make_case(hold=tuple(n * 600 * SECOND for n in (1, 2, 3, 4)))))
    login = next(f for f in result.findings if f.channel == "login")
    refused = [o for o in login.observations if o.presence is Presence.ABSENT]
    assert [o.checkpoint for o in refused] == ["", "hold 10m", "hold 40m"]
    assert result.verdict is Verdict.PASS, [f.reason for f in result.findings if f.verdict is not Verdict.PASS]
