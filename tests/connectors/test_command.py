"""The connector `command`: no shell, no leaked secret, nothing left running, and doubt where there is doubt."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from harness.connectors.command import Command, CommandConfig
from harness.evidence.exchanges import Exchanges
from harness.model import Claim, Event, Progress
from harness.ports import Connector
from tests.scim_server import identity, person, secret, tools

EVENT = Event("ev-7", "terminate", 1)
WHO = person(identity())
PY = sys.executable


def build(made: dict[str, Any]) -> tuple[Command, Exchanges]:
    config = {"type": "command", "owner": "iam", "events": {"terminate": made}}
    made_with, kept, vault = tools()
    vault.learn(WHO.identity.password.reveal())
    return Command("script", CommandConfig.model_validate(config), made_with), kept


def run(code: str, *words: str, **more: Any) -> dict[str, Any]:
    return {"argv": [PY, "-c", code, *words], **more}


def test_arguments_are_words_and_never_a_shell(tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    code = "import json, sys; print(json.dumps({'argv': sys.argv[1:]}))"
    words = ["{{ identity.username }}", f"; touch {trap}", "$(id)", "a b"]
    connector, kept = build(run(code, *words, take={"first": "argv[0]", "last": "argv[3]"}))
    assert isinstance(connector, Connector)
    receipt = connector.fire(EVENT, WHO)
    assert (receipt.claim, dict(receipt.vars)) == (Claim.SUCCESS, {"first": "zz-leaver-1", "last": "a b"})
    assert receipt.answered is not None
    assert receipt.sent <= receipt.answered
    assert not trap.exists()
    assert kept.get(receipt.evidence[0])["exit"] == 0


def test_a_replay_is_the_same_command(tmp_path: Path) -> None:
    log = tmp_path / "log"
    connector, _ = build(
        run("import sys; open(sys.argv[1], 'a').write(sys.argv[2] + '\\n')", str(log), "{{ event.id }}")
    )
    connector.fire(EVENT, WHO)
    connector.fire(EVENT, WHO)
    assert log.read_text() == "ev-7\nev-7\n"


def test_exit_codes_are_claims() -> None:
    connector, _ = build(run("import sys; print('it broke', file=sys.stderr); sys.exit(3)"))
    receipt = connector.fire(EVENT, WHO)
    assert (receipt.claim, receipt.detail, receipt.in_doubt) == (Claim.ERROR, "exit code 3: it broke", False)
    connector, _ = build(run("import sys; sys.exit(3)", success=[0, 3]))
    assert connector.fire(EVENT, WHO).claim is Claim.SUCCESS


def test_a_program_that_is_not_there_is_an_error_without_doubt() -> None:
    connector, _ = build({"argv": ["/nowhere/at/all"]})
    receipt = connector.fire(EVENT, WHO)
    assert (receipt.claim, receipt.in_doubt, receipt.answered) == (Claim.ERROR, False, None)


def test_a_timeout_kills_the_whole_group_and_is_in_doubt(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    code = (
        "import subprocess, sys, time; "
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "
        f"open({str(pid)!r}, 'w').write(str(child.pid)); time.sleep(60)"
    )
    connector, _ = build(run(code, timeout="1500ms"))
    began = time.monotonic()
    receipt = connector.fire(EVENT, WHO)
    assert time.monotonic() - began < 20
    assert (receipt.claim, receipt.answered, receipt.in_doubt) == (Claim.NONE, None, True)
    child = int(pid.read_text())
    for _ in range(100):
        if not _alive(child):
            break
        time.sleep(0.05)
    assert not _alive(child)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # Where nobody reaps orphans a dead child stays a zombie.
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] == "Z")


def test_a_secret_reaches_the_program_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS", "not-for-the-program")
    code = "import json, os, sys; print(json.dumps(dict(os.environ))); print(sys.stdin.read(), file=sys.stderr)"
    env = {"API_TOKEN": secret("s3cret-api-token"), "WHO": "{{ identity.username }}"}
    connector, kept = build(run(code, env=env, stdin="{{ identity.password }}"))
    receipt = connector.fire(EVENT, WHO)
    exchange = kept.get(receipt.evidence[0])
    stdout = str(exchange["stdout"])
    assert "zz-leaver-1" in stdout
    assert "API_TOKEN" in stdout
    assert "not-for-the-program" not in stdout
    everything = json.dumps(exchange) + repr(receipt) + repr(connector.__dict__)
    assert "s3cret-api-token" not in everything
    assert "pw-of-the-leaver" not in everything


def test_output_is_bounded_and_never_blocks() -> None:
    connector, kept = build(run("import sys; sys.stdout.write('x' * 3_000_000); sys.stderr.write('y' * 3_000_000)"))
    receipt = connector.fire(EVENT, WHO)
    assert receipt.claim is Claim.SUCCESS
    assert len(json.dumps(kept.get(receipt.evidence[0]))) < 12_000


def test_a_child_that_keeps_the_pipe_open_is_not_waited_for() -> None:
    code = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(8)'])"
    connector, _ = build(run(code, timeout="30s"))
    began = time.monotonic()
    assert connector.fire(EVENT, WHO).claim is Claim.SUCCESS
    assert time.monotonic() - began < 7


@pytest.mark.parametrize("text", ["", "not json", "[]", "{}", '{"n": null}', "<html>"])
def test_output_that_lacks_what_is_taken_is_an_error(text: str) -> None:
    connector, _ = build(run(f"print({text!r})", take={"number": "n"}))
    assert connector.fire(EVENT, WHO).claim is Claim.ERROR


@pytest.mark.parametrize(
    ("code", "progress"),
    [
        ('print(\'{"state": "ok"}\')', Progress.FINISHED),
        ('print(\'{"state": "bad"}\')', Progress.FAILED),
        ('print(\'{"state": "busy"}\')', Progress.RUNNING),
        ("print('{}')", Progress.UNKNOWN),
        ("print('oops')", Progress.UNKNOWN),
        ("raise SystemExit(2)", Progress.UNKNOWN),
    ],
)
def test_done(code: str, progress: Progress) -> None:
    done = run(code, value="state", until=["ok"], failed=["bad"])
    connector, _ = build(run("pass", done=done))
    assert connector.events()["terminate"].has_done
    assert connector.done(EVENT, WHO)[0] is progress


@pytest.mark.parametrize(
    ("code", "arrived"), [("raise SystemExit(4)", False), ("pass", True), ("raise SystemExit(1)", None)]
)
def test_whether_it_arrived(code: str, arrived: bool | None) -> None:
    connector, _ = build(run("pass", sent=run(code, absent_exit=[4])))
    assert connector.arrived(EVENT, WHO)[0] is arrived


@pytest.mark.parametrize("made", [{"argv": []}, {"argv": "ls -l"}, {"argv": ["x"], "shell": True}, {"argv": ["{{ x"]}])
def test_what_is_wrong_is_refused_when_loaded(made: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        build(made)
