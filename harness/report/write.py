"""Puts a report into its folder: results.json, findings.csv, OSCAL, junit.xml, report.html and the cases' pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from harness.model import RunResult
from harness.report.about import About, Exchanges
from harness.report.csv import findings
from harness.report.document import document, encoded
from harness.report.drills import Drilled
from harness.report.html import files
from harness.report.junit import junit
from harness.report.oscal import assessment_results, plan_of_action
from harness.report.since import compare


def write(
    folder: Path,
    run: RunResult,
    about: About,
    exchange: Exchanges,
    *,
    xml: bool = True,
    earlier: Sequence[Drilled] = (),
) -> list[Path]:
    """Writes the files and answers their paths, results.json first: if rendering failed, the results are there.
    `xml` False: no junit.xml (pytest writes its own). `earlier`: runs of the same fleet to compare with, the oldest
    first. Raises OSError where the folder cannot be written."""
    folder.mkdir(parents=True, exist_ok=True)
    if earlier:
        about = replace(about, compared=compare(document(run, about), earlier))
    made: list[Path] = []

    def put(name: str, data: bytes) -> None:
        path = folder / name
        if not path.parent.is_dir():
            path.parent.mkdir()
        path.write_bytes(data)
        made.append(path)

    results = encoded(document(run, about))
    put("results.json", results)
    put("findings.csv", findings(run, about).encode())
    put("oscal-assessment-results.json", encoded(assessment_results(run, about)))
    if (plan := plan_of_action(run, about)) is not None:
        put("oscal-poam.json", encoded(plan))
    if xml:
        put("junit.xml", junit(run, about))
    for name, text in files(run, about, exchange, results):
        put(name, text.encode())
    return made
