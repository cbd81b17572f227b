"""`exitproof resume` after a run that was killed, against a sandbox that lives on: one run, told and sealed once."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from harness.fleet import locate
from harness.session.sandbox import SandboxProcess
from tests.cli.command import EXITPROOF, Ended, call, end, essence, start
from tests.cli.command import environment as command_environment
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
        assert {line.split()[1] for line in verified.lines if line.startswith("INCOMPLETE ")} == {"signature"}
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


def test_what_was_cleaned_up_is_not_looked_at_as_if_it_had_ended_by_itself(
    sandbox: SandboxProcess, place: Path
) -> None:
    env = environment(place, sandbox)
    killed(place, env, '"stage":"left"')
    assert call(place, "cleanup", "run", env=env).code == 0
    refused = call(place, "resume", "run", env=env)
    assert (refused.code, "a cleanup has taken back" in refused.err) == (4, True), refused.err
    assert "exitproof resume" not in call(place, "status", "run").out


def test_a_far_checkpoint_is_left_to_a_later_process(sandbox: SandboxProcess, place: Path) -> None:
    env = environment(place, sandbox)
    before = people(sandbox.env)
    text = (place / "fleet.yaml").read_text().replace("hold: [1s, 4s],", "hold: [1s, 24h],")
    (place / "fleet.yaml").write_text(text)
    left = call(place, "run", "--out", "run", "--leave-waiting", env=env)
    assert left.code == 6, left.out
    assert "exitproof resume" in left.out
    assert not (place / "run" / "results.json").exists()
    assert people(sandbox.env) - before
    assert list((place / "state").rglob("*.vault"))
    stands = call(place, "status", "run")
    assert "waiting until 20" in stands.out
    journal = (place / "run" / "journal.jsonl").read_bytes()
    early = call(place, "resume", "run", env=env)
    assert (early.code, "nothing is to be done before 20" in early.out) == (6, True), early.out + early.err
    assert (place / "run" / "journal.jsonl").read_bytes() == journal
    assert call(place, "cleanup", "run", env=env).code == 0
    assert people(sandbox.env) == before


def test_nothing_is_left_waiting_by_a_sandbox_that_ends_with_its_run(place: Path) -> None:
    refused = call(place, "run", "--fleet", "sandbox", "--leave-waiting")
    assert (refused.code, "a sandbox that outlives it" in refused.err) == (4, True), refused.err


def interrupted(place: Path, env: dict[str, str], *arguments: str, at: Sequence[str]) -> Ended:
    """Ctrl-C each time the journal holds the next of these words, whatever the shell of the suite ignores."""
    process = subprocess.Popen(
        [*EXITPROOF, *arguments],
        cwd=place,
        env=command_environment(env),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None,
    )
    journal, deadline = place / "run" / "journal.jsonl", time.monotonic() + 60
    for word in at:
        while not (journal.is_file() and word in journal.read_text()) and time.monotonic() < deadline:
            time.sleep(0.002)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
    return end(process)


def test_ctrl_c_stops_takes_back_and_reports(sandbox: SandboxProcess, place: Path) -> None:
    env = environment(place, sandbox)
    before = people(sandbox.env)
    stopped = interrupted(place, env, "run", "--out", "run", at=['"stage":"left"']).fine()
    assert stopped.code == 2, stopped.out
    assert "taking back what was made" in stopped.out
    (case,) = json.loads((place / "run" / "results.json").read_text())["cases"]
    assert case["verdict"] == "inconclusive"
    assert case["cleanup"]["complete"]
    assert people(sandbox.env) == before
    assert (place / "run" / "manifest.json").is_file()


@pytest.mark.parametrize("again", [False, True], ids=["run", "resume"])
def test_ctrl_c_twice_stops_at_once_and_the_journal_goes_on_from_there(place: Path, *, again: bool) -> None:
    """The sandbox is slow, so that a cleanup which has begun is met before it is over, however busy the machine is."""
    with SandboxProcess(["--latency-ms", "25"]) as slow:
        env = environment(place, slow)
        before = people(slow.env)
        arguments = ["run", "--out", "run"]
        if again:
            killed(place, env, '"stage":"left"')
            arguments = ["resume", "run"]
        resumed = ['"op":"resumed"'] if again else ['"stage":"left"']
        stopped = interrupted(place, env, *arguments, at=[*resumed, '"op":"revoke"']).fine()
        assert stopped.code == 2, stopped.out + stopped.err
        assert not (place / "run" / "results.json").exists()
        assert "goes on from the journal" in stopped.out
        done = call(place, "resume", "run", env=env)
        assert done.code == 6, done.out + done.err
        (case,) = json.loads((place / "run" / "results.json").read_text())["cases"]
        assert case["reason"] == "stopped before it was finished"
        assert people(slow.env) == before


def test_shares_of_workers_go_on_together(sandbox: SandboxProcess, place: Path) -> None:
    env = environment(place, sandbox)
    before = people(sandbox.env)
    (place / "scenarios" / "second.yaml").write_text(STORY)
    process = start(place, "run", "--out", "run", "-n", "2", env=env)
    journals = [place / "run" / f"journal-gw{n}.jsonl" for n in (0, 1)]
    deadline = time.monotonic() + 90
    while process.poll() is None and time.monotonic() < deadline:
        if all(journal.is_file() and '"stage":"left"' in journal.read_text() for journal in journals):
            break
        time.sleep(0.002)
    assert process.poll() is None
    workers = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for worker in workers:  # else they would hear that nobody wants them any more, and clean up
        os.kill(int(worker), signal.SIGKILL)
    process.send_signal(signal.SIGKILL)
    end(process)
    done = call(place, "resume", "run", env=env)
    assert done.code == 0, done.out + done.err
    data = json.loads((place / "run" / "results.json").read_text())
    assert [case["verdict"] for case in data["cases"]] == ["pass", "pass"]
    assert people(sandbox.env) == before
    assert not list((place / "state").rglob("*.vault"))
    again = call(place, "report", "--from", "run", "--out", "again")
    assert again.code == 0
    assert "DIFFERENT" not in again.out
    assert (place / "again" / "report.html").read_bytes() == (place / "run" / "report.html").read_bytes()
