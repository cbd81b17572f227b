"""`exitproof fleet`: up, status and down leave nothing behind, whatever happened in between."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from fixtures.fleet import holder
from fixtures.fleet.cache import NotInstalled
from fixtures.fleet.members import NAMES
from fixtures.fleet.openbao import install
from tests.real.conftest import cannot
from tests.real.shared import shared

pytestmark = pytest.mark.real

COMMAND = [sys.executable, "-m", "harness.cli", "fleet"]


@pytest.fixture(scope="module", autouse=True)
def _there() -> None:
    try:
        install()
    except NotInstalled as why:
        cannot(str(why))


@pytest.fixture
def home() -> Iterator[Path]:
    """Daemons that drop their privileges must get in: pytest's own folders are closed to them."""
    folder = Path(tempfile.mkdtemp(prefix="exitproof-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def fleet(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=250)


def children(folder: Path) -> list[int]:
    """Every process that the holder ever started, itself included, as far as it still lives."""
    lines = (folder / holder.PIDS).read_text().splitlines()
    return [int(pid) for pid, _, born in (line.partition(" ") for line in lines) if holder._born(int(pid)) == born]


def test_up_status_down(home: Path) -> None:
    place = ["--folder", str(home / "software")]
    went = fleet("up", "openbao", *place, "--json")
    assert went.returncode == 0, went.stderr
    told = json.loads(went.stdout)
    assert told["up"] == ["openbao"]
    assert requests.get(f"{told['env']['BAO_URL']}/sys/health", timeout=5).status_code == 200
    assert (home / "software" / "env").stat().st_mode & 0o077 == 0
    alive = children(home / "software" / "openbao")
    assert len(alive) == 2  # holder and server
    again = fleet("up", "openbao", *place, "--json")
    assert json.loads(again.stdout)["env"] == told["env"]  # what is up stays up
    assert fleet("status", *place, "--json").stdout == '{"openbao": "ready"}\n'
    checked = subprocess.run(
        [sys.executable, "-m", "harness.cli", "check", "--fleet", told["fleet"]],
        capture_output=True, text=True, timeout=60, env={**os.environ, **told["env"]}, cwd=home,
    )  # fmt: skip
    assert "vault" in checked.stdout, checked.stdout + checked.stderr
    assert fleet("down", *place).returncode == 0
    assert [pid for pid in alive if holder._born(pid)] == []
    assert list(home.iterdir()) == []


def test_all_of_it_up_checked_and_down(home: Path) -> None:
    """Every member at once, as a person has it: each is ready, each reader gets in, and nothing stays behind."""
    place = ["--folder", str(home / "software")]
    went = fleet("up", *place, "--json")
    assert went.returncode == 0, went.stderr
    told = json.loads(went.stdout)
    assert told["up"] == list(NAMES)
    found = json.loads(fleet("status", *place, "--json").stdout)
    assert found == dict.fromkeys(NAMES, "ready")
    alive = [pid for name in NAMES for pid in children(home / "software" / name)]
    assert len(alive) > len(NAMES)
    checked = subprocess.run(
        [sys.executable, "-m", "harness.cli", "check", "--fleet", told["fleet"]],
        capture_output=True, text=True, timeout=120, env={**os.environ, **told["env"]}, cwd=home,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert fleet("down", *place).returncode == 0
    assert [pid for pid in alive if holder._born(pid)] == []
    assert list(home.iterdir()) == []


def test_a_member_that_hangs_is_told_and_still_stopped(home: Path) -> None:
    process = holder.begin("openbao", home / "openbao")
    holder.await_held("openbao", home / "openbao", process)
    server = next(pid for pid in children(home / "openbao") if pid != process.pid)
    os.kill(server, signal.SIGSTOP)
    told = fleet("status", "--folder", str(home))
    assert (told.returncode, told.stdout) == (1, told.stdout)
    assert "openbao: does not answer" in told.stdout
    assert holder.stop(home / "openbao") == []
    process.wait(10)
    assert not holder._born(server)


def test_a_keeper_that_was_killed_leaves_nothing_to_down(home: Path) -> None:
    process = holder.begin("openbao", home / "openbao")
    holder.await_held("openbao", home / "openbao", process)
    server = next(pid for pid in children(home / "openbao") if pid != process.pid)
    process.kill()
    process.wait()
    assert holder._born(server)  # the planted defect: nobody ends it
    assert "its keeper is gone" in fleet("status", "--folder", str(home)).stdout
    went = fleet("down", "--folder", str(home))
    assert "1 processes killed" in went.stdout
    assert not holder._born(server)


def test_an_unknown_name_is_one_line(home: Path) -> None:
    went = fleet("up", "opnebao", "--folder", str(home))
    assert went.returncode == 4
    assert went.stderr.splitlines() == [went.stderr.strip()]
    assert "'opnebao'" in went.stderr or "opnebao" in went.stderr
    assert "openbao" in went.stderr


def test_whoever_shares_a_member_sees_the_same_one_until_the_last_has_gone(home: Path) -> None:
    seen: list[str] = []

    def use(seconds: float) -> None:
        with shared("openbao", home) as env:
            seen.append(env["BAO_URL"])
            time.sleep(seconds)
            assert requests.get(f"{env['BAO_URL']}/sys/health", timeout=5).status_code == 200

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(use, (0.1, 0.4, 0.8)))
    assert len(seen) == 3
    assert len(set(seen)) == 1
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{seen[0]}/sys/health", timeout=2)
    assert not (home / "openbao").exists()
