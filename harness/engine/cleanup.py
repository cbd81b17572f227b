"""Takes back what this run made, and believes only a look that it is gone.

Looks first, revokes only what it saw present or could not see, goes on after a failure, and touches nothing that
the journal does not know as this run's own.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from contextlib import suppress
from functools import partial

from harness.engine.context import Context
from harness.engine.journalled import of_adoption, of_object
from harness.engine.party import Party, Track
from harness.engine.setup import Objects
from harness.engine.telling import Teller
from harness.measure import listing_of
from harness.model import (
    SECOND,
    Account,
    Cleanup,
    Duration,
    Event,
    Floor,
    Grant,
    Kind,
    Listing,
    ListState,
    Look,
    Made,
    Presence,
    Vantage,
)
from harness.ports import WriteFailed

TRIES = 4
LATE: Duration = 2 * SECOND  # what a source does that hears of a leaving at the very end


async def clean(context: Context, party: Party, pool: Sequence[Party], systems: Sequence[str]) -> Cleanup:
    """One identity, every system it ever had an account in; the newest system first."""
    leftovers: list[str] = []
    resting: list[str] = []
    await retire(context, party)
    leftovers += await _latecomers(context, party, systems)
    for name in reversed([n for n in context.fleet.systems if n in systems or n in party.accounts]):
        if not party.accounts.get(name):
            continue
        left, rests = await _system(context, party, pool, name)
        leftovers += left
        resting += rests
    leftovers += await _come_back(context, party, pool, systems) if party.joined else []
    leftovers = list(dict.fromkeys(leftovers))
    record = {"op": "cleaned", "identity": party.key, "leftovers": leftovers, "resting": resting}
    context.journal.write({**record, "state": "answered", "at": context.now()})
    return Cleanup(complete=not leftovers, leftovers=tuple(leftovers), resting=tuple(resting))


async def _latecomers(context: Context, party: Party, systems: Sequence[str]) -> list[str]:
    """A join that failed or was slow may have made accounts after it was last asked, and so may a creation that nobody
    heard the answer of: they are looked for, by the name that only this identity has."""
    unsure = []
    for name in systems:
        if party.accounts.get(name) or not (party.joined or name in party.doubtful):
            continue
        found = await context.desks[name].find(party)
        if found.state is not ListState.COMPLETE:
            unsure.append(f"{name}: whether an account was made late could not be seen ({found.reason})")
        for account in found.accounts if found.state is ListState.COMPLETE else ():
            party.adopt(account)
            context.journal.write(of_adoption(party, account))
    return unsure


async def retire(context: Context, party: Party) -> None:
    """Who joined through a connector leaves through it: its source would bring the accounts back otherwise. So does
    who left and can still sign in, or can again: the source may not know. Whether it worked is for the looks to say."""
    if not party.joined or party.retired or (party.left and not _usable(party)):
        return
    party.left = party.retired = True
    connector = context.fleet.connectors[party.via]
    name = next((n for n in ("delete", "terminate", party.exit) if n in connector.events()), "")
    if not name:
        return
    event = Event(f"{context.run_id}-{party.key}-retire", name, context.now(), "end of the drill")
    with suppress(WriteFailed):
        await context.change("retire", party, f"via:{party.via}", lambda: connector.fire(event, party.person()))


def _usable(party: Party) -> bool:
    seen = [t.complete[-1] for t in party.tracks.values() if _is_account(t) and t.complete]
    return any(look.presence is Presence.PRESENT for look in seen)


def _is_account(track: Track) -> bool:
    return track.kind is Kind.ACCOUNT and track.vantage is Vantage.ADMIN and not track.void


async def _come_back(context: Context, party: Party, pool: Sequence[Party], systems: Sequence[str]) -> list[str]:
    """Whoever joined may be brought back by a source that had not heard yet: looked for once more, by name, and taken
    back once more."""
    await context.kernel.pause(LATE)
    left: list[str] = []
    for name in systems:
        found = await context.desks[name].find(party)
        known = {account.id for account in party.accounts.get(name, ())}
        rests = context.declared(name).floor is not Floor.DELETED  # its record is still found, and may be
        back = [account for account in found.accounts if account.id not in known or not rests]
        if found.state is not ListState.COMPLETE:
            left.append(f"{name}: whether the account came back could not be seen ({found.reason})")
        elif back:
            for account in back:
                if party.adopt(account):
                    context.journal.write(of_adoption(party, account))
            left += (await _system(context, party, pool, name))[0]
    return left


async def _system(context: Context, party: Party, pool: Sequence[Party], name: str) -> tuple[list[str], list[str]]:
    """Tried a few times: what could not be taken back at once may be later."""
    left: list[str] = []
    pause = SECOND // 5
    for attempt in range(TRIES):
        if attempt:
            await context.kernel.pause(pause)
            pause *= 3
        left, resting = await _once(context, party, pool, name)
        if not left:
            return [], resting
    return left, []


async def _once(context: Context, party: Party, pool: Sequence[Party], name: str) -> tuple[list[str], list[str]]:
    system = context.provisions(name)
    if system is None:
        return [f"{name}: the harness can remove nothing here"], []
    reading = await context.desks[name].read(party, ())  # what it misses is looked at again by the proof
    looks = {account.id: look for account, look in reading.looks}
    failed: dict[str, str] = {}
    party.mistaken |= {(name, account_id) for account_id, look in looks.items() if look.account.mistaken}
    ours = [a for a in party.accounts.get(name, ()) if (name, a.id) not in party.mistaken]
    for given in reversed(party.grants.get(name, [])):
        for account in ours:  # an earlier account may still hold it
            if not _may_remain(given, looks.get(account.id)):
                continue
            take_back = partial(system.revoke, party.person(name, account), given)
            what = {"kind": str(given.entitlement.kind), "name": given.entitlement.label}
            try:
                await context.change("revoke", party, name, take_back, **what)
            except WriteFailed as why:
                failed[_what(given)] = why.reason
    for account in ours:
        look = looks.get(account.id)
        if look is not None and look.account.presence is Presence.ABSENT and not look.account.record:
            continue
        person = party.person(name, account)
        try:
            await context.change("remove", party, name, partial(system.remove, person), id=account.id)
        except WriteFailed as why:
            failed[f"account {account.id}"] = why.reason
    return await _proof(context, party, pool, name, failed)


async def _proof(
    context: Context, party: Party, pool: Sequence[Party], name: str, failed: dict[str, str]
) -> tuple[list[str], list[str]]:
    """Complete is what a look says, whatever `revoke` answered."""
    reading = await context.desks[name].read(party, pool)
    looks = {account.id: look for account, look in reading.looks}
    floor = context.declared(name).floor
    left: list[str] = []
    resting: list[str] = []
    for account in party.accounts.get(name, ()):
        left += _account_left(name, account, looks.get(account.id), floor, failed, resting)
    for given in party.grants.get(name, ()):
        why = failed.get(_what(given), "")
        listings = [listing_of(look, given.entitlement.kind) for look in looks.values()]
        ids = {
            given.id,
            *(t.grant_id for t in party.of(name) if t.grant is given),
        }  # some systems tell it only in lists
        if any(listing and _still_lists(listing, ids) for listing in listings):
            left.append(f"{name}: {_what(given)} ({why or 'it is still listed'})")
        elif why and any(listing is None or listing.state is ListState.UNKNOWN for listing in listings):
            left.append(f"{name}: {_what(given)} ({why}; whether it is gone could not be seen)")
    return left, resting


def _still_lists(listing: Listing, ids: Container[str | None]) -> bool:
    return any(row.id in ids and row.presence is Presence.PRESENT for row in listing.rows)


def _account_left(
    name: str, account: Account, look: Look | None, floor: Floor, failed: dict[str, str], resting: list[str]
) -> list[str]:
    label = f"{name}: account {account.id}"
    if look is None:
        return [f"{label} (could not be looked at)"]
    sight = look.account
    if sight.presence is Presence.ABSENT and not sight.record:
        return []
    if sight.presence is Presence.ABSENT and floor is not Floor.DELETED:
        resting.append(f"{label} ({floor})")
        return []
    why = failed.get(f"account {account.id}") or sight.reason or "it is still there"
    return [f"{label} ({why})"]


def _may_remain(given: Grant, look: Look | None) -> bool:
    """Seen present, or could not be seen."""
    if look is None:
        return True
    listing = listing_of(look, given.entitlement.kind)
    if listing is None:
        return True
    if listing.state is not ListState.COMPLETE:
        return listing.state is ListState.UNKNOWN
    return given.id is None or any(row.id == given.id for row in listing.rows)


def _what(given: Grant) -> str:
    return f"{given.entitlement.kind} {given.entitlement.label}"


async def remove_objects(context: Context, objects: Objects) -> list[str]:
    """What this run created, never what it found; gone only when `find` says so."""
    left: list[str] = []
    for key, made in reversed(list(objects.made.items())):
        if not made.created:
            continue
        why = await remove_object(context, made)
        if why:
            left.append(f"{made.spec.system}: {made.spec.kind} {made.spec.name} ({why})")
        else:
            del objects.made[key]
    return left


async def remove_object(context: Context, made: Made) -> str:
    """Why it is not gone; empty when a look found it gone."""
    name = made.spec.system
    system = context.provisions(name)
    if system is None:
        return "the harness can remove nothing here"
    why, pause = "", SECOND // 5
    for attempt in range(TRIES):
        if attempt:
            await context.kernel.pause(pause)
            pause *= 3
        try:
            remove = partial(system.remove_object, made)
            await context.change("remove-object", None, name, remove, **of_object(made.spec), made=made.id)
            found = await context.kernel.call(context.lane(name), lambda: system.find_object(made.spec, None))
        except WriteFailed as failed:
            why = failed.reason
            continue
        if found is None or found.id != made.id:
            gone = {"op": "object-gone", "identity": "", "place": name, **of_object(made.spec), "state": "answered"}
            context.journal.write({**gone, "at": context.now()})
            return ""
        why = "it is still there"
    return why


async def clean_all(context: Context, parties: Sequence[Party], objects: Objects, already: Cleanup) -> Cleanup:
    """Bystanders leave the way they came, then everything that is left of them goes. `already`: what others came to."""
    systems = list(context.fleet.systems)
    done = [already, *await context.kernel.gather([clean(context, party, [], systems) for party in parties])]
    left = [text for each in done for text in each.leftovers] + await remove_objects(context, objects)
    resting = [text for each in done for text in each.resting]
    return Teller(context.vault).cleanup(Cleanup(not left, tuple(left), tuple(resting)))
