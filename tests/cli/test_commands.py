"""The small commands: plan and consent, done, adapters, schema, help and version, and every way to misuse them."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from harness import __version__, adapter, marker
from harness.cli import main
from harness.commands.scaffold import scaffold
from tests.cli.command import call
from tests.cli.page import commands

GIVEN = "{directory: {group: [sales-all]}, crm: {license: [sales-pro], credential: [api-token]}}"


@pytest.fixture
def drill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    scaffold(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


def test_plan_counts_what_a_run_would_do(drill: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["fleet"], told["cases"], told["identities"]) == ("starter", 1, 3)
    assert told["events"] == {"hr-feed sync": 1, "hr-feed terminate": 1}
    assert told["deselected"] == []
    assert main(["plan"]) == 0
    out = capsys.readouterr().out
    assert f"digest: {told['digest']}" in out
    assert "--consent" not in out  # a sandbox needs none
    assert max(map(len, out.splitlines())) <= 80


def test_the_digest_of_plan_is_the_consent_of_run(drill: Path) -> None:
    fleet = drill / "fleet.yaml"
    text = fleet.read_text().replace("environment: sandbox  ", "environment: test  ")
    fleet.write_text(text.replace("  max_identities: 25\n", f"  max_identities: 25\n  may_grant: {GIVEN}\n"))
    (drill / "scenarios/absent.yaml").write_text(
        "title: T\nstory: S\nneeds: [mail.delegation]\nidentity: {type: employee}\naccess: {crm: [{license: x}]}\n"
        "leave: {via: hr-feed, event: terminate}\n"
    )
    planned = call(drill, "plan", "--json")
    assert (planned.code, planned.err) == (0, "")
    told = json.loads(planned.out)
    assert [case["id"] for case in told["deselected"]] == ["absent"]
    refused = call(drill, "run", "--collect-only", "-q")
    assert refused.code == 4
    assert "a run needs --consent DIGEST" in refused.err
    assert call(drill, "run", "--collect-only", "-q", f"--consent={told['digest']}").code == 0
    assert call(drill, "run", "--collect-only", "-q", "--consent=0123456789abcdef").code == 4
    shown = call(drill, "plan").out
    assert "not run on this fleet: absent (" in shown
    assert f"exitproof run … --consent {told['digest']}" in shown


def test_plan_of_nothing_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "scenarios").mkdir()
    ended = call(tmp_path, "plan")
    assert (ended.code, ended.err) == (4, "scenarios:1:1: there is no scenario\n")


def test_done_answers_the_case_that_waits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = ["--folder", str(tmp_path)]
    marker.ask(tmp_path, "run-1", "a/b[c]", "event-1", "terminate", "collect the badge")
    assert main(["done", "run-1", "a/b", *folder]) == 4
    assert "waiting: a/b[c]" in capsys.readouterr().err
    assert main(["done", "run-1", "a/b[c]", *folder]) == 0
    assert capsys.readouterr().out == "done: collect the badge\n"
    assert marker.answered(tmp_path, "run-1", "a/b[c]", "event-1") == ""
    assert main(["done", "run-1", "a/b[c]", *folder, "--failed", "nobody there"]) == 0
    assert marker.answered(tmp_path, "run-1", "a/b[c]", "event-1") == "nobody there"


def test_every_registered_type_is_listed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["adapters", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {(e["side"], e["type"]) for e in told} == {
        *(("system", name) for name in adapter.systems()),
        *(("connector", name) for name in adapter.connectors()),
    }
    known = {(e["side"], e["type"]): e for e in told}
    assert set(known["system", "http"]["capabilities"]) == {"provisions", "exercises", "audits", "checks"}
    assert known["system", "http"]["offers"] is None  # its fleet entry says
    assert known["system", "scim"]["offers"] == ["group", "license", "role"]
    assert "exercises" not in known["system", "scim"]["capabilities"]
    assert "deactivate" in known["connector", "scim"]["offers"]
    assert main(["adapters"]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    assert all(e["docs"] in out for e in told)


@pytest.mark.parametrize("document", ["scenario", "fleet", "results"])
def test_schemas(document: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", document]) == 0
    schema = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["title"] == f"exitproof {document}"


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"exitproof {__version__}\n"
    assert main([]) == 0
    bare = capsys.readouterr().out
    assert main(["--help"]) == 0
    assert capsys.readouterr().out == bare
    assert all(f"  {name} " in bare for name in commands())


def test_commands_are_the_ones_that_exist() -> None:
    first = ["run", "demo", "sandbox", "init", "check", "plan", "adapters", "schema"]
    assert list(commands()) == [
        *first,
        "fleet",
        "done",
        "status",
        "resume",
        "cleanup",
        "selftest",
        "examine",
        "explore",
        "diff",
        "history",
        "keygen",
        "verify",
        "report",
    ]


@pytest.mark.parametrize(
    "arguments",
    [["nope"], ["--nope"], ["schema"], ["schema", "nope"], ["plan", "--nope"], ["done", "x"], ["plan", "--fleet"]],
)
def test_misuse_is_exit_4(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 4
    caught = capsys.readouterr()
    assert caught.out == ""
    assert "Error: " in caught.err
    assert "Traceback" not in caught.err
