"""YAML text -> plain data, strictly: YAML 1.2 core words, no duplicate keys, no tags, one document, known positions.

The first pass keeps no positions (10,000 files must load in seconds); only when something must be reported is the
same text read again with them. What is not plain data (tags, merge keys, several documents) is refused, never guessed.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from yaml.reader import ReaderError

from harness.model import BadInput, Problem

try:
    from yaml.cyaml import CParser as _Parser  # type: ignore[attr-defined]  # the stub forgets to export it
except ImportError:  # PyYAML without libyaml: slower, the same events
    from yaml.composer import Composer
    from yaml.parser import Parser
    from yaml.reader import Reader
    from yaml.scanner import Scanner

    class _Parser(Reader, Scanner, Parser, Composer):  # type: ignore[no-redef]
        def __init__(self, text: str) -> None:
            Reader.__init__(self, text)
            Scanner.__init__(self)
            Parser.__init__(self)


DataPath = tuple[str | int, ...]
Place = tuple[int, int]

MAX_BYTES = 4_000_000
MAX_DEPTH = 60
MAX_EXPANDED = 50_000  # nodes that aliases may stand for

_WORDS: dict[str, Any] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_WORDS |= {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NUMERIC = frozenset("0123456789+-.")
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|\ufeff")
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


class _Stop(Exception):
    """Nothing after this place can be read."""


class _Reading:
    """One pass over one text. `marks` and `keys` are filled only when `marked`."""

    def __init__(self, file: str, text: str, marked: bool) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.marks: dict[DataPath, Place] = {}
        self.keys: dict[DataPath, Place] = {}
        self.lines: dict[int, int] = {}  # id of a mapping -> its line
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._nodes = 0
        self._aliased = 0
        self._marked = marked
        self._next: Callable[[], Any] = _Parser(text).get_event

    def complain(self, event: Any, message: str, value: str = "") -> None:
        mark = event.start_mark
        self.problems.append(Problem(self.file, mark.line + 1, mark.column + 1, message, value))

    def document(self) -> Any:
        self._next()  # stream start
        event = self._next()
        if type(event) is StreamEndEvent:
            self.complain(event, "the file is empty")
            return None
        first = self._next()
        made = self._value(first, () if self._marked else None, 0)
        if not isinstance(made, dict):
            self.complain(first, "a mapping (`key: value` lines) is expected")
        self._next()  # document end
        event = self._next()
        if type(event) is not StreamEndEvent:
            self.complain(event, "a second document: one file holds one document")
        return made

    def _value(self, event: Any, path: DataPath | None, depth: int) -> Any:
        kind = type(event)
        if path is not None:
            mark = event.start_mark
            self.marks[path] = (mark.line + 1, mark.column + 1)
        self._nodes += 1
        if kind is AliasEvent:
            return self._alias(event)
        if event.tag is not None:
            self.complain(event, "tags are refused", event.tag)
        if kind is ScalarEvent:
            made = event.value
            if event.implicit[0]:
                made = self._plain(made, event)
            if event.anchor is not None:
                self._anchors[event.anchor] = (made, 1)
            return made
        before = self._nodes + self._aliased
        if depth >= MAX_DEPTH:
            self.complain(event, "nested too deeply")
            raise _Stop
        anchor = event.anchor
        if anchor is not None:
            self._anchors.pop(anchor, None)  # it stands for itself only once it is complete
        made = self._mapping(event, path, depth) if kind is MappingStartEvent else self._sequence(path, depth)
        if anchor is not None:
            self._anchors[anchor] = (made, self._nodes + self._aliased - before + 1)
        return made

    def _sequence(self, path: DataPath | None, depth: int) -> list[Any]:
        made: list[Any] = []
        while type(event := self._next()) is not SequenceEndEvent:
            made.append(self._value(event, None if path is None else (*path, len(made)), depth + 1))
        return made

    def _mapping(self, start: Any, path: DataPath | None, depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        self.lines[id(made)] = start.start_mark.line + 1
        while type(event := self._next()) is not MappingEndEvent:
            key = self._key(event)
            twin = key in made
            if twin:
                self.complain(event, "duplicate key", key)
            below: DataPath | None = None
            if path is not None and not twin:
                below = (*path, key)
                self.keys[below] = (event.start_mark.line + 1, event.start_mark.column + 1)
            value = self._value(self._next(), below, depth + 1)
            if not twin:
                made[key] = value
        return made

    def _key(self, event: Any) -> str:
        if type(event) is not ScalarEvent:
            self.complain(event, "a key must be a word")
            if type(event) in (MappingStartEvent, SequenceStartEvent, AliasEvent):
                raise _Stop
        elif event.tag is not None:
            self.complain(event, "tags are refused", event.tag)
        elif event.implicit[0] and event.value in ("<<", ""):
            self.complain(event, "merge keys are refused" if event.value else "a key must be a word", event.value)
        if event.anchor is not None:
            self._anchors[event.anchor] = (event.value, 1)
        return str(event.value)

    def _alias(self, event: Any) -> Any:
        if event.anchor not in self._anchors:
            self.complain(event, "no complete anchor of this name comes before", f"*{event.anchor}")
            return None
        value, size = self._anchors[event.anchor]
        self._aliased += size
        if self._aliased > MAX_EXPANDED:
            self.complain(event, f"aliases stand for more than {MAX_EXPANDED} values")
            raise _Stop
        return value

    def _plain(self, text: str, event: Any) -> Any:
        if text in _WORDS:
            return _WORDS[text]
        if text[0] not in _NUMERIC:
            return text
        if _INT.fullmatch(text):
            if len(text) <= 100:
                return int(text)
            self.complain(event, "the number is too large", text[:20] + "…")
        elif _FLOAT.fullmatch(text):
            number = float(text)
            if math.isfinite(number):
                return number
            self.complain(event, "the number is too large", text[:20])
        return text


@dataclass(slots=True)
class Source:
    """One file: its plain data (always a mapping) and, when asked, where each value stands. Lines and columns
    count from 1. `lines` maps the `id()` of a mapping in `data` to its line."""

    file: str
    text: str
    sha256: str
    data: dict[str, Any]
    lines: Mapping[int, int]
    _marked: _Reading | None = field(default=None, repr=False)

    def place(self, path: Sequence[str | int], key: bool = False) -> Place:
        """Where the value at `path` starts (or its key); for what is not written, the nearest mapping around it."""
        if self._marked is None:
            self._marked = _Reading(self.file, self.text, marked=True)
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
    reading: _Reading | None = None
    data: Any = None
    try:
        reading = _Reading(file, text, marked=False)
        data = reading.document()
        problems = reading.problems
    except _Stop:
        problems = reading.problems if reading else []
    except yaml.YAMLError as error:
        problems = [*(reading.problems if reading else []), _syntax(file, text, error)]
    if problems:
        raise BadInput([_inside(problem, text) for problem in problems])
    assert reading is not None  # noqa: S101  for the type checker: no problem means it was read
    return Source(file, text, hashlib.sha256(raw).hexdigest(), data, reading.lines)


def _syntax(file: str, text: str, error: yaml.YAMLError) -> Problem:
    if isinstance(error, yaml.MarkedYAMLError):
        mark: Any = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        return Problem(file, line, column, f"not valid YAML: {error.problem or error.context}")
    odd = _UNPRINTABLE.search(text)
    if isinstance(error, ReaderError) and odd:
        before = _BREAK.split(text[: odd.start()])
        return Problem(file, len(before), len(before[-1]) + 1, f"a control character: U+{ord(odd[0]):04X}")
    return Problem(file, 1, 1, "not valid YAML")


def _inside(problem: Problem, text: str) -> Problem:
    """libyaml may report the place after the last line; people look inside the file."""
    lines = _BREAK.split(text)
    line = min(problem.line, len(lines))
    column = min(problem.column, len(lines[line - 1]) + 1)
    return Problem(problem.file, line, column, problem.message, problem.value, problem.allowed)
