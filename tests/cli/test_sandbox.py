"""`exitproof sandbox`: it runs until it is told to stop, whatever its stdin is, and leaves nothing running."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.cli import main
from harness.commands.check import unreachable
from harness.commands.scaffold import scaffold
from tests.cli.command import call, end, start


@pytest.fixture
def running(tmp_path: Path) -> subprocess.Popen[str]:
    (tmp_path / "fixtures").mkdir()
    (tmp_path / "fixtures/__init__.py").write_text("raise RuntimeError('a folder of the user')")
    return start(tmp_path, "sandbox", "--env-file", "sandbox.env", "--delay=20ms", "--defect", "realistic")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_it_stays_until_it_is_stopped(running: subprocess.Popen[str], how: signal.Signals, tmp_path: Path) -> None:
    assert running.stdout is not None
    told = json.loads(running.stdout.readline())
    address = told["env"]["EXITPROOF_SANDBOX_CRM_URL"]
    assert len(told["defects"]) == 5
    written = tmp_path / "sandbox.env"
    assert f"EXITPROOF_SANDBOX_CRM_URL={address}" in written.read_text().splitlines()
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    time.sleep(0.5)  # stdin is /dev/null
    assert running.poll() is None
    assert unreachable(address) == ""
    running.send_signal(how)
    ended = end(running)
    assert ended.code == (-signal.SIGKILL if how is signal.SIGKILL else 0)
    assert ended.err == ""
    until = time.monotonic() + 10
    while unreachable(address) == "" and time.monotonic() < until:
        time.sleep(0.05)
    assert unreachable(address) == "connection refused"


def test_defects_are_listed_id_first(tmp_path: Path) -> None:
    ended = call(tmp_path, "sandbox", "--list-defects")
    assert (ended.code, ended.err) == (0, "")
    ids = [line.split()[0] for line in ended.lines]
    assert "api-token-skips-active" in ids
    assert ids[-1] == "realistic"


def test_an_unknown_defect_is_exit_4(tmp_path: Path) -> None:
    ended = call(tmp_path, "sandbox", "--defect=nope")
    assert (ended.code, ended.out) == (4, "")
    assert ended.err.startswith("unknown defect 'nope' (allowed: ")


class _NotInstalled:
    def find_spec(self, name: str, *_: object) -> None:
        if name.partition(".")[0] == "scim2_server":
            raise ModuleNotFoundError(name)


@pytest.mark.parametrize("arguments", [["sandbox"], ["check"]])
def test_without_its_extra_the_fix_is_named(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "meta_path", [_NotInstalled(), *sys.meta_path])
    monkeypatch.delitem(sys.modules, "scim2_server", raising=False)
    scaffold(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 4
    assert capfd.readouterr().err.endswith("pip install 'exitproof[sandbox]'\n")
