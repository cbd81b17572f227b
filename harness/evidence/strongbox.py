"""The encrypted vault: secrets that must survive a run's process, outside the run folder, destroyed by cleanup.

One line of JSON, `{"v": 1, "salt": …, "check": …}`, then a line for each entry: its name, and what AES-256-GCM made of
it. The key is stretched by scrypt (RFC 7914) with the file's own salt; the name is authenticated with the entry, so
that no two can be exchanged. A line that a crash cut off is no entry: its `put` never returned.
"""

from __future__ import annotations

import json
import os
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

_VERSION = 1
_CHECK = "exitproof"  # what the first line holds: another key cannot open it
_NONCE = 12
_COST = 2**15  # scrypt's N: 32 MiB and a tenth of a second, once a run


def place(run: str, env: Mapping[str, str]) -> Path:
    """Where the vault of a run lies: `$XDG_STATE_HOME/exitproof/RUN.vault`, by default below `~/.local/state`."""
    home = env.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(home) / "exitproof" / f"{run}.vault"


class Strongbox:
    """Implements `ports.Strongbox`. Made on first opening, mode 0600. Raises ValueError where the file is there already
    and this is not its key. Safe from many threads."""

    def __init__(self, path: Path, key: str) -> None:
        self.path = path
        self._lock = Lock()
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if path.exists():
            lines = path.read_bytes().split(b"\n")
            head = _head(path, lines[0])
            self._cipher = _cipher(key, b64decode(head["salt"]))
            try:
                self._open(_CHECK, head["check"])
            except InvalidTag:
                raise ValueError(f"{path}: another key made it") from None
            self._entries = dict(line.split(b" ", 1) for line in lines[1:-1] if b" " in line)
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND)
            if lines[-1]:  # cut off by a crash: ended, so that the next entry stands alone
                os.write(self._file, b"\n")
            return
        salt = secrets.token_bytes(16)
        self._cipher = _cipher(key, salt)
        self._entries = {}
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
        first = {"v": _VERSION, "salt": b64encode(salt).decode(), "check": self._close(_CHECK, {})}
        self._write(json.dumps(first).encode())

    def put(self, values: Mapping[str, Any]) -> str:
        """Keeps a mapping of JSON values; answers the entry's name once it is durable."""
        name = secrets.token_hex(8)
        sealed = self._close(name, values).encode()
        with self._lock:
            self._write(name.encode() + b" " + sealed)
            self._entries[name.encode()] = sealed
        return name

    def get(self, name: str) -> dict[str, Any] | None:
        """What `put` kept under this name; None where it is not, or was tampered with."""
        sealed = self._entries.get(name.encode())
        try:
            return self._open(name, sealed.decode()) if sealed is not None else None
        except (InvalidTag, ValueError):
            return None

    def destroy(self) -> None:
        """Nothing in it can be opened any more, and it is gone."""
        os.close(self._file)
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        os.close(self._file)

    def _write(self, line: bytes) -> None:
        os.write(self._file, line + b"\n")
        os.fsync(self._file)

    def _close(self, name: str, values: Mapping[str, Any]) -> str:
        nonce = secrets.token_bytes(_NONCE)
        data = json.dumps(values, ensure_ascii=False).encode("utf-8", "surrogatepass")
        return b64encode(nonce + self._cipher.encrypt(nonce, data, name.encode())).decode()

    def _open(self, name: str, sealed: str) -> dict[str, Any]:
        data = b64decode(sealed)
        clear = self._cipher.decrypt(data[:_NONCE], data[_NONCE:], name.encode())
        made: dict[str, Any] = json.loads(clear.decode("utf-8", "surrogatepass"))
        return made


def _cipher(key: str, salt: bytes) -> AESGCM:
    return AESGCM(Scrypt(salt=salt, length=32, n=_COST, r=8, p=1).derive(key.encode("utf-8", "surrogateescape")))


def _head(path: Path, line: bytes) -> Mapping[str, str]:
    try:
        head: dict[str, Any] = json.loads(line)
        if head["v"] == _VERSION:
            return {"salt": head["salt"], "check": head["check"]}
    except (ValueError, KeyError, TypeError):
        pass
    raise ValueError(f"{path}: not an encrypted vault of this version")
