"""docs/reference/results.md names every key of results.json in its own section, and no other."""

from __future__ import annotations

from typing import Any

from harness.report import schema
from tests.docs.markdown import page, plain

PAGE = page("docs/reference/results.md")
FINDING = schema()["properties"]["cases"]["items"]["properties"]["findings"]["items"]


def sections() -> dict[str, dict[str, Any]]:
    """Heading -> the closed object of the schema that it is about."""
    root = schema()
    run, case = root["properties"]["run"], root["properties"]["cases"]["items"]
    bystander = root["properties"]["bystanders"]["items"]["properties"]
    return {
        "The document": root["properties"],
        "run": run["properties"],
        "run: tool": run["properties"]["tool"]["properties"],
        "run: inputs": run["properties"]["inputs"]["items"]["properties"],
        "run: systems": run["properties"]["systems"]["items"]["properties"],
        "cases": case["properties"],
        "findings": FINDING["properties"],
        "bystanders": {key: bystander[key] for key in bystander if key not in FINDING["properties"]},
        "keep": FINDING["properties"]["keep"]["anyOf"][0]["properties"],
        "cleanup": case["properties"]["cleanup"]["properties"],
        "deselected": root["properties"]["deselected"]["items"]["properties"],
        "coverage": root["properties"]["coverage"]["items"]["properties"],
        "exceptions": root["properties"]["exceptions"]["items"]["properties"],
    }


def told(heading: str) -> dict[str, str]:
    """Key -> what its row says."""
    (table,) = PAGE.tables(heading)
    return {key.strip(): row[1] for row in table[1:] for key in plain(row[0]).split(",")}


def test_every_object_has_its_section_and_every_key_its_row() -> None:
    wrong = {
        heading: sorted(set(told(heading)) ^ set(keys))
        for heading, keys in sections().items()
        if set(told(heading)) != set(keys)
    }
    assert not wrong
    assert len(PAGE.tables()) == len(sections())


def test_words_of_short_closed_sets_are_named() -> None:
    for heading, keys in sections().items():
        for key, made in keys.items():
            words = [word for word in made.get("enum", ()) if word]
            if key in ("kind", "outcome"):  # concepts.md has their tables
                continue
            missing = [word for word in words if f"`{word}`" not in told(heading)[key]]
            assert not missing, (heading, key, missing)


def test_the_run_and_the_case_are_cleaned_up_alike() -> None:
    root = schema()["properties"]
    assert root["run"]["properties"]["cleanup"] == root["cases"]["items"]["properties"]["cleanup"]
