"""The leaver's vantage: uses what the leaver holds, and proves each refusal by a control's own credential.

Nothing is asked that changes what it measures, except at the baseline (after every system was read), at the close of
the watch, and at the checkpoints of `hold`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness import measure
from harness.engine.context import Context
from harness.engine.journalled import of_entitlement, of_own, of_use
from harness.engine.party import Party, Track
from harness.measure import Seen
from harness.model import Entitlement, Grant, Kind, Phase, Presence, Touches, Used, Vantage
from harness.ports import Provisions, WriteFailed

LOGIN = "login"
OWN_KINDS = (Kind.SESSION, Kind.DEVICE, Kind.CREDENTIAL)  # what a sign-in may leave in a list
REFUSED_LOGINS = 3


def follow_login(context: Context, party: Party, name: str) -> None:
    """A sign-in is one more probe of the account, where the system declares one."""
    account = party.current(name)
    if account is not None and context.exercises(name) and context.declared(name).login is not None:
        party.track(Track(name, Kind.ACCOUNT, "account", account.id, account.id, vantage=Vantage.LEAVER, channel=LOGIN))


def touches(context: Context, track: Track) -> Touches:
    declaration = context.declared(track.system)
    if track.channel == LOGIN and track.kind is Kind.ACCOUNT:
        return declaration.login or Touches.CHANGES
    traits = declaration.kinds.get(track.kind)
    return traits.uses.get(track.channel, Touches.CHANGES) if traits else Touches.CHANGES


def quiet(context: Context, track: Track) -> bool:
    """May be asked in every round."""
    return touches(context, track) is Touches.NOTHING


async def exercise(
    context: Context,
    party: Party,
    pool: Sequence[Party],
    tracks: Sequence[Track],
    phase: Phase,
    checkpoint: str = "",
    number: int = 0,
    last: bool = False,
) -> bool:
    """Uses each of the tracks once; True when one that leaves traces worked. `last`: at the end of `hold`, for which
    one refused sign-in is saved."""
    left_traces = False
    for track in tracks:
        if track.consumes and phase is not Phase.BASELINE and not (last and not _asked(track)):
            continue  # asked once, at the end
        if track.channel == LOGIN and _refused(track) >= REFUSED_LOGINS - (not last):
            continue
        if track.consumes and phase is Phase.BASELINE:
            seen = await _sibling(context, party, track)
        else:
            if phase is not Phase.BASELINE and not quiet(context, track):  # who comes after a crash must know of it
                context.journal.write(of_use(party, track, phase, checkpoint, context.now()))
            used = await _use(context, party, track)
            controls = await _controls(context, pool, track) if used.presence is Presence.ABSENT else []
            seen = measure.use(used, controls)
        context.observer.used(party, track, seen, phase, checkpoint, number=number)
        left_traces |= seen.presence is Presence.PRESENT and not quiet(context, track)
    return left_traces


async def mark_own(context: Context, party: Party, name: str) -> set[tuple[str, Kind, str]]:
    """What a sign-in of ours has just left in the lists is the harness's own, and left out of every look. Nothing is
    judged by this reading, so it needs no controls."""
    reading = await context.desks[name].read(party, ())
    known = {(t.kind, t.grant_id) for t in party.of(name, Vantage.ADMIN)}
    found = {
        (name, listing.kind, row.id)
        for _, look in reading.looks
        for listing in look.listings
        if listing.kind in OWN_KINDS
        for row in listing.rows
        if (listing.kind, row.id) not in known
    }
    made = found - party.own
    party.own |= found
    context.journal.write(of_own(party, name, made))
    return made


def _asked(track: Track) -> bool:
    return any(o.phase is not Phase.BASELINE for o in track.observations)


def _refused(track: Track) -> int:
    return sum(o.presence is not Presence.PRESENT for o in track.observations)


async def _use(context: Context, party: Party, track: Track, grant: Grant | None = None) -> Used:
    exercises, now = context.exercises(track.system), context.now()
    if exercises is None:
        return Used(Presence.UNKNOWN, "the system has no use to try")
    if track.lost:
        return Used(Presence.UNKNOWN, track.lost, now, now)
    account = next((a for a in party.accounts.get(track.system, ()) if a.id == track.account_id), None)
    person = party.person(track.system, account)
    held = grant or track.grant

    def work() -> Used:
        if track.channel == LOGIN and track.kind is Kind.ACCOUNT:
            return exercises.login(person)
        if held is None:
            return Used(Presence.UNKNOWN, "the harness does not hold this credential")
        return exercises.use(person, held, track.channel)

    began = context.now()
    try:
        used = await context.kernel.call(context.lane(track.system), work)
    except Exception as fault:  # noqa: BLE001  an adapter that breaks has seen nothing
        used = Used(Presence.UNKNOWN, f"the adapter failed: {type(fault).__name__}")
    # Also what was never sent has its time: without one it would be before every deadline, and watched for ever.
    return used if used.sent else replace(used, sent=began, answered=context.now())


async def _controls(context: Context, pool: Sequence[Party], track: Track) -> list[tuple[str, Used]]:
    """Like credentials of controls, until one works."""
    tried: list[tuple[str, Used]] = []
    for control in pool:
        like = next(
            (
                t
                for t in control.of(track.system, Vantage.LEAVER)
                if t.kind is track.kind and t.channel == track.channel
            ),
            None,
        )
        if like is None:
            continue
        fresh = await _another(context, control, like) if like.consumes else None
        tried.append((control.key, await _use(context, control, like, fresh)))
        if tried[-1][1].presence is Presence.PRESENT:
            break
    return tried


async def _another(context: Context, party: Party, track: Track) -> Grant | None:
    """One more of the same, for a use that consumes: the original must stay unused."""
    provisions, wanted = context.provisions(track.system), track.entitlement
    if provisions is None or wanted is None:
        return None
    try:
        return await context.kernel.whole(_one_more(context, party, provisions, wanted))
    except WriteFailed:
        return None


async def _one_more(context: Context, party: Party, provisions: Provisions, wanted: Entitlement) -> Grant:
    made = await context.change(
        "grant",
        party,
        wanted.system,
        lambda: provisions.grant(party.person(wanted.system), wanted, None),
        **of_entitlement(wanted),
    )
    party.grants.setdefault(wanted.system, []).append(made)
    return made


async def _sibling(context: Context, party: Party, track: Track) -> Seen:
    """The baseline of a use that consumes: a sibling grant, used up in its place."""
    sibling = await _another(context, party, track)
    if sibling is None:
        return Seen(Presence.UNKNOWN, "using it would consume it, and no sibling could be made to try")
    used = await _use(context, party, track, sibling)
    return replace(measure.use(used, []), reason=used.reason or "a sibling grant worked")
