"""Journal of intent: append-only JSON lines, on the disk before `write` returns."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Lock
from typing import Any

from harness.evidence.canonical import canonical
from harness.ports import Vault


class Journal:
    """Implements `ports.Journal` on a file. Threads that write at the same time share one fsync. Raises
    `BlockingIOError` where another process is writing it."""

    def __init__(self, path: Path, vault: Vault | None = None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._vault = vault
        self._lock = Lock()
        self._syncing = Lock()
        self._written = 0
        self._durable = 0
        torn = _torn(path)
        self._file = path.open("ab")
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # released when this process ends, however it does
        if torn:  # a crash in the middle of a line: end it, so that the next record stands alone
            self._file.write(b"\n")
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def write(self, record: Mapping[str, Any]) -> None:
        """Returns once the record is durable. Raises OSError when it cannot be (then nothing may be sent)."""
        line = canonical(record)
        if self._vault is not None:
            line = self._vault.scrub(line.decode()).encode()
        with self._lock:
            self._file.write(line + b"\n")
            self._file.flush()
            self._written += 1
            mine = self._written
        with self._syncing:
            if self._durable >= mine:
                return
            upto = self._written
            os.fsync(self._file.fileno())
            self._durable = upto

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class MemoryJournal:
    """The same without a disk: `records` in the order they were written."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []

    def write(self, record: Mapping[str, Any]) -> None:
        self.records.append(dict(record))


def _torn(path: Path) -> bool:
    if not path.exists() or path.stat().st_size == 0:
        return False
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


def records(path: Path) -> Iterator[dict[str, Any]]:
    """What a journal holds; a line that a crash cut off is left out (its write never returned).

    Raises ValueError for a broken line that was ended and followed by others and is not such a torn one.
    """
    for line in path.read_bytes().split(b"\n"):
        if not line:
            continue
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            yield record
