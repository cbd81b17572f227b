"""`exitproof selftest` as a process, and the run after it: exactly the cells of the blind probe are downgraded."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.fleet import locate
from tests.cli.command import call, results

STORY = """\
title: Small
access:
  directory: [{group: finance-all}]
  crm: [{license: sales-pro}, {role: report-viewer}, {credential: api-token}]
  mail: [account]
leave: {via: hr-feed, event: terminate}
expect: {within: 15s, hold: 1s}
"""
OTHER = STORY.replace("Small", "Other").replace("{license: sales-pro}, ", "")
PLACE = ("crm", "license", "admin")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the sandbox was self-tested with one scope taken from one reader."""
    folder = tmp_path_factory.mktemp("place")
    (folder / "scenarios").mkdir()
    (folder / "scenarios" / "small.yaml").write_text(STORY)
    (folder / "scenarios" / "other.yaml").write_text(OTHER)
    ended = call(folder, "selftest", "--fleet", "sandbox", "--without-scope", "crm.seats:read")
    assert ended.code == 6, ended.out + ended.err
    assert "No: 1 of 34 probes is blind." in ended.out
    words = " ".join(word for line in ended.lines if "│" in line for word in line.split("│")[-2].split())
    assert "it lacks the scope seats:read" in words
    return folder


def told(folder: Path) -> dict[str, Any]:
    (found,) = folder.rglob("selftest.json")
    data: dict[str, Any] = json.loads(found.read_text())
    return data


def outcomes(data: dict[str, Any]) -> dict[tuple[str, ...], str]:
    found = [*data["bystanders"], *(f for case in data["cases"] for f in case["findings"])]
    return {(f["system"], f["kind"], f["vantage"], f["name"], f["subject"], f["identity"]): f["outcome"] for f in found}


def test_the_self_test_names_the_probe_and_the_scope_that_its_reader_lacks(place: Path) -> None:
    data = told(place)
    blind = [p for p in data["probes"] if p["standing"] != "qualified"]
    assert [(p["system"], p["kind"], p["vantage"], p["standing"]) for p in blind] == [(*PLACE, "blind")]
    assert "it lacks the scope seats:read" in blind[0]["why"]
    assert data["inventory"]["equal"] is True
    assert data["run"]["verdict"] == "inconclusive"
    assert call(place, "status").code == 0  # nothing is left of it
    page = next(place.rglob("selftest.html")).read_text()
    assert "No: 1 of 34 probes is blind." in page
    assert "it lacks the scope seats:read" in page


@pytest.fixture(scope="module")
def good(place: Path) -> dict[str, Any]:
    """The same scenarios in a folder without the self-test: everything passes."""
    ended = call(place, "run", "--fleet", "sandbox", "--out", "alone/run")
    assert ended.code == 0, ended.out
    data = results(place / "alone")
    assert set(outcomes(data).values()) == {"revoked", "intact"}
    assert data["run"]["selftest"] is None
    return data


@pytest.fixture
def after(place: Path) -> Iterator[Callable[..., Path]]:
    """Runs in the self-test's place, one at a time."""
    made: list[Path] = []

    def run(code: int, *more: str) -> Path:
        ended = call(place, "run", *more)
        assert ended.code == code, ended.out
        (folder,) = [path.parent for path in (place / "reports").glob("*/results.json")]
        made.append(folder)
        return folder

    yield run
    for folder in made:
        shutil.rmtree(folder)


def cells(data: dict[str, Any]) -> dict[tuple[str, str, str], str]:
    return {(c["system"], c["kind"], c["vantage"]): c["status"] for c in data["coverage"]}


@pytest.mark.parametrize("more", [(), ("-n", "2")])
def test_the_next_run_downgrades_exactly_the_cells_of_that_probe(
    good: dict[str, Any], after: Callable[..., Path], more: tuple[str, ...]
) -> None:
    """Its own sandbox lacks nothing: everything would pass."""
    data = results(after(6, "--fleet", "sandbox", *more))
    assert {key[:3] for key, outcome in outcomes(data).items() if outcome == "inconclusive"} == {PLACE}
    assert {outcome for key, outcome in outcomes(data).items() if key[:3] == PLACE} == {"inconclusive"}
    assert {outcome for key, outcome in outcomes(data).items() if key[:3] != PLACE} == {"revoked", "intact"}
    assert {case["id"]: case["verdict"] for case in data["cases"]} == {"small": "inconclusive", "other": "pass"}
    assert {at for at, status in cells(data).items() if status != cells(good)[at]} == {PLACE}
    assert cells(data)[PLACE] == "blind"
    test = data["run"]["selftest"]
    assert (test["qualified"], test["unproven"], test["stale"]) == (33, 0, None)


def test_its_report_says_so_and_can_be_made_again_from_the_ledger(place: Path, after: Callable[..., Path]) -> None:
    run = after(6, "scenarios/small.yaml", "--fleet", "sandbox")
    page = (run / "report.html").read_text()
    assert "blind: crm license (admin), where nothing passes" in page
    call(place, "report", "--from", str(run), "--out", "again")
    assert (place / "again" / "report.html").read_bytes() == (run / "report.html").read_bytes()
    checked = call(place, "verify", str(place / "reports")).out
    assert "selftest.json: verdict inconclusive" in checked
    assert "TAMPERED" not in checked


def test_a_run_of_a_fleet_that_was_changed_since_says_so_and_downgrades_nothing(
    place: Path, after: Callable[..., Path]
) -> None:
    (place / "fleet.yaml").write_text(locate("sandbox").read_text() + "\n# a change\n")
    try:
        run = after(0, "scenarios/small.yaml")
    finally:
        (place / "fleet.yaml").unlink()
    assert results(run)["run"]["selftest"]["stale"] == "the fleet file has changed since"
    assert "says nothing here, the fleet file has changed since." in (run / "report.html").read_text()


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--fleet", "sandbox", "--without-scope", "crm.seat:read"], "unknown scope: 'crm.seat:read' (allowed: "),
        (["--fleet", "sandbox", "--within", "soon"], "not a duration"),
        (["--fleet", "nowhere.yaml"], "nowhere.yaml"),
        (
            ["--fleet", "fleet.yaml"],
            "outside the sandbox a selftest needs --consent DIGEST; see `exitproof plan --selftest`",
        ),
        (["--fleet", "fleet.yaml", "--consent", "0123"], "the plan has changed since this consent"),
    ],
)
def test_bad_input_is_told_and_nothing_runs(tmp_path: Path, arguments: list[str], words: str) -> None:
    (tmp_path / "fleet.yaml").write_text(OUTSIDE)
    ended = call(tmp_path, "selftest", *arguments)
    assert ended.code == 4
    assert words in " ".join(ended.err.replace("│", " ").split())
    assert not (tmp_path / "reports").exists()


OUTSIDE = """\
fleet: outside
environment: test
guard:
  username: "zz-{{ n }}"
  domain: drill.example.test
  max_identities: 9
  may_grant: {crm: {license: ["sales-*"]}}
connectors: {hr: {type: manual, owner: hr@example.test, events: {terminate: {instruction: Do it.}}}}
systems:
  crm:
    type: http
    owner: crm@example.test
    url: http://127.0.0.1:9
    auth: {none: true}
    account:
      create: {post: /users, take: {id: id}}
      find: {get: /users, params: {login: "{{ identity.username }}"}, items: users, id: id}
      read: {get: "/users/{{ account.id }}", value: active, present: [true], absent: [false]}
    kinds:
      license:
        scope: seats:read
        grant: {put: "/seats/{{ name }}"}
        list: {get: /seats, items: seats, id: id, name: name}
        revoke: {delete: "/seats/{{ name }}"}
"""


def test_the_consent_of_the_plan_is_what_a_self_test_needs_and_no_consent_to_a_run(tmp_path: Path) -> None:
    (tmp_path / "fleet.yaml").write_text(OUTSIDE)
    plan = json.loads(call(tmp_path, "plan", "--selftest", "--json").out)
    assert (plan["cases"], plan["identities"], plan["accounts"]) == (0, 2, {"crm": 2})
    assert plan["grants"] == {"crm license": 2}
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "one.yaml").write_text(
        "title: One\naccess: {crm: [{license: sales-pro}]}\nleave: {via: hr, event: terminate}\nexpect: {within: 5s}\n"
    )
    other = json.loads(call(tmp_path, "plan", "--json").out)
    own = json.loads(call(tmp_path, "plan", "--selftest", "--json").out)
    assert len({plan["digest"], other["digest"], own["digest"]}) == 3
    ended = call(tmp_path, "selftest", "--consent", own["digest"])
    assert ended.code == 6  # nobody listens there: it ran, and saw nothing
    assert "blind" in ended.out
