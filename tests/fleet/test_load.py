"""A fleet file becomes adapters: references resolved, secrets told to the vault, guard and limits handed on."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest

from harness import fleet
from harness.config import Ref
from harness.model import SECOND, BadInput, Kind, Secret
from harness.ports import Limits
from tests.fleet.adapters import REGISTRY, Idle
from tests.fleet.worlds import CONNECTORS, ENV, HEAD, STAGING, SYSTEMS, Bench, load, problems, write


def test_the_whole_file_becomes_a_fleet() -> None:
    bench = Bench()
    made = load(STAGING, bench=bench)
    assert (made.name, made.environment, made.source) == ("staging", "test", str(STAGING))
    assert list(made.systems) == ["directory", "mail", "crm"]
    assert list(made.connectors) == ["hr-feed"]
    assert made.systems["crm"].limits == Limits(10.0, 4)
    assert bench.given["crm"] == Limits(10.0, 4)
    assert bench.given["hr-feed"] == Limits()
    assert made.guard.max_identities == 25
    assert made.timing == {"settle": 10 * SECOND}
    assert len(made.sha256) == 64


def test_every_secret_is_told_to_the_vault_and_shows_itself_nowhere() -> None:
    bench = Bench()
    made = load(STAGING, bench=bench)
    assert bench.vault.learned == set(ENV.values())
    hook = made.connectors["hr-feed"]
    assert isinstance(hook, Idle)
    assert hook.config.sign.secret == Secret("s3cret-hr")
    assert "s3cret" not in repr(hook.config)
    assert "s3cret" not in repr(made)


def test_a_name_that_the_fleet_calls_differently_may_be_given_under_both_names() -> None:
    given = load(STAGING).guard.may_grant
    assert given is not None
    assert given["directory"]["group"] == ("finance-*", "00g1ab7")


@pytest.mark.parametrize(("rate", "a_second"), [("10/s", 10.0), ("600/m", 10.0), ("1800/h", 0.5), ("0.5/s", 0.5)])
def test_rates_become_requests_a_second(tmp_path: Path, rate: str, a_second: float) -> None:
    text = HEAD + CONNECTORS + SYSTEMS + f"    limits: {{rate: {rate}, concurrency: 2}}\n"
    assert load(write(tmp_path, text)).systems["crm"].limits == Limits(a_second, 2)


def test_the_shape_needs_no_secret_and_no_variable() -> None:
    shape = fleet.shape(STAGING, {}, registry=REGISTRY)
    assert shape.connectors["hr-feed"].events == {"join", "terminate", "delete", "sync"}
    mail = shape.systems["mail"]
    assert set(mail.kinds) == {Kind.MAILBOX, Kind.DELEGATION}
    assert mail.kinds[Kind.MAILBOX].creates_objects
    assert not mail.kinds[Kind.MAILBOX].grantable
    assert mail.kinds[Kind.DELEGATION].grantable
    assert mail.able == {"create", "login"}
    assert mail.not_listable == {Kind.SESSION: "no API"}
    assert shape.timing.settle == 10 * SECOND


def test_the_shape_of_a_file_whose_address_is_a_variable(tmp_path: Path) -> None:
    text = HEAD.replace("test\n", "sandbox\n", 1) + CONNECTORS + SYSTEMS.replace("http://127.0.0.1:2", '"${env:CRM}"')
    file = write(tmp_path, text.replace("small", '"${env:NAME}"'))
    assert set(fleet.shape(file, {}, registry=REGISTRY).systems) == {"crm"}
    assert load(file, {"CRM": "http://127.0.0.1:7", "NAME": "x"}).name == "x"
    assert problems(file, {"CRM": "https://crm.example.com", "NAME": "x"}) == [
        "fleet.yaml:9:10: environment is `sandbox`, but this may not be this machine: '${env:CRM}' "
        "(allowed: localhost, 127.0.0.0/8, ::1)"
    ]


def test_references_inside_longer_strings_and_from_files_and_keyrings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring = types.ModuleType("keyring")
    keyring.get_password = lambda service, user: f"ring-{service}-{user}"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    (tmp_path / "token").write_text("s3cret-file\n", encoding="utf-8")
    auth = 'header: {A: "SSWS ${env:T}", B: "${file:token}", C: "${keyring:svc/me}"}'
    bench = Bench()
    made = load(write(tmp_path, HEAD + CONNECTORS + SYSTEMS.replace("none: true", auth)), {"T": "s3cret-env"}, bench)
    system = made.systems["crm"].system
    assert isinstance(system, Idle)
    assert {key: value.reveal() for key, value in system.config.auth.header.items()} == {
        "A": "SSWS s3cret-env",
        "B": "s3cret-file",
        "C": "ring-svc-me",
    }
    assert {"s3cret-env", "SSWS s3cret-env", "s3cret-file", "ring-svc-me"} <= bench.vault.learned


def test_a_variable_in_free_data_is_text_that_does_not_show_itself(tmp_path: Path) -> None:
    text = HEAD + CONNECTORS.replace("{post: /x}", '{post: /x, headers: {X-Token: "${env:API_TOKEN}"}}') + SYSTEMS
    bench = Bench()
    made = load(write(tmp_path, text), {"API_TOKEN": "s3cret-t"}, bench)
    hook = made.connectors["hr"]
    assert isinstance(hook, Idle)
    token = hook.config.events["terminate"]["headers"]["X-Token"]
    assert isinstance(token, Ref)
    assert (str.__str__(token), repr(token)) == ("s3cret-t", "'${env:API_TOKEN}'")
    assert "s3cret-t" in bench.vault.learned  # its name says what it is


def test_a_sandbox_needs_no_guard_and_allows_everything(tmp_path: Path) -> None:
    text = "fleet: s\nenvironment: sandbox\n" + CONNECTORS + SYSTEMS
    guard = load(write(tmp_path, text)).guard
    assert guard.may_grant is None
    assert "{{ n }}" in guard.username


def test_outside_the_sandbox_nothing_may_be_given_unless_it_is_named(tmp_path: Path) -> None:
    text = HEAD.replace(", may_grant: {}", "") + CONNECTORS + SYSTEMS
    assert load(write(tmp_path, text)).guard.may_grant == {}


def test_denied_names_are_denied_under_both_names(tmp_path: Path) -> None:
    text = HEAD.replace("may_grant: {}", 'deny: ["crm/license/*admin*"]') + CONNECTORS + SYSTEMS
    file = write(tmp_path, text + "names: {crm/license/super-admin: L-1}\n")
    assert load(file).guard.deny == ("crm/license/*admin*", "crm/license/L-1")


def test_an_adapter_that_cannot_be_built_is_bad_input(tmp_path: Path) -> None:
    text = HEAD + CONNECTORS + SYSTEMS.replace("http://127.0.0.1:2", '"${env:CRM}"')
    assert problems(write(tmp_path, text), {"CRM": "http://127.0.0.1:2/unbuildable"}) == [
        "fleet.yaml:7:3: ${env:CRM} is of no use"
    ]


def test_a_missing_file_is_bad_input() -> None:
    with pytest.raises(BadInput, match=r"nowhere\.yaml:1:1: cannot be read"):
        fleet.shape("nowhere.yaml", {}, registry=REGISTRY)
