"""`exitproof check`: all that is wrong with the files at once; then who can be read and reached, one line each."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.commands.check import Answer, check, unreachable
from harness.commands.scaffold import scaffold
from harness.session.sandbox import SandboxProcess
from tests.cli.command import call

MANUAL = """
  person:
    type: manual
    owner: desk@example.test
    events: {terminate: {instruction: "close {{ identity.username }}"}}
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[dict[str, str]]:
    with SandboxProcess() as started:
        yield started.env


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    scaffold(tmp_path)
    return tmp_path / "fleet.yaml"


def asked(fleet: Path, env: dict[str, str]) -> dict[str, Answer]:
    return {answer.name: answer for answer in check(str(fleet), env)}


def test_the_starter_is_fine(fleet: Path) -> None:
    ended = call(fleet.parent, "check")
    assert (ended.code, ended.err) == (0, "")
    words = [line.partition(": ")[0] for line in ended.lines]
    assert words == ["ok scenarios", "ok directory", "ok crm", "ok hr-feed"]


def test_everything_that_is_wrong_at_once(fleet: Path) -> None:
    fleet.write_text(fleet.read_text().replace("environment: sandbox  ", "environment: sandbux  "))
    story = fleet.parent / "scenarios/first-leaver.yaml"
    story.write_text(story.read_text().replace("story:", "storey:"))
    ended = call(fleet.parent, "check", "scenarios", "nowhere", env={"EXITPROOF_SANDBOX_CRM_URL": "http://127.0.0.1:9"})
    assert (ended.code, ended.out) == (4, "")
    told = [line for line in ended.err.splitlines() if line]
    assert any("'sandbux'" in line and "allowed: sandbox, test, production" in line for line in told)
    assert any("environment variable is not set: 'EXITPROOF_SANDBOX_CRM_READ'" in line for line in told)
    assert any(line.startswith("nowhere:1:1: no such file or folder") for line in told)
    assert all(":" in line for line in told)


def test_scenarios_are_linted_without_a_fleet_that_loads(fleet: Path) -> None:
    fleet.write_text(fleet.read_text().replace("environment: sandbox  ", "environment: sandbux  "))
    story = fleet.parent / "scenarios/first-leaver.yaml"
    story.write_text(story.read_text().replace("story:", "storey:"))
    ended = call(fleet.parent, "check")
    assert ended.code == 4
    assert [line.split(":")[0] for line in ended.err.splitlines() if line] == [
        "fleet.yaml",
        "scenarios/first-leaver.yaml",
    ]


def test_a_refused_reader_and_a_host_that_is_not_there(fleet: Path, sandbox: dict[str, str]) -> None:
    wrong = {**sandbox, "EXITPROOF_SANDBOX_CRM_READ": "not-the-token", "EXITPROOF_SANDBOX_HR_URL": closed()}
    ended = call(fleet.parent, "check", env=wrong)
    assert ended.code == 6
    told = dict(line.split(": ", 1) for line in ended.lines)
    assert "ok directory" in told
    assert "401" in told["FAILED crm"]
    assert "connection refused" in told["FAILED hr-feed"]
    assert "not-the-token" not in ended.out + ended.err


def test_a_directory_that_refuses_is_not_ok(fleet: Path, sandbox: dict[str, str]) -> None:
    answers = asked(fleet, {**sandbox, "EXITPROOF_SANDBOX_DIRECTORY_READ": "not-the-token"})
    assert answers["directory"].ok is False
    assert "401" in answers["directory"].told
    assert answers["crm"].ok is True


def test_a_find_that_ignores_its_filter(fleet: Path, sandbox: dict[str, str]) -> None:
    text = fleet.read_text()
    first, rest = text.split("      find: ", 1)
    rest = rest.replace('        match: {login: "{{ identity.username }}"}\n', "", 1)
    rest = rest.replace('params: {login: "{{ identity.username }}"}', "params: {}", 1)
    fleet.write_text(f"{first}      find: {rest}")
    answer = asked(fleet, sandbox)["crm"]
    assert answer.ok is False
    assert "ignores" in answer.told


def test_a_person_cannot_be_asked(fleet: Path, sandbox: dict[str, str]) -> None:
    fleet.write_text(fleet.read_text().replace("\nsystems:", f"{MANUAL}\nsystems:"))
    assert str(asked(fleet, sandbox)["person"]) == "not asked person: manual has no address"
    assert call(fleet.parent, "check", env=sandbox).code == 0


def test_a_control_account_that_is_not_there(fleet: Path, sandbox: dict[str, str]) -> None:
    text = fleet.read_text().replace("    kinds:\n", "    control: {username: nobody-of-this-name}\n    kinds:\n", 1)
    fleet.write_text(text)
    answer = asked(fleet, sandbox)["crm"]
    assert answer.ok is False
    assert "the control account could not be found: 0 accounts" in answer.told


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://[::1", "not an address"),
        ("ftp-without-a-port", "without a host or a port"),
        ("http://no-such-host.invalid", "name is not known"),
        ("http://127.0.0.1:99999", "not an address"),
    ],
)
def test_addresses(address: str, why: str) -> None:
    assert why in unreachable(address)


def test_an_address_that_answers(sandbox: dict[str, str]) -> None:
    assert unreachable(sandbox["EXITPROOF_SANDBOX_HR_URL"]) == ""
    assert unreachable(closed()) == "connection refused"


def closed() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return f"http://127.0.0.1:{port}"


def test_nothing_is_left_behind(fleet: Path, sandbox: dict[str, str]) -> None:
    before = sorted(fleet.parent.rglob("*"))
    asked(fleet, sandbox)
    assert sorted(fleet.parent.rglob("*")) == before
