"""A round of looks for adapters written in Python: the adapter says what to ask and what an answer means, and this
asks the same thing once, bounds every listing in time, cites its evidence, and turns each failure into UNKNOWN."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from harness.model import (
    Account,
    AccountSight,
    Found,
    Instant,
    Kind,
    Listing,
    ListState,
    Look,
    Presence,
    Row,
)
from harness.ports import Person
from harness.wire.call import Unknown
from harness.wire.dialogue import Told
from harness.wire.once import Once

T = TypeVar("T")


class Asking:
    """Collects when one listing's questions were sent and answered, and their evidence.

    `asking(key, make)` gives the value of `make()`, which is called once in a round for each key, whoever asks.
    `make` answers a `Told` (or anything with `sent`, `answered` and `evidence`) or raises `Unknown`.
    """

    def __init__(self, shared: Once) -> None:
        self._shared = shared
        self.sent: Instant = 0
        self.answered: Instant = 0
        self.evidence: tuple[str, ...] = ()

    def __call__(self, key: Hashable, make: Callable[[], Told[T]]) -> T:
        return self.told(key, make).value

    def trying(self, key: Hashable, make: Callable[[], Told[T]]) -> T | Unknown:
        """The same; a failure is handed back: what the other questions told may be enough."""
        try:
            return self(key, make)
        except Unknown as unknown:
            return unknown

    def told(self, key: Hashable, make: Callable[[], T]) -> T:
        """The same for answers that keep their value elsewhere, as HTTP's do."""
        try:
            told = self._shared.once(key, make)
        except Unknown as unknown:
            self._bound(unknown)
            raise
        self._bound(told)
        return told  # type: ignore[no-any-return]

    def _bound(self, told: Any) -> None:
        if told.sent:
            self.sent = min(self.sent or told.sent, told.sent)
            self.answered = max(self.answered, told.answered)
        self.evidence += tuple(one for one in told.evidence if one not in self.evidence)

    @property
    def bounds(self) -> tuple[Instant, Instant, tuple[str, ...]]:
        return self.sent, self.answered, self.evidence


@dataclass(frozen=True, slots=True)
class Record:
    """What the account's own record says. `data` is the adapter's; None with `record` False: there is none. When
    `presence` is UNKNOWN, or `mistaken`, nothing below it can be told from it: `known()` raises."""

    presence: Presence
    record: bool = True
    reason: str = ""
    by_name: bool = False
    mistaken: bool = False
    data: Any = None

    def known(self) -> Any:
        """The record's data, None when the account is certainly gone; raises `Unknown` when it could not be read."""
        if self.mistaken or (self.data is None and self.record):
            raise Unknown(self.reason or "the account's record could not be read")
        return self.data


@dataclass(frozen=True, slots=True)
class Rows:
    """One kind's rows, complete unless `state` says otherwise; `views` as in `model.Listing`."""

    rows: tuple[Row, ...] = ()
    state: ListState = ListState.COMPLETE
    reason: str = ""
    views: tuple[str, ...] = ()


GONE = Rows(state=ListState.GONE_WITH_ACCOUNT, reason="the record is gone")
Reader = Callable[[Asking, Person, Record], Rows]


class Survey(Protocol):
    """What an adapter gives: each method asks through `asking`, and raises `Unknown` whenever it cannot conclude."""

    name: str

    def find(self, asking: Asking, person: Person) -> Sequence[Account]:
        """Every account of the identity's name; empty only if that was really looked for."""
        ...

    def record(self, asking: Asking, person: Person) -> Record:
        """The account by its immutable id. The identity's identifiers must match, otherwise `mistaken`."""
        ...

    def readers(self) -> Mapping[Kind, Reader]:
        """How each listed kind is read."""
        ...


@dataclass(slots=True)
class SurveyRound:
    """Implements `ports.Round` over a survey. `search`: the ids of all accounts with the identity's immutable
    attribute, asked in each look where the system has one."""

    survey: Survey
    search: Callable[[Asking, Person], Sequence[str]] | None = None
    shared: Once = field(default_factory=Once)

    def find(self, person: Person) -> Found:
        asking = Asking(self.shared)
        try:
            accounts = tuple(self.survey.find(asking, person))
        except Unknown as unknown:
            return Found(ListState.UNKNOWN, (), unknown.reason, *_bounds(asking, unknown))
        return Found(ListState.COMPLETE, accounts, "", *asking.bounds)

    def look(self, person: Person) -> Look:
        if person.account is None:
            raise ValueError("a look needs an account")
        asking = Asking(self.shared)
        try:
            seen = self.survey.record(asking, person)
            bounds = asking.bounds
        except Unknown as unknown:
            seen = Record(Presence.UNKNOWN, reason=unknown.reason)
            bounds = _bounds(asking, unknown)
        sight = AccountSight(
            seen.presence, seen.record, seen.reason, *bounds, by_name=seen.by_name, mistaken=seen.mistaken
        )
        listings = tuple(
            self._listing(kind, read, person, seen, bounds) for kind, read in self.survey.readers().items()
        )
        if self.search is None:
            return Look(sight, listings)
        sight, strangers = self._strangers(self.search, person, sight)
        return Look(sight, listings, strangers)

    def _listing(
        self, kind: Kind, read: Reader, person: Person, seen: Record, record: tuple[Instant, Instant, tuple[str, ...]]
    ) -> Listing:
        if seen.mistaken:
            return Listing(kind, ListState.UNKNOWN, (), seen.reason, *record)
        asking = Asking(self.shared)
        try:
            rows = read(asking, person, seen)
        except Unknown as unknown:
            told = _bounds(asking, unknown)
            return Listing(kind, ListState.UNKNOWN, (), unknown.reason, *(told if told[0] else record))
        bounds = asking.bounds if asking.sent else record  # read from the record alone
        return Listing(kind, rows.state, rows.rows, rows.reason, *bounds, views=rows.views)

    def _strangers(
        self, search: Callable[[Asking, Person], Sequence[str]], person: Person, sight: AccountSight
    ) -> tuple[AccountSight, tuple[str, ...]]:
        """A search that failed leaves a present account present; an absent one is no longer known to be alone."""
        asking = Asking(self.shared)
        mine = {former.id for former in (*person.former, person.account) if former is not None}
        try:
            return sight, tuple(found for found in search(asking, person) if found not in mine)
        except Unknown as unknown:
            if sight.presence is not Presence.ABSENT:
                return sight, ()
            sent, answered, evidence = _bounds(asking, unknown)
            reason = f"other accounts could not be looked for: {unknown.reason}"
            blind = AccountSight(
                Presence.UNKNOWN, sight.record, reason, sight.sent or sent, answered, sight.evidence + evidence
            )
            return blind, ()


def _bounds(asking: Asking, unknown: Unknown) -> tuple[Instant, Instant, tuple[str, ...]]:
    asking._bound(unknown)  # what was raised by the adapter itself has no times of its own
    return asking.bounds
