"""`exitproof run` is `pytest`: the same results, flags, messages and exit codes, with workers and without."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.commands.scaffold import scaffold
from tests.cli.command import EXITPROOF, PYTEST, call, end, essence, results, start

SECOND = """\
title: Directory only
story: Somebody with one group in the directory leaves.
identity: {type: employee}
access: {directory: [{group: sales-all}]}
leave: {via: hr-feed, event: terminate}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    scaffold(tmp_path)
    (tmp_path / "scenarios/second.yaml").write_text(SECOND)
    return tmp_path


def test_pytest_and_the_command_find_the_same(folder: Path) -> None:
    faulty = "--defect=api-token-skips-active"
    ways = {
        "pytest": (PYTEST, ["scenarios", faulty, "-q", "--out=pytest"]),
        "run": (EXITPROOF, ["run", faulty, "-q", "--out=run"]),
        "workers": (EXITPROOF, ["run", "-n", "2", "-q", faulty, "--out=workers"]),
    }
    started = {name: start(folder, *words, command=command) for name, (command, words) in ways.items()}
    ended = {name: end(process).fine() for name, process in started.items()}
    assert {name: each.code for name, each in ended.items()} == dict.fromkeys(ways, 1), ended
    found = {name: essence(results(folder / name)) for name in ways}
    assert found["run"] == found["pytest"]
    assert found["workers"] == found["pytest"]
    verdict, claimed, findings = found["run"]["cases"]["first-leaver"]
    assert (verdict, claimed) == ("fail", "success")
    # crm hides the token from its admins and goes on accepting it
    assert ("crm", "credential", "api-token", "leaver", "residual", "fail") in findings
    assert ("crm", "credential", "api-token", "admin", "revoked", "pass") in findings
    assert found["run"]["cases"]["second"][0] == "pass"
    for each in ended.values():
        assert "1 grant still works after offboarding: crm 1 (credential)." in each.out
        assert "first-leaver: fail" in each.out


@pytest.mark.parametrize(
    ("flags", "collected"),
    [
        ([], ["first-leaver", "second"]),
        (["-k", "second"], ["second"]),
        (["-k", "second", "--junitxml", "out.xml"], ["second"]),  # out.xml is there: no path to run
        (["-m", "starter"], ["first-leaver"]),
        (["scenarios/second.yaml"], ["second"]),
        (["scenarios/second.yaml::second"], ["second"]),
        (["--fleet", "sandbox", "--", "-k", "first"], ["first-leaver"]),
        (["--deselect", "scenarios/second.yaml"], ["first-leaver"]),
    ],
)
def test_flags_are_pytests_own(folder: Path, flags: list[str], collected: list[str]) -> None:
    (folder / "out.xml").touch()
    ended = call(folder, "run", "--collect-only", "-q", *flags)
    assert ended.code == 0, ended
    assert [line.rpartition("::")[2] for line in ended.lines if "::" in line] == collected


def test_nothing_selected_is_exit_5(folder: Path) -> None:
    assert call(folder, "run", "--collect-only", "-q", "-k", "nobody").code == 5


@pytest.mark.parametrize("workers", [[], ["-n", "2"]])
@pytest.mark.parametrize("command", [(*EXITPROOF, "run"), PYTEST])
def test_a_typo_is_one_line_and_exit_4(folder: Path, command: tuple[str, ...], workers: list[str]) -> None:
    (folder / "scenarios/second.yaml").write_text(SECOND.replace("story:", "storey:"))
    text = (folder / "scenarios/first-leaver.yaml").read_text().replace("{license: sales-pro}", "{licence: sales-pro}")
    (folder / "scenarios/first-leaver.yaml").write_text(text)
    ended = call(folder, "scenarios", *workers, command=command)
    assert ended.code == 4
    told = [line.removeprefix("ERROR: ") for line in ended.err.splitlines() if line]
    assert [line.split(": ")[0] for line in told] == [
        "scenarios/first-leaver.yaml:9:16",
        "scenarios/second.yaml:2:1",
    ], ended.err
    assert "'licence'" in told[0]
    assert "license" in told[0].split("allowed: ")[1]
    assert "storey" in told[1]
    assert not (folder / "reports").exists()


def test_no_folder_says_how_to_begin(tmp_path: Path) -> None:
    ended = call(tmp_path, "run", "-q")
    assert ended.code == 4
    assert "there is no folder `scenarios` here" in ended.err
    assert "exitproof init" in ended.err


@pytest.mark.parametrize("flag", ["--nonsense", "--concurrency=many", "--defect=nope", "--fleet=nowhere.yaml"])
def test_a_bad_flag_is_exit_4(folder: Path, flag: str) -> None:
    ended = call(folder, "run", flag)
    assert (ended.code, ended.out) == (4, "")
    assert flag.partition("=")[2] or flag in ended.err


def test_a_running_sandbox_is_used_and_a_half_given_one_is_named(folder: Path) -> None:
    ended = call(folder, "run", env={"EXITPROOF_SANDBOX_CRM_READ": "only-this-one"})
    assert ended.code == 4
    told = [line for line in ended.err.splitlines() if line]
    assert len(told) == 8  # nine are named, one was given
    assert all("environment variable is not set" in line for line in told)
    assert "only-this-one" not in ended.out + ended.err


EXCEPTION = """\
exceptions:
  - {{fingerprint: {print}, scenario: first-leaver, until: 2999-12-31,
     reason: a job still runs with it, owner: crm@example.test, ticket: SEC-7, approved-by: ciso@example.test}}
"""
IDLE = """\
  - {system: crm, kind: credential, name: nobody-*, until: 2999-12-31,
     reason: r, owner: o, ticket: T, approved-by: a}
"""


def test_exceptions_beside_the_fleet_keep_what_they_name_and_are_missed_when_idle(folder: Path) -> None:
    faulty = "--defect=api-token-skips-active"
    before = call(folder, "plan", "--json")
    assert call(folder, "run", "-q", faulty, "--out=bare").code == 1
    cases = {case["id"]: case for case in results(folder / "bare")["cases"]}
    (open_,) = [found for found in cases["first-leaver"]["findings"] if found["verdict"] == "fail"]
    (folder / "exceptions.yaml").write_text(EXCEPTION.format(print=open_["fingerprint"]))
    assert call(folder, "plan", "--json").out != before.out  # consent is to another digest
    kept = call(folder, "run", "-q", faulty, "--out=kept")
    assert kept.code == 0, kept
    told = results(folder / "kept")
    assert [one["state"] for one in told["exceptions"]] == ["matched"]
    assert "exceptions.yaml" in {Path(one["path"]).name for one in told["run"]["inputs"]}
    (found,) = [f for case in told["cases"] for f in case["findings"] if f["fingerprint"] == open_["fingerprint"]]
    assert (found["outcome"], found["beneath"], found["keep"]["ticket"]) == ("kept", "residual", "SEC-7")
    assert "kept by exception, residual beneath" in (folder / "kept/junit.xml").read_text()
    assert call(folder, "report", "--from", "kept", "--out", "again").code == 0
    assert "now excepted: crm credential api-token" in call(folder, "diff", "bare", "kept").out

    with (folder / "exceptions.yaml").open("a") as file:
        file.write(IDLE)
    idle = call(folder, "run", "-q", "-n", "2", faulty, "--out=idle")
    assert idle.code == 6, idle
    assert "the exception crm/credential/nobody-* (exceptions.yaml:4) matched nothing" in idle.out
    assert [one["state"] for one in results(folder / "idle")["exceptions"]] == ["matched", "idle"]
    narrowed = call(folder, "run", "-q", "-k", "second", "--out=narrow")  # holds no credential: nothing to ask
    assert narrowed.code == 0, narrowed
    assert {one["state"] for one in results(folder / "narrow")["exceptions"]} == {"not asked"}


def test_an_expired_exception_is_exit_4(folder: Path) -> None:
    (folder / "other.yaml").write_text(EXCEPTION.format(print="f" * 16).replace("2999", "1999"))
    for command in ("run", "plan", "check"):
        ended = call(folder, command, "--exceptions", "other.yaml")
        assert (ended.code, ended.out) == (4, "")
        assert "other.yaml:2:68: this exception has expired: '1999-12-31'" in ended.err
