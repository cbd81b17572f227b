"""What was really looked at, system by kind by vantage, and what was not and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from harness.engine.party import Track
from harness.model import Coverage, CoverageCell, Kind, Presence, Vantage
from harness.ports import Declaration, Fleet


@dataclass(slots=True)
class Tally:
    """What the tracks of all cases say about one cell."""

    cases: set[str] = field(default_factory=set)
    seen: bool = False  # present at a baseline at least once
    ended: bool = False  # a complete look after the event, at least once
    only_with_account: bool = True
    reason: str = ""


Cell = tuple[str, Kind, Vantage]


class Coverer:
    def __init__(self) -> None:
        self._cells: dict[Cell, Tally] = {}

    def count(self, case: str, tracks: Iterable[Track]) -> None:
        for track in tracks:
            if track.void or track.wanted:
                continue
            tally = self._cells.setdefault((track.system, track.kind, track.vantage), Tally())
            tally.cases.add(case)
            tally.seen |= track.baseline is Presence.PRESENT
            complete = track.complete
            tally.ended |= bool(complete)
            gone = bool(complete) and complete[-1].presence is Presence.ABSENT
            if not (gone and track.with_account):
                tally.only_with_account = False
            blind = [o for o in track.observations if o.presence is Presence.UNKNOWN]
            if blind:
                tally.reason = blind[-1].reason

    def cells(self, fleet: Fleet, narrowed: Iterable[str] | None = None) -> tuple[CoverageCell, ...]:
        """Every kind of every system; the leaver's vantage where the system has a use for it."""
        chosen = set(narrowed) if narrowed is not None else None
        found: list[CoverageCell] = []
        for name, entry in fleet.systems.items():
            declaration = entry.system.declaration()
            for kind in Kind:
                if chosen is not None and name not in chosen:
                    found.append(
                        CoverageCell(name, kind, Vantage.ADMIN, Coverage.NOT_EXERCISED, "left out of this run")
                    )
                    continue
                found.append(self._admin(name, kind, declaration))
                if leaver := self._leaver(name, kind, declaration):
                    found.append(leaver)
        return tuple(found)

    def _admin(self, name: str, kind: Kind, declared: Declaration) -> CoverageCell:
        traits = declared.kinds.get(kind)
        if kind is not Kind.ACCOUNT and (traits is None or not traits.listed):
            for status, why in (
                (Coverage.WITHOUT, declared.without.get(kind)),
                (Coverage.NOT_LISTABLE, declared.not_listable.get(kind)),
            ):
                if why is not None:
                    return CoverageCell(name, kind, Vantage.ADMIN, status, why)
            if traits is None:
                return CoverageCell(
                    name, kind, Vantage.ADMIN, Coverage.UNDECLARED, "the fleet file does not mention it"
                )
            return CoverageCell(name, kind, Vantage.ADMIN, Coverage.NOT_LISTABLE, "only its use is declared")
        return self._measured(name, kind, Vantage.ADMIN)

    def _leaver(self, name: str, kind: Kind, declared: Declaration) -> CoverageCell | None:
        traits = declared.kinds.get(kind)
        used = declared.login is not None if kind is Kind.ACCOUNT else bool(traits and traits.uses)
        return self._measured(name, kind, Vantage.LEAVER) if used else None

    def _measured(self, name: str, kind: Kind, vantage: Vantage) -> CoverageCell:
        tally = self._cells.get((name, kind, vantage))
        if tally is None:
            return CoverageCell(name, kind, vantage, Coverage.NOT_EXERCISED, "no case gave any")
        count = len(tally.cases)
        if not tally.seen:
            return CoverageCell(name, kind, vantage, Coverage.BLIND, tally.reason or "never seen present", count)
        if not tally.ended:
            return CoverageCell(name, kind, vantage, Coverage.BLIND, tally.reason or "no complete look", count)
        if tally.only_with_account:
            why = "gone only together with the account; its list could not be read after that"
            return CoverageCell(name, kind, vantage, Coverage.WITH_ACCOUNT_ONLY, why, count)
        return CoverageCell(name, kind, vantage, Coverage.TESTED, "", count)
