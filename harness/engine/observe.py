"""Applies one reading to the tracks of an identity, and writes every observation down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness import measure
from harness.engine.journalled import of_adoption
from harness.engine.party import Party, Track
from harness.engine.rounds import Reading
from harness.measure import Seen
from harness.model import (
    Account,
    Kind,
    Listing,
    ListState,
    Look,
    Observation,
    Phase,
    Presence,
    Row,
    Subject,
    Vantage,
)
from harness.ports import Journal, Ledger


class Observer:
    """Keeps the ledger of a run; one per run. An account that turns up under an identity's name is journalled as its
    own, because cleanup will remove it."""

    def __init__(self, ledger: Ledger, journal: Journal | None = None) -> None:
        self.ledger = ledger
        self.journal = journal

    def apply(
        self,
        party: Party,
        system: str,
        reading: Reading,
        phase: Phase,
        checkpoint: str = "",
        *,
        removed: bool = False,
    ) -> None:
        """`removed`: only a removed account record counts as gone (expect.account)."""
        first = phase is Phase.BASELINE
        if reading.found is not None:
            self._void(party, system, reading, phase, checkpoint)
            for account in reading.found.accounts:
                if party.adopt(account) and self.journal is not None:
                    self.journal.write(of_adoption(party, account))
        seen_accounts: set[str] = set()
        for account, look in reading.looks:
            seen_accounts.add(account.id)
            if look.account.mistaken:
                party.mistaken.add((system, account.id))
            self._account(party, system, account, look, reading, phase, checkpoint, removed)
            for listing in look.listings:
                self._meet(party, system, account, listing, first)
            self._grants(party, system, account, look, reading, phase, checkpoint)
            for listing in look.listings:
                place = (system, account.id, listing.kind)
                party.vanished[place] = listing.vanished
                if first and listing.state is ListState.COMPLETE and listing.rows:
                    party.filled.add(place)
        for track in party.of(system, Vantage.ADMIN):
            if track.account_id not in seen_accounts and not track.void:
                blind = Seen(Presence.UNKNOWN, "this round did not look", "", reading.at, reading.at)
                self.note(party, track, blind, reading.round, phase, checkpoint)

    def used(
        self, party: Party, track: Track, seen: Seen, phase: Phase, checkpoint: str = "", *, number: int = 0
    ) -> None:
        """The leaver's vantage: one answer to one credential."""
        self.note(party, track, seen, number, phase, checkpoint)

    def note(self, party: Party, track: Track, seen: Seen, number: int, phase: Phase, checkpoint: str) -> None:
        if track.lost and seen.presence is Presence.ABSENT:
            seen = replace(seen, presence=Presence.UNKNOWN, reason=track.lost)
        record = {
            "type": "observation",
            "case": party.case,
            "identity": party.key,
            "system": track.system,
            "kind": str(track.kind),
            "name": track.name,
            "grant": track.grant_id or "",
            "vantage": str(track.vantage),
            "channel": track.channel,
            "account": track.account_id,
            "track": track.number,
            "phase": str(phase),
            "checkpoint": checkpoint,
            "round": number,
            "presence": str(seen.presence),
            "reason": seen.reason,
            "control": seen.control,
            "sent": seen.sent,
            "answered": seen.answered,
            "evidence": list(seen.evidence),
        }
        observation = Observation(
            presence=seen.presence,
            phase=phase,
            round=number,
            sent=seen.sent,
            answered=seen.answered,
            reason=seen.reason,
            checkpoint=checkpoint,
            control=seen.control,
            evidence=seen.evidence,
            id=self.ledger.append(record),
        )
        track.with_account = seen.with_account or (track.with_account and seen.presence is not Presence.PRESENT)
        track.add(observation, thin=party.identity.subject is not Subject.LEAVER)

    def _account(
        self,
        party: Party,
        system: str,
        account: Account,
        look: Look,
        reading: Reading,
        phase: Phase,
        checkpoint: str,
        removed: bool,
    ) -> None:
        appeared = phase is not Phase.BASELINE
        track = party.track(
            Track(
                system,
                Kind.ACCOUNT,
                "account",
                account.id,
                account.id,
                appeared=appeared,
                by_name=look.account.by_name,
            )
        )
        track.by_name |= look.account.by_name  # a record that is gone does not make up for it
        seen = measure.account(look, reading.witnesses, removed=removed)
        self.note(party, track, seen, reading.round, phase, checkpoint)
        for other in party.of(system, Vantage.ADMIN):
            # A stranger once: it is adopted since, so nobody's look calls it a stranger any more.
            if other.kind is Kind.ACCOUNT and other.grant_id == account.id != other.account_id:
                self.note(party, other, seen, reading.round, phase, checkpoint)
        adopted = {known.id for known in party.accounts.get(system, ())}
        for stranger in look.strangers:
            if stranger in adopted:  # found in this very reading: followed as an account of its own
                continue
            found = party.track(Track(system, Kind.ACCOUNT, f"account {stranger}", stranger, account.id, appeared=True))
            sight = look.account
            there = Seen(
                Presence.PRESENT, "an account that nobody journalled", "", sight.sent, sight.answered, sight.evidence
            )
            self.note(party, found, there, reading.round, phase, checkpoint)

    def _meet(self, party: Party, system: str, account: Account, listing: Listing, first: bool) -> None:
        """Every row is followed from now on: what the harness granted, and what was there besides."""
        mine = [t for t in party.of(system, Vantage.ADMIN) if t.kind is listing.kind and t.account_id == account.id]
        followed = {t.grant_id: t for t in reversed(mine) if t.grant_id is not None}  # lists may be long
        unmet = [t for t in mine if (first or t.wanted) and t.entitlement is not None]
        for row in listing.rows:
            if (system, listing.kind, row.id) in party.own:
                continue
            track = followed.get(row.id)
            if track is None:
                track = next((t for t in unmet if _means(t, row, listing.rows)), None)
                if track is not None:
                    track.grant_id = row.id
                    followed[row.id] = track
            if track is None:
                if row.presence is Presence.ABSENT:
                    continue  # listed, and declared dead: never was access to follow
                known = next((g.entitlement for g in party.grants.get(system, ()) if g.id == row.id), None)
                name = known.label if known is not None and known.kind is listing.kind else row.name
                track = party.track(
                    Track(system, listing.kind, name, row.id, account.id, entitlement=known, appeared=not first)
                )
                followed[row.id] = track
            track.below, track.by_name = row.below or track.below, row.by_name

    def _grants(
        self, party: Party, system: str, account: Account, look: Look, reading: Reading, phase: Phase, checkpoint: str
    ) -> None:
        rows: dict[Kind, Mapping[str, Row]] = {}
        for track in party.of(system, Vantage.ADMIN):
            if track.kind is Kind.ACCOUNT or track.void or track.account_id != account.id:
                continue
            if track.kind not in rows:
                rows[track.kind] = measure.by_id(measure.listing_of(look, track.kind))
            place = (system, account.id, track.kind)
            seen = measure.grant(
                look,
                track.kind,
                track.grant_id or "",
                reading.witnesses,
                filled_before=place in party.filled,
                vanished_before=party.vanished.get(place, frozenset()),
                below=track.below,
                rows=rows[track.kind],
            )
            if track.grant_id is None and not track.wanted and seen.presence is Presence.ABSENT:
                seen = Seen(
                    Presence.UNKNOWN, "its immutable id was never seen", "", seen.sent, seen.answered, seen.evidence
                )
            self.note(party, track, seen, reading.round, phase, checkpoint)

    def _void(self, party: Party, system: str, reading: Reading, phase: Phase, checkpoint: str) -> None:
        """Where the identity has no account, `find` must stay empty, and a control must prove that it can find."""
        found = reading.found
        if found is None or party.accounts.get(system):
            return
        track = party.track(Track(system, Kind.ACCOUNT, "account", None, "", void=True, appeared=True))
        if found.state is not ListState.COMPLETE:
            seen = Seen(Presence.UNKNOWN, found.reason, "", found.sent, found.answered, found.evidence)
        elif found.accounts:
            return  # it is followed as an account of its own from here
        else:
            living = reading.finds
            presence = Presence.ABSENT if living else Presence.UNKNOWN
            reason = "" if living else "nobody of that name was found, but neither was any control"
            seen = Seen(presence, reason, living, found.sent, found.answered, found.evidence)
        self.note(party, track, seen, reading.round, phase, checkpoint)


def _means(track: Track, row: Row, rows: Sequence[Row]) -> bool:
    """A grant whose id the system has not told yet, or told in another form, is this row if the name is the same
    and no other row claims it."""
    if track.entitlement is None:
        return False
    names = {track.entitlement.label, track.entitlement.name}
    if row.name not in names:
        return False
    return track.grant_id is None or all(r.id != track.grant_id for r in rows)
