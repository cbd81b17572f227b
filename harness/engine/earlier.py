"""What an interrupted process had sent, so that the next one sends nothing twice: events, uses, values of `set`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.evidence.plain import Reader
from harness.model import Claim, Event, Instant, Receipt

ENDED = "the process that sent it ended before an answer came"


@dataclass(frozen=True, slots=True)
class Fired:
    """An event that was handed over, when, and what was answered; a receipt in doubt where that is not known."""

    event: Event
    at: Instant
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Use:
    """A use that leaves traces and was sent: of which track, and when in the life of its case."""

    track: int
    system: str
    phase: str
    at: Instant


@dataclass(slots=True)
class Earlier:
    """`events` by identity, step and event id; `changed`: identity and step of each `set`; `uses` by identity;
    `unmarked`: identity and system of sign-ins after which nobody asked yet what they left in lists."""

    events: dict[tuple[str, str, str], Fired] = field(default_factory=dict)
    changed: set[tuple[str, str]] = field(default_factory=set)
    uses: dict[str, list[Use]] = field(default_factory=dict)
    unmarked: set[tuple[str, str]] = field(default_factory=set)

    def fired(self, identity: str, step: str, event_id: str) -> Fired | None:
        return self.events.get((identity, step, event_id))

    def left(self, identity: str, step: str) -> bool:
        """Whether any event of a step was handed over, or may have been."""
        return any(key[:2] == (identity, step) for key in self.events)


def earlier(records: Iterable[Mapping[str, Any]]) -> Earlier:
    """From a journal. What receipts took is the party's already, so it is left out of them here."""
    found = Earlier()
    for record in records:
        key = str(record.get("identity", ""))
        match record.get("op"):
            case "event" if "asked" in record and record["state"] in ("sent", "answered", "in doubt"):
                _event(found, record)
            case "set" if "step" in record:
                found.changed.add((key, record["step"]))
            case "use":
                place = record["place"]
                use = Use(record["track"], place, record["phase"], record["at"])
                found.uses.setdefault(key, []).append(use)
                found.unmarked.add((key, place))
            case "own":
                found.unmarked.discard((key, record["place"]))
    return found


def _event(found: Earlier, record: Mapping[str, Any]) -> None:
    place = (record["identity"], record["step"], record["event_id"])
    before = found.events.get(place)
    event: Event = Reader().value(Event, record["asked"])
    at = before.at if before is not None else record["at"]
    if record["state"] == "answered":
        receipt = Receipt(
            Claim(record["claim"]),
            record["sent_at"],
            record["answered_at"],
            detail=record["detail"],
            in_doubt=record["in_doubt"],
            evidence=tuple(record["evidence"]),
        )
    else:
        receipt = Receipt(Claim.NONE, at, None, detail=ENDED, in_doubt=True)
    found.events[place] = Fired(event, at, receipt)
