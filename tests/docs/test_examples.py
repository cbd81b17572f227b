"""The documentation's programs are run as they stand: a new system, a first run, an auditor's own check."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.cli.command import Ended, end, start
from tests.docs.markdown import Page, page

CONTRIBUTING = page("CONTRIBUTING.md")
AUDITORS = page("docs/auditors.md")


def block(of: Page, *info: str) -> str:
    """The one block with these words."""
    (found,) = [each.text for each in of.blocks if each.info == info]
    return found


def python(*arguments: str | Path, cwd: Path) -> Ended:
    return end(start(cwd, *map(str, arguments), command=(sys.executable,)))


# --- CONTRIBUTING: add a system -------------------------------------------------------------------


def desk(folder: Path, words: str, without: str = "") -> Ended:
    """The steps of CONTRIBUTING.md in an empty folder, for the tests that `words` select."""
    described = block(CONTRIBUTING, "yaml", "fleet")
    assert without in described
    (folder / "fleet.yaml").write_text(described.replace(without, ""), encoding="utf-8")
    (folder / "test_desk.py").write_text(block(CONTRIBUTING, "python"), encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    return python("-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", words, cwd=folder)


def test_a_new_system_keeps_the_contract(tmp_path: Path) -> None:
    done = desk(tmp_path, "planted or revoked or credential or total or (search and filter)")
    assert done.code == 0, done.out
    assert " passed" in done.out


@pytest.mark.parametrize(
    ("without", "found"),
    [
        (" total: total,", "test_a_fault_is_unknown_never_absent[total-too-high]"),
        (' match: {login: "{{ identity.username }}"},', "test_a_search_that_fails_finds_nothing_out[filter-ignored]"),
    ],
)
def test_what_is_left_out_is_seen_failing(tmp_path: Path, without: str, found: str) -> None:
    done = desk(tmp_path, "total-too-high or filter", without)
    assert done.code == 1, done.out
    assert f"FAILED test_desk.py::TestDesk::{found}" in done.out


# --- README, IAM teams: a first run; auditors: their own check -------------------------------------


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`exitproof init` and `exitproof run`, as the README says, and signed, as the auditors' page does."""
    folder = tmp_path_factory.mktemp("drill")
    for arguments in (("init",), ("keygen", "staging"), ("run", "--sign", "staging", "--out", "first")):
        done = python("-m", "harness.cli", *arguments, cwd=folder)
        assert done.code == 0, done.out + done.err
    return folder / "first"


def audit(run: Path) -> Ended:
    script = run.parent / "audit.py"
    script.write_text(block(AUDITORS, "python"), encoding="utf-8")
    return python("-I", script, run, cwd=run.parent)


def test_the_auditors_check_walks_a_real_run(run_folder: Path) -> None:
    done = audit(run_folder)
    assert done.code == 0, done.err
    assert "every citation is in the chain" in done.out


def test_the_auditors_check_sees_a_change(run_folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    (run / "exchanges").mkdir(parents=True)
    (run / "results.json").write_bytes((run_folder / "results.json").read_bytes())
    lines = (run_folder / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    at = next(n for n, line in enumerate(lines) if b'"absent"' in line)
    for changed in (
        [*lines[:at], *lines[at + 1 :]],
        [*lines[:at], lines[at].replace(b"absent", b"Absent"), *lines[at + 1 :]],
    ):
        (run / "ledger.jsonl").write_bytes(b"".join(changed))
        assert "the chain breaks" in audit(run).err
    (run / "ledger.jsonl").write_bytes(b"".join(lines[:-1]))
    assert "the run was aborted" in audit(run).err


def test_files_of_a_run_are_listed(run_folder: Path) -> None:
    (table,) = AUDITORS.tables("Files of a run")
    told = {row[0].strip("`").rstrip("/") for row in table[1:]}
    assert told - {"oscal-poam.json"} == {path.name for path in run_folder.iterdir()}  # nothing remained of this one
    assert json.loads((run_folder / "results.json").read_bytes())["run"]["verdict"] == "pass"
