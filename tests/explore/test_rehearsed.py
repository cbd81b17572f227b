"""The real thing: a defect that needs two attributes is found, and its file shows it with `exitproof run`."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import scenario
from harness.explore.document import document
from harness.explore.failures import Failure, tried
from harness.explore.search import Search
from harness.explore.story import Leaving, Piece, Step, Story
from harness.explore.writing import write
from harness.scenario import ScenarioFile
from harness.session.attempts import Attempts, Rehearsed
from harness.session.virtual import Ground, load, rehearse, shape
from harness.source import read
from tests.cli.command import call, results
from tests.explore.worlds import OWNERSHIP, words

DEFECT = "renamed-owner-overlooked"
LEAVE = Leaving("hr-feed", "terminate")


@pytest.fixture(scope="module")
def smallest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the first story that shows the defect on what was owned."""
    with Attempts(shape(), Rehearsed([DEFECT])) as attempts:
        made = Search(words(), attempts, 35, lambda: OWNERSHIP in made.known, 200)
        found = {each.failure: each for each in made.run()}[OWNERSHIP]
    assert found.after <= 200
    assert found.smallest
    return write(found, tmp_path_factory.mktemp("drill") / "scenarios/found", "sandbox", 35)


def test_both_attributes_are_left_and_no_other(smallest: Path) -> None:
    model = scenario.parse(read(smallest))
    assert model.title == "Ownership in code outlives a renamed leaver"
    assert model.access == {"code": [{"ownership": "budget-models"}]}
    assert [step if isinstance(step, str) else step.event for step in model.before] == ["rename"]
    assert (model.identity, model.then, model.join, model.objects) == ({}, [], None, {})
    assert (model.leave.event, len(smallest.read_text().splitlines())) == ("terminate", 13)


def test_the_written_file_shows_it_with_run_and_passes_where_it_is_mended(smallest: Path) -> None:
    folder = smallest.parents[2]
    shown = call(folder, "run", "--fleet=sandbox", f"--defect={DEFECT}", "--out=broken", "-q")
    assert shown.code == 1, shown.out
    (case,) = results(folder / "broken")["cases"]
    failed = [(f["system"], f["kind"], f["outcome"]) for f in case["findings"] if f["verdict"] != "pass"]
    assert failed == [("code", "ownership", "residual")]
    assert call(folder, "run", "--fleet=sandbox", "--out=mended", "-q").code == 0


@pytest.mark.parametrize("part", ["access", "before"])
def test_without_either_attribute_nothing_remains(part: str, tmp_path: Path) -> None:
    """So there is nothing left to take out."""
    renamed = Step("rename", set=(("family_name", "Lindholm"),))
    whole = Story(LEAVE, (Piece("code", "ownership", "x"),), before=(renamed,))
    less = Story(LEAVE, (Piece("code"),), before=whole.before) if part == "access" else Story(LEAVE, whole.access)
    for story, failed in ((whole, {OWNERSHIP}), (less, set[Failure]())):
        file = tmp_path / "story.yaml"
        file.write_text(document(story, "T"), encoding="utf-8")
        assert tried(rehearse(load([ScenarioFile(file, "story")]).cases, Ground((DEFECT,)))).failed == failed


@pytest.mark.parametrize(
    "story",
    [
        Story(LEAVE, (Piece("code", "consent", "robot"),), before=(Step("suspend"),)),  # refused before it left
        Story(LEAVE, (Piece("code"),), before=(Step("move", set=(("department", "Sales"),)),)),  # no like grant
        Story(LEAVE, (Piece("directory"),), then=(Step("move", set=(("department", "Sales"),)), Step("sync"))),
    ],
)
def test_what_is_open_because_of_the_story_is_no_failure(story: Story) -> None:
    with Attempts(shape(), Rehearsed([])) as attempts:
        result = attempts(story)
    assert (result.failed, result.unsure, result.trouble) == (frozenset(), frozenset(), "")


def test_a_life_that_leaves_nothing_to_take_is_no_pass() -> None:
    with Attempts(shape(), Rehearsed([])) as attempts:
        result = attempts(Story(LEAVE, (Piece("crm", "credential", "x"),), before=(Step("suspend"),)))
    assert result.trouble == "its earlier life left nothing to take"
