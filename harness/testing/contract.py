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

from harness.model import ListState, Presence, Used
from harness.ports import Exercises
from harness.testing.bench import Bench
from harness.testing.faults import FAULTS, Fault
from harness.testing.proxy import FaultProxy
from harness.testing.world import Stage, World, close, listing, stands, timeless, unknowns

__all__ = ["Contract", "Stage", "World"]

_TWINS = frozenset({"id-null", "id-missing", "state-null", "state-missing"})  # null is as good as missing


def _id(fault: Fault) -> str:
    return fault.name


class Contract:
    """Subclass it as `Test…` with a fixture `world`."""

    @pytest.fixture
    def stage(self, world: World) -> Iterator[Stage]:
        bench = Bench()
        with FaultProxy(world.upstream, world.shape) as proxy:
            system = world.build(proxy.url, bench.tools, 10.0)
            try:
                yield Stage(world, proxy, bench, system)
            finally:
                close(system)

    # --- what is there is seen, what is gone is measured ---------------------------------------

    def test_planted_is_present(self, stage: Stage) -> None:
        look = stage.look()
        assert look.account.presence is Presence.PRESENT, look.account.reason
        assert not unknowns(look)
        seen = {grant.entitlement.label: stands(look, grant) for grant in stage.leaver.grants}
        assert set(seen.values()) == {Presence.PRESENT}, seen

    def test_revoked_is_absent_and_the_rest_stays(self, stage: Stage) -> None:
        for grant in stage.leaver.grants:
            stage.writer.revoke(stage.leaver, grant)
            found = listing(stage.look(), grant.entitlement.kind)
            assert found is not None
            assert found.state in (ListState.COMPLETE, ListState.OMITTED), found.reason
            assert stands(stage.look(), grant) is Presence.ABSENT
            stage.writer.grant(stage.leaver, grant.entitlement, stage.world.made(stage.system, grant.entitlement))
        assert all(stands(stage.look(stage.bystander), g) is Presence.PRESENT for g in stage.bystander.grants)

    def test_items_on_the_last_page_are_present(self, stage: Stage) -> None:
        paged = [path for path, count in stage.paths().items() if count > 1]
        assert paged, "no list of this world has a second page: make its pages smaller"
        assert all(stands(stage.look(), grant) is Presence.PRESENT for grant in stage.leaver.grants)

    def test_a_removed_account_is_absent(self, stage: Stage) -> None:
        assert stage.find().accounts
        stage.writer.remove(stage.leaver)
        look = stage.look()
        assert look.account.presence is Presence.ABSENT, look.account.reason
        for found in look.listings:
            assert not [row for row in found.rows if row.presence is Presence.PRESENT], found
        assert stage.look(stage.bystander).account.presence is Presence.PRESENT

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

    def test_two_looks_agree(self, stage: Stage) -> None:
        shared = stage.system.round()
        assert timeless(shared.look(stage.leaver)) == timeless(shared.look(stage.leaver)) == timeless(stage.look())

    def test_every_look_cites_its_evidence(self, stage: Stage) -> None:
        look = stage.look()
        assert look.account.evidence
        assert 0 < look.account.sent <= look.account.answered
        for found in look.listings:
            assert found.evidence
            assert 0 < found.sent <= found.answered

    def test_no_secret_is_in_the_evidence(self, stage: Stage) -> None:
        told = [*self._exercise(stage), *unknowns(stage.look())]
        for grant in stage.leaver.grants:
            stage.writer.revoke(stage.leaver, grant)
        secrets = [*stage.world.secrets, stage.leaver.identity.password.reveal()]
        secrets += [g.secret.reveal() for g in stage.leaver.grants if g.secret is not None]
        text = stage.bench.evidence() + repr(told) + repr(stage.leaver)
        assert not [number for number, secret in enumerate(secrets) if secret in text]

    def test_the_leavers_own_credential(self, stage: Stage) -> None:
        """Works while it is held; refused once it is taken back, and only by a declared answer."""
        if not isinstance(stage.system, Exercises):
            pytest.skip("this system has no leaver's vantage")
        for grant in stage.leaver.grants:
            for channel in stage.system.declaration().kinds[grant.entitlement.kind].uses:
                used = stage.system.use(stage.leaver, grant, channel)
                assert used.presence is Presence.PRESENT, used.reason
                stage.writer.revoke(stage.leaver, grant)
                used = stage.system.use(stage.leaver, grant, channel)
                assert used.presence is Presence.ABSENT, used.reason

    # --- cleanup ------------------------------------------------------------------------------

    def test_cleanup_twice_is_cleanup_once_and_spares_the_bystander(self, stage: Stage) -> None:
        before = timeless(stage.look(stage.bystander))
        for _ in range(2):
            for grant in stage.leaver.grants:
                stage.writer.revoke(stage.leaver, grant)
        for _ in range(2):
            stage.writer.remove(stage.leaver)
        assert stage.look().account.presence is Presence.ABSENT
        assert timeless(stage.look(stage.bystander)) == before

    def _exercise(self, stage: Stage) -> list[Used]:
        if not isinstance(stage.system, Exercises):
            return []
        kinds = stage.system.declaration().kinds
        used = [
            stage.system.use(stage.leaver, grant, channel)
            for grant in stage.leaver.grants
            for channel in kinds[grant.entitlement.kind].uses
        ]
        if stage.system.declaration().login is not None:
            used.append(stage.system.login(stage.leaver))
        return used
