"""`exitproof resume` after a run that was killed, against a sandbox that lives on: one run, told and sealed once."""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.fleet import locate
from harness.session.sandbox import SandboxProcess
from tests.cli.command import call, end, essence, start
from tests.cli.test_cleanup import people

STORY = """\
title: Killed in the middle
access:
  directory: [{group: finance-all}]
  crm: [{license: sales-pro}, {credential: api-token}]
  mail: [account]
leave: {via: hr-feed, event: terminate}
then: [sync]
expect: {within: 60s, hold: [1s, 4s]}
"""
HONEY = "honey-of-the-vault-5b1e"


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
    (tmp_path / "fleet.yaml").write_text(text.replace("hold: 1s,", "hold: [1s, 4s],"))
    return tmp_path


def environment(place: Path, sandbox: SandboxProcess, *, key: bool = True) -> dict[str, str]:
    state = {"XDG_STATE_HOME": str(place / "state"), "HONEY": HONEY}
    return {**sandbox.env, **state} | ({"EXITPROOF_VAULT_KEY": "env:HONEY"} if key else {})


def killed(place: Path, env: dict[str, str], word: str, *more: str) -> None:
    """A run that dies once its journal holds a word."""
    process = start(place, "run", "--out", "run", *more, env=env)
    journal = place / "run" / "journal.jsonl"
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        if journal.is_file() and word in journal.read_text():
            break
        time.sleep(0.002)
    assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    end(process)


def clear(place: Path, secrets: Iterator[str]) -> list[tuple[Path, str]]:
    """Every file in which a secret stands as it is."""
    files = [path for path in place.rglob("*") if path.is_file()]
    return [(path, secret) for secret in secrets for path in files if secret.encode() in path.read_bytes()]


def undisturbed(place: Path, env: dict[str, str]) -> dict[str, object]:
    whole = call(place, "run", "--out", "whole", env=env)
    assert whole.code == 0, whole.out
    return told(place / "whole")


def told(run: Path) -> dict[str, object]:
    """What two runs have in common; their people are named after the run."""
    return essence(json.loads(re.sub(r"zz-leaver-\d+-\d+", "somebody", (run / "results.json").read_text())))


PLACES = ('"op":"grant"', '"step":"leave"', '"phase":"closing"', '"stepped":1', '"held":1', '"stage":"over"')


def test_wherever_it_was_killed_it_is_the_run_that_nobody_killed(sandbox: SandboxProcess, place: Path) -> None:
    env = environment(place, sandbox)
    before = people(sandbox.env)
    expected = undisturbed(place, env)
    for number, word in enumerate(PLACES):
        killed(place, env, word)
        assert list((place / "state").rglob("*.vault"))
        stands = call(place, "status", "run")
        assert (stands.code, "exitproof resume run" in stands.out) == (7, True), stands.out
        done = call(place, "resume", "run", env=env)
        assert done.code == 0, (word, done.out, done.err)
        data = json.loads((place / "run" / "results.json").read_text())
        assert told(place / "run") == expected, (word, done.out)
        assert [note for note in data["run"]["notes"] if note.startswith("interrupted: no process of this run")], word
        assert people(sandbox.env) == before, word
        assert not list((place / "state").rglob("*.vault")), word
        verified = call(place, "verify", "run")
        assert verified.code == 9, verified.out
        assert {line.split()[1] for line in verified.lines if line.startswith("INCOMPLETE")} == {"signature"}
        if number % 3 == 0:
            again = call(place, "report", "--from", "run", "--out", f"again-{number}")
            assert again.code == 0, again.out + again.err
            for path in (place / f"again-{number}").iterdir():
                assert path.read_bytes() == (place / "run" / path.name).read_bytes(), (word, path.name)
        assert not clear(place / "run", iter([HONEY, *(v for v in sandbox.env.values() if not v.startswith("http"))]))
        assert "interrupted" in (place / "run" / "report.html").read_text()
        assert call(place, "resume", "run", env=env).code == 4
        (place / "run").rename(place / f"run-{number}")


def test_the_vault_keeps_nothing_in_clear_and_goes_with_cleanup(sandbox: SandboxProcess, place: Path) -> None:
    env = environment(place, sandbox)
    killed(place, env, '"stage":"watched"')
    (vault,) = (place / "state").rglob("*.vault")
    held = vault.read_bytes()
    assert b"Zz1-" not in held  # how the passwords that a run makes begin
    assert HONEY.encode() not in held
    wrong = call(place, "resume", "run", env={**env, "HONEY": "another"})
    assert wrong.code == 4
    assert "another key" in wrong.err
    assert vault.read_bytes() == held
    assert call(place, "cleanup", "run", env=env).code == 0
    assert not vault.exists()


def test_without_a_key_it_says_what_can_no_longer_be_asked(sandbox: SandboxProcess, place: Path) -> None:
    env = environment(place, sandbox, key=False)
    killed(place, env, '"stage":"left"')
    assert not (place / "state").exists()
    done = call(place, "resume", "run", env=env)
    assert done.code == 6, done.out
    assert "EXITPROOF_VAULT_KEY" in done.out
    (case,) = json.loads((place / "run" / "results.json").read_text())["cases"]
    outcomes = {(f["vantage"], f["outcome"]) for f in case["findings"] if f["subject"] == "leaver"}
    assert outcomes == {("admin", "revoked"), ("leaver", "inconclusive")}
    assert {f["reason"] for f in case["findings"] if f["vantage"] == "leaver"}


def test_a_ledger_line_that_was_cut_off_is_told(sandbox: SandboxProcess, place: Path) -> None:
    env = environment(place, sandbox)
    killed(place, env, '"stage":"watched"')
    ledger = place / "run" / "ledger.jsonl"
    with ledger.open("ab") as file:
        file.write(b'{"account":"cut of')
    assert call(place, "resume", "run", env=env).code == 0
    resumed = [json.loads(line) for line in ledger.read_text().splitlines() if '"type":"resume"' in line]
    assert [record["torn_bytes"] for record in resumed] == [18]
    assert "TAMPERED" not in call(place, "verify", "run").out


def test_what_cannot_be_gone_on_with_is_one_line(sandbox: SandboxProcess, place: Path) -> None:
    env = environment(place, sandbox)
    killed(place, env, '"stage":"left"')
    gone = call(place, "resume", "run", env={"XDG_STATE_HOME": str(place / "state")})
    assert (gone.code, "nothing of it is left" in gone.err) == (4, True)
    text = (place / "fleet.yaml").read_text()
    (place / "fleet.yaml").write_text(text + "\n# changed\n")
    changed = call(place, "resume", "run", env=env)
    assert (changed.code, "has changed since the run" in changed.err) == (4, True)
    (place / "fleet.yaml").write_text(text)
    ledger = place / "run" / "ledger.jsonl"
    whole = ledger.read_bytes()
    ledger.write_bytes(whole.replace(b'"presence":"present"', b'"presence":"absent"', 1))
    broken = call(place, "resume", "run", env=env)
    assert (broken.code, "its ledger is broken" in broken.err) == (4, True)
    ledger.write_bytes(whole)
    assert call(place, "resume", "run", env=env).code == 0
