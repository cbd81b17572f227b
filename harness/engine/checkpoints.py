"""Where a case stands, as the journal keeps it after each phase, and the same case again from there.

Looks are not repeated here: each is in the ledger, under the number of the track that it belongs to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from harness.engine.earlier import Use
from harness.engine.party import Party, Track
from harness.engine.steps import Mark, Sent, Steps
from harness.evidence.plain import Reader, observation, plain
from harness.model import (
    Claim,
    Entitlement,
    Event,
    EventTraits,
    Grant,
    Identity,
    Kind,
    Phase,
    Receipt,
    Subject,
    Trail,
    Vantage,
)

if TYPE_CHECKING:
    from harness.engine.life import Life

Record = Mapping[str, Any]

READY, LEFT, WATCHED, OVER = "ready", "left", "watched", "over"

_TRACK = tuple(
    field for field in fields(Track) if field.init and field.name not in ("grant", "entitlement", "lost")
)  # what is not in the ledger
_RECEIPT = ("claim", "sent", "answered", "detail", "in_doubt", "evidence")


# --- written ------------------------------------------------------------------------------------


def of_life(life: Life) -> dict[str, Any]:
    """To be called once its identity is known."""
    assert life.party is not None  # noqa: S101  the caller's check
    steps = life.steps
    return {
        "op": "checkpoint",
        "case": life.case.id,
        "identity": life.party.key,
        "at": life.context.now(),
        "stage": life.stage,
        "stepped": life.stepped,
        "held": life.held,
        "holding_since": life.holding_since,
        "started": life.started,
        "events": [[at, text] for at, text in life.events],
        "notes": list(life.notes),
        "loose": list(life.loose),
        "failure": life.failure,
        "owed": list(life.owed),
        "gaps": [list(gap) for gap in life.gaps],
        "trails": plain(life.trails),
        "sent": _of_sent(life.sent) if life.sent is not None else None,
        "marks": plain(steps.marks) if steps is not None else [],
        "count": steps.count if steps is not None else 0,
        "party": of_party(life.party),
    }


def of_party(party: Party) -> dict[str, Any]:
    return {
        "tracks": [_of_track(known_as, track) for (*_, known_as, _, _), track in party.tracks.items()],
        "filled": [[system, account, str(kind)] for system, account, kind in sorted(party.filled)],
        "vanished": [[s, a, str(kind), sorted(ids)] for (s, a, kind), ids in party.vanished.items() if ids],
        "mistaken": [list(each) for each in sorted(party.mistaken)],
        "own": [[system, str(kind), row] for system, kind, row in sorted(party.own)],
        "pace": [list(each) for each in party.pace.items()],
    }


def _of_track(known_as: str, track: Track) -> dict[str, Any]:
    told = {field.name: plain(getattr(track, field.name)) for field in _TRACK}
    entitlement = plain(track.entitlement) if track.entitlement is not None else None
    return {**told, "known_as": known_as, "entitlement": entitlement, "granted": track.grant is not None}


def _of_sent(sent: Sent) -> dict[str, Any]:
    return {
        "event": plain(sent.event),
        "identity": {name: value for name, value in plain(sent.person.identity).items() if name != "password"},
        "accounts": {name: account.id for name, account in sent.person.accounts.items()},
        "receipt": {name: plain(getattr(sent.receipt, name)) for name in _RECEIPT},
        "t0": sent.t0,
        "basis": sent.basis,
        "doubt": sent.doubt,
        "traits": plain(sent.traits),
    }


# --- and back -----------------------------------------------------------------------------------


def revive(life: Life, record: Record, party: Party) -> None:
    """The case as it stood; `party` as `returned` gave it."""
    life.party = party
    life.stage, life.stepped, life.held = record["stage"], record["stepped"], record["held"]
    life.holding_since, life.started = record["holding_since"], record["started"]
    life.events = [(at, text) for at, text in record["events"]]
    life.notes, life.loose, life.failure = list(record["notes"]), list(record["loose"]), record["failure"]
    life.owed = list(record["owed"])
    life.gaps = [(start, end) for start, end in record["gaps"]]
    read = Reader()
    life.trails = read.value(Mapping[str, Trail], record["trails"])
    life.sent = _sent(read, record["sent"], party) if record["sent"] is not None else None
    life.steps = Steps(life)
    life.steps.marks = list(read.value(tuple[Mark, ...], record["marks"]))
    life.steps.count = record["count"]


def _sent(read: Reader, record: Record, party: Party) -> Sent:
    receipt = dict(record["receipt"])
    receipt |= {"claim": Claim(receipt["claim"]), "evidence": tuple(receipt["evidence"])}
    who: Identity = read.value(Identity, {**record["identity"], "password": None})
    accounts = {
        name: next(a for a in party.accounts[name] if a.id == known) for name, known in record["accounts"].items()
    }
    return Sent(
        event=read.value(Event, record["event"]),
        person=replace(party.person(), identity=replace(who, password=party.identity.password), accounts=accounts),
        receipt=Receipt(**receipt),
        t0=record["t0"],
        basis=record["basis"],
        doubt=record["doubt"],
        traits=read.value(EventTraits, record["traits"]),
    )


def returned(party: Party, record: Record, looks: Iterable[tuple[Record, str]], uses: Iterable[Use]) -> Party:
    """A party of the journal with all its tracks: as they were kept, and with every look of the ledger, in order."""
    read = Reader()
    for told in record["tracks"]:
        _track(read, party, told)
    party.filled = {(system, account, Kind(kind)) for system, account, kind in record["filled"]}
    party.vanished = {(s, a, Kind(kind)): frozenset(ids) for s, a, kind, ids in record["vanished"]}
    party.mistaken = {(system, account) for system, account in record["mistaken"]}
    party.own |= {(system, Kind(kind), row) for system, kind, row in record["own"]}
    party.pace = dict(record["pace"])
    numbered = {track.number: track for track in party.tracks.values()}
    thin = party.identity.subject is not Subject.LEAVER
    for look, name in looks:
        track = numbered.get(look["track"])
        if track is None:
            track = numbered[look["track"]] = _appeared(party, look)
        track.add(observation(look, name), thin=thin)
    for use in uses:
        if use.phase == Phase.CLOSING:
            for track in party.of(use.system, Vantage.ADMIN):
                track.signed_in = True
    return party


def _track(read: Reader, party: Party, told: Record) -> None:
    values = {field.name: told[field.name] for field in _TRACK}
    values |= {"kind": Kind(told["kind"]), "vantage": Vantage(told["vantage"])}
    entitlement: Entitlement | None = None
    if told["entitlement"] is not None:
        entitlement = read.value(Entitlement, told["entitlement"])
    known_as, now = told["known_as"], told["grant_id"]
    made = Track(**values, entitlement=entitlement)
    if told["granted"] and entitlement is not None:
        made.grant = _grant(party, entitlement, now)
    made.grant_id = None if known_as == made.name else known_as
    party.track(made).grant_id = now


def _grant(party: Party, wanted: Entitlement, id_: str | None) -> Grant:
    """The one that the journal knows; what the connector gave is in no journal."""
    mine = [g for g in party.grants.get(wanted.system, ()) if _same(g.entitlement, wanted)]
    return next((g for g in mine if g.id == id_), mine[0] if len(mine) == 1 else Grant(wanted, id_))


def _same(one: Entitlement, other: Entitlement) -> bool:
    return (one.kind, one.label, one.direction, one.to) == (other.kind, other.label, other.direction, other.to)


def _appeared(party: Party, look: Record) -> Track:
    """One that nobody had seen before the last checkpoint."""
    account, kind = look["account"], Kind(look["kind"])
    made = Track(
        look["system"],
        kind,
        look["name"],
        look["grant"] or None,
        account,
        Vantage(look["vantage"]),
        look["channel"],
        appeared=True,
        void=kind is Kind.ACCOUNT and not account,
        number=look["track"],
    )
    return party.track(made)
