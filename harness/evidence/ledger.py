"""Hash-chained observations: `ledger.jsonl`, one RFC 8785 line a record, from "open" to "close"."""

from __future__ import annotations

import os
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO

from harness.evidence.canonical import canonical
from harness.ports import Vault

VERSION = 1
FIRST = "0" * 64  # `prev` of the first record

# A crash of the process loses nothing (each line is handed to the system at once), a power cut at most these last ones.
_SYNC_EVERY = 1000


class Ledger:
    """Implements `ports.Ledger`. Each line is {v, seq, prev, type, …}; `prev` is the sha256 of the line before it,
    without its line feed. A ledger without a last "close" was aborted, never passed. Safe from many threads."""

    def __init__(self, path: Path | None, opening: Mapping[str, Any], vault: Vault | None = None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._begin(path.open("xb") if path is not None else None, vault)  # never on top of another run's ledger
        self.append({**opening, "type": "open"})

    @classmethod
    def reopen(cls, path: Path, told: Mapping[str, Any], vault: Vault | None = None) -> Ledger:
        """Goes on in one whose process ended before it closed it: the chain stays one. A last line that was cut off is
        taken away, and told in the record "resume" that comes first: `torn_bytes` and `torn_sha256`. The caller has
        walked the chain (`verify_ledger`)."""
        data = path.read_bytes() if path.is_file() else b""
        whole = data[: data.rfind(b"\n") + 1]
        if not whole:  # it ended while it began
            path.unlink(missing_ok=True)
            return cls(path, told, vault)
        made, torn = cls.__new__(cls), data[len(whole) :]
        file = path.open("r+b")
        file.truncate(len(whole))
        file.seek(0, os.SEEK_END)
        made._begin(file, vault)
        lines = whole.split(b"\n")[:-1]
        made.head, made.count = sha256(lines[-1]).hexdigest(), len(lines)
        cut = {"torn_bytes": len(torn), "torn_sha256": sha256(torn).hexdigest()} if torn else {}
        made.append({**told, **cut, "type": "resume"})
        return made

    def _begin(self, file: BinaryIO | None, vault: Vault | None) -> None:
        self._vault = vault
        self._lock = Lock()
        self._file = file
        self._closed = False
        self._lines: list[bytes] = []
        self.head = FIRST
        self.count = 0

    def append(self, record: Mapping[str, Any]) -> str:
        """Adds one record, which must have a `type`; answers the sha256 of its line.

        Raises ValueError for a record without a type, with one of the chain's own keys, or after `close`.
        """
        if not record.get("type") or not record.keys().isdisjoint(("v", "seq", "prev")):
            raise ValueError("a ledger record needs a type and leaves v, seq and prev to the ledger")
        if self._vault is not None:
            record = _swept(record, self._vault)
        with self._lock:
            if self._closed:
                raise ValueError("the ledger is closed")
            line = canonical({**record, "v": VERSION, "seq": self.count, "prev": self.head})
            self.head = sha256(line).hexdigest()
            self.count += 1
            if self._file is None:
                self._lines.append(line)
            else:
                self._file.write(line + b"\n")
                self._file.flush()
                if self.count % _SYNC_EVERY == 0:
                    os.fsync(self._file.fileno())
            return self.head

    def close(self, closing: Mapping[str, Any]) -> str:
        """Writes the last record, "close", with the count of all before it, and makes the file durable."""
        name = self.append({**closing, "type": "close", "records": self.count})
        with self._lock:
            self._closed = True
            if self._file is not None:
                os.fsync(self._file.fileno())
                self._file.close()
        return name

    def lines(self) -> tuple[bytes, ...]:
        """All lines of a ledger in memory (empty for one on disk)."""
        with self._lock:
            return tuple(self._lines)


def _swept(value: Any, vault: Vault) -> Any:
    """The record without known secrets, redacted before it is hashed."""
    if isinstance(value, str):
        return vault.scrub(value) if len(value) >= 4 else value
    if isinstance(value, Mapping):
        return {key: _swept(item, vault) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_swept(item, vault) for item in value]
    return value
