"""YAML text -> plain data, strictly: YAML 1.2 core words, no duplicate keys, no tags, one document, known positions.

The first pass keeps no positions (10,000 files must load in seconds); only when something must be reported is the
same text read again with them. What is not plain data (tags, merge keys, several documents) is refused, never guessed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.model import BadInput, Problem
from harness.source.blocks import BLOCKS
from harness.source.reading import DataPath, Place, Reading, whole

MAX_BYTES = 4_000_000
__all__ = ["MAX_BYTES", "DataPath", "Source", "parse", "read"]


@dataclass(slots=True)
class Source:
    """One file: its plain data (always a mapping, never to be changed: sources share parts) and, when asked, where
    each value stands. Lines and columns count from 1."""

    file: str
    text: str
    sha256: str
    data: dict[str, Any]
    _lines: Sequence[tuple[int, Mapping[int, int]]] = field(repr=False)
    _marked: Reading | None = field(default=None, repr=False)

    def line(self, mapping: Mapping[str, Any]) -> int:
        """The line of a mapping in `data`, without reading the text again."""
        return next((first + lines[id(mapping)] for first, lines in self._lines if id(mapping) in lines), 1)

    def place(self, path: Sequence[str | int], key: bool = False) -> Place:
        """Where the value at `path` starts (or its key); for what is not written, the nearest mapping around it."""
        if self._marked is None:
            self._marked = Reading(self.file, self.text, marked=True)
            self._marked.document()
        wanted = tuple(path)
        if key and wanted in self._marked.keys:
            return self._marked.keys[wanted]
        while wanted and wanted not in self._marked.marks:
            wanted = wanted[:-1]
        return self._marked.marks.get(wanted, (1, 1))

    def problem(
        self,
        path: Sequence[str | int],
        message: str,
        value: str = "",
        allowed: Sequence[str] = (),
        *,
        key: bool = False,
    ) -> Problem:
        """A problem at the value (or `key`) at `path`."""
        line, column = self.place(path, key)
        return Problem(self.file, line, column, message, value, tuple(allowed))


def read(path: Path, shown: str | None = None) -> Source:
    """The file's data. Raises `BadInput` with every problem that the text alone has."""
    file = shown if shown is not None else str(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise BadInput([Problem(file, 1, 1, f"cannot be read: {error.strerror or 'unknown error'}")]) from None
    return parse(file, raw)


def parse(file: str, raw: bytes) -> Source:
    """`raw` as data. Raises `BadInput`, and never anything else, whatever the bytes are."""
    if len(raw) > MAX_BYTES:
        raise BadInput([Problem(file, 1, 1, f"larger than {MAX_BYTES} bytes")])
    try:
        text = raw.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - (raw.rfind(b"\n", 0, error.start) + 1) + 1
        raise BadInput([Problem(file, line, column, "not UTF-8 text")]) from None
    sha256 = hashlib.sha256(raw).hexdigest()
    if (found := BLOCKS.assemble(text)) is not None:
        return Source(file, text, sha256, *found)
    reading, data = whole(file, text)
    return Source(file, text, sha256, data, ((0, reading.lines),))
