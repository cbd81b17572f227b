"""What a scenario says about a grant: which entitlement it is, and which exception allows it to stay."""

from __future__ import annotations

from datetime import UTC, date, datetime
from fnmatch import fnmatchcase

from harness.engine.party import Track
from harness.model import SECOND, Case, Entitlement, Instant, Keep, Kind


def means(wanted: Entitlement, track: Track) -> bool:
    """Whether a track is the access that an entitlement names."""
    if (wanted.system, wanted.kind) != (track.system, track.kind):
        return False
    return wanted.kind is Kind.ACCOUNT or track.name in (wanted.label, wanted.name)


def today(now: Instant) -> date:
    return datetime.fromtimestamp(now // SECOND, UTC).date()


def applies(keep: Keep, case: Case) -> bool:
    facts = {"leave.event": case.leave.event, "leave.via": case.leave.via, **case.params}
    facts |= {f"identity.{name}": value for name, value in case.attributes.items()}
    return all(facts.get(key) == value for key, value in keep.when.items())


def matches(keep: Keep, track: Track) -> bool:
    return (
        keep.system in ("any", track.system)
        and keep.kind is track.kind
        and fnmatchcase(track.name.casefold(), keep.name.casefold())
    )


def keep_for(case: Case, track: Track, now: Instant) -> tuple[Keep | None, tuple[str, ...]]:
    """The exception in force for a track, and a note about one that has run out."""
    notes: list[str] = []
    for keep in case.keep:
        if applies(keep, case) and matches(keep, track):
            if keep.until >= today(now):
                return keep, ()
            notes.append(f"an exception for it ran out on {keep.until} ({keep.owner}: {keep.reason})")
    return None, tuple(notes)
