"""What a system remembers of identities: whether a record still is theirs, and where their rows were found."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from harness.model import Account, Kind, Row
from harness.ports import Person
from harness.wire.listing import is_below
from harness.wire.selection import Conditions
from harness.wire.template import Context

_DEEPEST = 12


@dataclass(frozen=True, slots=True)
class Identified:
    """`mistaken`: why the record is somebody else's, "" if it is not. `by_name`: nothing in it says whose it is, so
    that only the path counts."""

    mistaken: str = ""
    by_name: bool = False


class Acquaintance:
    """Remembers which records held an identifier of their identity: one must stay in them, because ids are given to
    somebody else more often than one thinks. And below which rows of `each` an identity's items were."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._met: set[tuple[str, str]] = set()
        self._rows: dict[tuple[str, Kind], set[str]] = {}

    def vanished(self, person: Person, kind: Kind, rows: Iterable[Row], gone: Collection[str]) -> frozenset[str]:
        """The keys of all rows that went with the rows that just did: those of inner levels are known from before."""
        key = (person.identity.key, kind)
        with self._lock:
            known = self._rows.setdefault(key, set())
            known.update(row.below for row in rows if row.below)
            lost = {below for below in known for outer in gone if is_below(below, outer)}
        return frozenset(lost | set(gone))

    def check(
        self, person: Person, account: Account, record: Any, match: Conditions | None, context: Context
    ) -> Identified:
        """Raises `Unknown` where `match` cannot be filled."""
        if match is not None:
            differs = match.differs(record, context)
            return Identified(f"`{differs}` is not what `match` asks for" if differs is not None else "")
        key = (person.identity.key, account.id)
        if _holds(record, _identifiers(person, account)):
            with self._lock:
                self._met.add(key)
            return Identified()
        with self._lock:
            met = key in self._met
        return Identified("no identifier seen before is in the record any more") if met else Identified(by_name=True)


def _identifiers(person: Person, account: Account) -> frozenset[str]:
    """What tells this identity from every other. The id itself does not: it is the path that was asked for."""
    who = person.identity
    found = {who.username, who.email, who.external_id, *who.was.values(), *person.identifiers.values()}
    return frozenset(text.casefold() for text in found if text and text != account.id)


def _holds(record: Any, wanted: frozenset[str]) -> bool:
    return any(text.casefold() in wanted for text in _texts(record, 0))


def _texts(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif depth < _DEEPEST and isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part, depth + 1)
