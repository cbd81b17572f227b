"""Movers, rehires, earlier lives, steps that bring access back, events in doubt."""

from __future__ import annotations

from datetime import date

import pytest

from harness.model import (
    SECOND,
    Demand,
    Event,
    Keep,
    Kind,
    Leave,
    Step,
    Verdict,
)
from harness.ports import Person
from tests.engine.memory import MemoryConnector, User
from tests.engine.read import find, only, outcomes
from tests.engine.world import World, entitlement, make_case


def test_a_step_that_brings_access_back_is_resurrected() -> None:
    def again(connector: MemoryConnector, event: Event, person: Person) -> None:
        for name, account in person.accounts.items():
            connector.systems[name].users[account.id].active = True

    world = World()
    world.connector.acts["sync"] = [again]
    result = only(world.run(make_case(then=(Step("sync"),))))
    assert outcomes(result)[("crm", "account/account", "admin")] == "resurrected"
    assert result.verdict is Verdict.FAIL


def test_what_an_earlier_step_took_is_judged_only_if_it_comes_back() -> None:
    def take(connector: MemoryConnector, event: Event, person: Person) -> None:
        connector.systems["crm"].users[person.accounts["crm"].id].rows[Kind.CREDENTIAL].clear()

    world = World()
    world.connector.acts["move"] = [take]
    world.connector.delay = SECOND // 10
    result = only(world.run(make_case(before=(Step("move", wait=SECOND),))))
    assert result.verdict is Verdict.PASS, [(f.name, f.vantage, f.outcome, f.reason) for f in result.findings]
    assert not any(f.kind is Kind.CREDENTIAL for f in result.findings)


def test_an_event_in_doubt_is_watched_marked_and_never_sent_twice() -> None:
    world = World()
    world.connector.in_doubt = True
    result = only(world.run(make_case()))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert len(world.connector.fired) == 1
    assert "in doubt" in find(result, Kind.LICENSE).reason

    world = World()
    world.connector.in_doubt, world.connector.idempotent = True, True
    world.run(make_case())
    assert len(world.connector.fired) == 2
    assert len(set(world.connector.fired)) == 1


def test_a_mover_loses_the_old_and_keeps_the_new() -> None:
    def move(connector: MemoryConnector, event: Event, person: Person) -> None:
        user = connector.systems["crm"].users[person.accounts["crm"].id]
        user.rows[Kind.GROUP] = {"g-new": "new-team", "g-kept": "kept"}

    has = (entitlement("crm", "account"), entitlement("crm", "group", "new-team"), entitlement("crm", "group", "kept"))
    access = (entitlement("crm", "group", "old-team"), entitlement("crm", "group", "kept"))
    world = World()
    world.connector.acts["move"] = [move]
    case = make_case(access=access, leave=Leave("hr", "move"), demand=Demand(has))
    result = only(world.run(case))
    seen = outcomes(result)
    assert seen[("crm", "group/old-team", "admin")] == "revoked"
    assert seen[("crm", "group/new-team", "admin")] == "intact"
    assert seen[("crm", "group/kept", "admin")] == "intact"
    assert seen[("crm", "account/account", "admin")] == "intact"
    assert result.verdict is Verdict.PASS, seen

    world = World()
    world.connector.acts["move"] = []
    seen = outcomes(only(world.run(case)))
    assert seen[("crm", "group/old-team", "admin")] == "residual"
    assert seen[("crm", "group/new-team", "admin")] == "missing"


def test_a_rehire_gets_the_account_back_and_nothing_old_with_it() -> None:
    def rejoin(connector: MemoryConnector, event: Event, person: Person) -> None:
        connector.systems["crm"].users[person.accounts["crm"].id].active = True

    def rejoin_with_all(connector: MemoryConnector, event: Event, person: Person) -> None:
        rejoin(connector, event, person)
        user = connector.systems["crm"].users[person.accounts["crm"].id]
        user.rows[Kind.LICENSE] = {"license-99": "sales-pro"}

    step = Step("rejoin", demand=Demand((entitlement("crm", "account"),), "old"))
    for act, verdict in ((rejoin, Verdict.PASS), (rejoin_with_all, Verdict.FAIL)):
        world = World()
        world.connector.acts["rejoin"] = [act]
        result = only(world.run(make_case(then=(step,))))
        assert result.verdict is verdict, outcomes(result)


def test_what_a_return_brings_may_stay_by_policy_though_nobody_looked_for_it_before() -> None:
    def rejoin(connector: MemoryConnector, event: Event, person: Person) -> None:
        user = connector.systems["crm"].users[person.accounts["crm"].id]
        user.active = True
        user.rows[Kind.GROUP] = {"g-new": "everyone"}

    keep = Keep("crm", Kind.GROUP, "everyone", "nobody can be outside it", "team@example.test", date(2999, 1, 1))
    step = Step("rejoin", demand=Demand((entitlement("crm", "account"),), "old"))
    world = World()
    world.connector.acts["rejoin"] = [rejoin]
    case = make_case(access=(entitlement("crm", "group", "everyone"),), then=(step,), keep=(keep,))
    result = only(world.run(case))
    groups = [(f.grant_id, f.outcome) for f in result.findings if f.kind is Kind.GROUP]
    assert ("g-new", "kept") in groups, [(f.grant_id, f.outcome, f.reason) for f in result.findings]
    assert result.verdict is Verdict.PASS, outcomes(result)


@pytest.mark.parametrize(
    ("left", "given", "verdict"),
    [
        (False, True, Verdict.PASS),  # the new account has it, the old one not any more
        (True, True, Verdict.FAIL),  # the old account still has it as well
        (False, False, Verdict.FAIL),  # nobody has it
    ],
)
def test_whoever_is_hired_again_under_a_new_id_has_the_access_there(left: bool, given: bool, verdict: Verdict) -> None:
    def leave(connector: MemoryConnector, event: Event, person: Person) -> None:
        user = connector.systems["crm"].users[person.accounts["crm"].id]
        user.active, user.rows = False, user.rows if left else {}

    def rejoin(connector: MemoryConnector, event: Event, person: Person) -> None:
        rows = {Kind.GROUP: {"g-everyone": "everyone"}} if given else {}
        connector.systems["crm"].users["crm-new"] = User("crm-new", person.identity.username, "pw", rows=rows)

    access = (entitlement("crm", "group", "everyone"),)
    step = Step("rejoin", demand=Demand((entitlement("crm", "account"), *access), "old"))
    world = World()
    world.connector.acts |= {"terminate": [leave], "rejoin": [rejoin]}
    result = only(world.run(make_case(access=access, then=(step,))))
    groups = [(f.outcome, f.reason) for f in result.findings if f.kind is Kind.GROUP]
    assert result.verdict is verdict, groups
    assert any(outcome == "missing" for outcome, _ in groups) is not given, groups
