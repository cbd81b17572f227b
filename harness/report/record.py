"""A run as records of its ledger, and back: what report.html and the rest are made from, with nothing left out.

An observation is cited by the hash of its own record. Mappings keep their order, because results.json shows it."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date
from enum import Enum, StrEnum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from harness.model import CaseResult, Deselected, Observation, Phase, Presence, RunResult, Secret, Verdict
from harness.report.about import About

CASE, RUN = "case", "run"


@dataclass(frozen=True, slots=True)
class Share:
    """What one process of a run told: all of it, or a worker's part. `deselected` is the whole run's."""

    result: RunResult
    about: About
    deselected: tuple[Deselected, ...]


def records(share: Share) -> Iterator[dict[str, Any]]:
    """One record per case, then one for the rest: no line of a large run grows without bounds."""
    for case in share.result.cases:
        yield {"type": CASE, "told": _plain(case)}
    rest = replace(share.result, cases=())
    yield {"type": RUN, "told": _plain(rest), "about": _plain(share.about), "deselected": _plain(share.deselected)}


def share(found: Sequence[Mapping[str, Any]], hashes: Sequence[str]) -> Share | None:
    """The share that the records of one ledger tell; None: the process ended before it could. `hashes` are those of
    the records' lines. Raises ValueError for records of another version of this program, or that are none."""
    seen = {name: record for name, record in zip(hashes, found, strict=True) if record.get("type") == "observation"}
    last = next((record for record in reversed(found) if record.get("type") == RUN), None)
    if last is None:
        return None
    read = _Reader(seen)
    try:
        cases = tuple(read.value(CaseResult, record["told"]) for record in found if record.get("type") == CASE)
        rest: RunResult = read.value(RunResult, last["told"])
        about: About = read.value(About, last["about"])
        deselected: tuple[Deselected, ...] = read.value(tuple[Deselected, ...], last["deselected"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not told by this version of exitproof: {type(error).__name__}: {error}") from None
    return Share(replace(rest, cases=cases), about, deselected)


# --- to plain JSON ------------------------------------------------------------------------------


def _plain(value: Any) -> Any:
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
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return [[key, _plain(item)] for key, item in value.items()]
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value


# --- and back -----------------------------------------------------------------------------------


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


class _Reader:
    def __init__(self, seen: Mapping[str, Mapping[str, Any]]) -> None:
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
            record = self._seen[name]
            self._made[name] = Observation(
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
        made = self._made[name]
        return replace(made, control_lost=True) if lost else made
