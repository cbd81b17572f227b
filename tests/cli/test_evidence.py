"""From `keygen` over a signed run to `verify`, as commands: what is written last, what is said, and how it ends."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.commands.scaffold import scaffold
from harness.evidence import names, verify_standalone
from tests.cli.command import EXITPROOF, PYTEST, call, environment, results
from tests.cli.test_run import SECOND

# A plugin of the user's that writes into the run folder at the end of the session, before and after ours in order.
LOGS = """
import os, pathlib, pytest
def pytest_sessionfinish(session):
    folder = next(pathlib.Path("reports").glob("2*"), None)
    if folder and os.environ.get("WRITE"):
        text = os.environ["WRITE"].replace("TOKEN", os.environ["EXITPROOF_SANDBOX_CRM_READ"])
        (folder / "extra.log").write_text(text)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    scaffold(tmp_path)
    (tmp_path / "conftest.py").write_text(LOGS)
    call(tmp_path, "keygen", "staging", "--note", "a test")
    return tmp_path


def standalone(folder: Path, *arguments: str) -> tuple[int, str]:
    """As an auditor runs it: the file alone, with nothing of this project in reach."""
    shutil.copy(str(verify_standalone.__file__), folder / "verify_standalone.py")
    command = [sys.executable, "-I", str(folder / "verify_standalone.py"), *arguments]
    done = subprocess.run(command, cwd=folder, env=environment({}), capture_output=True, text=True, timeout=60)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout


def run_of(folder: Path) -> Path:
    (found,) = folder.glob("reports/2*")
    return found


def test_a_signed_run_from_key_to_verdict(folder: Path) -> None:
    with_junit = [f"--out={folder / 'reports' / '2-run'}", f"--junitxml={folder / 'reports' / '2-run' / 'ci.xml'}"]
    (folder / "reports").mkdir()
    (folder / "reports" / names.RUNS).touch()  # a register that begins with this run, though --out named the folder
    ended = call(folder, "run", "-q", "--sign=staging", *with_junit, env={"WRITE": "a log of a plugin"})
    assert ended.code == 0, ended.out
    run = run_of(folder)
    keyid = json.loads((folder / "staging.trust.json").read_bytes())["keys"][0]["keyid"]
    assert f"sealed, signed by key {keyid[:16]}" in ended.out
    assert f"exitproof verify {run} --trust FILE" in ended.out
    assert results(folder)["run"]["signing_key"] == keyid
    page = (run / "report.html").read_text()
    assert "To be verified." in page
    assert keyid in page
    assert "Unsigned" not in page
    listed = {entry["path"] for entry in json.loads((run / names.MANIFEST).read_bytes())["files"]}
    assert {"ci.xml", "extra.log", "report.html", "journal.jsonl", "junit.xml"} <= listed, "sealed after all others"

    good = call(folder, "verify", "reports", "--trust", "staging.trust.json")
    assert (good.code, good.lines[-1]) == (0, "good"), good.out
    shutil.copy(folder / "reports" / names.CHECKPOINT, folder / "kept")
    more = ("--trust", "staging.trust.json", "--checkpoint", "kept")
    assert call(folder, "verify", str(run), *more).code == 0
    assert standalone(folder, "reports", *more)[0] == 0
    assert call(folder, "verify", "reports").code == standalone(folder, "reports")[0] == 9

    again = call(folder, "report", "--from", str(run), "--out", "again")
    assert (again.code, again.out.count(": in the run's folder it is the same")) == (0, 5), again.out
    (folder / "forged").mkdir()
    shutil.copy(run / "ledger.jsonl", folder / "forged")
    shutil.copytree(run / "exchanges", folder / "forged" / "exchanges")
    (folder / "forged" / "report.html").write_text("All is well.")
    told = call(folder, "report", "--from", "forged", "--out", "once-more")
    assert told.code == 8
    assert [line for line in told.lines if "DIFFERENT" in line] == [
        "wrote once-more/report.html: in the run's folder it is DIFFERENT"
    ]
    assert (folder / "once-more" / "report.html").read_bytes() == (run / "report.html").read_bytes()

    ledger = run / "ledger.jsonl"
    ledger.write_bytes(ledger.read_bytes().replace(b'"absent"', b'"ABSENT"', 1))
    bad = call(folder, "verify", "reports", *more)
    assert (bad.code, bad.lines[-1]) == (8, "TAMPERED")
    assert [line for line in bad.lines if line.startswith("TAMPERED    ledger") and "2-run/ledger.jsonl" in line]
    assert standalone(folder, "reports", *more)[0] == 8


def test_workers_and_no_key(folder: Path) -> None:
    (folder / "scenarios" / "second.yaml").write_text(SECOND)
    ended = call(folder, "run", "-n", "2", "-q")
    assert ended.code == 0, ended.out
    assert "sealed, unsigned: not evidence" in ended.out
    assert "Unsigned: not evidence." in (run_of(folder) / "report.html").read_text()
    assert results(folder)["run"]["signing_key"] is None
    told = call(folder, "verify", "reports", "--trust", "staging.trust.json")
    assert told.code == 9
    bad = [line for line in told.lines if line.startswith(("INCOMPLETE ", "TAMPERED "))]
    assert len(bad) == 1
    assert "unsigned: not evidence" in bad[0]
    again = call(folder, "report", "--from", str(run_of(folder)), "--out", "again")
    assert (again.code, again.out.count(": in the run's folder it is the same")) == (0, 5), again.out
    sweep = json.loads((run_of(folder) / names.MANIFEST).read_bytes())["sweep"]
    assert sweep["secrets"] > 5, "what the workers knew of secrets was searched for"


@pytest.mark.parametrize("workers", [(), ("-n", "1")])
def test_a_run_that_would_leak_is_not_sealed(folder: Path, workers: tuple[str, ...]) -> None:
    ended = call(folder, "run", "-q", *workers, env={"WRITE": "Bearer TOKEN", "EXITPROOF_SIGNING_KEY": "staging"})
    assert ended.code == 3, ended.out
    assert "not sealed: a secret that this run knows is in extra.log" in ended.out
    assert not (run_of(folder) / names.MANIFEST).exists()
    told = call(folder, "verify", "reports", "--trust", "staging.trust.json")
    assert told.code == 9
    assert "began and was never sealed" in told.out


@pytest.mark.parametrize("command", [(*EXITPROOF, "run"), (*PYTEST, "scenarios")], ids=["run", "pytest"])
def test_a_key_that_cannot_sign_stops_everything_before_it_begins(folder: Path, command: tuple[str, ...]) -> None:
    (folder / "staging").chmod(0o644)
    ended = call(folder, "--sign=staging", command=command)
    assert ended.code == 4
    assert "chmod 600" in ended.err
    assert not (folder / "reports").exists()


def test_a_broken_register_does_too(folder: Path) -> None:
    (folder / "reports").mkdir()
    (folder / "reports" / names.RUNS).write_text('{"type":"register"}\n')
    ended = call(folder, "run")
    assert ended.code == 4
    assert "the register of runs is broken: line 1" in ended.err
    assert [path.name for path in (folder / "reports").iterdir()] == [names.RUNS]


def test_nothing_is_overwritten_and_wrong_files_are_one_line(folder: Path) -> None:
    for arguments in (
        ("keygen", "staging"),
        ("keygen", "nowhere/key"),
        ("keygen", "kms", "--public", "staging"),
        ("verify", "nowhere"),
        ("verify", ".", "--trust", "nowhere"),
        ("verify", ".", "--trust", "staging"),
        ("verify", ".", "--checkpoint", "nowhere"),
        ("report", "--from", ".", "--out", "again"),
        ("report", "--from", ".", "--out", "."),
    ):
        ended = call(folder, *arguments)
        assert ended.code == 4, arguments
        assert len(ended.err.splitlines()) == 1, ended.err
        assert "PRIVATE KEY" not in ended.err
    (folder / "staging").unlink()
    assert call(folder, "keygen", "staging").code == 4, "its trust file is still there"
    assert call(folder, "verify", ".").code == 9
