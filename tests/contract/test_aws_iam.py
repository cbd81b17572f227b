"""The system `aws-iam` in the shipped contract suite, before a moto server, and with every answer gone wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from fixtures.fleet.moto import NotInstalled, running
from harness.model import Entitlement, Kind, ListState
from harness.ports import System, Tools
from harness.systems.aws_iam import AwsIamConfig, build, scopes
from harness.testing.scene import listing
from harness.testing.spoken import SpokenScene
from tests.contract.aws_faults import ANSWERS, IN_LISTS, MARKED, error
from tests.contract.aws_front import AwsFront, Fault
from tests.contract.aws_world import AwsContract, AwsWorld, Emulated
from tests.real.conftest import cannot

pytestmark = pytest.mark.real


class Iam(AwsWorld):
    prefixes = ("iam:",)
    fronted = frozenset({"iam:ListServiceSpecificCredentials"})
    finding = frozenset({"iam:ListSigningCertificates"})  # nobody here has one: see the test of its own below
    entitlements = (
        Entitlement("iam", Kind.GROUP, "drill-group"),
        Entitlement("iam", Kind.ROLE, "drill-read"),
        Entitlement("iam", Kind.ROLE, "inline/drill-own"),
        Entitlement("iam", Kind.CREDENTIAL, "access-key"),
        Entitlement("iam", Kind.CREDENTIAL, "ssh-public-key"),
        Entitlement("iam", Kind.CREDENTIAL, "service-specific:codecommit.amazonaws.com"),
        Entitlement("iam", Kind.CREDENTIAL, "console-password"),
        Entitlement("iam", Kind.DEVICE, "phone"),
    )
    reading = frozenset(scopes(AwsIamConfig.model_construct()))

    def build(self, host: str, port: int, tools: Tools, timeout_s: float, *, wrong: bool = False) -> System:
        config = AwsIamConfig.model_validate(
            {
                "type": "aws-iam",
                "url": f"http://{host}:{port}",
                "reader": self.emulated.auth(self.side, wrong=wrong),
                "writer": self.emulated.auth("ADMIN"),
                "console_password": False,
                "page_size": self.page_size,
            }
        )
        return build("iam", config, tools, timeout_s=timeout_s, attempts=2 if timeout_s > 1 else 1)


@pytest.fixture(scope="module")
def emulated() -> Iterator[Emulated]:
    try:
        with running() as moto, AwsFront(moto.url) as front:
            yield Emulated(moto, front)
    except NotInstalled as why:
        cannot(str(why))


class TestAwsIam(AwsContract):
    faults: Mapping[str, Fault] = {**ANSWERS, **IN_LISTS, **MARKED, "not-found": error("NoSuchEntity", 404)}
    declared = frozenset({("not-found", "GetLoginProfile")})

    @pytest.fixture
    def world(self, emulated: Emulated) -> Iterator[Iam]:
        yield Iam(emulated)
        emulated.front.clear()

    def test_a_sort_that_may_not_be_listed_hides_nothing_and_ends_nothing(self, scene: SpokenScene) -> None:
        assert isinstance(scene.world, AwsWorld)
        with scene.world.emulated.lacking("iam:ListSigningCertificates"):
            look = scene.look()
        held = listing(look, Kind.CREDENTIAL)
        assert held is not None
        assert held.state is ListState.UNKNOWN
        assert "denied" in held.reason
        assert len(held.rows) == 4  # what the other sorts told
