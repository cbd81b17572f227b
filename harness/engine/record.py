"""Ledgers and journals that keep nothing on disk: for drills in virtual time and for tests."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any


class NoLedger:
    """Numbers the observations and keeps none."""

    def __init__(self) -> None:
        self.count = 0

    def append(self, _record: Mapping[str, Any]) -> str:
        self.count += 1
        return f"{self.count:064x}"


class MemoryLedger:
    """Keeps every record, in order."""

    def __init__(self) -> None:
        self.records: list[Mapping[str, Any]] = []

    def append(self, record: Mapping[str, Any]) -> str:
        self.records.append(dict(record))
        return hashlib.sha256(repr(sorted(record.items())).encode()).hexdigest()


class MemoryJournal:
    def __init__(self) -> None:
        self.records: list[Mapping[str, Any]] = []

    def write(self, record: Mapping[str, Any]) -> None:
        self.records.append(dict(record))
