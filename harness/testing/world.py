"""A world to test an HTTP adapter in: where its system answers, and which of its requests can suffer which fault."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from harness.model import NOTHING, Account
from harness.ports import System, Tools
from harness.testing.faults import Fault, Shape, Trouble
from harness.testing.proxy import FaultProxy
from harness.testing.scene import Peopled, Scene, close


class World(Peopled, ABC):
    """A running system with other people in it, and how to point the adapter at it."""

    upstream: str  # its base URL
    shape: Shape
    cannot: Mapping[str, str] = NOTHING  # fault -> why it cannot happen here

    @abstractmethod
    def build(self, url: str, tools: Tools, timeout_s: float) -> System:
        """The adapter at this address, with this timeout and few attempts."""

    @abstractmethod
    def record_path(self, account: Account) -> str:
        """The path at which the account's own record is read."""

    def absent_on(self, path: str) -> bool:  # noqa: ARG002
        """Whether 404 at this collection is declared to mean no items."""
        return False

    def paged(self, path: str) -> bool:  # noqa: ARG002
        """Whether several requests of one path are the pages of one list, and not questions of their own."""
        return True


@dataclass(kw_only=True)
class Stage(Scene):
    """A leaver and a bystander with the same access, seen through the proxy."""

    world: World
    proxy: FaultProxy

    def __post_init__(self) -> None:
        super().__post_init__()
        self.proxy.take_log()

    @contextmanager
    def trouble(self, fault: Fault, path: str) -> Iterator[Trouble]:
        """This path goes wrong in this way for a while; where nothing is answered, the adapter is a hasty one."""
        patient = self.system
        if fault.name == "timeout":
            self.system = self.world.build(self.proxy.url, self.bench.tools, 0.3)
        try:
            yield self.proxy.plant(fault, path)
        finally:
            self.proxy.clear()
            if self.system is not patient:
                close(self.system)
            self.system = patient

    def paths(self) -> dict[str, int]:
        """Path -> how often a clean look asks for it."""
        self.proxy.take_log()
        self.look()
        counts: dict[str, int] = {}
        for asked in self.proxy.take_log():
            counts[asked.path] = counts.get(asked.path, 0) + 1
        return counts

    def suited(self, fault: Fault) -> list[str]:
        """The paths of a look on which this fault makes sense."""
        record = self.world.record_path(self.leaver.account) if self.leaver.account else ""
        counts = self.paths()
        collections = [path for path in counts if path != record]
        if fault.place == "record":
            return [record] if self.world.shape.state is not None else []
        if fault.place == "paged":
            return [path for path in collections if counts[path] > 1 and self.world.paged(path)]
        if fault.place == "collection":
            return [p for p in collections if not (fault.name.startswith("404") and self.world.absent_on(p))]
        return list(counts) if fault.place == "any" else []
