"""Values of the domain as plain JSON, and back by their types: a secret becomes null, a mapping keeps its order.

An observation is cited by the hash of its own ledger record, and read back from it."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import date
from enum import Enum, StrEnum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from harness.model import NOTHING, Observation, Phase, Presence, Secret, Verdict


def plain(value: Any) -> Any:
    if isinstance(value, Observation):
        return {"id": value.id, "control_lost": True} if value.control_lost else value.id
    if isinstance(value, Verdict):
        return value.word
    if isinstance(value, Secret):
        return None
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return [[key, plain(item)] for key, item in value.items()]
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value


# --- and back -----------------------------------------------------------------------------------


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


class Reader:
    """`seen`: the records of observations by the hash of their lines. What is no value of the asked kind raises
    KeyError, TypeError or AttributeError."""

    def __init__(self, seen: Mapping[str, Mapping[str, Any]] = NOTHING) -> None:
        self._seen = seen
        self._made: dict[str, Observation] = {}

    def value(self, kind: Any, data: Any) -> Any:
        origin = get_origin(kind)
        if origin in (Union, types.UnionType):
            if data is None:
                return None
            (kind,) = (each for each in get_args(kind) if each is not type(None))
            return self.value(kind, data)
        if origin is tuple:
            inner = get_args(kind)
            if inner[1:] == (...,):
                return tuple(self.value(inner[0], item) for item in data)
            return tuple(self.value(each, item) for each, item in zip(inner, data, strict=True))
        if origin is not None:  # Mapping[str, …] is the only other one in these types
            return {key: self.value(get_args(kind)[1], item) for key, item in data}
        return self._single(kind, data)

    def _single(self, kind: Any, data: Any) -> Any:
        if kind is Observation:
            return self._observation(data)
        if kind is Secret:
            return Secret("")
        if kind is Verdict:
            return next(verdict for verdict in Verdict if verdict.word == data)
        if isinstance(kind, type) and issubclass(kind, StrEnum):
            return kind(data)
        if kind is date:
            return date.fromisoformat(data)
        if isinstance(kind, type) and is_dataclass(kind):
            hints = _hints(kind)
            return kind(**{name: self.value(hints[name], item) for name, item in data.items()})
        if isinstance(kind, type) and not isinstance(data, kind):
            raise TypeError(f"{data!r} is no {kind.__name__}")
        return data

    def _observation(self, data: Any) -> Observation:
        name, lost = (data["id"], True) if isinstance(data, Mapping) else (data, False)
        if name not in self._made:
            self._made[name] = observation(self._seen[name], name)
        made = self._made[name]
        return replace(made, control_lost=True) if lost else made


def observation(record: Mapping[str, Any], name: str) -> Observation:
    """One record of a ledger, whose line has this hash."""
    return Observation(
        presence=Presence(record["presence"]),
        phase=Phase(record["phase"]),
        round=record["round"],
        sent=record["sent"],
        answered=record["answered"],
        reason=record["reason"],
        checkpoint=record["checkpoint"],
        control=record["control"],
        evidence=tuple(record["evidence"]),
        id=name,
    )
