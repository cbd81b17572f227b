"""results.json: the spec's keys, valid against its schema, stable names."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from harness.report import document, schema
from tests.report.hostile import crowd, hostile
from tests.report.sample import sample

RUN = "id started finished fleet environment verdict tool operator ci clock_offset_ms inputs systems"
CASE = "id title params connector event claimed verdict reason t0 t0_basis controls findings cleanup"
FINDING = (
    "id subject system kind name grant_id vantage outcome verdict reason deadline last_present first_absent flaps "
    "keep fingerprint observations"
)


def made() -> dict[str, Any]:
    run, about, _ = sample()
    return document(run, about)


def validator() -> jsonschema.Draft202012Validator:
    jsonschema.Draft202012Validator.check_schema(schema())
    return jsonschema.Draft202012Validator(schema())


@pytest.mark.parametrize("world", ["sample", "hostile", "crowd"])
def test_valid_and_writable(world: str) -> None:
    run, about = {"sample": lambda: sample()[:2], "hostile": lambda: hostile()[:2], "crowd": lambda: crowd(2)[:2]}[
        world
    ]()
    text = json.dumps(document(run, about), ensure_ascii=False)
    validator().validate(json.loads(text.encode()))


BREAKS: tuple[Callable[[dict[str, Any]], object], ...] = (
    lambda doc: doc["run"].pop("verdict"),
    lambda doc: doc["run"].update(started="2026-11-20T09:00:00Z"),
    lambda doc: doc["cases"][0]["findings"][0].update(outcome="fine"),
    lambda doc: doc["cases"][0]["findings"][0].update(extra=1),
    lambda doc: doc["cases"][0].update(verdict=1),
    lambda doc: doc["coverage"][0].update(status="ok"),
    lambda doc: doc.update(schema="exitproof-results/0"),
)


@pytest.mark.parametrize("break_it", BREAKS)
def test_the_schema_notices(break_it: Callable[[dict[str, Any]], object]) -> None:
    doc = made()
    break_it(doc)
    assert not validator().is_valid(doc)


def test_the_keys_of_the_contract() -> None:
    doc = made()
    assert set(doc) == {"schema", "run", "cases", "bystanders", "deselected", "coverage", "exceptions"}
    assert set(RUN.split()) <= set(doc["run"])
    assert set(CASE.split()) <= set(doc["cases"][0])
    assert set(FINDING.split()) <= set(doc["cases"][0]["findings"][0])
    assert set(FINDING.split()) | {"cases"} <= set(doc["bystanders"][0])
    assert set(doc["coverage"][0]) == {"system", "kind", "vantage", "status", "reason", "cases"}
    assert doc["run"]["tool"] == {"name": "exitproof", "version": "0.1.0"}


def test_values_are_exact() -> None:
    finding = made()["cases"][0]["findings"][0]
    assert finding["last_present"] == "2026-11-20T09:00:43.000Z"
    assert finding["first_absent"] == "2026-11-20T09:00:53.040Z"
    assert finding["deadline"] == "2026-11-20T09:15:12.000Z"
    kept = next(f for f in made()["cases"][0]["findings"] if f["outcome"] == "kept")
    assert kept["keep"]["until"] == "2027-02-18"


def test_ids_are_unique_and_fingerprints_outlive_the_run() -> None:
    run, about, _ = sample()
    later = replace(run, id="another-run")
    first, second = document(run, about), document(later, about)
    findings = [f for case in first["cases"] for f in case["findings"]] + first["bystanders"]
    again = [f for case in second["cases"] for f in case["findings"]] + second["bystanders"]
    assert len({f["id"] for f in findings}) == len(findings)
    assert len({f["fingerprint"] for f in findings}) == len(findings)
    assert [f["fingerprint"] for f in findings] == [f["fingerprint"] for f in again]
    assert not {f["id"] for f in findings} & {f["id"] for f in again}
    outcome = replace(run.cases[0].findings[0], observations=(), grant_id="new")
    changed = replace(run, cases=(replace(run.cases[0], findings=(outcome,)),))
    assert document(changed, about)["cases"][0]["findings"][0]["fingerprint"] == findings[0]["fingerprint"]


def test_the_same_finding_twice_keeps_its_own_id() -> None:
    run, about, _ = sample()
    twice = run.cases[0].findings[:1] * 3
    doc = document(replace(run, cases=(replace(run.cases[0], findings=twice),)), about)
    assert len({f["id"] for f in doc["cases"][0]["findings"]}) == 3


def test_no_password_and_no_userinfo() -> None:
    run, about, _ = hostile()
    text = json.dumps(document(run, about))
    assert "not-in-any-report" not in text
    assert "user:pw" not in text
