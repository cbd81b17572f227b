"""What both systems of AWS are tested in: moto behind a front in AWS's form, and a reader who loses rights."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import boto3

from fixtures.fleet.moto import Moto
from fixtures.fleet.moto.prepare import READER
from harness.config import Ref
from harness.model import Account, Entitlement, ListState, Made, ObjectSpec, Presence
from harness.ports import Person, System
from harness.testing.scene import Scene, close, provisions, stands, timeless, unknowns
from harness.testing.spoken import SpokenContract, SpokenScene, SpokenWorld, Trouble
from tests.contract.aws_faults import OF_LISTS
from tests.contract.aws_front import LISTS, AwsFront, Fault


@dataclass
class Emulated:
    """A prepared server, and its front."""

    moto: Moto
    front: AwsFront

    def auth(self, side: str, *, wrong: bool = False) -> dict[str, Any]:
        key, secret = (self.moto.env[f"MOTO_{side}_{half}"] for half in ("ID", "SECRET"))
        return {"auth": {"basic": {"username": key, "password": Ref("wrong" if wrong else secret, "${env:SECRET}")}}}

    def admin(self, service: str) -> Any:
        """The administrator's own client, past the front."""
        env = self.moto.env
        return boto3.client(
            service, endpoint_url=self.moto.url, region_name="us-east-1",
            aws_access_key_id=env["MOTO_ADMIN_ID"], aws_secret_access_key=env["MOTO_ADMIN_SECRET"],
        )  # fmt: skip

    @contextmanager
    def lacking(self, *actions: str) -> Iterator[None]:
        """The reader's policy without these."""
        try:
            self._allow([action for action in READER if action not in actions])
            yield
        finally:
            self._allow(READER)

    def _allow(self, actions: list[str]) -> None:
        # An empty list of actions is no policy: what allows nothing useful stands for it.
        allowed = {"Effect": "Allow", "Action": actions or ["s3:GetObject"], "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        self.admin("iam").put_user_policy(UserName="exitproof-reader", PolicyName="rights", PolicyDocument=document)


class AwsWorld(SpokenWorld):
    """One server for a whole module: who stays from an earlier test is removed before the next one joins."""

    prefixes: tuple[str, ...]  # the services of the reader's actions
    finding: frozenset[str] = frozenset()  # actions whose loss takes nothing of the leaver's out of a look
    page_size = 2
    fronted: frozenset[str] = frozenset()  # actions that moto does not know: the front answers them
    side = "READER"  # whose credential looks

    def __init__(self, emulated: Emulated) -> None:
        self.emulated = emulated
        self.upstream = emulated.front.address
        self.secrets = tuple(emulated.moto.env[f"MOTO_{side}_SECRET"] for side in ("READER", "ADMIN"))

    def join(self, system: System, who: Person) -> Account:
        for earlier in system.round().find(who).accounts:
            provisions(system).remove(replace(who, account=earlier))
        return provisions(system).create(who)

    def made(self, system: System, entitlement: Entitlement) -> Made | None:
        if entitlement.kind != "group":
            return None
        spec = ObjectSpec(entitlement.name, system.name, entitlement.kind)
        writer = provisions(system)
        return writer.find_object(spec, None) or writer.create_object(spec, None)

    def troubles(self) -> Mapping[str, Trouble]:
        """All rights at once, and each of them alone: so that none of them is asked for in vain."""
        mine = [action for action in READER if action.startswith(self.prefixes) and action not in self.finding]
        alone = {f"without-{action}": partial(self.emulated.lacking, action) for action in mine}
        return {"reader-without-rights": partial(self.emulated.lacking, *READER), **alone}

    def second_pages(self, scene: Scene) -> int:
        asked = [str((each["request"] or {}).get("body")) for each in scene.bench.exchanges.kept]
        return sum('"Marker"' in body or '"NextToken"' in body for body in asked)


class AwsContract(SpokenContract):
    """Besides the suite: every answer of a look goes wrong in the ways in which this API can."""

    faults: Mapping[str, Fault]
    declared: frozenset[tuple[str, str]] = frozenset()  # (fault, operation): an answer that means "there is none"

    def test_no_answer_that_is_wrong_makes_anything_absent(self, scene: SpokenScene) -> None:
        assert isinstance(scene.world, AwsWorld)
        front = scene.world.emulated.front
        front.remembers = True
        unfelt = dict.fromkeys(self.faults)
        scene.world.page_size = 100
        scene.system = scene.hasty()
        for operation in self._operations(scene):
            for name, fault in self.faults.items():
                if (name, operation) in self.declared or (name in OF_LISTS and operation not in LISTS):
                    continue
                front.faults = {operation: fault}
                shared = scene.system.round()
                found, look = shared.find(scene.leaver), shared.look(scene.leaver)
                seen = {grant.entitlement.label: stands(look, grant) for grant in scene.leaver.grants}
                where = f"{name} in {operation}"
                assert look.account.presence is not Presence.ABSENT, where
                assert Presence.ABSENT not in seen.values(), (where, seen)
                assert found.accounts or found.state is ListState.UNKNOWN, where
                assert all(unknowns(look)), where
                if unknowns(look):
                    unfelt.pop(name, None)
        close(scene.system)
        assert not unfelt, f"not noticed anywhere: {list(unfelt)}"

    def test_the_reader_has_just_its_scopes_and_sees_what_the_administrator_sees(self, scene: SpokenScene) -> None:
        world = scene.world
        assert isinstance(world, AwsWorld)
        granted = {action for action in READER if action.startswith(world.prefixes)}
        assert granted == set(scene.system.declaration().scopes) - world.fronted
        world.side = "ADMIN"
        admin = scene.hasty()
        try:
            for person in (scene.leaver, scene.bystander):
                assert timeless(admin.round().look(person)) == timeless(scene.look(person))
                assert admin.round().find(person).accounts == scene.find(person).accounts
        finally:
            close(admin)

    def _operations(self, scene: SpokenScene) -> list[str]:
        """What a clean look asks for."""
        scene.bench.exchanges.kept.clear()
        shared = scene.system.round()
        shared.find(scene.leaver)
        shared.look(scene.leaver)
        asked = [str(each["method"]).partition(":")[2] for each in scene.bench.exchanges.kept]
        return list(dict.fromkeys(asked))
