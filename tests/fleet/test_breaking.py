"""Readers that cannot read: secrets of the same shape, addresses where nobody listens, and what cannot be broken."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import responses

from harness.evidence.exchanges import Exchanges
from harness.evidence.vault import Vault
from harness.fleet.breaking import Broken, closed_port, refused, spoiled, wrong_credential
from harness.model import Found, Identity, ListState, Secret, Subject
from harness.ports import Limits, Person, Tools
from tests.wire.world import VirtualClock

FLEET = """\
fleet: small
environment: test
guard: {username: "zz-{{ n }}", domain: drill.example.test, max_identities: 9}
connectors: {hr: {type: manual, owner: hr@example.test, events: {terminate: {instruction: Do it.}}}}
systems:
  crm:
    type: http
    owner: crm@example.test
    url: "${env:CRM_URL}"
    auth: {READER}
    account:
      find: {get: FIND, params: {login: "{{ identity.username }}"}, items: users, id: id}
      read: {get: "/users/{{ account.id }}", value: active, present: [true], absent: [false]}
"""
ENV = {"CRM_URL": "http://crm.test:8080/api", "CRM_TOKEN": "Zx81-hidden_42"}
NOBODY = Identity("x", 1, Subject.LEAVER, "zz-1", "zz-1@x", Secret("pw"), "A", "B", "e")


def written(folder: Path, reader: str = 'bearer: "${env:CRM_TOKEN}"', find: str = "/users") -> Path:
    path = folder / "fleet.yaml"
    path.write_text(FLEET.replace("READER", reader).replace("FIND", find))
    return path


def tools(_name: str, limits: Limits) -> Tools:
    vault = Vault()
    return Tools(VirtualClock(), Exchanges(None, vault), vault, limits)


def found(broken: Broken) -> Found:
    system = broken["crm"]
    assert not isinstance(system, str), system
    return system.round().find(Person(NOBODY, "run-1", 1))


@pytest.mark.parametrize("secret", ["Zx81-hidden_42", "a", "7", "SSWS 00abc", "-----", "päss", "x" * 4000])
def test_a_wrong_secret_has_the_shape_of_the_right_one(secret: str) -> None:
    wrong = spoiled(secret)
    assert wrong != secret
    for was, now in zip(secret, wrong, strict=False):
        assert (was.isdigit(), was.isupper(), was.islower()) == (now.isdigit(), now.isupper(), now.islower())


@responses.activate
def test_the_wrong_credential_goes_to_the_right_place(tmp_path: Path) -> None:
    responses.get("http://crm.test:8080/api/users", status=401)
    told = found(wrong_credential(written(tmp_path), ENV, tools))
    assert told.state is ListState.UNKNOWN
    assert told.reason.endswith("the credential was refused (401)")
    sent = responses.calls[0].request.headers["Authorization"]
    assert sent.startswith("Bearer ")
    assert ENV["CRM_TOKEN"] not in sent
    assert len(sent) == len("Bearer ") + len(ENV["CRM_TOKEN"])


@pytest.mark.parametrize("find", ["/users", "https://search.crm.test/users"])
def test_every_address_is_one_where_nobody_listens(tmp_path: Path, find: str) -> None:
    with closed_port() as port:
        told = found(refused(written(tmp_path, find=find), ENV, tools, port))
    assert told.state is ListState.UNKNOWN
    assert "connection was refused" in told.reason or "no TLS" in told.reason


def test_a_closed_port_refuses_as_long_as_it_is_held() -> None:
    with closed_port() as port, pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=2)


def test_what_has_no_secret_cannot_have_a_wrong_one(tmp_path: Path) -> None:
    assert wrong_credential(written(tmp_path, "none: true"), ENV, tools) == {
        "crm": "its reader has no secret that could be a wrong one"
    }
