"""The contract of adapters that do not speak HTTP holds for one that keeps it, and fails on those that break it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from harness.testing.bench import Bench
from harness.testing.scene import close
from harness.testing.spoken import SpokenContract, SpokenScene, SpokenWorld
from harness.testing.tcp import TCP_FAULTS, TcpRelay
from tests.testing.lines import LineWorld, served


class TestLines(SpokenContract):
    @pytest.fixture
    def world(self) -> Iterator[SpokenWorld]:
        with served() as server:
            yield LineWorld(server)


@contextmanager
def scene(defect: str) -> Iterator[SpokenScene]:
    with served() as server:
        world, bench = LineWorld(server, defect), Bench()
        with TcpRelay(world.upstream) as relay:
            system = world.build(relay.host, relay.port, bench.tools, 10.0)
            yield SpokenScene(world=world, relay=relay, bench=bench, system=system)
            close(system)


SUITE = SpokenContract()


def broken(fault: str) -> Callable[[SpokenScene], None]:
    return lambda stage: SUITE.test_a_broken_connection_is_unknown_never_absent(stage, fault)


@pytest.mark.parametrize("fault", ["refused", "reset", "silence"])
def test_absent_by_default_is_found(fault: str) -> None:
    with scene("absent by default") as stage, pytest.raises(AssertionError):
        broken(fault)(stage)


def test_half_a_list_is_found() -> None:
    with scene("half a list is a list") as stage, pytest.raises(AssertionError):
        broken("closed-in-an-answer")(stage)


def test_a_first_page_that_is_taken_for_all_is_found() -> None:
    with scene("first page only") as stage, pytest.raises(AssertionError):
        SUITE.test_items_on_the_last_page_are_present(stage)


@pytest.mark.parametrize("fault", TCP_FAULTS)
def test_every_fault_of_the_relay_does_what_it_says(fault: str) -> None:
    """Without an adapter in between: what arrives is not what was sent."""
    import socket

    with served() as server, TcpRelay(("127.0.0.1", int(server.server_address[1]))) as relay:
        server.sets["people"] = ["ada", "bob"]

        def ask() -> bytes:
            with socket.create_connection((relay.host, relay.port), timeout=1) as sock:
                sock.sendall(b"reader LIST people 0\n")
                got = b""
                while not got.endswith(b".\n") and (data := sock.recv(100)):
                    got += data
                return got

        assert ask() == b"ada\nbob\n.\n"
        relay.plant(fault, after=0)
        try:
            assert ask() != b"ada\nbob\n.\n"
        except OSError:
            assert fault != "closed-in-an-answer"
        assert relay.hits or fault == "refused"
        relay.clear()
        assert ask() == b"ada\nbob\n.\n"
