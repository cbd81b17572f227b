"""One drill through the whole stack in virtual time: engine, wire and adapter against a real server on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any, Protocol

from harness.connectors.webhook import ADAPTER as WEBHOOK
from harness.connectors.webhook import WebhookConfig
from harness.engine.life import Life
from harness.engine.run import Options, Run
from harness.engine.virtual import VirtualKernel
from harness.evidence.exchanges import Exchanges
from harness.evidence.journal import MemoryJournal
from harness.evidence.ledger import Ledger
from harness.evidence.vault import Vault
from harness.model import (
    SECOND,
    CaseResult,
    Entitlement,
    Finding,
    Kind,
    Leave,
    Outcome,
    RunResult,
    Subject,
    Vantage,
    Within,
)
from harness.ports import Connector, Fleet, Guard, Limits, System, SystemEntry, Tools
from harness.testing.faults import Asked, Given, Shape
from tests.engine.world import make_case
from tests.verdicts.front import Front, given

SETTLE, WITHIN = SECOND * 2 // 5, 2 * SECOND
LATENCY = 2_000


class Behind(Protocol):
    """A system that attacks are staged on."""

    name: str
    access: tuple[Entitlement, ...]
    shape: Shape
    listed: frozenset[Kind]

    def __call__(self, asked: Asked, bearer: str, body: Any) -> tuple[int, Any]: ...
    def build(self, url: str, tools: Tools, timeout_s: float = 0.5, attempts: int = 2) -> System: ...
    def disable(self, account: str) -> None: ...
    def enable(self, account: str) -> None: ...
    def strip(self, account: str) -> None: ...
    def strip_record(self, account: str) -> None: ...
    def delete(self, account: str) -> None: ...
    def is_record(self, asked: Asked) -> bool: ...
    def is_list(self, asked: Asked) -> bool: ...
    def is_groups(self, asked: Asked) -> bool: ...


Deed = Callable[[str], object]  # what the connector does to the leaver's account, by its id


class Stage:
    """A fleet of one system and one connector. `deeds` run when the leave event arrives, then its answer is given."""

    def __init__(self, behind: Behind, front: Front) -> None:
        self.behind, self.front = behind, front
        self.kernel = VirtualKernel()
        self.vault = Vault()
        self.exchanges = Exchanges(None, self.vault)
        self.tools = Tools(self.kernel, self.exchanges, self.vault)
        self.journal = MemoryJournal()
        self.ledger = Ledger(None, {"run": "run-1"}, self.vault)
        self.deeds: list[Deed] = []
        self.reply: Callable[[], Given] = lambda: given(200, {})
        self.leaver = ""
        self.events: list[str] = []
        self.t0 = 0  # when the leave event arrived; the looks after it began later
        self.build: Callable[[str, Tools], System] = behind.build
        self.wrap: Callable[[System], System] = lambda system: system
        self.run_: Run | None = None
        front.on_event = self._event
        front.on_ask = lambda asked, bearer: self._ask(asked, bearer)
        self.on_ask: Callable[[Asked, str], None] = lambda _asked, _bearer: None
        self.heals = True  # the reader sees again when cleanup begins

    def _ask(self, asked: Asked, bearer: str) -> None:
        self.kernel.sleep(LATENCY)
        self.on_ask(asked, bearer)

    def _event(self, name: str, body: Mapping[str, Any]) -> Given:
        self.kernel.sleep(LATENCY)
        self.leaver = str(body["account"])
        self.events.append(name)
        self.t0 = self.t0 or self.kernel.now()
        for deed in self.deeds:
            deed(self.leaver)
        return self.reply()

    def _phase(self, life: Life) -> None:
        if life.phase == "cleanup" and self.heals:
            self.front.plans.clear()

    def later(self, span: int, deed: Callable[[], object]) -> None:
        """Does this so long after now, between two requests."""
        self.kernel.post(lambda: self.kernel.at(self.kernel.now() + span, deed))

    @property
    def elapsed(self) -> int:
        """Since the leave event arrived; -1 before."""
        return self.kernel.now() - self.t0 if self.t0 else -1

    def fleet(self, **event: Any) -> Fleet:
        name = self.behind.name
        system = self.wrap(self.build(self.front.url, self.tools))
        entry = SystemEntry(name, system, Limits(concurrency=4))
        body = {"account": f"{{{{ accounts.{name}.id }}}}"}
        events = {word: {"post": f"/hr/{word}", "json": body, **event} for word in ("terminate", "rehire")}
        config = WebhookConfig.model_validate(
            {"type": "webhook", "owner": "hr", "url": self.front.url, "auth": {"none": True}, "events": events}
        )
        connector: Connector = WEBHOOK.build("hr", config, self.tools)
        guard = Guard("zz-leaver-{{ run.n }}-{{ n }}", "drill.example.test", 100)
        return Fleet(
            "attacks", "sandbox", "attacks.yaml", "0" * 64, guard, {name: entry}, {"hr": connector},
            today=date(2026, 1, 1),
        )  # fmt: skip

    def drill(self, *, event: Mapping[str, Any] | None = None, **case: Any) -> Told:
        made = make_case(
            **{
                "access": self.behind.access,
                "leave": Leave("hr", "terminate"),
                "within": Within(WITHIN),
                "settle": SETTLE,
                "poll": SECOND,
                **case,
            }
        )
        options = Options("run-1", 1, password=lambda n: f"Pw-of-number-{n}-Zk8")
        fleet = self.fleet(**(event or {}))
        self.run_ = Run(
            fleet, [made], self.kernel, self.journal, self.ledger, self.vault, lambda text, _: text, options
        )
        self.run_.on_change = self._phase
        try:
            return Told(self.run_.run())
        finally:
            for entry in fleet.systems.values():
                close = getattr(entry.system, "close", None)
                if close is not None:
                    close()


class Told:
    """What a drill told, and the questions that attacks put to it."""

    def __init__(self, run: RunResult) -> None:
        self.run = run
        self.case: CaseResult = run.cases[0]

    def findings(self, subject: Subject = Subject.LEAVER) -> Sequence[Finding]:
        return [f for f in self.case.findings if f.subject is subject]

    def one(self, kind: Kind, name: str = "", vantage: Vantage = Vantage.ADMIN) -> Finding:
        found = [f for f in self.findings() if f.kind is kind and f.vantage is vantage and (not name or f.name == name)]
        assert len(found) == 1, f"{len(found)} findings on {kind} {name}: {self}"
        return found[0]

    def outcomes(self) -> set[Outcome]:
        return {f.outcome for f in self.findings()}

    def __repr__(self) -> str:
        return f"\n{self}"

    def __str__(self) -> str:
        lines = [f"{self.case.verdict.word}: {self.case.reason}"]
        lines += [
            f"  {f.subject} {f.kind} {f.name} {f.grant_id} {f.vantage}{f.channel}: {f.outcome} ({f.reason})"
            for f in (*self.case.findings, *self.run.bystanders)
        ]
        lines += [f"  cleanup: {self.case.cleanup} {self.run.cleanup}"]
        return "\n".join(lines)


@contextmanager
def staged(behind: Behind) -> Iterator[Stage]:
    with Front(behind, behind.shape) as front:
        yield Stage(behind, front)
