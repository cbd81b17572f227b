"""The sandbox as a process of its own: one line when it is ready, gone when stdin closes or SIGTERM comes."""

from __future__ import annotations

import ast
import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fixtures.sandbox.__main__ import seconds
from fixtures.sandbox.defects import BUNDLES, DEFECTS
from harness.fleet.load import shape
from tests.sandbox.driver import Driver

ROOT = Path(__file__).parents[2]


def run(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "fixtures.sandbox", *arguments]
    return subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def ready(process: subprocess.Popen[str]) -> dict[str, str]:
    assert process.stdout is not None
    line = json.loads(process.stdout.readline())
    assert line["ready"] is True
    return dict(line["env"])


def end(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=10)
    return process.returncode, out, err


def test_one_line_of_json_and_the_end_of_stdin_is_the_end(tmp_path: Path) -> None:
    env_file = tmp_path / "sandbox.env"
    began = time.monotonic()
    process = run("--defect", "realistic", "--delay", "20ms", "--env-file", str(env_file))
    env = ready(process)
    assert time.monotonic() - began < 3
    lines = dict(line.split("=", 1) for line in env_file.read_text().splitlines())
    assert lines == env
    assert stat.S_IMODE(env_file.stat().st_mode) == 0o600
    driver = Driver(env)
    who = driver.person()
    driver.event("terminated", who)
    assert not any(driver.active(who).values())
    driver.close()
    assert end(process) == (0, "", "")


def test_sigterm_ends_it() -> None:
    process = run("--json")
    ready(process)
    os.kill(process.pid, signal.SIGTERM)
    assert end(process) == (0, "", "")


def test_a_table_for_a_person() -> None:
    process = run("--table", "--no-connector")
    code, out, err = end(process)
    assert (code, err) == (0, "")
    assert "EXITPROOF_SANDBOX_CRM_CONNECTOR" in out
    assert "bring your own" in out


def test_defects_are_listed_one_a_line() -> None:
    code, out, _ = end(run("--list-defects"))
    assert code == 0
    assert sorted(line.split("\t")[0] for line in out.splitlines()) == sorted([*DEFECTS, *BUNDLES])


def test_an_unknown_defect_is_exit_4() -> None:
    code, out, err = end(run("--defect", "nope"))
    assert (code, out) == (4, "")
    assert err.startswith("unknown defect 'nope' (allowed: ")


@pytest.mark.parametrize(("text", "value"), [("250ms", 0.25), ("5s", 5.0), ("2m", 120.0)])
def test_durations(text: str, value: float) -> None:
    assert seconds(text) == value


def test_the_fleet_file_names_no_variable_that_is_not_there() -> None:
    from fixtures.sandbox import start

    text = (ROOT / "fixtures/sandbox/fleet.yaml").read_text()
    named = {part.split("}")[0] for part in text.split("${env:")[1:]}
    with start() as sandbox:
        assert named <= set(sandbox.env)
        secrets = [value for name, value in sandbox.env.items() if not name.endswith("_URL")]
        assert not any(secret in repr(sandbox) for secret in secrets)


def test_the_fleet_file_accounts_for_every_kind() -> None:
    fleet = shape("sandbox")
    assert fleet.environment == "sandbox"
    for system in fleet.systems.values():
        if system.type == "http":
            silent = 12 - len(system.kinds) - len(system.without) - len(system.not_listable)
            assert silent == 0, system.name


def test_the_sandbox_and_the_harness_share_no_module() -> None:
    for path in (ROOT / "fixtures").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not any(name.split(".")[0] == "harness" for name in names), path
