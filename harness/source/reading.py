"""One pass over a YAML text: PyYAML's events -> plain data, and complaints about all that is not plain data."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
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

MAX_DEPTH = 60
MAX_EXPANDED = 50_000  # nodes that aliases may stand for

_WORDS: dict[str, Any] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_WORDS |= {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NO_KEYS = frozenset(("<<", ""))
_NUMERIC = frozenset("0123456789+-.")
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|\ufeff")
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


class Stop(Exception):
    """Nothing after this place can be read."""


class Reading:
    """One pass over one text. `marks` and `keys` are filled only when `marked`."""

    def __init__(self, file: str, text: str, marked: bool) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.marks: dict[DataPath, Place] = {}
        self.keys: dict[DataPath, Place] = {}
        self.lines: dict[int, int] = {}  # id of a mapping -> its line
        self.anchored = False
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
            self.problems.append(Problem(self.file, 1, 1, "the file is empty"))
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
        if kind is ScalarEvent:
            made = event.value
            if event.implicit[0]:
                if made in _WORDS:
                    made = _WORDS[made]
                elif made[0] in _NUMERIC:
                    made = self._number(made, event)
            if event.tag is event.anchor is None:
                return made
        if kind is AliasEvent:
            return self._alias(event)
        if event.tag is not None:
            self.complain(event, "tags are refused", event.tag)
        self.anchored = self.anchored or event.anchor is not None
        if kind is ScalarEvent:
            self._anchors[event.anchor or ""] = (made, 1)
            return made
        before = self._nodes + self._aliased
        if depth >= MAX_DEPTH:
            self.complain(event, "nested too deeply")
            raise Stop
        anchor = event.anchor
        if anchor is not None:
            self._anchors.pop(anchor, None)  # it stands for itself only once it is complete
        made = self._mapping(event, path, depth) if kind is MappingStartEvent else self._sequence(path, depth)
        if anchor is not None:
            self._anchors[anchor] = (made, self._nodes + self._aliased - before + 1)
        return made

    def _sequence(self, path: DataPath | None, depth: int) -> list[Any]:
        made: list[Any] = []
        read = self._next
        while type(event := read()) is not SequenceEndEvent:
            made.append(self._value(event, None if path is None else (*path, len(made)), depth + 1))
        return made

    def _mapping(self, start: Any, path: DataPath | None, depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        read = self._next
        self.lines[id(made)] = start.start_mark.line + 1
        while type(event := read()) is not MappingEndEvent:
            if type(event) is ScalarEvent and event.tag is event.anchor is None and event.value not in _NO_KEYS:
                key = event.value  # what nearly every key is
            else:
                key = self._key(event)
            twin = key in made
            if twin:
                self.complain(event, "duplicate key", key)
            below: DataPath | None = None
            if path is not None and not twin:
                below = (*path, key)
                self.keys[below] = (event.start_mark.line + 1, event.start_mark.column + 1)
            value = self._value(read(), below, depth + 1)
            if not twin:
                made[key] = value
        return made

    def _key(self, event: Any) -> str:
        if type(event) is not ScalarEvent:
            self.complain(event, "a key must be a word")
            if type(event) in (MappingStartEvent, SequenceStartEvent, AliasEvent):
                raise Stop
        elif event.tag is not None:
            self.complain(event, "tags are refused", event.tag)
        elif event.implicit[0] and event.value in _NO_KEYS:
            self.complain(event, "merge keys are refused" if event.value else "a key must be a word", event.value)
        if event.anchor is not None:
            self.anchored = True
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
            raise Stop
        return value

    def _number(self, text: str, event: Any) -> Any:
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


def whole(file: str, text: str) -> tuple[Reading, dict[str, Any]]:
    """The data of one document. Raises `BadInput` with every problem that the text alone has."""
    reading: Reading | None = None
    data: Any = None
    try:
        reading = Reading(file, text, marked=False)
        data = reading.document()
        problems = reading.problems
    except Stop:
        problems = reading.problems if reading else []
    except yaml.YAMLError as error:
        problems = [*(reading.problems if reading else []), _syntax(file, text, error)]
    if problems:
        raise BadInput([inside(problem, text) for problem in problems])
    assert reading is not None  # noqa: S101  for the type checker: no problem means it was read
    return reading, data


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


def inside(problem: Problem, text: str) -> Problem:
    """libyaml may report the place after the last line; people look inside the file."""
    lines = _BREAK.split(text)
    line = min(problem.line, len(lines))
    column = min(problem.column, len(lines[line - 1]) + 1)
    return Problem(problem.file, line, column, problem.message, problem.value, problem.allowed)
