"""`exitproof status` and `exitproof cleanup` after a run that was killed, against a sandbox that lives on."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from harness.fleet import locate
from harness.session.sandbox import SandboxProcess
from tests.cli.command import call, end, start

STORY = """\
title: Killed in the middle
access:
  directory: [{group: finance-all}]
  crm: [{license: sales-pro}, {credential: api-token}]
  mail: [account]
leave: {via: hr-feed, event: terminate}
expect: {within: 60s, hold: 60s}
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with SandboxProcess() as started:
        yield started


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "killed.yaml").write_text(STORY)
    text = locate("sandbox").read_text()
    assert "hold: 1s," in text
    text = text.replace("hold: 1s,", "hold: 60s,")  # a run that does not end before it is met
    (tmp_path / "fleet.yaml").write_text(text)
    return tmp_path


def people(env: dict[str, str]) -> set[str]:
    """Whom the CRM has of ours, asked without the harness."""
    url, token = env["EXITPROOF_SANDBOX_CRM_URL"], env["EXITPROOF_SANDBOX_CRM_READ"]
    found: set[str] = set()
    query: dict[str, str] = {}
    while True:
        answer = requests.get(f"{url}/users", params=query, headers={"Authorization": f"Bearer {token}"}, timeout=10)
        body = answer.json()
        found |= {user["login"] for user in body["users"] if str(user["login"]).startswith("zz-")}
        if not body.get("next"):
            return found
        _, _, text = body["next"].partition("?")
        query = dict(pair.split("=", 1) for pair in text.split("&"))


def killed(place: Path, env: dict[str, str], when: str) -> Path:
    """A run that dies once its journal holds this word so often."""
    process = start(place, "run", "--out", "run", env=env)
    journal = place / "run" / "journal.jsonl"
    word, _, times = when.partition(" x ")
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        if journal.is_file() and journal.read_text().count(word) >= int(times or 1):
            break
        time.sleep(0.005)
    assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    end(process)
    return place / "run"


@pytest.mark.parametrize("when", ['"op":"create" x 16', '"op":"grant" x 3', '"op":"event" x 3'])
def test_a_killed_run_is_told_and_taken_back(sandbox: SandboxProcess, place: Path, when: str) -> None:
    before = people(sandbox.env)
    killed(place, sandbox.env, when)
    assert people(sandbox.env) - before  # the planted violation
    told = call(place, "status", "run", "--json")
    (found,) = json.loads(told.fine().out)
    assert (told.code, found["state"]) == (7, "interrupted")
    assert found["open"]
    assert "exitproof cleanup run" in call(place, "status", "run").out
    done = call(place, "cleanup", "run", env=sandbox.env).fine()
    assert done.code == 0, done.out + done.err
    assert done.lines[0] == "nothing is left"
    assert people(sandbox.env) == before
    again = call(place, "status", "run").fine()
    assert again.code == 0
    assert "nothing left" in again.out
    journals = list(place.glob("run-cleanup-*/journal.jsonl"))
    assert len(journals) == 1
    assert '"cleaned"' in journals[0].read_text()
    assert list(place.glob("run-cleanup-*/exchanges/*.json"))
    for secret in sandbox.env.values():
        if not secret.startswith("http"):
            assert not [p for p in place.glob("run*/**/*") if p.is_file() and secret.encode() in p.read_bytes()]


def test_a_run_that_goes_on_is_left_alone(sandbox: SandboxProcess, place: Path) -> None:
    process = start(place, "run", "--out", "run", env=sandbox.env)
    try:
        journal = place / "run" / "journal.jsonl"
        deadline = time.monotonic() + 60
        while not (journal.is_file() and '"answered"' in journal.read_text()) and time.monotonic() < deadline:
            time.sleep(0.01)
        refused = call(place, "cleanup", "run", env=sandbox.env).fine()
        assert refused.code == 4
        assert "the run is still going on" in refused.err
        assert "going on" in call(place, "status", "run").fine().out
    finally:
        process.kill()
        end(process)
    assert call(place, "cleanup", "run", env=sandbox.env).code == 0  # nobody holds the journal any more
    assert json.loads(call(place, "status", "run", "--json").fine().out)[0]["open"] == {}


def test_what_cannot_be_cleaned_up_is_one_line(sandbox: SandboxProcess, place: Path) -> None:
    killed(place, sandbox.env, '"op":"grant" x 1')
    ended = call(place, "cleanup", "run").fine()  # the variables are not there, so the sandbox would be a new one
    assert ended.code == 4
    assert "nothing of it is left" in ended.err
    text = (place / "fleet.yaml").read_text()
    (place / "fleet.yaml").write_text(text + "\n# changed\n")
    changed = call(place, "cleanup", "run", env=sandbox.env).fine()
    assert changed.code == 4
    assert "has changed since the run" in changed.err
    named = call(place, "cleanup", "run", "--fleet", "fleet.yaml", env=sandbox.env).fine()
    assert named.code == 0, named.out
    nobody = call(place, "cleanup", "nobody").fine()
    assert (nobody.code, len(nobody.err.splitlines())) == (4, 1)
