"""OSCAL: every reference leads somewhere, nothing unseen is satisfied, and NIST's own tooling takes the documents."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from fixtures.fleet.cache import NotInstalled, cache, installed
from harness.model import Kind, Outcome
from harness.report.about import Input
from harness.report.oscal import assessment_results, plan_of_action
from tests.real.conftest import cannot
from tests.report.hostile import NAMES
from tests.report.sample import FOLDER, sample
from tests.report.test_controls import one_case

RUN, ABOUT, _ = sample()
METHODS = {"EXAMINE", "INTERVIEW", "TEST", "UNKNOWN"}
STATES = {"satisfied", "not-satisfied"}
TRESTLE = "compliance-trestle==5.2.0"


def walk(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    yield path, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from walk(item, f"{path}/{key}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from walk(item, f"{path}/{number}")


def wrong(document: dict[str, Any]) -> list[str]:
    """What models and schemas let through: a reference that leads nowhere, a uuid twice, an empty array, a method or a
    version that OSCAL does not know."""
    found = []
    places = list(walk(document))
    own = [value for path, value in places if path.endswith("/uuid")]
    found += [f"twice: {one}" for one in sorted(set(own)) if own.count(one) > 1]
    for path, value in places:
        name = path.rpartition("/")[2]
        if (name.endswith("-uuid") and value not in own) or (
            name == "href" and value[:1] == "#" and value[1:] not in own
        ):
            found.append(f"{path} leads nowhere")
        if name == "uuid" and UUID(value).version not in (4, 5):
            found.append(f"{path} is of a version that OSCAL does not take")
        if value in ([], {}, "") and name != "include-all":
            found.append(f"{path} is empty")
        if name == "methods" and not set(value) <= METHODS:
            found.append(f"{path} has a method that OSCAL does not know")
        if name == "oscal-version" and value != "1.1.3":
            found.append(f"{path} is {value}")
        if name == "state" and "/target/" in path and value not in STATES:
            found.append(f"{path} is {value}")
    return found


def ar(run: Any = RUN, about: Any = ABOUT) -> dict[str, Any]:
    made: dict[str, Any] = assessment_results(run, about)["assessment-results"]["results"][0]
    return made


def test_every_reference_leads_somewhere() -> None:
    assert wrong(assessment_results(RUN, ABOUT)) == []
    plan = plan_of_action(RUN, ABOUT)
    assert plan is not None
    assert wrong(plan) == []


def test_the_check_itself_finds_what_is_wrong() -> None:
    made = assessment_results(RUN, ABOUT)
    inner = made["assessment-results"]
    result = inner["results"][0]
    inner["metadata"]["oscal-version"] = "9.9.9"
    inner["import-ap"]["href"] = "#nowhere"
    result["observations"][0]["methods"] = ["probe"]
    result["observations"][1]["uuid"] = result["observations"][0]["uuid"]
    result["findings"][0]["related-risks"] = []
    result["findings"][0]["target"]["status"]["state"] = "fine"
    assert len(wrong(made)) >= 6


def test_it_tells_what_the_run_found() -> None:
    result = ar()
    found = {one["title"].split()[0]: one["target"] for one in result["findings"]}
    assert found["nist-800-53:PS-4"]["target-id"] == "ps-4_obj"
    assert found["nist-800-53:PS-4"]["status"] == {"state": "not-satisfied", "reason": "fail"}
    outcomes = [p["value"] for o in result["observations"] for p in o["props"] if p["name"] == "outcome"]
    assert outcomes.count("residual") == 5
    assert {one["status"] for one in result["risks"]} == {"open", "deviation-approved"}
    assert "not every real leaver" in result["remarks"]


@pytest.mark.parametrize(("seen", "state"), [(True, ("satisfied", "pass")), (False, ("not-satisfied", "other"))])
def test_what_was_not_seen_is_never_satisfied(seen: bool, state: tuple[str, str]) -> None:
    run = one_case((Kind.ACCOUNT, Outcome.REVOKED), cites=("nist-800-53:AC-2(3)",), seen=seen)
    (finding,) = ar(run)["findings"]
    assert finding["target"]["target-id"] == "ac-2.3_obj"
    assert (finding["target"]["status"]["state"], finding["target"]["status"]["reason"]) == state


def test_a_run_without_controls_inputs_or_trouble_is_a_document_too() -> None:
    run = one_case((Kind.ACCOUNT, Outcome.REVOKED), cites=("soc2:CC6.2",))
    assert plan_of_action(run, ABOUT) is None
    bare = assessment_results(replace(run, cases=()), replace(ABOUT, inputs=(), systems=()))
    assert wrong(bare) == []


def test_the_same_grant_keeps_its_uuid_and_the_same_run_its_bytes() -> None:
    assert json.dumps(ar()) == json.dumps(ar())
    later = ar(replace(RUN, id="another"))
    assert later["uuid"] != ar()["uuid"]
    assert ar(about=replace(ABOUT, inputs=(Input("x", "0" * 64),)))["uuid"] == ar()["uuid"]


def test_hostile_names_are_text() -> None:
    first = RUN.cases[0]
    findings = tuple(replace(f, name=name) for f, name in zip(first.findings, NAMES, strict=False))
    made = assessment_results(replace(RUN, cases=(replace(first, findings=findings),)), ABOUT)
    assert wrong(made) == []
    json.dumps(made).encode("ascii")


@pytest.mark.real
def test_trestle_takes_both_documents(tmp_path: Path) -> None:
    try:
        installed("trestle", TRESTLE)
    except NotInstalled as why:
        cannot(str(why))
    trestle = cache() / "trestle" / "bin" / "trestle"

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([str(trestle), *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=120)

    assert run("init", "--local").returncode == 0
    for name in ("oscal-assessment-results", "oscal-poam"):
        took = run("import", "-f", str(FOLDER / f"{name}.json"), "-o", name)
        assert took.returncode == 0, took.stdout + took.stderr
    judged = run("validate", "-a")
    assert judged.returncode == 0, judged.stdout + judged.stderr
    assert judged.stdout.count("VALID: ") == 2, judged.stdout
    broken = json.loads((FOLDER / "oscal-poam.json").read_text())
    del broken["plan-of-action-and-milestones"]["poam-items"]
    (tmp_path / "broken.json").write_text(json.dumps(broken))
    assert run("import", "-f", "broken.json", "-o", "broken").returncode != 0


def test_a_deviation_names_its_ticket_its_approver_and_what_is_beneath() -> None:
    (risk,) = [one for one in ar()["risks"] if one["status"] == "deviation-approved"]
    assert {p["name"]: p["value"] for p in risk["props"]} == {
        "outcome": "kept",
        "beneath": "residual",
        "ticket": "SEC-2041",
        "approved-by": "ciso@example.test",
    }
    assert "ticket SEC-2041, approved by ciso@example.test, until 2027-02-18" in risk["statement"]
    assert risk["deadline"] == "2027-02-18T23:59:59Z"
    seen = next(o for o in ar()["observations"] if o["title"].startswith("mail mailbox"))
    assert seen["remarks"].startswith("Exception mail/mailbox/*: 90-day retention MB-7")
