"""The system `vault` in the shipped contract suite, in front of the real OpenBao."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from fixtures.fleet.vault import NotInstalled, Prepared, running
from harness.config import Ref
from harness.model import Account, Entitlement, Grant, Kind, ListState, Made, ObjectSpec, Presence
from harness.ports import System, Tools
from harness.systems.vault import VaultConfig, build
from harness.testing.contract import Contract, Stage, World
from harness.testing.faults import Fault, Given, Shape, Trouble
from harness.testing.scene import listing, provisions, stands, unknowns
from tests.real.conftest import cannot

pytestmark = pytest.mark.real

_WHOLE = "this server answers every list whole, without pages and without a total"
_PAGED = ("empty-page", "short-page", "looping-page", "total-too-high", "total-too-low")


def entitled(kind: Kind, name: str) -> Entitlement:
    return Entitlement("bao", kind, name)


class OpenBaoWorld(World):
    shape = Shape(items="data.keys", state="data.disabled")
    entitlements = (
        entitled(Kind.GROUP, "drill-engineers"),
        entitled(Kind.GROUP, "contract-group"),
        entitled(Kind.ROLE, "drill-auditor"),
        *(entitled(Kind.SESSION, name) for name in ("login", "child", "orphan")),
        entitled(Kind.CREDENTIAL, "drill-app"),
        entitled(Kind.CREDENTIAL, "drill-idle"),
    )
    cannot = dict.fromkeys(_PAGED, _WHOLE) | {
        "filter-ignored": "no look asks with a filter: whole lists are read, or one record by its id or name"
    }

    def __init__(self, server: Prepared) -> None:
        self.upstream = server.bao.url
        self.server = server
        self.secrets = (server.reader, server.bao.token)

    def build(self, url: str, tools: Tools, timeout_s: float) -> System:
        return build("bao", config(url, self.server), tools, timeout_s=timeout_s, patience_s=0.2, attempts=2)

    def record_path(self, account: Account) -> str:
        return f"{urlsplit(self.upstream).path}/identity/entity/id/{account.id}"

    def made(self, system: System, entitlement: Entitlement) -> Made | None:
        """The group of this entitlement, made where it is missing."""
        if entitlement.kind is not Kind.GROUP:
            return None
        spec = ObjectSpec(entitlement.name, "bao", Kind.GROUP)
        return provisions(system).find_object(spec, None) or provisions(system).create_object(spec, None)


def config(url: str, server: Prepared, **more: Any) -> VaultConfig:
    reader, writer = (
        {"auth": {"header": {"X-Vault-Token": Ref(token, "${env:TOKEN}")}}}
        for token in (server.reader, server.bao.token)
    )
    given = {
        "type": "vault",
        "owner": "platform",
        "url": url,
        "reader": reader,
        "writer": writer,
        "create_missing": True,
        "mounts": ["userpass", "approle"],
    }
    return VaultConfig.model_validate({**given, "policies": ["drill-maker"], **more})


@pytest.fixture(scope="module")
def server() -> Iterator[Prepared]:
    with ExitStack() as stack:
        try:
            found = stack.enter_context(running())
        except NotInstalled as why:
            cannot(str(why))
        yield found


def empty(server: Prepared) -> None:
    """As it was when it was prepared."""
    with requests.Session() as http:
        http.headers["X-Vault-Token"] = server.bao.token
        url, own = server.bao.url, set()
        for token in (server.bao.token, server.reader):
            mine = http.get(f"{url}/auth/token/lookup-self", headers={"X-Vault-Token": token}, timeout=10)
            own.add(mine.json()["data"]["accessor"])
        for accessor in set(keys(http, f"{url}/auth/token/accessors")) - own:
            http.post(f"{url}/auth/token/revoke-accessor", json={"accessor": accessor}, timeout=10)
        for path in ("auth/userpass/users", "identity/entity/id"):
            for key in keys(http, f"{url}/{path}"):
                http.delete(f"{url}/{path}/{key}", timeout=10).raise_for_status()
        for role in ("drill-app", "drill-idle"):
            base = f"{url}/auth/approle/role/{role}"
            for accessor in keys(http, f"{base}/secret-id"):
                http.post(f"{base}/secret-id-accessor/destroy", json={"secret_id_accessor": accessor}, timeout=10)
        http.delete(f"{url}/identity/group/name/contract-group", timeout=10).raise_for_status()


def keys(http: requests.Session, url: str) -> list[str]:
    answer = http.get(url, params={"list": "true"}, timeout=10)
    found: list[str] = answer.json()["data"]["keys"] if answer.ok else []
    return found


class TestVault(Contract):
    reading_methods = frozenset({"GET", "POST"})  # a look-up by accessor is a POST

    @pytest.fixture
    def world(self, server: Prepared) -> Iterator[World]:
        yield OpenBaoWorld(server)
        empty(server)  # the tokens of one test would be looked up by all that follow

    def test_a_look_posts_nothing_but_look_ups(self, stage: Stage) -> None:
        stage.proxy.take_log()
        stage.look()
        stage.find()
        posted = {asked.path.rpartition("/v1")[2] for asked in stage.proxy.take_log() if asked.method == "POST"}
        assert posted == {
            "/auth/token/lookup-accessor",
            "/auth/approle/role/drill-app/secret-id-accessor/lookup",
            "/auth/approle/role/drill-idle/secret-id-accessor/lookup",
        }

    def test_an_accessor_that_ends_between_two_requests_is_no_failure(self, stage: Stage) -> None:
        """The list still shows it, its look-up says that it is dead: nothing remains, and nothing is unknown."""
        login, child, orphan = (g for g in stage.leaver.grants if g.entitlement.kind is Kind.SESSION)
        with stage.trouble(Fault("ends", "any", _nothing, lambda *_: _end(stage, orphan)), _LOOK_UP):
            look = stage.look()
        assert not unknowns(look)
        assert [stands(look, grant) for grant in (login, child, orphan)] == [
            Presence.PRESENT,
            Presence.PRESENT,
            Presence.ABSENT,
        ]

    @pytest.mark.parametrize(("status", "words"), [(400, "missing accessor"), (500, "invalid accessor")])
    def test_a_look_up_that_fails_otherwise_is_unknown(self, stage: Stage, status: int, words: str) -> None:
        def spoil(given: Given, trouble: Trouble) -> None:
            given.status = status
            given.set_json({"errors": [words]})

        with stage.trouble(Fault("fails", "any", spoil), _LOOK_UP):
            found = listing(stage.look(), Kind.SESSION)
        assert found is not None
        assert found.state is ListState.UNKNOWN
        assert str(status) in found.reason

    def test_a_list_of_accessors_without_the_readers_own_is_not_whole(self, stage: Stage) -> None:
        own = requests.get(
            f"{stage.world.upstream}/auth/token/lookup-self",
            headers={"X-Vault-Token": stage.world.secrets[0]},
            timeout=10,
        ).json()["data"]["accessor"]

        def spoil(given: Given, trouble: Trouble) -> None:
            body = given.json()
            body["data"]["keys"].remove(own)
            given.set_json(body)

        with stage.trouble(Fault("filtered", "any", spoil), f"{_V1}/auth/token/accessors"):
            found = listing(stage.look(), Kind.SESSION)
        assert found is not None
        assert found.state is ListState.UNKNOWN
        assert "not whole" in found.reason


_V1 = "/v1"
_LOOK_UP = f"{_V1}/auth/token/lookup-accessor"


def _nothing(given: Given, trouble: Trouble) -> None:
    pass


def _end(stage: Stage, grant: Grant) -> None:
    """Somebody else ends this token just now. May be called again."""
    admin = stage.world.secrets[1]
    url = f"{stage.world.upstream}/auth/token/revoke-accessor"
    requests.post(url, json={"accessor": grant.id}, headers={"X-Vault-Token": admin}, timeout=10).raise_for_status()
