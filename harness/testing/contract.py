# ruff: noqa: S101  a test module that ships
"""The contract of every system adapter, as a test class: plug a world in, and each probe is run through its faults.

class TestMine(Contract):
    @pytest.fixture
    def world(self) -> Iterator[World]:
        with MyWorld() as world:
            yield world
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.model import ListState, Presence
from harness.testing.bench import Bench
from harness.testing.faults import FAULTS, Fault
from harness.testing.laws import Laws, listed
from harness.testing.proxy import FaultProxy
from harness.testing.scene import close, stands, timeless, unknowns
from harness.testing.world import Stage, World

__all__ = ["Contract", "Stage", "World"]

_TWINS = frozenset({"id-null", "id-missing", "state-null", "state-missing"})  # null is as good as missing


def _id(fault: Fault) -> str:
    return fault.name


class Contract(Laws):
    """Subclass it as `Test…` with a fixture `world`."""

    @pytest.fixture
    def stage(self, world: World) -> Iterator[Stage]:
        bench = Bench()
        with FaultProxy(world.upstream, world.shape) as proxy:
            system = world.build(proxy.url, bench.tools, 10.0)
            try:
                yield Stage(world=world, proxy=proxy, bench=bench, system=system)
            finally:
                close(system)

    @pytest.fixture
    def scene(self, stage: Stage) -> Stage:
        return stage

    def test_items_on_the_last_page_are_present(self, stage: Stage) -> None:
        paged = [path for path, count in stage.paths().items() if count > 1 and stage.world.paged(path)]
        assert paged, "no list of this world has a second page: make its pages smaller"
        look = stage.look()
        assert all(stands(look, grant) is Presence.PRESENT for grant in listed(stage))

    # --- what cannot be seen is unknown ---------------------------------------------------------

    @pytest.mark.parametrize("fault", [f for f in FAULTS if f.place != "filter"], ids=_id)
    def test_a_fault_is_unknown_never_absent(self, stage: Stage, fault: Fault) -> None:
        if fault.name in stage.world.cannot:
            pytest.skip(stage.world.cannot[fault.name])
        paths = stage.suited(fault)
        assert paths, f"no request of a look can suffer {fault.name}: say why in `cannot`"
        felt = 0
        for path in paths:
            with stage.trouble(fault, path) as trouble:
                look = stage.look()
            assert trouble.hits, path
            assert look.account.presence is not Presence.ABSENT, f"{fault.name} at {path} made the account absent"
            for grant in stage.leaver.grants:
                seen = stands(look, grant)
                assert seen is not Presence.ABSENT, f"{fault.name} at {path} made {grant.entitlement.label} absent"
            felt += bool(unknowns(look))
            assert all(unknowns(look)), "an unknown without a reason"
        assert felt, f"{fault.name} was not noticed at any of {paths}"

    def test_each_fault_has_a_reason_of_its_own(self, stage: Stage) -> None:
        reasons: dict[str, str] = {}
        for fault in FAULTS:
            paths = [] if fault.place == "filter" or fault.name in stage.world.cannot else stage.suited(fault)
            for path in paths[:1] if fault.place != "any" else paths[-1:]:
                with stage.trouble(fault, path):
                    told = unknowns(stage.look())
                if told:
                    reasons[fault.name] = told[0]
        alike = {a: b for a in reasons for b in reasons if a < b and reasons[a] == reasons[b]}
        alike = {a: b for a, b in alike.items() if not {a, b} <= _TWINS}
        assert not alike, {name: reasons[name] for pair in alike.items() for name in pair}

    @pytest.mark.parametrize("fault", [f for f in FAULTS if f.place in ("any", "filter")], ids=_id)
    def test_a_search_that_fails_finds_nothing_out(self, stage: Stage, fault: Fault) -> None:
        if fault.name in stage.world.cannot:
            pytest.skip(stage.world.cannot[fault.name])
        stage.proxy.take_log()
        stage.find()
        for path in {asked.path for asked in stage.proxy.take_log()}:
            with stage.trouble(fault, path):
                found = stage.find()
            assert found.state is ListState.UNKNOWN, f"{fault.name} at {path}"
            assert found.reason
            assert not found.accounts

    # --- what a look may not do ------------------------------------------------------------------

    def test_a_look_writes_nothing(self, stage: Stage) -> None:
        stage.proxy.take_log()
        before = timeless(stage.look())
        methods = {asked.method for asked in stage.proxy.take_log()}
        assert methods <= self.reading_methods, methods
        assert timeless(stage.look()) == before

    reading_methods = frozenset({"GET", "HEAD"})
