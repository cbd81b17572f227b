"""An exploration from beginning to end: what is written, what is run again, and what it says in the end."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from harness import scenario
from harness.commands.explore_view import summary, table
from harness.explore.failures import Failure
from harness.explore.story import Leaving, Piece, Story
from harness.model import SECOND, BadInput, RunResult, Verdict
from harness.scenario import Loaded, ScenarioFile
from harness.session.attempts import Attempts
from harness.session.exploring import Exploration, Wanted
from harness.source import read
from tests.explore.played import Played, blind_groups, renamed_owner
from tests.explore.worlds import OWNERSHIP, shape
from tests.library.drilled import FILES


def explore(
    play: Played, out: Path, *, seed: int = 1, examples: int = 200, vague: bool = True, said: list[str] | None = None
) -> Exploration:
    wanted = Wanted(FILES, out, seed, 600 * SECOND, examples, vague)
    with Attempts(shape(), play) as attempts:
        going = Exploration(shape(), wanted, attempts, ([] if said is None else said).append)
        going.run()
    return going


@pytest.mark.parametrize("seed", range(5))
def test_two_attributes_are_found_within_200_and_the_file_shows_the_same(tmp_path: Path, seed: int) -> None:
    going = explore(Played(renamed_owner), tmp_path / "found", seed=seed)
    ((path, found),) = going.written.items()
    assert found.failure == OWNERSHIP
    assert found.after <= 200
    assert going.verdict is Verdict.FAIL
    model = scenario.parse(read(path))
    assert model.access == {"code": [{"ownership": "budget-models"}]}
    assert [step if isinstance(step, str) else step.event for step in model.before] == ["rename"]
    assert (model.identity, model.then, model.join, model.objects) == ({}, [], None, {})
    assert len(path.read_text().splitlines()) <= 40
    with Attempts(shape(), Played(renamed_owner)) as attempts:
        (again,) = attempts.again(ScenarioFile(path, path.stem))
    assert again.failed == {OWNERSHIP}
    with Attempts(shape(), Played()) as attempts:
        (mended,) = attempts.again(ScenarioFile(path, path.stem))
    assert not mended.failed


def test_what_was_found_before_is_run_first_and_not_looked_for_again(tmp_path: Path) -> None:
    first = explore(Played(renamed_owner), tmp_path)
    (path,) = first.written
    said: list[str] = []
    again = explore(Played(renamed_owner), tmp_path, said=said)
    assert said.pop() == f"still fails: {path}"
    assert again.earlier == {path: True}
    assert not again.written
    assert again.verdict is Verdict.FAIL
    mended = explore(Played(), tmp_path, said=said)
    assert said == [f"no longer fails: {path}"]
    assert mended.verdict is Verdict.PASS
    path.write_text("title: T\nleave: {via: nobody, event: terminate}\n")
    assert explore(Played(), tmp_path).earlier == {path: None}


def test_the_same_seed_tries_the_same(tmp_path: Path) -> None:
    one, same, other = (
        explore(Played(renamed_owner, blind_groups), tmp_path / str(n), seed=seed, examples=60)
        for n, seed in enumerate((3, 3, 4))
    )
    assert one.plain()["trace"] == same.plain()["trace"] != other.plain()["trace"]
    assert [path.name for path in one.written] == [path.name for path in same.written]
    texts = [[path.read_text() for path in going.written] for going in (one, same)]
    assert texts[0] == texts[1]


def test_what_cannot_be_told_is_found_on_a_sandbox_and_counted_elsewhere(tmp_path: Path) -> None:
    here = explore(Played(blind_groups), tmp_path / "here")
    (found,) = here.written.values()
    assert found.failure == Failure("crm", "group", "admin", "inconclusive")
    assert here.verdict is Verdict.INCONCLUSIVE
    there = explore(Played(blind_groups), tmp_path / "there", vague=False)
    assert not there.written
    assert there.verdict is Verdict.INCONCLUSIVE
    ((failure, times),) = there.unsure.items()
    assert f"could not be told in {times} tries: group in crm" in list(summary(there, []))
    assert failure.outcome == "inconclusive"


def test_where_nobody_could_be_set_up_nothing_is_known(tmp_path: Path) -> None:
    going = explore(Played(setup="the group is not there"), tmp_path, examples=20)
    assert not going.written
    assert going.verdict is Verdict.INCONCLUSIVE
    assert going.troubles == {"the group is not there": 20}
    assert "20 could not be set up, most often: the group is not there" in list(summary(going, []))


def test_nothing_found_is_a_pass_of_so_many_leavers(tmp_path: Path) -> None:
    play = Played()
    going = explore(play, tmp_path / "found", examples=30)
    assert going.verdict is Verdict.PASS
    assert play.runs == 30
    (line,) = summary(going, [])
    assert line.startswith("seed 1: 30 leavers, 30 tries in ")
    assert line.endswith(": pass")
    assert not (tmp_path / "found").exists()


def test_what_is_told_to_programs(tmp_path: Path) -> None:
    going = explore(Played(renamed_owner), tmp_path)
    told = json.loads(json.dumps(going.plain()))
    (found,) = told["found"]
    assert Path(found.pop("file")).is_file()
    assert found.pop("after") <= 200
    assert found.pop("shrinks") > 10
    assert found == {
        "title": "Ownership in code outlives a renamed leaver",
        "system": "code",
        "kind": "ownership",
        "vantage": "admin",
        "outcome": "residual",
        "findings": [{"name": "budget-models", "reason": "as played"}],
        "smallest": True,
    }
    assert (told["seed"], told["verdict"], told["leavers"], told["earlier"]) == (1, "fail", 200, [])


def test_the_progress_view_says_what_is_being_made_smaller(tmp_path: Path) -> None:
    shown: list[str] = []

    def look(going: Exploration) -> None:
        console = Console(width=100, record=True, file=StringIO())
        console.print(table(going))
        shown.append(console.export_text())

    with Attempts(shape(), Played(renamed_owner)) as attempts:
        Exploration(shape(), Wanted(FILES, tmp_path / "x", 1, 600 * SECOND, 100), attempts, lambda _: None, look).run()
    assert any("making smaller  ownership in code: residual" in text for text in shown)
    assert all("time left" in text and "of 100" in text for text in shown)


def test_what_cleanup_left_is_known(tmp_path: Path) -> None:
    going = explore(Played(left=("crm user 7",)), tmp_path, examples=3)
    assert {each.left for each in going.tried} == {"crm user 7"}


def test_what_policy_lets_stay_in_the_whole_fleet_is_no_failure(tmp_path: Path) -> None:
    """The exceptions beside the fleet file go with every story into its run."""
    (tmp_path / "exceptions.yaml").write_text(
        "exceptions: [{system: mail, kind: mailbox, reason: r, owner: o, ticket: T, approved-by: a, until: 2099-12-31}]"
    )
    seen: list[int] = []

    def play(loaded: Loaded) -> RunResult:
        seen.append(len(loaded.exceptions.entries) if loaded.exceptions else 0)
        return Played()(loaded)

    with Attempts(replace(shape(), source=str(tmp_path / "fleet.yaml")), play) as attempts:
        attempts(Story(Leaving("hr-feed", "terminate"), (Piece("mail"),)))
    assert seen == [1]


def test_scenarios_that_give_nothing_to_explore_with_are_said_so(tmp_path: Path) -> None:
    wanted = Wanted([], tmp_path, 1, SECOND)
    with Attempts(shape(), Played()) as attempts, pytest.raises(BadInput, match="nothing is known to explore with"):
        Exploration(shape(), wanted, attempts, lambda _: None).run()
