"""`exitproof explore` as a person starts it: what it refuses, what it tries, what it tells programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.commands.scaffold import scaffold
from harness.session.sandbox import SandboxProcess
from tests.cli.command import call

GIVEN = "{directory: {group: [sales-all]}, crm: {license: [sales-pro], credential: [api-token]}}"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[dict[str, str]]:
    with SandboxProcess() as started:
        yield started.env


@pytest.fixture
def drill(tmp_path: Path) -> Path:
    """A fleet of environment `test`, as far as the command can tell."""
    scaffold(tmp_path)
    fleet = tmp_path / "fleet.yaml"
    text = fleet.read_text().replace("environment: sandbox  ", "environment: test  ")
    fleet.write_text(text.replace("  max_identities: 25\n", f"  max_identities: 25\n  may_grant: {GIVEN}\n"))
    return tmp_path


def test_outside_the_sandbox_it_needs_the_consent_of_its_plan(drill: Path, sandbox: dict[str, str]) -> None:
    refused = call(drill, "explore", "--examples=1", env=sandbox)
    assert (refused.code, refused.out) == (4, "")
    assert "outside the sandbox a run needs --consent DIGEST" in refused.err
    digest = json.loads(call(drill, "plan", "--json").out)["digest"]
    ended = call(drill, "explore", "--examples=2", "--seed=5", f"--consent={digest}", "--json", env=sandbox)
    told = json.loads(ended.out)
    assert (ended.code, ended.err) == (0, ""), told
    assert (told["fleet"], told["seed"], told["verdict"], told["leavers"]) == ("starter", 5, "pass", 2)
    assert told["found"] == told["not_set_up"] == told["kept"] == []
    assert not list(drill.glob("reports/*"))  # what was taken back leaves no folder
    assert not (drill / "scenarios/found").exists()


def test_what_is_refused(drill: Path, sandbox: dict[str, str]) -> None:
    def told(*arguments: str) -> str:
        ended = call(drill, "explore", *arguments, env=sandbox)
        assert (ended.code, ended.out) == (4, "")
        (line,) = ended.err.splitlines()
        return line

    fleet = drill / "fleet.yaml"
    digest = json.loads(call(drill, "plan", "--json").out)["digest"]
    assert "--budget:1:1: not a duration: 'soon' (allowed: 250ms, 5s" in told("--budget=soon", f"--consent={digest}")
    assert "--defect is for a sandbox that the run starts itself" in told("--defect=x", f"--consent={digest}")
    assert "no such file or folder" in told("nowhere")
    fleet.write_text(fleet.read_text().replace("environment: test  ", "environment: production  "))
    assert "made-up leavers are for a fleet of environment `sandbox` or `test`: 'production'" in told()


def test_on_the_sandbox_the_same_seed_is_the_same_trace(tmp_path: Path) -> None:
    """In virtual time; with nothing of its own the folder explores in the words of the bundled stories."""
    told = []
    for _ in range(2):
        ended = call(tmp_path, "explore", "--fleet=sandbox", "--examples=3", "--seed=7", "--json")
        assert (ended.code, ended.err) == (0, ""), ended.out
        told.append(json.loads(ended.out))
    assert [each.pop("seconds") > 0 for each in told] == [True, True]
    assert told[0] == told[1]
    assert (told[0]["leavers"], told[0]["verdict"], len(told[0]["trace"])) == (3, "pass", 16)
    assert not list(tmp_path.iterdir())


def test_an_unknown_defect_is_named_with_the_known_ones(tmp_path: Path) -> None:
    ended = call(tmp_path, "explore", "--fleet=sandbox", "--defect=nope", "--examples=1")
    assert ended.code == 4
    assert ended.err.startswith("--defect:1:1: unknown defect 'nope' (allowed: realistic, ")
