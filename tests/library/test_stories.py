"""What every bundled story promises its readers, and that the page about them is up to date."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest

from fixtures.sandbox.defects import BUNDLES, DEFECTS
from harness import fleet, scenario
from harness.scenario.model import ScenarioModel
from harness.source import read
from tests.library.drilled import FILES, FLEET, SCENARIOS, STORIES
from tests.library.page import PAGE, entries, page

# Everything that the contract's users were promised a story about.
PROMISED = {
    "everyday leaver": "terminate/everyday-leaver",
    "immediate termination": "terminate/immediate-termination",
    "contractor end date": "terminate/contractor-end-date",
    "mover": "move/finance-to-engineering",
    "rename before leaving": "terminate/renamed-before-leaving",
    "rehire": "rejoin/rehired",
    "owner of things": "terminate/owner-of-repositories",
    "delegate on others' mailboxes": "terminate/delegate-on-shared-mailboxes",
    "forwarding rules": "terminate/forwarding-rules",
    "token and key holder": "terminate/token-and-key-holder",
    "nested groups": "terminate/nested-teams",
    "overlapping groups": "terminate/overlapping-groups",
    "last member of a group": "terminate/last-member",
    "licence holder": "terminate/licence-holder",
    "open sessions": "terminate/open-sessions",
    "duplicate and late events": "terminate/duplicate-and-late-events",
    "deletion against suspension": "suspend/deletion-or-suspension",
    "join made by the connector": "terminate/joined-by-the-connector",
}


def test_every_promised_story_is_there() -> None:
    assert set(PROMISED.values()) <= set(STORIES)


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == page(entries(SCENARIOS)), "run `make docs`"


@pytest.mark.parametrize("file", FILES, ids=STORIES)
def test_a_story_is_short_and_says_what_it_is_for(file: scenario.ScenarioFile) -> None:
    lines = file.path.read_text("utf-8").splitlines()
    assert 15 <= len(lines) <= 40
    assert max(map(len, lines)) <= 120
    model = scenario.parse(read(file.path))
    assert len(model.story.split()) >= 20
    assert {"pre-release", "quarterly"} & set(model.tags)
    assert model.needs
    assert model.leave.reason
    assert any(control.startswith("nist-800-53:PS-") for control in model.controls)


@pytest.mark.parametrize("file", FILES, ids=STORIES)
def test_a_story_names_no_defect_and_no_switch(file: scenario.ScenarioFile) -> None:
    text = file.path.read_text("utf-8").lower()
    words = {*DEFECTS, *BUNDLES, "defect", "sandbox", "localhost", "127.0.0.1", "password", "latency"}
    assert [word for word in words if re.search(rf"\b{re.escape(word)}\b", text)] == []


@pytest.mark.parametrize("file", FILES, ids=STORIES)
def test_where_a_fleet_has_none_of_it_a_story_is_deselected_and_not_wrong(file: scenario.ScenarioFile) -> None:
    """`needs` covers every event, system and kind that the story uses."""
    model = scenario.parse(read(file.path))
    assert sorted(_used(model) - {".".join(need.split(".")[:2]) for need in model.needs} - set(_systems(model))) == []


def _systems(model: ScenarioModel) -> set[str]:
    return {need.partition(".")[0] for need in model.needs}


def _used(model: ScenarioModel) -> set[str]:
    steps = [step if isinstance(step, str) else step.event for step in (*model.before, *model.then)]
    events = {*map(str, model.matrix.get("leave.event", [model.leave.event])), *steps} - {None, "replay"}
    used = {f"{model.leave.via}.{event}" for event in events}
    if model.join is not None:
        used.add(f"{model.join.via}.{model.join.event}")
    used |= {f"{each.system}.{each.kind}" for each in model.objects.values()}
    used |= {f"{keep.system}.{keep.kind}" for keep in model.expect.keep if keep.system != "any"}
    for access in (model.access, model.expect.has):
        for system, items in access.items():
            used |= {system, *(f"{system}.{kind}" for item in items if not isinstance(item, str) for kind in item)}
    return used


def test_no_exception_expires_while_the_library_is_in_use() -> None:
    for file in FILES:
        for keep in scenario.parse(read(file.path)).expect.keep:
            assert keep.until >= date(2090, 1, 1)


def test_every_story_runs_on_the_embedded_fleet() -> None:
    loaded = scenario.load_files(FILES, fleet.shape(str(FLEET)), datetime.now(UTC).date())
    assert loaded.deselected == ()
    assert len(loaded.cases) == sum(len(entry.cases) for entry in entries(SCENARIOS))
