"""What an answer would be worth if a control had been seen beside it: what a probe says, without the law that saves it.

A list that comes back complete and empty from a reader that cannot read is caught by the living control (spec §2). A
self-test must find it all the same: on the day the control is seen by another way, nothing else stands in between.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness import measure
from harness.engine.party import Track
from harness.measure import Seen, Witness
from harness.model import AccountSight, Found, Kind, Listing, ListState, Look, Presence, Row

_ANY = "the control that is taken for granted"


def said(look: Look | None, track: Track | None) -> Seen:
    """Of one grant. A row of its name counts as well: some systems tell ids only in lists."""
    if look is None or track is None:
        return Seen(Presence.UNKNOWN, "there was no look")
    listing = measure.listing_of(look, track.kind)
    names = {track.name, track.entitlement.name if track.entitlement else track.name}
    for row in listing.rows if listing is not None else ():
        if row.name in names and row.presence is Presence.PRESENT:
            return Seen(Presence.PRESENT, row.note)
    views = listing.views if listing is not None else ()
    return measure.grant(look, track.kind, track.grant_id or "", [_taken(track.kind, views)], filled_before=True)


def account_said(look: Look | None, found: Found | None, account_id: str) -> Seen:
    """Of the account, read by its id and looked for by its name: either may say that nobody is there."""
    seen = Seen(Presence.UNKNOWN, "there was no look")
    if look is not None:
        seen = measure.account(look, [_taken(Kind.ACCOUNT, ())], removed=False)
    if found is not None and found.state is ListState.COMPLETE and seen.presence is Presence.UNKNOWN:
        there = any(account.id == account_id for account in found.accounts)
        presence = Presence.PRESENT if there else Presence.ABSENT
        return Seen(presence, "" if there else "looked for by name, nobody was found", evidence=found.evidence)
    return seen


def _taken(kind: Kind, views: Sequence[str]) -> Witness:
    listing = Listing(kind, ListState.COMPLETE, (Row(_ANY, _ANY, views=tuple(views)),), views=tuple(views))
    return Witness(_ANY, Look(AccountSight(Presence.PRESENT, record=True), (listing,)), frozenset({(kind, _ANY)}))
