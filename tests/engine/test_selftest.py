"""A self-test in virtual time: every way in which a probe can be unfit is planted, and found, and nothing is left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from harness.engine.selftest import Probed, selftest
from harness.evidence.journal import MemoryJournal
from harness.model import SECOND, BadInput, Kind, Listing, ListState, Look, Presence, Used, Vantage
from harness.ports import Fleet, Guard, Person, System
from harness.qualification import BREAKS, Demand, Probe, Standing
from tests.engine.memory import MemoryRound
from tests.engine.world import NoLedger, World, entitlement, make_case

REFUSED = "the connection was refused"
CASE = make_case(
    access=[
        entitlement("crm", "license", "sales-pro"),
        entitlement("crm", "group", "owners"),
        entitlement("crm", "credential", "api"),
    ]
)


class _Vault:
    def learn(self, secret: str) -> None:
        return None

    def scrub(self, text: str) -> str:
        return text


def broken(world: World, **faults: Any) -> dict[Demand, Mapping[str, System | str]]:
    """The same systems with readers that are refused."""
    made: dict[str, System | str] = {
        name: replace(system, blind=REFUSED, **faults) for name, system in world.systems.items()
    }
    return dict.fromkeys(BREAKS, made)


def put_to_the_test(
    world: World,
    breaks: Mapping[Demand, Mapping[str, System | str]] | None = None,
    change: Callable[[Fleet], Fleet] = lambda fleet: fleet,
) -> Probed:
    world.journal = MemoryJournal()
    return selftest(
        change(world.fleet()),
        [CASE],
        broken(world) if breaks is None else breaks,
        "run-1",
        1,
        world.kernel,
        world.journal,
        NoLedger(),
        _Vault(),
        lambda text, _person: text,
        10 * SECOND,
    )


def of(tested: Probed, kind: Kind, vantage: Vantage = Vantage.ADMIN, system: str = "crm") -> Probe:
    (found,) = [p for p in tested.probes if (p.system, p.kind, p.vantage) == (system, kind, vantage)]
    return found


def unfit(tested: Probed) -> dict[tuple[str, Kind, Vantage], Standing]:
    return {(p.system, p.kind, p.vantage): p.standing for p in tested.probes if p.standing is not Standing.QUALIFIED}


def test_every_probe_of_good_systems_is_qualified_and_nothing_is_left() -> None:
    world = World()
    tested = put_to_the_test(world)
    assert unfit(tested) == {}
    assert len(tested.probes) == 2 * 6  # account, login, group, license, credential and its use
    assert [t.demand for t in of(tested, Kind.LICENSE).trials] == [Demand.PLANTED, *BREAKS, Demand.TAKEN_AWAY]
    assert [t.demand for t in of(tested, Kind.CREDENTIAL, Vantage.LEAVER).trials] == [
        Demand.PLANTED,
        Demand.REFUSED,
        Demand.TAKEN_AWAY,
    ]
    assert tested.cleanup.complete
    assert tested.changed == ()
    assert tested.before == tested.after
    assert not any(system.users for system in world.systems.values())
    assert of(tested, Kind.LICENSE).name == "sales-pro"
    assert of(tested, Kind.LICENSE, system="mail").name == "sales-pro"  # a system of the same type: what is given there


def test_a_reader_that_is_refused_is_blind_and_says_why() -> None:
    world = World()
    world.systems["crm"].on_look = lambda system: setattr(system, "blind", "the reader may not look (403)")
    tested = put_to_the_test(world)
    assert {place: s for place, s in unfit(tested).items() if place[2] is Vantage.ADMIN} == {
        ("crm", kind, Vantage.ADMIN): Standing.BLIND
        for kind in (Kind.ACCOUNT, Kind.GROUP, Kind.LICENSE, Kind.CREDENTIAL)
    }
    assert of(tested, Kind.LICENSE).why.endswith("the reader may not look (403)")
    assert {system for system, _, _ in unfit(tested)} == {"crm"}


def test_a_reader_that_cannot_even_find_makes_no_account() -> None:
    world = World()
    world.systems["crm"].blind = "the reader may not look (403)"
    tested = put_to_the_test(world)
    assert of(tested, Kind.LICENSE).standing is Standing.BLIND
    assert "the reader may not look (403)" in of(tested, Kind.LICENSE).why
    assert of(tested, Kind.CREDENTIAL, Vantage.LEAVER).standing is Standing.UNPROVEN
    assert not any(record["op"] == "create" and record["place"] == "crm" for record in world.journal.records)


def test_an_empty_list_is_a_lie_though_no_control_is_seen_either() -> None:
    """The living control saves a run from it; a self-test says it all the same."""
    world = World()

    class Polite(MemoryRound):
        def look(self, person: Person) -> Look:
            look = super().look(person)
            told = tuple(
                Listing(Kind.LICENSE, ListState.COMPLETE) if listing.kind is Kind.LICENSE else listing
                for listing in look.listings
            )
            return replace(look, listings=told)

    crm = world.systems["crm"]
    crm.round = lambda: Polite(crm)  # type: ignore[method-assign]
    tested = put_to_the_test(world)
    assert unfit(tested) == {("crm", Kind.LICENSE, Vantage.ADMIN): Standing.LYING}
    assert of(tested, Kind.LICENSE).why == "said absent while it was there"


def test_an_adapter_that_turns_a_refusal_into_an_empty_answer_lies() -> None:
    world = World()
    world_broken = {name: replace(system, empty=True) for name, system in world.systems.items()}
    polite: dict[Demand, Mapping[str, System | str]] = {Demand.WRONG_CREDENTIAL: world_broken}
    tested = put_to_the_test(world, polite)
    assert of(tested, Kind.LICENSE).standing is Standing.LYING
    assert of(tested, Kind.LICENSE).why == "said absent while it was broken (wrong credential)"
    assert of(tested, Kind.ACCOUNT).standing is Standing.LYING


def test_a_use_that_calls_a_refused_connection_a_refusal_lies() -> None:
    world = World()

    def gone(*_: object) -> Used:
        return Used(Presence.ABSENT, "refused")

    breaks = broken(world)
    for system in breaks[Demand.REFUSED].values():
        system.use = gone  # type: ignore[union-attr]
    tested = put_to_the_test(world, breaks)
    assert {place for place, standing in unfit(tested).items() if standing is Standing.LYING} == {
        (name, Kind.CREDENTIAL, Vantage.LEAVER) for name in world.systems
    }


def test_a_grant_that_is_still_seen_after_it_was_taken_away_makes_the_probe_blind() -> None:
    world = World()
    world.systems["crm"].revoke = lambda *_: None  # type: ignore[method-assign]
    tested = put_to_the_test(world)
    assert of(tested, Kind.LICENSE).standing is Standing.BLIND
    assert of(tested, Kind.LICENSE).why == "present where taken away demands absent"
    world = World()
    world.systems["crm"].token_survives = True
    assert of(put_to_the_test(world), Kind.CREDENTIAL, Vantage.LEAVER).standing is Standing.BLIND


def test_no_account_goes_before_all_that_may_hang_on_it_is_taken_away() -> None:
    """One server may be several systems: here mail lets in who has an account in crm, and is the slower of the two."""
    world = World()
    crm, mail = world.systems["crm"], world.systems["mail"]
    mail.latency = 50 * crm.latency
    true = mail.login

    def login(person: Person) -> Used:
        known = any(user.username == person.identity.username for user in crm.users.values())
        return true(person) if known else Used(Presence.UNKNOWN, "nobody of that name in crm")

    mail.login = login  # type: ignore[method-assign]
    assert unfit(put_to_the_test(world)) == {}


def test_what_breaks_nothing_proves_nothing_but_harms_nobody() -> None:
    """A reader that needs no credential sees with a wrong one too; its refused connection must do then."""
    world = World()
    breaks = broken(world)
    seeing: Mapping[str, System | str] = dict(world.systems)
    tested = put_to_the_test(world, {**breaks, Demand.WRONG_CREDENTIAL: seeing})
    assert unfit(tested) == {}
    none: Mapping[str, System | str] = {"crm": "it has no secret", "mail": "it has no secret"}
    tested = put_to_the_test(World(), dict.fromkeys(BREAKS, none))
    assert set(unfit(tested).values()) == {Standing.UNPROVEN}
    assert of(tested, Kind.LICENSE).why == "wrong credential could not be tried: it has no secret"


def test_what_cannot_be_planted_is_told_and_never_qualified() -> None:
    def guarded(fleet: Fleet) -> Fleet:
        allowed = {"crm": {"license": ("sales-*",), "credential": ("api",)}, "mail": {"group": ("team-*",)}}
        return replace(fleet, guard=replace(fleet.guard, may_grant=allowed))

    tested = put_to_the_test(World(), change=guarded)
    assert of(tested, Kind.LICENSE).standing is Standing.QUALIFIED
    assert of(tested, Kind.GROUP, system="mail").name == "team-zz-selftest"
    assert of(tested, Kind.GROUP).standing is Standing.UNPROVEN
    assert of(tested, Kind.GROUP).why == "planted could not be tried: guard.may_grant allows no group here"


def test_the_guard_must_allow_two_people() -> None:
    def lonely(fleet: Fleet) -> Fleet:
        return replace(fleet, guard=Guard("zz-{{ n }}", "drill.example.test", 1))

    with pytest.raises(BadInput, match=r"needs 2 identities, guard.max_identities allows: '1'"):
        put_to_the_test(World(), change=lonely)


def test_what_is_left_and_what_was_changed_is_told() -> None:
    world = World()
    world.systems["mail"].undeletable = True
    tested = put_to_the_test(world)
    assert not tested.cleanup.complete
    assert len(tested.changed) == 2  # both of them are still found
    assert all(text.startswith("mail: accounts named zz-leaver-1-") for text in tested.changed)
    assert tested.before["crm"] == tested.after["crm"]
    assert tested.before["mail"] != tested.after["mail"]
    assert of(tested, Kind.ACCOUNT, system="mail").standing is Standing.UNPROVEN


def test_a_fault_of_the_harness_itself_is_told_and_all_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fault(*_: object, **__: object) -> None:
        raise RuntimeError("the harness is broken")

    monkeypatch.setattr("harness.engine.trials.SystemTest._break", fault)
    world = World()
    tested = put_to_the_test(world)
    assert "internal error: RuntimeError: the harness is broken" in tested.faults
    assert tested.cleanup.complete
    assert not any(system.users for system in world.systems.values())
