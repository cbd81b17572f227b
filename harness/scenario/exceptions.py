"""exceptions.yaml: access that may stay anywhere in the fleet, by whose word, and until when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from harness.config import Config, KindField, closed
from harness.model import NOTHING, BadInput, Keep, Kind, Problem
from harness.scenario.matrix import ALLOWED, known
from harness.scenario.model import Day, Text
from harness.scenario.terms import Terms
from harness.source import DataPath, Source, read
from harness.source.problems import explain, unknown

FILE = "exceptions.yaml"


def _text(value: Any) -> Any:
    if isinstance(value, int | float):
        raise PydanticCustomError("number", "a number to YAML: put it in quotes")
    return value


Print = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$"), BeforeValidator(_text)]


class ExceptionModel(Config):
    """One exception: exactly one finding by its fingerprint, or what a selector covers."""

    fingerprint: Print | None = Field(default=None, description="of one finding, as report.html and results.json show")
    system: Text | None = Field(default=None, description="a system, or `any`")
    kind: KindField | None = None
    name: Text | None = Field(default=None, description="a glob (default: `*`)")
    scenario: Text | None = Field(
        default=None, description="a glob over scenario ids (default: `*`); with `fingerprint` it is needed"
    )
    when: dict[Text, str] = Field(default_factory=dict, examples=[{"leave.event": "suspend"}])
    reason: Text
    owner: Text
    ticket: Text
    approved_by: Text = Field(alias="approved-by")
    until: Day = Field(description="inclusive, UTC")

    @model_validator(mode="after")
    def _shape(self) -> ExceptionModel:
        chosen = [self.system, self.kind, self.name]
        if self.fingerprint is not None and any(chosen):
            raise ValueError("give either `fingerprint` or `system`, `kind` and `name`")
        if self.fingerprint is not None and self.scenario is None:
            raise ValueError("a `fingerprint` needs its `scenario`: runs without that one must not look for it")
        if self.fingerprint is None and not (self.system and self.kind):
            raise ValueError("`system` and `kind` are needed, or `fingerprint` and `scenario`")
        return self


class ExceptionsModel(Config):
    """The exceptions of a fleet, beside its fleet.yaml."""

    exceptions: list[ExceptionModel]


@dataclass(frozen=True, slots=True)
class Exceptions:
    """The file and its entries, in file order; names are the fleet's."""

    file: str
    sha256: str
    entries: tuple[Keep, ...]


def find(given: Path | None, fleet: Path) -> Path | None:
    """The file that `--exceptions` names, there or not; else `exceptions.yaml` beside the fleet file, if it exists."""
    beside = fleet.with_name(FILE)
    return given or (beside if beside.is_file() else None)


def load(path: Path, terms: Terms, today: date, problems: list[Problem]) -> Exceptions | None:
    """Everything that is wrong with the file goes to `problems`; None when it cannot be used at all."""
    try:
        source = read(path)
        model = _model(source)
    except BadInput as bad:
        problems += bad.problems
        return None
    for index, entry in enumerate(model.exceptions):
        _complain(source, entry, ("exceptions", index), terms, today, problems)
    lines = [source.line(raw) for raw in source.data["exceptions"]]
    entries = tuple(_entry(source.file, *each, terms) for each in zip(lines, model.exceptions, strict=True))
    _twins(source, entries, problems)
    return Exceptions(source.file, source.sha256, entries)


def schema() -> dict[str, Any]:
    """JSON Schema 2020-12. Which systems and kinds there are, a fleet decides."""
    made = ExceptionsModel.model_json_schema(ref_template="#/$defs/{model}")
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, **closed(made), "title": "exitproof exceptions"}


def _model(source: Source) -> ExceptionsModel:
    try:
        return ExceptionsModel.model_validate(source.data)
    except ValidationError as error:
        raise BadInput(explain(error, ExceptionsModel, source)) from None


def _complain(
    source: Source, entry: ExceptionModel, at: DataPath, terms: Terms, today: date, problems: list[Problem]
) -> None:
    if entry.until < today:
        problems.append(source.problem((*at, "until"), "this exception has expired", entry.until.isoformat()))
    for field in entry.when:
        if not known(field):
            problems.append(unknown(source, (*at, "when", field), "field in `when`", field, ALLOWED, key=True))
    if entry.system is None or entry.system == "any":
        return
    system = terms.fleet.systems.get(terms.system(entry.system))
    if system is None:
        problems.append(unknown(source, (*at, "system"), "system", entry.system, ("any", *terms.systems())))
    elif entry.kind not in (kinds := {Kind.ACCOUNT, *system.kinds}):
        allowed = sorted(map(str, kinds))
        problems.append(source.problem((*at, "kind"), f"`{system.name}` has no such kind", str(entry.kind), allowed))


def _entry(file: str, line: int, entry: ExceptionModel, terms: Terms) -> Keep:
    name = entry.name or "*"
    any_system = entry.system is None or entry.system == "any"
    return Keep(
        system="any" if any_system else terms.system(str(entry.system)),
        kind=entry.kind,
        name=terms.name(str(entry.system), entry.kind, name) if entry.kind and not any_system else name,
        reason=entry.reason,
        owner=entry.owner,
        until=entry.until,
        when=entry.when or NOTHING,
        where=f"{file}:{line}",
        fingerprint=entry.fingerprint or "",
        scenario=entry.scenario or "*",
        ticket=entry.ticket,
        approved_by=entry.approved_by,
    )


def _twins(source: Source, entries: Sequence[Keep], problems: list[Problem]) -> None:
    """Of two that cover the same, only the first would ever be cited."""
    first: dict[tuple[object, ...], Keep] = {}
    for index, one in enumerate(entries):
        covers = (one.fingerprint, one.system, one.kind, one.name, one.scenario, *sorted(one.when.items()))
        other = first.setdefault(covers, one)
        if other is not one:
            message = f"a second exception for the same, after {other.where}"
            problems.append(source.problem(("exceptions", index), message, one.label))
