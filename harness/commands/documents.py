"""`exitproof schema`: the JSON Schemas of what people write and of what a run leaves."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from harness.commands.printing import dump


class Document(StrEnum):
    SCENARIO = "scenario"
    FLEET = "fleet"
    EXCEPTIONS = "exceptions"
    RESULTS = "results"
    DETECTION = "detection"


def schema(document: Annotated[Document, typer.Argument(metavar="scenario|fleet|exceptions|results|detection")]) -> int:
    """Print a JSON Schema. Of scenario files, of fleet files with all installed types, of exceptions.yaml, of
    results.json, or of the detection.json of `exitproof examine`."""
    from harness import examine, fleet, report, scenario

    made = {Document.SCENARIO: scenario.schema, Document.EXCEPTIONS: scenario.exceptions_schema}
    made |= {Document.FLEET: fleet.schema, Document.RESULTS: report.schema, Document.DETECTION: examine.schema}
    dump(made[document]())
    return 0
