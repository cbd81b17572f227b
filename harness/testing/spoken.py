# ruff: noqa: S101  a test module that ships
"""The contract of adapters that speak something else than HTTP: LDAP, SQL, IMAP. Plug a world in, as for `Contract`.

The connection is broken in every way a network can, at several places of a look; what only the server itself can do
(take the reader's rights away, cut a list at its own limit) the world does to the real server, in `troubles`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

import pytest

from harness.model import ListState, Presence
from harness.ports import System, Tools
from harness.testing.bench import Bench
from harness.testing.laws import Laws, listed
from harness.testing.scene import Peopled, Scene, close, stands, timeless, unknowns
from harness.testing.tcp import TCP_FAULTS, TcpRelay

__all__ = ["SpokenContract", "SpokenScene", "SpokenWorld"]

PLACES = (0.0, 0.3, 0.6, 0.95)  # how much of a look's answers still passes
HASTY_S = 0.5
Trouble = Callable[[], AbstractContextManager[None]]


class SpokenWorld(Peopled, ABC):
    """A running server with other people in it, and how to point the adapter at it."""

    upstream: tuple[str, int]
    reading: frozenset[str]  # the verbs that evidence may show of a look
    pages: str = ""  # why no list of this protocol has pages; empty: some list of `entitlements` needs two

    @abstractmethod
    def build(self, host: str, port: int, tools: Tools, timeout_s: float, *, wrong: bool = False) -> System:
        """The adapter at this address, with this timeout and few attempts; `wrong`: with a reader's credential that the
        server refuses."""

    @abstractmethod
    def troubles(self) -> Mapping[str, Trouble]:
        """What the real server can do to a reader, at least `reader-without-rights`; each ends as it leaves."""

    def second_pages(self, scene: Scene) -> int:
        """How many further pages a clean look asked for, told from its evidence."""
        raise NotImplementedError("a protocol with pages tells how its evidence shows them")


@dataclass(kw_only=True)
class SpokenScene(Scene):
    world: SpokenWorld
    relay: TcpRelay

    def hasty(self, *, wrong: bool = False) -> System:
        """Another one with new connections and little patience."""
        return self.world.build(self.relay.host, self.relay.port, self.bench.tools, HASTY_S, wrong=wrong)


class SpokenContract(Laws):
    """Subclass it as `Test…` with a fixture `world`."""

    @pytest.fixture
    def scene(self, world: SpokenWorld) -> Iterator[SpokenScene]:
        bench = Bench()
        with TcpRelay(world.upstream) as relay:
            system = world.build(relay.host, relay.port, bench.tools, 10.0)
            try:
                yield SpokenScene(world=world, relay=relay, bench=bench, system=system)
            finally:
                close(system)

    @pytest.mark.parametrize("fault", TCP_FAULTS)
    def test_a_broken_connection_is_unknown_never_absent(self, scene: SpokenScene, fault: str) -> None:
        before = scene.relay.passed
        size = self._look(scene, lambda: None)
        assert scene.relay.passed - before >= size > 0
        for place in PLACES:
            self._look(scene, lambda place=place: scene.relay.plant(fault, int(size * place)), fault)  # type: ignore[misc]

    def _look(self, scene: SpokenScene, plant: Callable[[], None], fault: str = "") -> int:
        system = scene.hasty()
        try:
            before, asked = scene.relay.passed, len(scene.bench.exchanges.kept)
            plant()
            shared = system.round()
            found, look = shared.find(scene.leaver), shared.look(scene.leaver)
            size = scene.relay.passed - before
            if not fault:
                assert found.accounts
                assert not unknowns(look), unknowns(look)
                return size
            assert scene.relay.hits or fault == "refused", fault
            assert found.accounts or found.state is ListState.UNKNOWN, fault
            assert look.account.presence is not Presence.ABSENT, fault
            seen = {grant.entitlement.label: stands(look, grant) for grant in scene.leaver.grants}
            assert Presence.ABSENT not in seen.values(), (fault, seen)
            noticed = found.state is ListState.UNKNOWN or bool(unknowns(look))
            if system.declaration().searches:  # strangers that could not be looked for leave a present account present
                noticed = noticed or any(exchange["error"] for exchange in scene.bench.exchanges.kept[asked:])
            assert noticed, f"{fault} was not noticed"
            assert all(unknowns(look)), "an unknown without a reason"
            return size
        finally:
            scene.relay.clear()
            close(system)

    def test_a_wrong_credential_finds_nothing_out(self, scene: SpokenScene) -> None:
        system = scene.hasty(wrong=True)
        try:
            found, look = system.round().find(scene.leaver), system.round().look(scene.leaver)
        finally:
            close(system)
        assert found.state is ListState.UNKNOWN
        assert found.reason
        assert look.account.presence is Presence.UNKNOWN
        assert all(listing.state is ListState.UNKNOWN for listing in look.listings), look.listings
        assert all(unknowns(look))

    def test_what_the_server_does_to_the_reader_makes_nothing_absent(self, scene: SpokenScene) -> None:
        """Either the look says that it is unknown, or the control's like grant has vanished for this reader too, so
        that its silence proves nothing (spec §2, living control)."""
        troubles = scene.world.troubles()
        assert "reader-without-rights" in troubles
        for name, trouble in troubles.items():
            system = scene.hasty()
            try:
                with trouble():
                    shared = system.round()
                    mine, theirs = shared.look(scene.leaver), shared.look(scene.bystander)
            finally:
                close(system)
            if mine.account.presence is Presence.ABSENT:
                assert theirs.account.presence is not Presence.PRESENT, name
            blind = 0
            for grant, like in zip(listed(scene), listed(scene, scene.bystander), strict=True):
                if stands(mine, grant) is Presence.ABSENT:
                    assert stands(theirs, like) is not Presence.PRESENT, (name, grant.entitlement.label)
                blind += stands(mine, grant) is not Presence.PRESENT
            assert blind or mine.account.presence is not Presence.PRESENT, f"{name} was not felt"
        again = scene.look()
        assert not unknowns(again), "a trouble did not end"

    def test_items_on_the_last_page_are_present(self, scene: SpokenScene) -> None:
        if scene.world.pages:
            pytest.skip(scene.world.pages)
        scene.bench.exchanges.kept.clear()
        look = scene.look()
        assert all(stands(look, grant) is Presence.PRESENT for grant in listed(scene))
        assert scene.world.second_pages(scene) > 0, "no list of this world has a second page: make its pages smaller"

    def test_a_look_writes_nothing(self, scene: SpokenScene) -> None:
        scene.bench.exchanges.kept.clear()
        before = timeless(scene.look())
        verbs = {str(exchange["method"]) for exchange in scene.bench.exchanges.kept}
        assert verbs
        assert verbs <= scene.world.reading, verbs
        assert timeless(scene.look()) == before
