"""Top-level blocks of YAML files, remembered by their text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.model import BadInput
from harness.source.reading import whole

_TOP = re.compile(r"\n[A-Za-z][A-Za-z0-9_-]*:(?=[ \n]|\Z)")
_COLUMN_1 = re.compile(r"\n[^ #\n-]")
_PREFIX = re.compile(r"(?: *(?:#[^\n]*)?\n)*")
_ODD = re.compile("[\r\x85\u2028\u2029]")


class Blocks:
    """Remembers top-level blocks (`leave: …`) by their text: a library of scenarios repeats most of them, and PyYAML
    is what loading one costs.

    Sound because only files are taken apart in which every line that starts in column 1 is `key:`, a comment or a list
    item, and because the blocks that were read together must yield exactly their own keys in order: a quote or a
    bracket that reaches into the next block swallows that block's key. All else is read whole, errors included.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, Any, Mapping[int, int]]] = {}

    def assemble(self, text: str) -> tuple[dict[str, Any], Sequence[tuple[int, Mapping[int, int]]]] | None:
        # A break in front makes both patterns start with a literal, which is several times faster than `^`.
        broken = "\n" + text
        starts = [match.start() for match in _TOP.finditer(broken)]
        if not starts or len(starts) != len(_COLUMN_1.findall(broken)) or _ODD.search(text):
            return None
        if not _PREFIX.fullmatch(text, 0, starts[0]):
            return None
        parts = [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
        if len(self._known) > 20_000:
            self._known.clear()
        missing = [part for part in parts if part not in self._known]
        if missing and not self._learn(missing):
            return None
        data: dict[str, Any] = {}
        lines = []
        line = text.count("\n", 0, starts[0])
        for part in parts:
            key, value, below = self._known[part]
            if key in data:
                return None
            data[key] = value
            if below:
                lines.append((line, below))
            line += part.count("\n")
        return data, lines

    def _learn(self, parts: list[str]) -> bool:
        if not all(part.endswith("\n") for part in parts[:-1]):
            return False
        try:
            reading, data = whole("", "".join(parts))
        except BadInput:
            return False
        keys = [part[: part.index(":")] for part in parts]
        if list(data) != keys or reading.anchored:
            return False
        line = 0
        for key, part in zip(keys, parts, strict=True):
            ids = _mappings(data[key])
            self._known[part] = (key, data[key], {each: reading.lines[each] - line for each in ids})
            line += part.count("\n")
        return True


def _mappings(value: Any) -> Iterator[int]:
    if isinstance(value, dict):
        yield id(value)
        for below in value.values():
            yield from _mappings(below)
    elif isinstance(value, list):
        for below in value:
            yield from _mappings(below)


BLOCKS = Blocks()
