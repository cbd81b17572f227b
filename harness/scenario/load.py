"""Scenario files -> cases bound to a fleet, or everything that is wrong with all of them at once."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pydantic import ValidationError

from harness.fleet.info import FleetInfo
from harness.model import BadInput, Case, Deselected, Keep, Problem
from harness.scenario.bind import Binder
from harness.scenario.discover import ScenarioFile, discover
from harness.scenario.exceptions import Exceptions
from harness.scenario.exceptions import load as load_exceptions
from harness.scenario.matrix import combinations, suffix
from harness.scenario.model import ScenarioModel
from harness.scenario.terms import Terms
from harness.source import Source, read
from harness.source.problems import explain, unknown

_validate: Callable[[object], ScenarioModel] = ScenarioModel.__pydantic_validator__.validate_python


@dataclass(frozen=True, slots=True)
class Loaded:
    """In the order of the files, and of the matrix within a file. `exceptions`: the fleet-wide ones, where there is a
    file of them."""

    cases: tuple[Case, ...]
    deselected: tuple[Deselected, ...]
    exceptions: Exceptions | None = None


def load(paths: Sequence[Path], fleet: FleetInfo, today: date) -> Loaded:
    """Every case below `paths`. `today` (UTC) decides which exceptions have expired. Raises `BadInput` with every
    problem of every file; needs no secret and no adapter."""
    return load_files(discover(paths), fleet, today)


def load_files(files: Sequence[ScenarioFile], fleet: FleetInfo, today: date, exceptions: Path | None = None) -> Loaded:
    """The same for files that were discovered already. `exceptions`: the file of fleet-wide ones."""
    terms = Terms(fleet)
    problems: list[Problem] = []
    wide = load_exceptions(exceptions, terms, today, problems) if exceptions is not None else None
    cases: list[Case] = []
    deselected: list[Deselected] = []
    with _no_collection():
        for file in files:
            try:
                source = read(file.path)
            except BadInput as bad:
                problems += bad.problems
                continue
            _one(file.id, source, terms, today, problems, cases, deselected, wide.entries if wide else ())
    if problems:
        raise BadInput(list(dict.fromkeys(problems)))
    return Loaded(tuple(cases), tuple(deselected), wide)


def parse(source: Source) -> ScenarioModel:
    """The strict model of one file, not bound to a fleet. Raises `BadInput`."""
    try:
        return _validate(source.data)
    except ValidationError as error:
        raise BadInput(explain(error, ScenarioModel, source)) from None


def _one(
    id: str,
    source: Source,
    terms: Terms,
    today: date,
    problems: list[Problem],
    cases: list[Case],
    deselected: list[Deselected],
    wide: tuple[Keep, ...],
) -> None:
    try:
        model = parse(source)
    except BadInput as bad:
        problems += bad.problems
        return
    before = len(problems)
    reason = _lacking(source, model, terms, problems) if model.needs else ""
    binder = None if reason else Binder(source, model, terms, today, problems, wide)
    ids: set[str] = set()
    for combination in combinations(source, model, problems):
        name = id + suffix(combination)
        if name in ids:
            problems.append(source.problem(("matrix",), "two combinations make one id", name, key=True))
        ids.add(name)
        if binder is None:
            deselected.append(Deselected(name, reason))
        else:
            cases.append(binder.case(name, id, combination))
    if binder is not None and len(problems) == before:
        binder.unused()


def _lacking(source: Source, model: ScenarioModel, terms: Terms, problems: list[Problem]) -> str:
    reasons: list[str] = []
    for index, need in enumerate(model.needs):
        lack = terms.lack(need)
        if isinstance(lack, str):
            reasons += [lack] if lack else []
        else:
            word, allowed = lack
            problems.append(unknown(source, ("needs", index), f"word in `{need}`", word, allowed))
    return "; ".join(reasons)


@contextmanager
def _no_collection() -> Iterator[None]:
    """10,000 files make millions of objects and no garbage cycles worth a pause."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
