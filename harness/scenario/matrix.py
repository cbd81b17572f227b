"""The matrix of a scenario: which fields it may vary, and every combination of their values in file order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from pydantic_core import PydanticCustomError

from harness.config import parse_duration
from harness.model import Problem
from harness.scenario.model import MADE, ScenarioModel, parse_effective, parse_within
from harness.source import DataPath, Source
from harness.source.problems import shown, unknown

IDENTITY = "identity."


def _text(value: Any) -> str:
    if isinstance(value, str) and value:
        return value
    raise PydanticCustomError("text", "should be text")


def _word(*words: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value in words:
            return str(value)
        raise PydanticCustomError("word", "not one of the allowed words", {"allowed": list(words)})

    return check


FIELDS: Mapping[str, Callable[[Any], Any]] = {
    "leave.event": _text,
    "leave.via": _text,
    "leave.reason": _text,
    "leave.effective": parse_effective,
    "join.via": _text,
    "join.within": parse_duration,
    "expect.account": _word("disabled", "removed"),
    "expect.within": parse_within,
    "expect.hold": parse_duration,
    "expect.gone": _word("all", "old"),
}
ALLOWED = (*FIELDS, "identity.<attribute>")


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of one dimension, parsed, as written, and where it stands."""

    value: Any
    text: str
    at: DataPath


Combination = Mapping[str, Choice]


def known(field: str) -> bool:
    """Whether a matrix, or the `when` of a `keep` entry, may name this field."""
    return field in FIELDS or (field.startswith(IDENTITY) and field[len(IDENTITY) :].isidentifier())


def combinations(source: Source, model: ScenarioModel, problems: list[Problem]) -> Iterator[Combination]:
    """Every combination; one empty one without a matrix. What is wrong with the matrix goes to `problems`."""
    dimensions: list[list[tuple[str, Choice]]] = []
    for field, values in model.matrix.items():
        at: DataPath = ("matrix", field)
        if not known(field):
            problems.append(unknown(source, at, "field in the matrix", field, ALLOWED, key=True))
        elif field.removeprefix(IDENTITY) in MADE and field.startswith(IDENTITY):
            problems.append(source.problem(at, f"`{field}` is made by the harness", key=True))
        elif field.startswith("join.") and model.join is None:
            problems.append(source.problem(at, "the scenario has no `join`", field, key=True))
        else:
            dimensions.append(_dimension(source, field, values, problems))
    for combination in product(*dimensions):
        yield dict(combination)


def _dimension(source: Source, field: str, values: list[Any], problems: list[Problem]) -> list[tuple[str, Choice]]:
    parse: Callable[[Any], Any] = FIELDS.get(field, _text)
    made: list[tuple[str, Choice]] = []
    texts: set[str] = set()
    for index, value in enumerate(values):
        at: DataPath = ("matrix", field, index)
        text = shown(value)
        if text in texts:
            problems.append(source.problem(at, "twice in one dimension of the matrix", text))
            continue
        texts.add(text)
        try:
            made.append((field, Choice(parse(value), text, at)))
        except PydanticCustomError as error:
            allowed = (error.context or {}).get("allowed", ())
            problems.append(source.problem(at, error.message_template, text, allowed))
    return made


def suffix(combination: Combination) -> str:
    """`[terminate-Finance]`; nothing without a matrix."""
    return f"[{'-'.join(choice.text for choice in combination.values())}]" if combination else ""
