"""A self-test: every probe of a fleet put to what it must see, must not see, and cannot see; then all is taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from harness.engine.cleanup import clean, remove_objects
from harness.engine.context import Context, Render, SetupFailed
from harness.engine.controls import find_control
from harness.engine.holdings import Inventory, changes, inventory
from harness.engine.kernel import Kernel
from harness.engine.observe import Observer
from harness.engine.planted import Bench
from harness.engine.planting import Seed, Soil, attributes, objects, seeds
from harness.engine.setup import Objects, create, preflight
from harness.engine.telling import Teller
from harness.engine.trials import SystemTest
from harness.evidence.canonical import canonical
from harness.model import BadInput, Case, Cleanup, Duration, Kind, ListState, ObjectSpec, Problem, Subject
from harness.ports import Fleet, Journal, Ledger, System, Vault
from harness.qualification import Demand, Probe

PEOPLE = 2  # one who loses what was planted, and a control who keeps it


@dataclass(frozen=True, slots=True)
class Probed:
    """`changed`: what is not as it was before, in a line each; `before` and `after`: SHA-256 of each system's whole
    inventory as canonical JSON. `faults`: what went wrong in the harness itself."""

    probes: tuple[Probe, ...]
    cleanup: Cleanup
    changed: tuple[str, ...]
    before: Mapping[str, str]
    after: Mapping[str, str]
    faults: tuple[str, ...] = ()


def check(fleet: Fleet) -> None:
    """Raises `BadInput` where the guard allows too few people."""
    if fleet.guard.max_identities < PEOPLE:
        text = f"a self-test needs {PEOPLE} identities, guard.max_identities allows"
        raise BadInput([Problem(fleet.source, 1, 1, text, str(fleet.guard.max_identities))])


def selftest(
    fleet: Fleet,
    cases: Sequence[Case],
    broken: Mapping[Demand, Mapping[str, System | str]],
    run_id: str,
    run_n: int,
    kernel: Kernel,
    journal: Journal,
    ledger: Ledger,
    vault: Vault,
    render: Render,
    patience: Duration,
) -> Probed:
    """`cases` say what the fleet's scenarios give: of every kind, that is what is planted. Blocks until all of it is
    taken back; no event is fired. Raises `BadInput` as `check` does."""
    check(fleet)
    context = Context(kernel, fleet, run_id, run_n, journal, Observer(ledger, journal), vault, render)
    context.open_lanes(lambda *_: None)
    task = kernel.spawn(_story(context, cases, broken, patience))
    kernel.run()
    if task.error is not None:
        raise task.error
    assert task.result is not None  # noqa: S101  it ended without an error
    return task.result


async def _story(
    context: Context,
    cases: Sequence[Case],
    broken: Mapping[Demand, Mapping[str, System | str]],
    patience: Duration,
) -> Probed:
    soil = {name: Soil(context.declared(name).type, context.declared(name).kinds) for name in context.fleet.systems}
    planned = seeds(soil, context.fleet.guard, cases)
    control = context.newcomer(Subject.BYSTANDER, attributes(cases))
    roles = {"custodian": control.identity.username, "manager": control.identity.username}
    subject = context.newcomer(Subject.LEAVER, roles | attributes(cases))
    made = Objects(context)
    bench = Bench(context, subject, control, made, objects(cases), broken, patience)
    unready = {name: why for name in context.fleet.systems if (why := await _ready(context, name))}
    specs = [*bench.declared, *(spec for each in planned.values() for seed in each for spec in _specs(seed))]
    before = await inventory(context, [subject, control], specs)
    probes: list[Probe] = []
    faults: list[str] = []
    try:
        tests = {name: SystemTest(bench, name, planned[name]) for name in context.fleet.systems}
        ready: list[SystemTest] = []
        for name, test in tests.items():  # in the order of the file: a later system may name an earlier account
            if name in unready:
                probes += test.untested(unready[name], True)
            elif failed := await _accounts(bench, name):
                probes += test.untested(*failed)
            else:
                ready.append(test)
        await context.kernel.gather([test.plant() for test in ready])
        await context.kernel.gather([test.take_away() for test in ready])
        for test in reversed(ready):
            await test.remove()
        probes += [probe for test in ready for probe in test.probes()]
    except Exception as fault:  # noqa: BLE001  what was made must be taken back whatever happens
        faults.append(context.vault.scrub(f"internal error: {type(fault).__name__}: {fault}"))
    faults += [fault for desk in context.desks.values() for fault in desk.faults]
    return await _after(bench, tuple(probes), tuple(faults), before, specs)


def _specs(seed: Seed) -> list[ObjectSpec]:
    """Objects that planting may make, and that anybody may look for: what somebody owns is looked for with them."""
    return [ObjectSpec(wanted.name, seed.system, seed.kind) for wanted in seed.wanted]


async def _ready(context: Context, name: str) -> str:
    try:
        await find_control(context, name)
    except SetupFailed as failed:
        return str(failed)
    return ""


async def _accounts(bench: Bench, name: str) -> tuple[str, bool] | None:
    """Why the two accounts could not be made, and whether that is because the reader could not look; None: made."""
    context = bench.context
    for party in (bench.control, bench.subject):
        found = await context.desks[name].find(party)
        if found.state is not ListState.COMPLETE:
            return f"{name}: could not make sure that nobody of this name exists: {found.reason}", True
        try:
            await preflight(context, party, [name])
            await create(context, party, [name])
        except SetupFailed as failed:
            return str(failed), False
    return None


async def _after(
    bench: Bench, probes: tuple[Probe, ...], faults: tuple[str, ...], before: Inventory, specs: Sequence[ObjectSpec]
) -> Probed:
    context, systems = bench.context, list(bench.context.fleet.systems)
    done = [await clean(context, bench.subject, [bench.control], systems)]
    done.append(await clean(context, bench.control, [], systems))
    left = [text for each in done for text in each.leftovers] + await remove_objects(context, bench.objects)
    resting = [text for each in done for text in each.resting]
    after = await inventory(context, [bench.subject, bench.control], specs)
    clean_text = context.vault.scrub
    order = list(context.fleet.systems)
    kinds = list(Kind)
    return Probed(
        probes=tuple(sorted(probes, key=lambda p: (order.index(p.system), kinds.index(p.kind), p.vantage, p.channel))),
        cleanup=Teller(context.vault).cleanup(Cleanup(not left, tuple(left), tuple(resting))),
        changed=tuple(clean_text(text) for text in changes(before, after)),
        before={name: sha256(canonical(each)).hexdigest() for name, each in before.items()},
        after={name: sha256(canonical(each)).hexdigest() for name, each in after.items()},
        faults=tuple(map(clean_text, faults)),
    )
