"""The whole inventory of a case at one of its places: every system at once, and again where a look could not see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.engine.baseline import read_all
from harness.engine.exercise import exercise, mark_own
from harness.engine.party import Party
from harness.model import Phase, Presence, Vantage

if TYPE_CHECKING:
    from harness.engine.life import Life


async def full_round(life: Life, phase: Phase, checkpoint: str, *, uses: bool = False, last: bool = False) -> None:
    """A look that could not see is tried again a few times. `uses`: the leaver's own credentials as well; `last`: at
    the end of `hold`."""
    assert life.party is not None  # noqa: S101  set up
    context, party = life.context, life.party
    removed = life.case.account == "removed"
    pending, pause = list(life.systems), life.case.settle_of(life.case.within.default) // 2
    for attempt in range(3):
        if attempt:
            await context.kernel.pause(max(pause, 100_000))
        readings = await read_all(context, party, pending, life.pool)
        for name, reading in readings.items():
            context.observer.apply(party, name, reading, phase, checkpoint, removed=removed)
        pending = [name for name in pending if _blind(party, name, checkpoint)]
        if not pending:
            break
    if uses:
        for name in life.systems:
            mine = list(party.of(name, Vantage.LEAVER))
            if await exercise(context, party, life.pool, mine, phase, checkpoint, last=last):
                await mark_own(context, party, name)


def _blind(party: Party, name: str, checkpoint: str) -> bool:
    return any(
        t.observations
        and t.observations[-1].checkpoint == checkpoint
        and t.observations[-1].presence is Presence.UNKNOWN
        for t in party.of(name, Vantage.ADMIN)
    )
