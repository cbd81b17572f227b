# ruff: noqa: S101  a test module that ships
"""What every system adapter owes, whatever it speaks: the part of the contract that needs no faults."""

from __future__ import annotations

import pytest

from harness.model import Grant, ListState, Presence, Used
from harness.ports import Exercises, Person
from harness.testing.scene import Scene, listing, stands, timeless, unknowns


class Laws:
    """Mixed into the contract suites, which bring a fixture `scene`."""

    # --- what is there is seen, what is gone is measured ---------------------------------------

    def test_planted_is_present(self, scene: Scene) -> None:
        look = scene.look()
        assert look.account.presence is Presence.PRESENT, look.account.reason
        assert not unknowns(look)
        seen = {grant.entitlement.label: stands(look, grant) for grant in listed(scene)}
        assert set(seen.values()) == {Presence.PRESENT}, seen

    def test_revoked_is_absent_and_the_rest_stays(self, scene: Scene) -> None:
        for grant in listed(scene):
            scene.writer.revoke(scene.leaver, grant)
            found = listing(scene.look(), grant.entitlement.kind)
            assert found is not None
            assert found.state in (ListState.COMPLETE, ListState.OMITTED), found.reason
            assert stands(scene.look(), grant) is Presence.ABSENT
            scene.writer.grant(scene.leaver, grant.entitlement, scene.world.made(scene.system, grant.entitlement))
        assert all(stands(scene.look(scene.bystander), g) is Presence.PRESENT for g in listed(scene, scene.bystander))

    def test_a_removed_account_is_absent(self, scene: Scene) -> None:
        assert scene.find().accounts
        scene.writer.remove(scene.leaver)
        look = scene.look()
        assert look.account.presence is Presence.ABSENT, look.account.reason
        for found in look.listings:
            rows = [row for row in found.rows if row.presence is Presence.PRESENT]
            assert not rows or found.kind in scene.world.outlives, found
        assert scene.look(scene.bystander).account.presence is Presence.PRESENT

    # --- what a look may not do ------------------------------------------------------------------

    def test_two_looks_agree(self, scene: Scene) -> None:
        shared = scene.system.round()
        assert timeless(shared.look(scene.leaver)) == timeless(shared.look(scene.leaver)) == timeless(scene.look())

    def test_every_look_cites_its_evidence(self, scene: Scene) -> None:
        look = scene.look()
        assert look.account.evidence
        assert 0 < look.account.sent <= look.account.answered
        for found in look.listings:
            assert found.evidence
            assert 0 < found.sent <= found.answered

    def test_no_secret_is_in_the_evidence(self, scene: Scene) -> None:
        told = [*self._exercise(scene), *unknowns(scene.look())]
        for grant in scene.leaver.grants:
            scene.writer.revoke(scene.leaver, grant)
        secrets = [*scene.world.secrets, scene.leaver.identity.password.reveal()]
        secrets += [g.secret.reveal() for g in scene.leaver.grants if g.secret is not None]
        text = scene.bench.evidence() + repr(told) + repr(scene.leaver)
        assert not [number for number, secret in enumerate(secrets) if secret in text]

    def test_the_leavers_own_credential(self, scene: Scene) -> None:
        """Works while it is held; refused once it is taken back, and only by a declared answer."""
        if not isinstance(scene.system, Exercises):
            pytest.skip("this system has no leaver's vantage")
        for grant in scene.leaver.grants:
            for channel in _ways(scene, grant):
                used = scene.system.use(scene.leaver, grant, channel)
                assert used.presence is Presence.PRESENT, used.reason
                scene.writer.revoke(scene.leaver, grant)
                used = scene.system.use(scene.leaver, grant, channel)
                assert used.presence is Presence.ABSENT, used.reason

    # --- cleanup ------------------------------------------------------------------------------

    def test_cleanup_twice_is_cleanup_once_and_spares_the_bystander(self, scene: Scene) -> None:
        before = timeless(scene.look(scene.bystander))
        for _ in range(2):
            for grant in scene.leaver.grants:
                scene.writer.revoke(scene.leaver, grant)
        for _ in range(2):
            scene.writer.remove(scene.leaver)
        assert scene.look().account.presence is Presence.ABSENT
        assert timeless(scene.look(scene.bystander)) == before

    def _exercise(self, scene: Scene) -> list[Used]:
        if not isinstance(scene.system, Exercises):
            return []
        used = [
            scene.system.use(scene.leaver, grant, channel)
            for grant in scene.leaver.grants
            for channel in _ways(scene, grant)
        ]
        if scene.system.declaration().login is not None:
            used.append(scene.system.login(scene.leaver))
        return used


def listed(scene: Scene, who: Person | None = None) -> list[Grant]:
    """What an admin can see; a kind that only its use tells of is tried in `test_the_leavers_own_credential`."""
    kinds = scene.system.declaration().kinds
    return [grant for grant in (who or scene.leaver).grants if kinds[grant.entitlement.kind].listed]


def _ways(scene: Scene, grant: Grant) -> list[str]:
    uses = scene.system.declaration().kinds[grant.entitlement.kind].uses
    return [channel for channel in uses if grant.channels is None or channel in grant.channels]
