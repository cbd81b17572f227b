"""Takes back what an interrupted run left, from its journal alone; believes only looks, and writes on in a journal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from harness.engine.cleanup import clean, remove_objects
from harness.engine.context import Context, SetupFailed
from harness.engine.journalled import Restored, restore
from harness.engine.kernel import Kernel
from harness.engine.observe import Observer
from harness.engine.setup import Objects
from harness.engine.telling import Teller
from harness.model import Cleanup, Kind, ObjectSpec
from harness.ports import Fleet, Journal, Ledger, Person, Strongbox, Vault, WriteFailed


def recover(
    fleet: Fleet,
    records: Iterable[Mapping[str, Any]],
    run_id: str,
    run_n: int,
    kernel: Kernel,
    journal: Journal,
    ledger: Ledger,
    vault: Vault,
    box: Strongbox | None = None,
) -> Cleanup:
    """All that the journal knows of and no look has found gone yet. Blocks until it is done; may be called again.

    No event is fired but the one by which whoever joined through a connector leaves it, and that only once.
    """
    found = restore(records, run_id, run_n, box, vault.learn)
    context = Context(kernel, fleet, run_id, run_n, journal, Observer(ledger, journal), vault, _nothing, box=box)
    context.open_lanes(lambda *_: None)
    task = kernel.spawn(_story(context, found))
    kernel.run()
    if task.error is not None:
        raise task.error
    assert task.result is not None  # noqa: S101  it ended without an error
    return Teller(vault).cleanup(task.result)


async def _story(context: Context, found: Restored) -> Cleanup:
    systems = list(context.fleet.systems)
    open_parties = [party for key, party in found.parties.items() if key not in found.cleaned]
    foreign = [
        f"{name}: this fleet has no such system"
        for name in sorted({n for p in open_parties for n in p.accounts} - set(systems))
    ]
    for party in open_parties:
        for name in set(party.accounts) - set(systems):
            del party.accounts[name]
    done = await context.kernel.gather([clean(context, party, [], systems) for party in open_parties])
    objects = Objects(context)
    objects.made = {key: made for key, made in found.objects.items() if key[0] in systems}
    left = [text for each in done for text in each.leftovers] + await remove_objects(context, objects)
    left += foreign + [text for key in sorted(found.doubtful) if (text := await in_doubt(context, key))]
    resting = [text for each in done for text in each.resting]
    return Cleanup(not left, tuple(left), tuple(resting))


async def in_doubt(context: Context, key: tuple[str, Kind, str]) -> str:
    """An object whose making was never answered: whether it is there can be told, whose it is cannot, so it stays."""
    name, kind, called = key
    system = context.provisions(name) if name in context.fleet.systems else None
    if system is None:
        return f"{name}: {kind} {called} (it could not be looked for)"
    try:
        spec = ObjectSpec(called, name, kind)
        there = await context.kernel.call(context.lane(name), lambda: system.find_object(spec, None))
    except WriteFailed as failed:
        return f"{name}: {kind} {called} ({failed.reason})"
    if there is None:
        return ""
    return f"{name}: {kind} {called} (it may have been made by this run, or by somebody else: not removed)"


def _nothing(text: str, _person: Person) -> str:
    raise SetupFailed(f"nothing is set while cleaning up: {text}")
