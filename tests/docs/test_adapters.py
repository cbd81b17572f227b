"""Every adapter of this distribution has its page under its name, and every page its adapter."""

from __future__ import annotations

import re
from importlib.metadata import entry_points

import pytest

from tests.docs.markdown import ROOT, page

FOLDERS = {"systems": "exitproof.systems", "connectors": "exitproof.connectors"}


def built_in(group: str) -> set[str]:
    return {point.name for point in entry_points(group=group) if point.value.startswith("harness.")}


@pytest.mark.parametrize(("folder", "group"), FOLDERS.items())
def test_registry_and_pages_agree(folder: str, group: str) -> None:
    written = {path.stem for path in (ROOT / "docs" / folder).glob("*.md")} - {"index"}
    assert written == built_in(group)


@pytest.mark.parametrize(
    ("folder", "name"), [(folder, name) for folder, group in FOLDERS.items() for name in sorted(built_in(group))]
)
def test_a_page_is_headed_by_its_adapter(folder: str, name: str) -> None:
    path = f"docs/{folder}/{name}.md"
    if not (ROOT / path).exists():
        pytest.fail(f"{path} is missing")
    first = page(path).headings()[0]
    assert re.search(rf"`(type: )?{name}`", first), first
