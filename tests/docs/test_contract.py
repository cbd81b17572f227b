"""The two files of the public contract load together; where it lies beside the checkout, so do its own blocks."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import scenario
from tests.docs.loading import TODAY, load_fleet
from tests.docs.markdown import ROOT, parse
from tests.fleet.worlds import STAGING
from tests.scenario.worlds import EVERYDAY

BESIDE = ROOT.parent / "shared"
beside = pytest.mark.skipif(not (BESIDE / "spec.md").is_file(), reason="the contract does not lie beside this checkout")


def together(story: Path, fleet: Path) -> list[str]:
    _, shape = load_fleet(fleet)
    return [case.id.partition("[")[2].rstrip("]") for case in scenario.load([story], shape, TODAY).cases]


def test_the_contracts_files_load_together() -> None:
    assert together(EVERYDAY, STAGING) == ["terminate", "delete"]


@beside
def test_its_own_blocks_are_these_files() -> None:
    page = parse(BESIDE / "spec.md", (BESIDE / "spec.md").read_text(encoding="utf-8"))
    blocks = [block.text for block in page.blocks if block.info == ("yaml",)]
    assert blocks == [EVERYDAY.read_text(encoding="utf-8"), STAGING.read_text(encoding="utf-8")]


@beside
def test_its_examples_load() -> None:
    examples = sorted((BESIDE / "examples").glob("*.yaml"))
    assert examples
    for example in examples:
        made, shape = load_fleet(example)
        assert set(made.systems) == set(shape.systems)
