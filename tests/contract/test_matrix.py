"""The system `matrix` in the shipped contract suite, in front of a real Synapse."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from fixtures.fleet.synapse import NotInstalled, Synapse, running
from harness.config import Ref
from harness.model import Account, Entitlement, Kind, Made, ObjectSpec
from harness.ports import System, Tools
from harness.systems.matrix import MatrixConfig, build
from harness.testing.contract import Contract, World
from harness.testing.faults import Shape
from harness.testing.scene import provisions
from harness.wire.synapse import at
from tests.real.conftest import cannot

pytestmark = pytest.mark.real

LISTS = ("media", "users", "devices", "pushers", "joined_rooms", "members", "state")
IDS = ("media_id", "name", "device_id", "app_id", "type")
ROOMS = (Kind.GROUP, Kind.ROLE, Kind.OWNERSHIP)
_RUN = count(1)


def _of(kind: Kind, name: str, **more: str) -> Entitlement:
    return Entitlement("chat", kind, name, **more)  # type: ignore[arg-type]


class Homeserver(World):
    shape = Shape(items=LISTS, id=IDS, total="total", state="deactivated", filters=("name", "locked"))
    outlives = frozenset({Kind.GROUP, Kind.ROLE, Kind.CONSENT, Kind.OWNERSHIP, Kind.SHARE})  # groups for a moment
    entitlements = (
        _of(Kind.GROUP, "drill-sales"),
        _of(Kind.ROLE, "server-admin"),
        _of(Kind.ROLE, "drill-sales", on="drill-sales", right="50"),
        _of(Kind.SESSION, "laptop"),
        _of(Kind.CREDENTIAL, "login-as"),
        _of(Kind.CONSENT, "oidc-acme"),
        _of(Kind.FORWARDING, "drill-push", to="http://127.0.0.1:9/_matrix/push/v1/notify"),
        _of(Kind.OWNERSHIP, "drill-sales", on="drill-sales"),
        *(_of(Kind.SHARE, f"plan-{n}.txt") for n in range(3)),  # fills two pages
    )

    def __init__(self, server: Synapse) -> None:
        self.upstream = server.url
        self.secrets = (server.reader, server.writer)
        self.tag = f"-{next(_RUN)}"  # Synapse never forgets a user

    def build(self, url: str, tools: Tools, timeout_s: float) -> System:
        reader, writer = ({"auth": {"bearer": Ref(secret, "${env:TOKEN}")}} for secret in self.secrets)
        given: dict[str, Any] = {"type": "matrix", "url": url, "owner": "chat", "reader": reader, "writer": writer}
        given |= {"server_name": "chat.example.test", "create_missing": True, "page_size": 2}
        config = MatrixConfig.model_validate(given)
        return build("chat", config, tools, timeout_s=timeout_s, patience_s=0.2, attempts=2)

    def made(self, system: System, entitlement: Entitlement) -> Made | None:
        if entitlement.kind not in ROOMS:
            return None
        spec = ObjectSpec(entitlement.name, "chat", entitlement.kind)
        return provisions(system).find_object(spec, None) or provisions(system).create_object(spec, None)

    def record_path(self, account: Account) -> str:
        return f"/_synapse/admin/v2/users/{at(account.id)}"

    def paged(self, path: str) -> bool:
        return not path.endswith("/state")  # once for each type of state


@pytest.fixture(scope="module")
def server() -> Iterator[Synapse]:
    try:
        with running() as made:
            yield made
    except NotInstalled as why:
        cannot(str(why))


class TestMatrix(Contract):
    @pytest.fixture
    def world(self, server: Synapse) -> World:
        return Homeserver(server)
