"""The register of runs beside their folders: `runs.jsonl`, hash-chained, and a signed checkpoint over it."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.evidence import note
from harness.evidence.canonical import canonical
from harness.evidence.merkle import root
from harness.evidence.names import CHECKPOINT, RUNS
from harness.evidence.strict import exact
from harness.model import BadInput, Problem

if TYPE_CHECKING:
    from securesystemslib.signer import Signer

VERSION = 1
FIRST = "0" * 64


def read_lines(data: bytes) -> tuple[list[bytes], list[dict[str, Any]]]:
    """The lines of a register and what they say. Raises ValueError for a chain that does not hold, naming the line."""
    if data and not data.endswith(b"\n"):
        raise ValueError("its last line is cut off")
    lines = data.split(b"\n")[:-1]
    records: list[dict[str, Any]] = []
    prev = FIRST
    for index, line in enumerate(lines):
        try:
            record = exact(line)
        except ValueError as error:
            raise ValueError(f"line {index + 1}: {error}") from None
        if (record.get("v"), record.get("index"), record.get("prev")) != (VERSION, index, prev):
            raise ValueError(f"line {index + 1}: the chain breaks here")
        if (record.get("type") == "register") != (index == 0):
            raise ValueError(f"line {index + 1}: a register begins once, with its origin")
        records.append(record)
        prev = sha256(line).hexdigest()
    return lines, records


class Register:
    """One folder of runs. Lines are only ever added, by one process at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / RUNS

    def check(self) -> None:
        """Raises BadInput where nothing could be added; adds nothing."""
        if self.path.is_file():
            data = self.path.read_bytes()
            self._checked(data[: data.rfind(b"\n") + 1])

    @contextmanager
    def opened(self, signer: Signer | None) -> Iterator[Opened]:
        """Holds the register; what was added and the checkpoint are on the disk at the end. Raises BadInput where the
        register is broken, or is not the one that its checkpoint was signed over."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            data = file.read()
            whole = data[: data.rfind(b"\n") + 1]  # a line that a crash cut off was never one
            lines = self._checked(whole)
            file.truncate(len(whole))
            held = Opened(lines)
            if not lines:
                held.add({"type": "register", "origin": f"exitproof/runs/{secrets.token_hex(8)}"})
            yield held
            fresh = held.lines[len(lines) :]
            file.write(b"".join(line + b"\n" for line in fresh))
            file.flush()
            os.fsync(file.fileno())
            if signer is not None:
                point = note.Checkpoint(held.origin, len(held.lines), root(held.lines))
                replace(self.folder / CHECKPOINT, note.sign(point, signer).text.encode())

    def _checked(self, data: bytes) -> list[bytes]:
        try:
            lines, records = read_lines(data)
        except ValueError as error:
            raise BadInput([Problem(str(self.path), 1, 1, f"the register of runs is broken: {error}")]) from None
        known = self.folder / CHECKPOINT
        if known.is_file():
            self._consistent(known, lines, records)
        return lines

    def _consistent(self, known: Path, lines: list[bytes], records: list[dict[str, Any]]) -> None:
        """A log never signs two checkpoints that contradict each other (c2sp.org/tlog-checkpoint)."""
        try:
            point = note.read(known.read_bytes()).checkpoint
        except note.BadNote as error:
            raise BadInput([Problem(str(known), 1, 1, f"not a checkpoint: {error}")]) from None
        same = records and records[0].get("origin") == point.origin and point.size <= len(lines)
        if not same or root(lines[: point.size]) != point.root:
            what = f"runs are missing or changed: {CHECKPOINT} was signed over {point.size}"
            raise BadInput([Problem(str(self.path), 1, 1, what)])


class Opened:
    """A register while its lock is held."""

    def __init__(self, lines: list[bytes]) -> None:
        self.lines = list(lines)

    @property
    def origin(self) -> str:
        return str(exact(self.lines[0])["origin"])

    @property
    def index(self) -> int:
        """Of the next line."""
        return len(self.lines)

    @property
    def prev(self) -> str:
        """What the next line will be chained to."""
        return sha256(self.lines[-1]).hexdigest() if self.lines else FIRST

    def add(self, record: Mapping[str, Any]) -> None:
        self.lines.append(canonical({**record, "v": VERSION, "index": self.index, "prev": self.prev}))


def replace(path: Path, data: bytes) -> None:
    """The file with these bytes, or as it was: never half of them."""
    fresh = path.with_name(f".{path.name}.new")
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
