"""What a scenario says about a grant: which entitlement it is, and which exception allows it to stay."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from harness.engine.party import Party, Track
from harness.engine.prints import grant_print
from harness.model import SECOND, Case, Entitlement, Excepted, Instant, Keep, Kind

if TYPE_CHECKING:
    from harness.engine.life import Life


def means(wanted: Entitlement, track: Track) -> bool:
    """Whether a track is the access that an entitlement names."""
    if (wanted.system, wanted.kind) != (track.system, track.kind):
        return False
    return wanted.kind is Kind.ACCOUNT or track.name in (wanted.label, wanted.name)


def today(now: Instant) -> date:
    return datetime.fromtimestamp(now // SECOND, UTC).date()


def matches(keep: Keep, case: Case, track: Track, party: Party | None) -> bool:
    """Whether an exception speaks of a track. A case carries only those whose `scenario` and `when` hold in it."""
    if keep.fingerprint:
        return keep.fingerprint == grant_print(case.id, track, party)
    return (
        keep.system in ("any", track.system)
        and keep.kind is track.kind
        and fnmatchcase(track.name.casefold(), keep.name.casefold())
    )


def keep_for(case: Case, track: Track, party: Party | None, now: Instant) -> tuple[Keep | None, tuple[str, ...]]:
    """The exception in force for a track, and a note about one that has run out."""
    notes: list[str] = []
    for keep in case.keep:
        if matches(keep, case, track, party):
            if keep.until >= today(now):
                return keep, ()
            notes.append(f"an exception for it ran out on {keep.until} ({keep.owner}: {keep.reason})")
    return None, tuple(notes)


def excepted(wide: Sequence[Keep], lives: Iterable[Life]) -> tuple[Excepted, ...]:
    """What became of each fleet-wide exception. A case has something to match for it when the leaver held, or was seen
    to hold, anything of its kind in its system; one whose set-up failed says nothing."""
    cases = dict.fromkeys(range(len(wide)), 0)
    matched = dict.fromkeys(range(len(wide)), 0)
    for life in lives:
        if life.failure or life.party is None:
            continue
        tracks = [track for track in life.party.tracks.values() if not track.void]
        for index, keep in enumerate(wide):
            if keep not in life.case.keep:
                continue
            near = [t for t in tracks if keep.fingerprint or (keep.system in ("any", t.system) and keep.kind is t.kind)]
            cases[index] += bool(near)
            matched[index] += sum(matches(keep, life.case, track, life.party) for track in near)
    return tuple(Excepted(keep, cases[index], matched[index]) for index, keep in enumerate(wide))
