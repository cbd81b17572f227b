"""docs/concepts.md explains each kind, outcome, coverage status and exit code of the code, and no other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.model import Cleanup, Coverage, Kind, Outcome, RunResult, Verdict
from harness.session.drill import exit_code
from tests.docs.markdown import Page, page, pages, plain

PAGE = page("docs/concepts.md")


def rows(heading: str) -> dict[str, list[str]]:
    """First cell -> the others, of the one table below a heading."""
    (table,) = PAGE.tables(heading)
    made = {plain(row[0]): row[1:] for row in table[1:]}
    assert all(all(cells) for cells in made.values()), f"{heading}: an empty cell"
    return made


def test_kinds() -> None:
    assert list(rows("Kinds")) == [kind.value for kind in Kind]


def test_outcomes_and_their_verdicts() -> None:
    told = {outcome: cells[0] for outcome, cells in rows("Outcomes").items()}
    assert told == {outcome.value: outcome.verdict.word for outcome in Outcome}


def test_coverage() -> None:
    assert list(rows("Coverage")) == [status.value for status in Coverage]


@pytest.mark.parametrize("word", ["identity", "look", "probe", "control", "finding", "grant", "vantage", "baseline"])
def test_words(word: str) -> None:
    assert word in rows("Words")


# --- exit codes -----------------------------------------------------------------------------------


def codes() -> set[int]:
    """Every code that a run can end with: pytest's own, and what the harness makes of verdicts and cleanup."""
    clean, left = Cleanup(True), Cleanup(False, ("crm: a token",))
    run = RunResult("r", 0, 0, Verdict.PASS, (), (), (), (), clean)
    ours = {exit_code(replace(run, verdict=verdict, cleanup=how)) for verdict in Verdict for how in (clean, left)}
    return ours | {code.value for code in pytest.ExitCode}


def exit_tables(of: Page) -> list[list[int]]:
    tables = [table for table in of.tables() if table and plain(table[0][0]).lower() in ("exit", "exit code")]
    return [[int(number) for row in table[1:] for number in plain(row[0]).split(",")] for table in tables]


def test_exit_codes() -> None:
    found = {each.name: exit_tables(each) for each in pages() if exit_tables(each)}
    assert {"README.md", "docs/concepts.md"} <= set(found)
    for name, tables in found.items():
        for table in tables:
            assert sorted(table) == sorted(codes()), name
