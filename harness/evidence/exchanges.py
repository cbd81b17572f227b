"""Content-addressed store of redacted exchanges: `exchanges/<sha256>.json`, or memory when there is no folder."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any

from harness.evidence.canonical import canonical
from harness.evidence.vault import Vault


class Exchanges:
    """Implements `ports.Recorder`: keeps one exchange, answers its sha256. What arrives is redacted already; the
    last sweep here is for a secret that slipped through, and `swept` counts those. Safe from many threads."""

    def __init__(self, folder: Path | None, vault: Vault) -> None:
        self._folder = folder
        self._vault = vault
        self._lock = Lock()
        self._kept: dict[str, bytes | None] = {}  # None: on disk
        self.swept = 0
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, exchange: Mapping[str, Any]) -> str:
        data = canonical(exchange)
        text = data.decode()
        # The marks are plain ASCII without quotes, so the text stays JSON; it stays canonical unless a key was hit.
        clean, hits = self._vault.scrub_counted(text)
        if hits:
            data = self._again(exchange, clean)
        name = sha256(data).hexdigest()
        with self._lock:
            self.swept += hits
            if name in self._kept:
                return name
            self._kept[name] = data if self._folder is None else None
        if self._folder is not None:
            self._write(self._folder / f"{name}.json", data)
        return name

    def _again(self, exchange: Mapping[str, Any], clean: str) -> bytes:
        try:
            return canonical(json.loads(clean))
        except ValueError:  # a secret that was itself JSON syntax: keep nothing but the fact
            return canonical(
                {"error": "removed: a known secret could not be cut out", "status": exchange.get("status")}
            )

    def _write(self, path: Path, data: bytes) -> None:
        try:
            with path.open("xb") as file:
                file.write(data)
        except FileExistsError:
            return

    def read(self, name: str) -> bytes:
        """The canonical bytes of one exchange. Raises KeyError for one that was never kept."""
        data = self._kept[name]
        if data is None and self._folder is not None:
            return (self._folder / f"{name}.json").read_bytes()
        return data or b""

    def get(self, name: str) -> dict[str, Any]:
        """One exchange as it was kept. Raises KeyError."""
        made: dict[str, Any] = json.loads(self.read(name))
        return made

    def __iter__(self) -> Iterator[str]:
        with self._lock:
            return iter(list(self._kept))

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, name: object) -> bool:
        return name in self._kept
