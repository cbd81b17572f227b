"""What every story of a run shares: the kernel, the fleet's lanes and desks, the journal, the names."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from harness.engine.earlier import Earlier
from harness.engine.journalled import PASSWORD, hidden_of, of_identity, of_result
from harness.engine.kernel import Kernel, Lane
from harness.engine.observe import Observer
from harness.engine.party import Party
from harness.engine.rounds import Desk, Reading
from harness.engine.tasks import Lock
from harness.model import Identity, Instant, Secret, Subject
from harness.ports import (
    Declaration,
    Exercises,
    Fleet,
    Journal,
    Person,
    Provisions,
    Strongbox,
    SystemEntry,
    Vault,
    WriteFailed,
)

T = TypeVar("T")
Render = Callable[[str, Person], str]  # a template of the scenario, for one person

GIVEN = ("Ada", "Boris", "Chloe", "Dmitri", "Elif", "Farid", "Greta", "Hiro", "Ines", "Jonas", "Kaja", "Luis")


class Waiting(Exception):
    """The case has nothing to do for long: another process may go on at `until`."""

    def __init__(self, until: Instant) -> None:
        super().__init__(until)
        self.until = until


class SetupFailed(Exception):
    """The case cannot be judged: nothing is offboarded, the verdict is inconclusive, cleanup runs."""


@dataclass(slots=True)
class Context:
    kernel: Kernel
    fleet: Fleet
    run_id: str
    run_n: int
    journal: Journal
    observer: Observer
    vault: Vault
    render: Render
    password: Callable[[int], str] = field(default=lambda _n: "Zz1-" + secrets.token_urlsafe(18))
    lanes: dict[str, Lane] = field(default_factory=dict)
    desks: dict[str, Desk] = field(default_factory=dict)
    locks: dict[tuple[str, ...], Lock] = field(default_factory=dict)
    people: int = 0
    _declared: dict[str, Declaration] = field(default_factory=dict)
    _exercises: dict[str, Exercises | None] = field(default_factory=dict)
    stride: tuple[int, int] = (0, 1)  # this worker's number and how many there are: names never meet
    box: Strongbox | None = None
    leaves: bool = False  # a case whose next look is far away is left to a later process
    earlier: Earlier = field(default_factory=Earlier)  # what a process before this one had sent

    def open_lanes(self, on_bystanders: Callable[[str, int, dict[str, tuple[Party, Reading]]], None]) -> None:
        """A lane and a desk for each system, a lane for each connector."""
        for name, entry in self.fleet.systems.items():
            lane = self.lanes[name] = Lane(name, entry.limits.concurrency)
            self.desks[name] = Desk(self.kernel, entry, lane, on_bystanders)
        for name in self.fleet.connectors:
            self.lanes[f"via:{name}"] = Lane(f"via:{name}", 8)

    def now(self) -> Instant:
        return self.kernel.now()

    def lane(self, name: str) -> Lane:
        return self.lanes[name]

    def entry(self, system: str) -> SystemEntry:
        return self.fleet.systems[system]

    def declared(self, system: str) -> Declaration:
        """What a system says about itself: asked once, it does not change during a run."""
        if system not in self._declared:
            self._declared[system] = self.fleet.systems[system].system.declaration()
        return self._declared[system]

    def provisions(self, name: str) -> Provisions | None:
        system = self.fleet.systems[name].system
        return system if isinstance(system, Provisions) else None

    def exercises(self, name: str) -> Exercises | None:
        if name not in self._exercises:  # a structural check is slow, and looks are many
            system = self.fleet.systems[name].system
            self._exercises[name] = system if isinstance(system, Exercises) else None
        return self._exercises[name]

    def lock(self, *key: str) -> Lock:
        return self.locks.setdefault(key, Lock())

    def identity(self, subject: Subject, attributes: Mapping[str, str]) -> Identity:
        """A new synthetic person, named by the guard's template."""
        if self.people >= self.fleet.guard.max_identities:  # foreseen before the run; whatever happens in it, no more
            raise SetupFailed(f"guard.max_identities allows {self.fleet.guard.max_identities} identities")
        offset, step = self.stride
        n = offset + 1 + self.people * step
        self.people += 1
        guard = self.fleet.guard
        username = _name(guard.username, self.run_id, self.run_n, n)
        password = self.password(n)
        self.vault.learn(password)
        given = attributes.get("given_name", GIVEN[n % len(GIVEN)])
        family = attributes.get("family_name", f"Drill{n}")
        own = {"username", "email", "given_name", "family_name", "external_id"}
        return Identity(
            key=f"{subject}-{n}",
            n=n,
            subject=subject,
            username=username,
            email=f"{username}@{guard.domain}",
            password=Secret(password),
            given_name=given,
            family_name=family,
            external_id=attributes.get("external_id", f"x-{self.run_n}-{n}"),
            attributes={k: v for k, v in attributes.items() if k not in own},
        )

    def newcomer(self, subject: Subject, attributes: Mapping[str, str], case: str = "") -> Party:
        """A new synthetic person, in the journal before anything is made for it."""
        party = Party(self.identity(subject, attributes), self.run_id, self.run_n, case)
        self.journal.write({**of_identity(party), **self._kept({PASSWORD: [True, party.identity.password.reveal()]})})
        return party

    def _kept(self, hidden: Mapping[str, Any]) -> dict[str, str]:
        """Secrets go into the encrypted vault, where there is one, and the journal says under which name."""
        return {"kept": self.box.put(hidden)} if hidden and self.box is not None else {}

    async def change(self, op: str, party: Party | None, place: str, work: Callable[[], T], **detail: Any) -> T:
        """One change, its intent durable before it is sent. Raises `WriteFailed` as the adapter did."""
        record = {"op": op, "identity": party.key if party else "", "place": place, **detail}
        self.journal.write({**record, "state": "about to send", "at": self.now()})

        def sent() -> T:
            self.journal.write({**record, "state": "sent", "at": self.now()})
            return work()

        try:
            result = await self.kernel.call(self.lane(place), sent)
        except WriteFailed as failed:
            state = "in doubt" if failed.in_doubt else "failed"
            self.journal.write({**record, "state": state, "why": failed.reason, "at": self.now()})
            raise
        except Exception as fault:
            why = f"the adapter failed: {type(fault).__name__}"
            self.journal.write({**record, "state": "in doubt", "why": why, "at": self.now()})
            raise WriteFailed(why, in_doubt=True) from fault
        self.journal.write(
            {**record, "state": "answered", **of_result(result), **self._kept(hidden_of(result)), "at": self.now()}
        )
        return result


_PLACE = re.compile(r"\{\{\s*(run\.id|run\.n|n)\s*\}\}")


def _name(template: str, run_id: str, run_n: int, n: int) -> str:
    return _PLACE.sub(lambda m: {"run.id": run_id, "run.n": str(run_n), "n": str(n)}[m[1]], template)
