"""What an examination tells: a row for each defect, a cell for each story in it, a trial for each seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from harness import __version__


@dataclass(frozen=True, slots=True)
class Sighting:
    """One failing finding. `right`: it is where the defect must show; `after_ms`: from the leave event, in virtual
    time, to the look that shows it (None: no look tells)."""

    system: str
    kind: str
    name: str
    vantage: str
    outcome: str
    subject: str
    right: bool
    after_ms: int | None


@dataclass(frozen=True, slots=True)
class Cell:
    """One story with one defect. `verdict` is pass, fail or inconclusive; `claim`: what the connector said, where that
    contradicts what was measured; `detected`: a sighting is right, or the claim is wrong and should be."""

    story: str
    verdict: str
    detected: bool
    sightings: tuple[Sighting, ...] = ()
    claim: str = ""

    @property
    def first(self) -> Sighting | None:
        """The earliest right one; of equals the first by name."""
        right = [each for each in self.sightings if each.right and each.after_ms is not None]
        return min(right, key=lambda each: (each.after_ms or 0, each.system, each.kind, each.name), default=None)


@dataclass(frozen=True, slots=True)
class Row:
    """One defect. `shows` is declared with it: each a `system/kind`, or `claim`; `unseen`: why this fleet cannot show
    it. It counts where `unseen` is empty."""

    id: str
    group: str
    sentence: str
    source: str
    shows: tuple[str, ...]
    unseen: str
    cells: tuple[Cell, ...]

    @property
    def detected(self) -> bool:
        return any(cell.detected for cell in self.cells)

    @property
    def found_by(self) -> tuple[Cell, ...]:
        return tuple(cell for cell in self.cells if cell.detected)

    @property
    def fastest(self) -> Cell | None:
        """The story that saw it soonest after the event."""
        timed = [(cell.first.after_ms or 0, cell.story, cell) for cell in self.found_by if cell.first]
        return min(timed, key=lambda each: each[:2])[2] if timed else None


@dataclass(frozen=True, slots=True)
class Trial:
    """Every story on the correct connector, once. `conditions` is what the seed chose; `alarms`: whatever did not pass,
    one line each, and all of them are false."""

    seed: int
    conditions: dict[str, str]
    cases: int
    alarms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Examination:
    """`within_ms` is the deadline of every story in virtual time."""

    stories: tuple[str, ...]
    rows: tuple[Row, ...]
    trials: tuple[Trial, ...]
    within_ms: int
    schema: int = 1
    tool: str = __version__

    @property
    def counted(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if not row.unseen)

    @property
    def missed(self) -> tuple[Row, ...]:
        return tuple(row for row in self.counted if not row.detected)

    @property
    def alarms(self) -> int:
        return sum(len(trial.alarms) for trial in self.trials)

    @property
    def passed(self) -> bool:
        """Every defect that can show was detected, and nothing was said of the correct connector."""
        return not self.missed and not self.alarms


_ADAPTER = TypeAdapter(Examination)


def plain(made: Examination) -> dict[str, Any]:
    """detection.json: the fields of the classes above, and what each row comes to."""
    told: dict[str, Any] = _ADAPTER.dump_python(made, mode="json")
    for row, each in zip(told["rows"], made.rows, strict=True):
        row["detected"] = each.detected
    counts = {"planted": len(made.counted), "detected": len(made.counted) - len(made.missed)}
    return {**told, "counts": {**counts, "trials": len(made.trials), "false_alarms": made.alarms}}


def schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of what `plain` makes; `exitproof schema detection` prints it."""
    made = _ADAPTER.json_schema(mode="serialization")
    _close(made)
    row = made["$defs"]["Row"]
    row["properties"]["detected"] = {"type": "boolean"}
    row["required"] = [*row["properties"]]
    count = {"type": "integer", "minimum": 0}
    words = ("planted", "detected", "trials", "false_alarms")
    counts = {"type": "object", "properties": dict.fromkeys(words, count), "required": [*words]}
    made["properties"]["counts"] = {**counts, "additionalProperties": False}
    made["required"] = [*made["properties"]]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": "exitproof detection"}


def _close(made: dict[str, Any]) -> None:
    """What is not named is not there, and what is named always is."""
    for each in (made, *made["$defs"].values()):
        if "properties" in each:
            each["additionalProperties"] = False
            each["required"] = [*each["properties"]]
