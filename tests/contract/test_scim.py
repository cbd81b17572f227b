"""The system `scim` in the shipped contract suite, in front of the real scim2-server."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from urllib.parse import urlsplit

import pytest

from harness.model import Account, Entitlement, Kind
from harness.ports import System, Tools
from harness.systems.scim import ScimConfig, build
from harness.testing.contract import Contract, World
from harness.testing.faults import Shape
from tests.scim_server import TOKEN, auth, serving

pytestmark = pytest.mark.real


class Scim2Server(World):
    shape = Shape(items="Resources", total="totalResults", state="active", filters=("filter",))
    secrets = (TOKEN,)
    entitlements = (
        *(Entitlement("directory", Kind.GROUP, f"group-{n}") for n in range(3)),
        Entitlement("directory", Kind.ROLE, "approver"),
        Entitlement("directory", Kind.LICENSE, "pro"),
    )

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream

    def build(self, url: str, tools: Tools, timeout_s: float) -> System:
        given = {"type": "scim", "url": url, "owner": "iam", "auth": auth(), "create_missing": True, "page_size": 2}
        config = ScimConfig.model_validate(given)
        return build("directory", config, tools, timeout_s=timeout_s, patience_s=0.2, attempts=2)

    def record_path(self, account: Account) -> str:
        return f"{urlsplit(self.upstream).path}/Users/{account.id}"


_TENANT = count(1)


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    with serving("--dynamic-tenants") as server:
        yield server.url.removesuffix("/v2")


class TestScim(Contract):
    @pytest.fixture
    def world(self, host: str) -> World:
        return Scim2Server(f"{host}/tenant{next(_TENANT)}/v2")  # each test in an empty one
