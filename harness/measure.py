"""From raw looks of one round to presence, by the laws of the contract. Pure.

An adapter says what it was answered; only here does "not in the list" become `absent`, and only when the same
reader saw a control's like grant `present` in the same round (spec §2, laws 2 and 3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.model import AccountSight, Kind, Listing, ListState, Look, Presence, Row, Used

_DOUBT = (Presence.PRESENT, Presence.UNKNOWN, Presence.ABSENT)  # an id listed twice: what speaks for access wins


@dataclass(frozen=True, slots=True)
class Witness:
    """A control of the same round: who it is, what it is known to hold, and what the round saw of it."""

    key: str
    look: Look
    holds: frozenset[tuple[Kind, str]]  # (kind, grant id) of its own baseline; the account is (account, id)

    def sees(self, kind: Kind, views: Sequence[str] = ()) -> bool:
        """The same reader saw this control's like grant present, through every one of the views."""
        if kind is Kind.ACCOUNT:
            return self.look.account.presence is Presence.PRESENT
        listing = listing_of(self.look, kind)
        if listing is None or listing.state is not ListState.COMPLETE:
            return False
        seen = (r for r in listing.rows if r.presence is Presence.PRESENT and (kind, r.id) in self.holds)
        if not views:
            return any(True for _ in seen)  # the first will do: there may be thousands
        shown = {view for row in seen for view in row.views}
        return shown.issuperset(views)


@dataclass(frozen=True, slots=True)
class Seen:
    """What one round says about one grant."""

    presence: Presence
    reason: str = ""
    control: str = ""
    sent: int = 0
    answered: int = 0
    evidence: tuple[str, ...] = ()
    with_account: bool = False  # absent only because the account is


def listing_of(look: Look, kind: Kind) -> Listing | None:
    """The look's one list of this kind. Two that an adapter did not join speak for nobody: only what is seen counts."""
    found = [each for each in look.listings if each.kind is kind]
    if len(found) < 2:
        return found[0] if found else None
    rows = tuple(row for each in found for row in each.rows)
    return replace(found[0], state=ListState.UNKNOWN, rows=rows, reason=f"{kind} was listed more than once")


def account(look: Look, witnesses: Sequence[Witness], *, removed: bool) -> Seen:
    """`removed`: the scenario demands that the record itself is gone, so a disabled one still counts as present."""
    sight: AccountSight = look.account
    seen = Seen(sight.presence, sight.reason, "", sight.sent, sight.answered, sight.evidence)
    if removed and sight.presence is Presence.ABSENT and sight.record:
        return replace(seen, presence=Presence.PRESENT, reason="disabled, but the record remains and must be removed")
    if sight.presence is not Presence.ABSENT:
        return seen
    reason = sight.reason or ("record remains" if sight.record else "")
    return _with_control(replace(seen, reason=reason), Kind.ACCOUNT, look, witnesses)


def grant(
    look: Look,
    kind: Kind,
    grant_id: str,
    witnesses: Sequence[Witness],
    *,
    filled_before: bool,
    vanished_before: frozenset[str] = frozenset(),
    below: str = "",
    rows: Mapping[str, Row] | None = None,
) -> Seen:
    """Whether the grant with this immutable id is there. `filled_before`: the leaver's own baseline list of this kind
    had rows. `below`: the `each` row it was found under. A row that vanished between two requests is asked for once
    more and never settles an absence by itself: an object that the reader lost answers 404 just the same. `rows`: those
    of this kind `by_id`, for who asks about many."""
    sight, listing = look.account, listing_of(look, kind)
    if listing is None:
        broken = sight.presence is Presence.UNKNOWN and not look.listings  # nothing at all could be read
        why = sight.reason if broken and sight.reason else f"the system does not list {kind}"
        return Seen(Presence.UNKNOWN, why, "", sight.sent, sight.answered, sight.evidence)
    sent, answered = listing.sent or sight.sent, listing.answered or sight.answered  # a failed list may know no times
    base = Seen(Presence.UNKNOWN, listing.reason, "", sent, answered, listing.evidence)
    row = (by_id(listing) if rows is None else rows).get(grant_id)
    if row is not None and row.presence is Presence.PRESENT:
        return replace(base, presence=Presence.PRESENT, reason=row.note)  # present needs no control
    if listing.state is ListState.UNKNOWN:
        return replace(base, reason=listing.reason or "the list could not be read")
    if row is not None and row.presence is Presence.UNKNOWN:
        return replace(base, reason=row.note or "the item's state is in no closed set")
    if listing.vanished and (not below or below in listing.vanished):
        again = bool(listing.vanished & vanished_before)
        why = "still listed, still answered as gone" if again else "it is asked for once more"
        return replace(base, reason=f"its row went between two requests; {why}")

    if listing.state is ListState.GONE_WITH_ACCOUNT:
        if sight.presence is not Presence.ABSENT:
            return replace(base, reason=f"{listing.reason or 'not found'}, but the account was not seen absent")
        # Two readings make this absence: its bounds and its evidence are those of both.
        both = (min(sent, sight.sent), max(answered, sight.answered), listing.evidence + sight.evidence)
        absent = Seen(Presence.ABSENT, "gone with the account", "", *both, with_account=True)
        return _with_control(absent, kind, look, witnesses, listing.views)
    if listing.state is ListState.OMITTED:
        if not filled_before:
            return replace(base, reason="the field is missing, and it was not filled at the baseline either")
        absent = replace(base, presence=Presence.ABSENT, reason="the field is left out, which means empty here")
        return _with_control(absent, kind, look, witnesses, listing.views)
    note = row.note if row is not None else ""
    return _with_control(replace(base, presence=Presence.ABSENT, reason=note), kind, look, witnesses, listing.views)


def use(used: Used, controls: Sequence[tuple[str, Used]]) -> Seen:
    """The leaver's vantage: refused counts only if a control's own credential of that kind worked in this round."""
    seen = Seen(used.presence, used.reason, "", used.sent, used.answered, used.evidence)
    if used.presence is not Presence.ABSENT:
        return seen
    for key, other in controls:
        if other.presence is Presence.PRESENT:
            # The proof of a refusal is two answers: the leaver's, and the control's.
            return replace(seen, control=key, evidence=(*seen.evidence, *other.evidence))
    why = (controls[0][1].reason or "it was refused as well") if controls else "there is none"
    return replace(seen, presence=Presence.UNKNOWN, reason=f"refused, but no control's own credential worked: {why}")


def _with_control(
    absent: Seen, kind: Kind, look: Look, witnesses: Sequence[Witness], views: Sequence[str] = ()
) -> Seen:
    for witness in witnesses:
        if witness.look is not look and witness.sees(kind, views):  # nobody is a control of themselves
            return replace(absent, control=witness.key)
    return replace(absent, presence=Presence.UNKNOWN, reason=_lost(kind, witnesses, views), with_account=False)


def _lost(kind: Kind, witnesses: Sequence[Witness], views: Sequence[str]) -> str:
    if not witnesses:
        return f"not seen, but there is no control with {kind} access to prove that the reader can see any"
    if any(witness.sees(kind) for witness in witnesses):
        blind = [view for view in views if not any(witness.sees(kind, (view,)) for witness in witnesses)]
        return f"not seen, but {' and '.join(blind or views)} showed no control's either: it may be blind"
    listing = listing_of(witnesses[0].look, kind)
    why = witnesses[0].look.account.reason if kind is Kind.ACCOUNT else (listing.reason if listing else "")
    return "not seen, but neither was any control: the reader may be blind" + (f" ({why})" if why else "")


def by_id(listing: Listing | None) -> Mapping[str, Row]:
    """The rows of a list; of an id that stands there twice, the one that speaks for access."""
    found: dict[str, Row] = {}
    for row in listing.rows if listing is not None else ():
        twin = found.get(row.id)
        if twin is None or _DOUBT.index(row.presence) < _DOUBT.index(twin.presence):
            found[row.id] = row
    return found
