"""Seals a run folder: sweep, manifest, signature over it, and its line in the register of runs."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.evidence import names
from harness.evidence.canonical import canonical
from harness.evidence.keys import public_fields
from harness.evidence.merkle import Tree
from harness.evidence.register import FIRST, Opened, Register, replace
from harness.evidence.strict import parse
from harness.evidence.sweep import Leak, sweep
from harness.evidence.vault import Vault

if TYPE_CHECKING:
    from securesystemslib.signer import Signer


@dataclass(frozen=True, slots=True)
class Sealed:
    """What was sealed: the sha256 of the manifest, and who signed it; `keyid` empty: nobody."""

    manifest: str
    keyid: str


class Seal:
    """One run's. Made before anything runs, so that a key that cannot sign is known while nothing has happened."""

    def __init__(self, folder: Path, run: str, signer: Signer | None = None, register: Register | None = None) -> None:
        self.folder = folder
        self.run = run
        self.signer = signer
        self.register = register
        self._begun = False

    @property
    def keyid(self) -> str:
        return self.signer.public_key.keyid if self.signer is not None else ""

    def begin(self) -> None:
        """Puts into the register, once, that the run began: one that is never sealed can be seen. Raises BadInput."""
        if self.register is not None and not self._begun:
            self._begun = True
            with self.register.opened(self.signer) as opened:
                opened.add({"type": "begun", "run": self.run, "folder": self.folder.name, "at": now()})

    def finish(self, vault: Vault, tool: str, verdict: str, unswept: Sequence[str] = ()) -> Sealed:
        """To be called when every other file of the run is written and closed. `unswept`: processes of the run that
        died with secrets nobody else knew. Raises Leak, and seals nothing, where a known secret is in a file."""
        if (self.folder / names.MANIFEST).exists():
            raise FileExistsError(f"{self.folder / names.MANIFEST} is there already: a run is sealed once")
        swept = sweep(self.folder, vault)
        if swept.held:
            raise Leak(swept.held)
        manifest = {
            "schema": names.MANIFEST_SCHEMA,
            "run": self.run,
            "verdict": verdict,
            "tool": {"name": "exitproof", "version": tool},
            "sealed": now(),
            "signing_key": public_fields(self.signer.public_key) if self.signer is not None else None,
            "ledgers": [_ledger(self.folder, name) for name in _ledgers(self.folder)],
            "sweep": {"secrets": swept.searched, "short": swept.short, "unswept": list(unswept)},
            "files": list(_files(self.folder)),
        }
        opening: AbstractContextManager[Opened | None] = nullcontext()
        if self.register is not None:
            opening = self.register.opened(self.signer)
        with opening as opened:
            place = None
            if opened is not None:
                place = {"origin": opened.origin, "index": opened.index, "prev": opened.prev}
            data = canonical({**manifest, "register": place}) + b"\n"
            digest = sha256(data).hexdigest()
            envelope = b""
            if self.signer is not None:
                statement = canonical(_statement({**manifest, "register": place}, digest))
                envelope = canonical(_envelope(statement, self.signer)) + b"\n"
            if opened is not None:
                line = {"type": "sealed", "run": self.run, "folder": self.folder.name, "at": manifest["sealed"]}
                opened.add({**line, "verdict": verdict, "manifest": digest, "key": self.keyid or None})
        # After its line in the register: a crash in between leaves a run that is said to be sealed and is not.
        replace(self.folder / names.MANIFEST, data)
        if envelope:
            replace(self.folder / names.ENVELOPE, envelope)
        return Sealed(digest, self.keyid)


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _ledgers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if names.is_ledger(path.name))


def _ledger(folder: Path, name: str) -> dict[str, Any]:
    """Counted as it lies there; a line that a crash cut off is no record, and such a ledger is not closed."""
    tree, head, last = Tree(), FIRST, b""
    with (folder / name).open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                last = line[:-1]
                tree.add(last)
                head = sha256(last).hexdigest()
    try:
        closed = parse(last)["type"] == "close"
    except (ValueError, KeyError, TypeError):
        closed = False
    return {"path": name, "records": tree.size, "head": head, "root": tree.root.hex(), "closed": closed}


def _files(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            raise OSError(f"{path} is a link: a sealed run holds its files itself")
        if path.is_file():
            with path.open("rb") as file:
                digest, size = sha256(), 0
                while data := file.read(1 << 20):
                    digest.update(data)
                    size += len(data)
            yield {"path": path.relative_to(folder).as_posix(), "size": size, "sha256": digest.hexdigest()}


def _statement(manifest: Mapping[str, Any], digest: str) -> dict[str, Any]:
    """in-toto Statement v1 about the manifest; its predicate repeats what a reader of the envelope alone wants."""
    repeated = ("run", "verdict", "tool", "sealed", "ledgers", "register")
    return {
        "_type": names.STATEMENT,
        "subject": [{"name": names.MANIFEST, "digest": {"sha256": digest}}],
        "predicateType": names.PREDICATE,
        "predicate": {key: manifest[key] for key in repeated},
    }


def _envelope(payload: bytes, signer: Signer) -> dict[str, Any]:
    from securesystemslib.dsse import Envelope

    envelope = Envelope(payload, names.PAYLOAD, {})
    made = envelope.sign(signer)
    signature = {"keyid": made.keyid, "sig": base64.b64encode(bytes.fromhex(made.signature)).decode()}
    return {"payload": base64.b64encode(payload).decode(), "payloadType": names.PAYLOAD, "signatures": [signature]}
