"""The system `aws-identity-center` in the shipped contract suite, before a moto server, every answer gone wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from fixtures.fleet.moto import NotInstalled, running
from harness.model import Entitlement, Kind, ListState
from harness.ports import System, Tools
from harness.systems.aws_identity_center import AwsIdentityCenterConfig, build, scopes
from harness.testing.spoken import SpokenScene
from tests.contract.aws_faults import ANSWERS, IN_LISTS, error
from tests.contract.aws_front import AwsFront, Fault
from tests.contract.aws_world import AwsContract, AwsWorld, Emulated
from tests.real.conftest import cannot

pytestmark = pytest.mark.real


class Center(AwsWorld):
    prefixes = ("identitystore:", "sso:")
    finding = frozenset({"identitystore:GetUserId"})
    entitlements = (
        *(Entitlement("center", Kind.GROUP, f"drill-group-{n}") for n in range(2)),
        Entitlement("center", Kind.ROLE, "drill-read@123456789012"),
        Entitlement("center", Kind.ROLE, "drill-deploy@123456789012"),
    )
    # Evidence names the API, the reader's policy the service as IAM calls it.
    reading = frozenset(
        scope.replace("sso:", "sso-admin:") for scope in scopes(AwsIdentityCenterConfig.model_construct())
    )

    def build(self, host: str, port: int, tools: Tools, timeout_s: float, *, wrong: bool = False) -> System:
        config = AwsIdentityCenterConfig.model_validate(
            {
                "type": "aws-identity-center",
                "url": f"http://{host}:{port}",
                "instance": self.emulated.moto.env["MOTO_INSTANCE"],
                "identity_store": self.emulated.moto.env["MOTO_STORE"],
                "reader": self.emulated.auth(self.side, wrong=wrong),
                "writer": self.emulated.auth("ADMIN"),
                "status": False,
                "page_size": self.page_size,
            }
        )
        return build("center", config, tools, timeout_s=timeout_s, attempts=2 if timeout_s > 1 else 1)


@pytest.fixture(scope="module")
def emulated() -> Iterator[Emulated]:
    try:
        with running() as moto, AwsFront(moto.url) as front:
            yield Emulated(moto, front)
    except NotInstalled as why:
        cannot(str(why))


class TestAwsIdentityCenter(AwsContract):
    faults: Mapping[str, Fault] = {**ANSWERS, **IN_LISTS, "store-not-found": error("ResourceNotFoundException", 400)}

    @pytest.fixture
    def world(self, emulated: Emulated) -> Iterator[Center]:
        yield Center(emulated)
        emulated.front.clear()

    def test_a_reader_who_may_not_ask_by_name_finds_nothing_out(self, scene: SpokenScene) -> None:
        assert scene.find().accounts
        assert isinstance(scene.world, AwsWorld)
        with scene.world.emulated.lacking("identitystore:GetUserId"):
            found = scene.find()
        assert found.state is ListState.UNKNOWN
        assert "denied" in found.reason or "403" in found.reason
