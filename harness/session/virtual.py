"""Rehearsals: stories against the embedded sandbox in this process, in virtual time, with nothing kept of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from importlib import import_module
from typing import Any, Protocol, cast

from harness import fleet, scenario
from harness.engine.run import Options, Run
from harness.engine.virtual import EPOCH, VirtualKernel
from harness.evidence.vault import Vault
from harness.fleet.info import FleetInfo, Timing
from harness.model import SECOND, Case, RunResult
from harness.ports import Limits, Line, Tools
from harness.scenario import Loaded, ScenarioFile
from harness.session.drill import render

# Time costs nothing here but looks do: few of them, and nothing of what the stories ask is left out.
TIMING = Timing(settle=SECOND, within=12 * SECOND, hold=(SECOND,), wait=SECOND, poll=3 * SECOND)
EMBEDDED = "sandbox"  # the fleet file that ships with the sandbox
TODAY = datetime.fromtimestamp(EPOCH / SECOND, UTC).date()


class _Sandbox(Line, Protocol):
    """`fixtures.sandbox.virtual.VirtualSandbox`: harness and sandbox share no code, and meet here."""

    env: Mapping[str, str]

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Ground:
    """What is rehearsed on: `defects` by id; `seed` makes every id and secret of the sandbox; spans in seconds:
    `delay` before the connector acts, `latency` of every answer (never 0: what is asked after something is later than
    it), `lag` of what readers see, `traffic` between two acts of other people (0: none); `jitter`: lists in an
    arbitrary order; `lacking`: scopes that readers do not have; `page`: rows a page (0: what each service has by
    itself); `username`: what leavers are called, a guard's template."""

    defects: tuple[str, ...] = ()
    seed: int = 0
    delay: float = 0.2
    latency: float = 0.001
    lag: float = 0.0
    jitter: bool = False
    lacking: tuple[str, ...] = ()
    page: int = 0
    traffic: float = 0.0
    username: str = ""


@cache
def shape() -> FleetInfo:
    """The embedded fleet, with the times of a rehearsal."""
    return replace(fleet.shape(EMBEDDED), timing=TIMING)


def load(files: Iterable[ScenarioFile]) -> Loaded:
    """Stories as cases of the embedded fleet. Raises `BadInput`."""
    return scenario.load_files(list(files), shape(), TODAY)


def rehearse(
    cases: Sequence[Case], ground: Ground = Ground(), *, password: Callable[[int], str] | None = None
) -> RunResult:
    """One run of these cases on a fresh sandbox. The same cases on the same ground: the same result, bit for bit.
    Raises ValueError for an unknown defect, `BadInput` where the guard does not allow the cases."""
    kernel, vault = VirtualKernel(), Vault()
    build = cast("Callable[..., _Sandbox]", import_module("fixtures.sandbox.virtual").VirtualSandbox)
    sandbox = build(
        lambda: kernel.now() / SECOND,
        lambda span: kernel.sleep(round(span * SECOND)),
        defects=ground.defects,
        seed=ground.seed,
        delay=ground.delay,
        latency=ground.latency,
        lag=ground.lag,
        jitter=ground.jitter,
        lacking=ground.lacking,
        page=ground.page,
        traffic=ground.traffic,
    )
    record = _Numbered()

    def tools(_name: str, limits: Limits) -> Tools:
        return Tools(clock=kernel, record=record, vault=vault, limits=limits, line=sandbox, kept=False)

    built = fleet.load(EMBEDDED, sandbox.env, tools)
    if ground.username:
        built = replace(built, guard=replace(built.guard, username=ground.username))
    options = Options(f"rehearsal-{ground.seed}", 1, len(cases), password=password or (lambda n: f"Rehearsal-{n:05d}!"))
    try:
        return Run(built, cases, kernel, _Nowhere(), record, vault, render, options).run()
    finally:
        sandbox.close()


@dataclass(frozen=True, slots=True)
class Planted:
    """A defect of the sandbox: `shows` is where a checker must find it, each a `system/kind` or `claim`; `unseen`: why
    the embedded fleet cannot show it."""

    id: str
    group: str
    sentence: str
    source: str
    shows: tuple[str, ...]
    unseen: str


def planted(ids: Sequence[str] = ()) -> tuple[Planted, ...]:
    """Every defect of the sandbox, or those of these ids and bundles, in the order of the catalogue. Raises ValueError
    that names the allowed ones."""
    register: Any = import_module("fixtures.sandbox.defects")
    found = register.resolve(ids or register.DEFECTS)
    made = [Planted(each.id, each.group, each.sentence, each.source, each.shows, each.unseen) for each in found]
    return tuple(sorted(made, key=lambda each: each.group))


class _Numbered:
    """Recorder and ledger that number what they are told, and keep nothing."""

    def __init__(self) -> None:
        self._count = 0

    def append(self, record: Mapping[str, Any]) -> str:  # noqa: ARG002
        self._count += 1
        return sha256(f"record {self._count}".encode()).hexdigest()

    def __call__(self, exchange: Mapping[str, Any]) -> str:
        return self.append(exchange)


class _Nowhere:
    """A journal that nobody will read."""

    def write(self, record: Mapping[str, Any]) -> None:
        """Nothing survives a rehearsal."""
