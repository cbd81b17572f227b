"""What a fleet holds of us and around us, before and after: a self-test must leave it as it found it, byte for byte."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.engine.context import Context
from harness.engine.party import Party
from harness.evidence.canonical import canonical
from harness.model import Floor, ListState, ObjectSpec
from harness.ports import WriteFailed

Inventory = Mapping[str, Mapping[str, Any]]  # by system


async def inventory(context: Context, people: Sequence[Party], objects: Sequence[ObjectSpec]) -> Inventory:
    """All that the readers can list without knowing anybody else: the fleet's control accounts with their whole
    inventory, who there is of the names of `people`, and which of these objects there are."""
    names = list(context.fleet.systems)
    taken = await context.kernel.gather([_of(context, name, people, objects) for name in names])
    return dict(zip(names, taken, strict=True))


async def _of(context: Context, name: str, people: Sequence[Party], objects: Sequence[ObjectSpec]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    desk = context.desks[name]
    if desk.control is not None:
        reading = await desk.read(desk.control, ())
        for account, look in reading.looks:
            made[f"account {account.id}"] = f"{look.account.presence}"
            for listing in look.listings:
                rows = sorted([row.id, row.name, str(row.presence)] for row in listing.rows)
                made[f"{listing.kind} of {account.id}"] = rows if listing.state is ListState.COMPLETE else "unknown"
    for party in people:
        found = await desk.find(party)
        ids = sorted(account.id for account in found.accounts)
        if context.declared(name).floor is not Floor.DELETED:
            ids = []  # what rests at the system's floor is told as such, and is no change
        made[f"accounts named {party.identity.username}"] = ids if found.state is ListState.COMPLETE else "unknown"
    system = context.provisions(name)
    for spec in objects:
        traits = context.declared(name).kinds.get(spec.kind)
        if spec.system != name or system is None or traits is None or not traits.finds_objects:
            continue
        try:
            there = await context.kernel.call(context.lane(name), lambda spec=spec: system.find_object(spec, None))  # type: ignore[misc]
            made[f"{spec.kind} {spec.name}"] = there.id if there is not None else None
        except WriteFailed:
            made[f"{spec.kind} {spec.name}"] = "unknown"
    return made


def changes(before: Inventory, after: Inventory) -> list[str]:
    """What is not byte-equal, one line each. Pure."""
    found = []
    for system in before:
        for what in dict.fromkeys((*before[system], *after.get(system, {}))):
            was, now = before[system].get(what), after.get(system, {}).get(what)
            if canonical(was) != canonical(now):
                found.append(f"{system}: {what}: {canonical(was).decode()} before, {canonical(now).decode()} after")
    return found
