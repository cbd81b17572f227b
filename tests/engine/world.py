"""A small fleet in memory that implements the real ports, for whole drills in virtual time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from harness.engine.run import Options, Run
from harness.engine.virtual import VirtualKernel
from harness.evidence.journal import MemoryJournal
from harness.model import (
    SECOND,
    Case,
    Demand,
    Duration,
    Entitlement,
    Keep,
    Kind,
    Leave,
    RunResult,
    Step,
    Within,
)
from harness.ports import (
    Fleet,
    Guard,
    Limits,
    System,
    SystemEntry,
)
from tests.engine.memory import MemoryConnector, MemorySystem, delete, terminate


def entitlement(system: str, kind: str, name: str = "account", **more: Any) -> Entitlement:
    return Entitlement(system, Kind(kind), name, **more)


def make_case(id: str = "story", *, access: Sequence[Entitlement] = (), **more: Any) -> Case:
    given: dict[str, Any] = {
        "id": id,
        "scenario": id.partition("[")[0],
        "title": id,
        "story": "",
        "source": f"scenarios/{id}.yaml",
        "sha256": "0" * 64,
        "tags": (),
        "params": {},
        "attributes": {"department": "Finance"},
        "objects": (),
        "access": tuple(access)
        or (entitlement("crm", "license", "sales-pro"), entitlement("crm", "credential", "api")),
        "join": None,
        "before": (),
        "leave": Leave("hr", "terminate"),
        "then": (),
        "account": "disabled",
        "within": Within(60 * SECOND),
        "hold": (),
        "settle": SECOND,
        "poll": None,
        "keep": (),
        "demand": Demand(),
        "controls": (),
    }
    return Case(**(given | more))


class World:
    """Two systems, one connector, a kernel in virtual time."""

    def __init__(self, *names: str, delay: Duration = SECOND) -> None:
        self.kernel = VirtualKernel()
        self.systems = {name: MemorySystem(name, self.kernel) for name in names or ("crm", "mail")}
        self.connector = MemoryConnector("hr", self.kernel, self.kernel, self.systems, delay)
        self.connector.acts = {"terminate": [terminate], "delete": [delete]}
        self.journal = MemoryJournal()
        self.ledger: Any = NoLedger()

    def fleet(self) -> Fleet:
        entries = {n: SystemEntry(n, _as_system(s), Limits(concurrency=8)) for n, s in self.systems.items()}
        guard = Guard("zz-leaver-{{ run.n }}-{{ n }}", "drill.example.test", 100_000)
        return Fleet(
            "memory", "sandbox", "memory.yaml", "0" * 64, guard, entries, {"hr": self.connector}, today=date(2026, 1, 1)
        )

    def run(self, *cases: Case, concurrency: int = 64, exceptions: Sequence[Keep] = (), shares: int = 1) -> RunResult:
        options = Options("run-1", 1, concurrency, (0, shares), password=lambda n: f"pw-{n}")
        fleet, said = self.fleet(), (lambda text, _person: text)
        self.engine = Run(
            fleet, cases, self.kernel, self.journal, self.ledger, _NoVault(), said, options, exceptions=exceptions
        )
        return self.engine.run()


def _as_system(system: MemorySystem) -> System:
    return system


class NoLedger:
    """Numbers the observations and keeps none."""

    def __init__(self) -> None:
        self.count = 0

    def append(self, record: Mapping[str, Any]) -> str:
        self.count += 1
        return f"{self.count:064x}"


class _NoVault:
    def learn(self, secret: str) -> None:
        return None

    def scrub(self, text: str) -> str:
        return text


__all__ = ["Keep", "Step", "World", "delete", "entitlement", "make_case", "terminate"]
