"""The systems' own audit trails: what they say of a removal is cited beside what was measured, never instead."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.engine.context import Context
from harness.engine.party import Party, Track
from harness.model import Instant, Kind, ListState, Trail, TrailRow
from harness.ports import Audits


@dataclass(frozen=True, slots=True)
class Cited:
    """What the trail says of one grant: a note for the finding, and `success`, `failure` or nothing. `lacks`: the row
    that should be there and is not; `unread`: why nobody can know."""

    note: str = ""
    result: str = ""
    lacks: str = ""
    unread: str = ""


async def read_trails(context: Context, party: Party, systems: Sequence[str], since: Instant) -> dict[str, Trail]:
    """One trail for each system that keeps one, about the account that the identity has there."""

    async def one(name: str) -> Trail | None:
        system = context.entry(name).system
        if not context.declared(name).audits or not isinstance(system, Audits) or party.current(name) is None:
            return None
        person = party.person(name)
        try:
            return await context.kernel.call(context.lane(name), lambda: system.changes(person, since))
        except Exception as fault:  # noqa: BLE001  an adapter that breaks has seen nothing
            return Trail(ListState.UNKNOWN, (), f"the adapter failed: {type(fault).__name__}")

    trails = await context.kernel.gather([one(name) for name in systems])
    return {name: trail for name, trail in zip(systems, trails, strict=True) if trail is not None}


def without(trail: Trail, known: Trail | None) -> Trail:
    """What is new since an earlier reading: clocks differ, so times alone cannot tell what came before the event."""
    if known is None or known.state is not ListState.COMPLETE:
        return trail
    return replace(trail, rows=tuple(row for row in trail.rows if row not in known.rows))


def cite(track: Track, others: Sequence[Track], trail: Trail | None, actor: str, own: str) -> Cited:
    """`actor`: whom the connector is known as in trails, empty where the fleet does not say; `own`: the leaver's
    name, under which the harness signed in."""
    if trail is None:
        return Cited()
    if trail.state is not ListState.COMPLETE:
        unread = f"the system's own trail could not be read: {trail.reason}"
        return Cited(unread, unread=unread)
    rows = [row for row in trail.rows if row.actor != own and _about(row, track, others)]
    if not rows:
        lacks = "the system's own trail has no row about it since the event"
        return Cited(lacks, lacks=lacks)
    strangers = [row for row in rows if actor and row.actor != actor]
    row = strangers[-1] if strangers else rows[-1]
    note = f"trail: {row.action} by {row.actor or 'nobody named'} at {row.at}"
    note += f" ({row.reason})" if row.reason else ""
    if strangers:
        note += f"; another actor than the connector ({actor})"
    doers = dict.fromkeys(row.actor for row in rows)
    lacks = ""
    if not any(doer == actor if actor else doer for doer in doers):
        named = ", ".join(doer or "nobody named" for doer in doers)
        lacks = f"the system's own trail has it done by {named}" + (
            f", not by the connector ({actor})" if actor else ""
        )
    return Cited(note, row.result, lacks)


def _about(row: TrailRow, track: Track, others: Sequence[Track]) -> bool:
    """A row of the account is about a grant when it names it; about the account, and what went with it, when it names
    no grant."""
    if track.kind is Kind.ACCOUNT or track.with_account:
        return not any(_names(row, other) for other in others if other.kind is not Kind.ACCOUNT) or (
            track.with_account and _names(row, track)
        )
    return _names(row, track)


def _names(row: TrailRow, track: Track) -> bool:
    words = set(re.split(r"[\s,;#]+", f"{row.action} {row.reason}"))
    return bool(words & {track.name, track.grant_id or track.name, *track.name.split("#")[:1]})
