"""A world whose run dies at a record of its journal, and the next process of the same run, in virtual time."""

from __future__ import annotations

import gc
import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from harness.engine.context import Waiting
from harness.engine.resume import interrupted
from harness.engine.run import Options, Run
from harness.engine.virtual import VirtualKernel
from harness.evidence.canonical import canonical
from harness.evidence.journal import MemoryJournal
from harness.evidence.ledger import Ledger
from harness.evidence.vault import Vault
from harness.model import SECOND, Case, Event, EventTraits, Instant, Outcome, Receipt, RunResult, Vantage
from harness.ports import Person
from tests.engine.memory import MemoryConnector
from tests.engine.world import World

gc.collect()
gc.freeze()  # what is there already need not be looked through at each death


class Crash(BaseException):
    """The process is gone: nothing catches it."""


class Mortal(MemoryJournal):
    """Dies at one record: just before it is written (`kept` false), or just after, with what it announces undone."""

    def __init__(self, at: int, kept: bool) -> None:
        super().__init__()
        self.at = at
        self.kept = kept

    def write(self, record: Mapping[str, Any]) -> None:
        if len(self.records) > self.at or (len(self.records) == self.at and not self.kept):
            raise Crash
        canonical(record)  # what the real one writes must be JSON
        super().write(json.loads(json.dumps(record)))
        if len(self.records) == self.at + 1 and self.kept:
            raise Crash


class MemoryBox:
    """An encrypted vault without a cipher."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def put(self, values: Mapping[str, Any]) -> str:
        name = f"entry-{len(self.kept)}"
        self.kept[name] = json.dumps(values)
        return name

    def get(self, name: str) -> Mapping[str, Any] | None:
        made: dict[str, Any] = json.loads(self.kept[name])
        return made


@dataclass
class Remote(MemoryConnector):
    """A connector that lives on when the harness dies: what it was told it does. `asks`: it can say what arrived."""

    asks: bool = False
    due: list[tuple[Instant, str, Person]] = field(default_factory=list)
    effective: list[str] = field(default_factory=list)

    def events(self) -> Mapping[str, EventTraits]:
        return {name: EventTraits(idempotent=self.idempotent, has_sent=self.asks) for name in self.acts}

    def fire(self, event: Event, person: Person) -> Receipt:
        sent = self.clock.now()
        self.clock.sleep(5_000)
        self.fired.append(event.id)
        if not (self.idempotent and event.id in self.effective):
            self.effective.append(event.id)
            self.due.append((self.clock.now() + self.delay, event.name, person))
            self.kernel.at(self.clock.now() + self.delay, self.act)
        return Receipt(self.claim, sent, self.clock.now(), {"number": len(self.fired)}, "as asked", evidence=("e",))

    def act(self) -> None:
        now = self.kernel.now()
        ripe, self.due = [d for d in self.due if d[0] <= now], [d for d in self.due if d[0] > now]
        for _, name, person in ripe:
            for act in self.acts[name]:
                act(self, Event("", name, now), person)

    def arrived(self, event: Event, person: Person) -> tuple[bool | None, str]:
        return (event.id in self.fired, "") if self.asks else (None, "cannot tell")


class Ended(World):
    """`key`: whether there is an encrypted vault."""

    def __init__(
        self, *names: str, delay: int = SECOND, key: bool = True, leaves: bool = False, **connector: Any
    ) -> None:
        super().__init__(*names, delay=delay)
        acts = self.connector.acts
        self.connector: Remote = Remote("hr", self.kernel, self.kernel, self.systems, delay, acts=acts, **connector)
        self.box = MemoryBox() if key else None
        self.ledger = Ledger(None, {"run": "run-1"})
        self.died = 0
        self.leaves = leaves
        self.until: Instant = 0

    def live(self, cases: Sequence[Case], at: int = 10**9, *, kept: bool = False) -> RunResult | None:
        """The first process; None when it died."""
        self.journal = Mortal(at, kept)
        return self._process(cases, None)

    def again(
        self, cases: Sequence[Case], after: int = SECOND, at: int = 10**9, *, kept: bool = False
    ) -> RunResult | None:
        """The next one, so long after."""
        start = self.kernel.now() + after
        self.kernel = self.connector.kernel = VirtualKernel(start)
        self.connector.clock = self.kernel
        for system in self.systems.values():
            system.clock = self.kernel
        self.connector.act()  # what fell due meanwhile was done: only the harness was not there
        for when, *_ in self.connector.due:
            self.kernel.at(when, self.connector.act)
        records = self.journal.records
        self.journal = Mortal(at, kept)
        self.journal.records = records
        looks = self.looks()
        return self._process(cases, interrupted(records, looks, "run-1", 1, self.box))

    def looks(self) -> Iterator[tuple[Mapping[str, Any], str]]:
        for line in self.ledger.lines():
            record = json.loads(line)
            if record["type"] == "observation":
                yield record, sha256(line).hexdigest()

    def _process(self, cases: Sequence[Case], found: Any) -> RunResult | None:
        options = Options("run-1", 1, password=lambda n: f"pw-{n}", box=self.box, leaves=self.leaves)
        self.engine = Run(
            self.fleet(), cases, self.kernel, self.journal, self.ledger, Vault(), lambda t, _p: t, options, found=found
        )
        try:
            return self.engine.run()
        except Waiting as waiting:
            self.until = waiting.until
            return None
        except Crash:
            self.died += 1
        self._bury()
        return None

    def _bury(self) -> None:
        """A process that dies abandons its stories where they are; here the same interpreter has to bear it."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            stopped = self.kernel.now()
            del self.engine
            self.kernel = self.connector.kernel = VirtualKernel(stopped)
            self.connector.clock = self.kernel
            for system in self.systems.values():
                system.clock = self.kernel
            while gc.collect():
                pass

    def left(self) -> list[str]:
        return [f"{s.name} {one}" for s in self.systems.values() for one in (*s.users, *s.objects)]


Told = dict[tuple[str, ...], Outcome]


def told(run: RunResult, vantage: Vantage | None = None) -> Told:
    """Every finding of every case; `vantage` leaves out the other one's."""
    return {
        (r.case.id, str(f.subject), f.system, str(f.kind), f.name, str(f.vantage), f.channel): f.outcome
        for r in run.cases
        for f in r.findings
        if vantage in (None, f.vantage)
    }
