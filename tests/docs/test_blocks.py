"""Every YAML block of the documentation loads; one that is only a part says so."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from harness import fleet
from harness.fleet import FleetInfo
from harness.model import BadInput, Problem
from harness.scenario import exceptions
from harness.scenario.terms import Terms
from harness.source import parse as parse_source
from tests.docs.loading import TODAY, environment, load_fleet, load_scenario
from tests.docs.markdown import ROOT, Block, blocks
from tests.fleet.worlds import STAGING
from tests.scenario.worlds import EVERYDAY

SANDBOX = ROOT / "fixtures" / "sandbox" / "fleet.yaml"
PART = "part"  # ```yaml part: not a whole file, YAML all the same


def role(block: Block) -> str:
    """What a block is: the word after `yaml`; without one, what its first key makes it."""
    if len(block.info) > 1:
        return block.info[1]
    return {"fleet": "fleet", "title": "scenario"}.get(block.text.partition(":")[0], "")


def of_role(*roles: str) -> list[Block]:
    return [block for block in blocks("yaml") if role(block) in roles]


def _id(block: Block) -> str:
    return f"{block.page}:{block.line}"


@cache
def shapes(page: str) -> tuple[FleetInfo, ...]:
    """What a scenario of this page may be bound to: the contract's fleet, the sandbox."""
    files = (STAGING, SANDBOX)
    return tuple(fleet.shape(file, environment(file.read_text(encoding="utf-8"))) for file in files)


def test_every_block_says_what_it_is() -> None:
    unsaid = [_id(block) for block in blocks("yaml") if role(block) not in ("fleet", "scenario", "exceptions", PART)]
    assert not unsaid, f"tag them `yaml scenario`, `yaml fleet` or `yaml {PART}`: {unsaid}"
    assert len(of_role("fleet")) > 3
    assert len(of_role("scenario")) > 3


@pytest.mark.parametrize("block", of_role("fleet"), ids=_id)
def test_a_fleet_loads(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text(block.text, encoding="utf-8")
    made, shape = load_fleet(path)
    assert set(made.systems) == set(shape.systems)


@pytest.mark.parametrize("block", of_role("scenario"), ids=_id)
def test_a_scenario_loads(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "scenarios" / "story.yaml"
    path.parent.mkdir()
    path.write_text(block.text, encoding="utf-8")
    loaded = load_scenario(path, shapes(block.page))
    assert loaded.cases, loaded.deselected


@pytest.mark.parametrize("block", of_role("exceptions"), ids=_id)
def test_exceptions_load(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "exceptions.yaml"
    path.write_text(block.text, encoding="utf-8")
    problems: list[Problem] = []
    made = exceptions.load(path, Terms(shapes(block.page)[0]), TODAY, problems)
    assert made is not None
    assert made.entries
    assert problems == []


@pytest.mark.parametrize("block", of_role(PART), ids=_id)
def test_a_part_is_yaml(block: Block) -> None:
    assert parse_source(_id(block), block.text.encode()).data is not None


def test_a_block_that_is_wrong_does_not_load(tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text(STAGING.read_text().replace("gone_with: account", "gone_with: acount", 1))
    with pytest.raises(BadInput, match="acount"):
        load_fleet(path)
    story = tmp_path / "story.yaml"
    story.write_text(EVERYDAY.read_text().replace("sales-pro", "sales-pro, licens: x", 1))
    with pytest.raises(BadInput, match="licens"):
        load_scenario(story, shapes(""))
    assert role(Block("x.md", 1, ("yaml",), "systems: {}\n")) == ""
