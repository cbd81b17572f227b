"""The desk: looks that come faster than a system answers share the next round, and what a round reads once."""

from __future__ import annotations

from harness.engine.kernel import Lane
from harness.engine.party import Party
from harness.engine.rounds import Desk, Reading
from harness.engine.virtual import VirtualKernel
from harness.model import SECOND, Account, Identity, Secret, Subject
from harness.ports import SystemEntry
from tests.engine.memory import MemorySystem


def test_looks_that_come_while_others_are_read_share_the_next_round() -> None:
    """A look takes a second, one more person asks every tenth: without sharing, every person is a round."""
    kernel = VirtualKernel()
    system = MemorySystem("crm", kernel, latency=SECOND)
    entry = SystemEntry("crm", system)
    desk = Desk(kernel, entry, Lane("crm", 8), lambda *_: None)
    readings: list[Reading] = []

    async def ask(n: int) -> None:
        await kernel.pause(n * SECOND // 10)
        readings.append(await desk.read(_party(n), ()))

    for n in range(24):
        kernel.spawn(ask(n))
    kernel.run()
    assert len(readings) == 24
    assert all(len(reading.looks) == 1 for reading in readings)
    assert len({reading.round for reading in readings}) <= 8


def test_a_round_that_nobody_else_wants_starts_at_once() -> None:
    kernel = VirtualKernel()
    system = MemorySystem("crm", kernel, latency=SECOND)
    entry = SystemEntry("crm", system)
    desk = Desk(kernel, entry, Lane("crm", 8), lambda *_: None)
    ends: list[int] = []

    async def ask(n: int) -> None:
        began = kernel.now()
        await desk.read(_party(n), ())
        ends.append(kernel.now() - began)

    for n in range(Desk.ABREAST):
        kernel.spawn(ask(n))
    kernel.run()
    assert ends == [SECOND] * Desk.ABREAST


def _party(n: int) -> Party:
    name = f"zz-{n}"
    mail = f"{name}@drill.example.test"
    identity = Identity(f"leaver-{n}", n, Subject.LEAVER, name, mail, Secret("x" * 20), "Zoe", "Zero", f"ext-{n}")
    party = Party(identity, "run", 1)
    party.adopt(Account("crm", f"crm-{n}"))
    return party
