"""What somebody has just before the event: the whole inventory, read until it shows what was given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.engine.context import Context
from harness.engine.party import Party
from harness.engine.rounds import Reading
from harness.engine.setup import PATIENCE
from harness.model import SECOND, Duration, Kind, Phase, Presence, Vantage


async def baseline(
    context: Context,
    party: Party,
    systems: Sequence[str],
    pool: Sequence[Party],
    *,
    removed: bool = False,
    all_there: bool = True,
    settle: Duration = 0,
) -> None:
    """The whole inventory of every system, repeated until what was given is seen (or PATIENCE ends). With
    `all_there` false, an earlier step may have taken some of it: two equal readings are enough. What a connector gave
    or took is seen up to `settle` later, and nobody knows what it will be: the readings must stay equal so long."""
    latest = context.now() + PATIENCE + settle
    step = SECOND // 5
    before: frozenset[tuple[str, Kind, str]] | None = None
    since = context.now()  # when the readings began to be equal
    while True:
        readings = await read_all(context, party, systems, pool)
        for name, reading in readings.items():
            context.observer.apply(party, name, reading, Phase.BASELINE, removed=removed)
        there = frozenset(
            (t.system, t.kind, t.grant_id or t.name)
            for t in party.tracks.values()
            if t.vantage is Vantage.ADMIN and t.observations and t.observations[-1].presence is Presence.PRESENT
        )
        wanted = {
            (t.system, t.kind, t.grant_id or t.name)
            for t in party.tracks.values()
            if t.vantage is Vantage.ADMIN and (t.entitlement is not None or t.kind is Kind.ACCOUNT) and not t.void
        }
        since = since if before == there else context.now()
        enough = wanted <= there or (not all_there and before == there)
        if (enough and context.now() - since >= settle) or context.now() >= latest:
            return
        before = there
        await context.kernel.sleep_until(min(latest, context.now() + step))
        step = min(step * 3 // 2, 5 * SECOND)


async def read_all(
    context: Context, party: Party, systems: Sequence[str], pool: Sequence[Party]
) -> Mapping[str, Reading]:
    readings = await context.kernel.gather([context.desks[name].read(party, pool, find=True) for name in systems])
    return dict(zip(systems, readings, strict=True))
