"""The system `active-directory` keeps the contract, against Samba as a domain controller."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import count

import pytest

from fixtures.fleet.samba import BASE, NotInstalled, Samba, running
from harness.config import Ref
from harness.model import Entitlement, Kind, Made, ObjectSpec
from harness.ports import System, Tools
from harness.systems.active_directory import AdConfig, build
from harness.testing.bench import Bench
from harness.testing.scene import Scene, provisions
from harness.testing.spoken import SpokenContract, SpokenScene, SpokenWorld, Trouble
from harness.wire.ad import DACL, DISABLED, NORMAL, Domain, sid_of
from harness.wire.ad_descriptor import Ace
from harness.wire.auth import Auth
from harness.wire.ldap import LdapWire
from harness.wire.ldap_entry import Entry
from harness.wire.ldap_link import Address
from tests.real.conftest import cannot

pytestmark = pytest.mark.real

READER = r"DRILL\exitproof-reader"
NUMBERS = count()
OBJECTS = {
    "drill-team": Kind.GROUP, "ct-chief": Kind.DELEGATION, "ct-folder": Kind.SHARE, "ct-server": Kind.OWNERSHIP,
}  # fmt: skip


def basic(username: str, password: str) -> dict[str, object]:
    return {"auth": {"basic": {"username": username, "password": Ref(password, "${env:PASSWORD}")}}}


class Domains(SpokenWorld):
    reading = frozenset({"SEARCH"})
    entitlements = (
        Entitlement("ad", Kind.GROUP, "drill-team"),
        Entitlement("ad", Kind.DELEGATION, "ct-chief", on="ct-chief", right="on-behalf"),
        Entitlement("ad", Kind.DELEGATION, "ct-chief", on="ct-chief", right="send-as"),
        Entitlement("ad", Kind.DELEGATION, "ct-chief", on="ct-chief", right="full-access"),
        Entitlement("ad", Kind.OWNERSHIP, "ct-chief", on="ct-chief", right="secretary"),
        Entitlement("ad", Kind.SHARE, "ct-folder", on="ct-folder", right="reset-password"),
        Entitlement("ad", Kind.SESSION, "laptop"),
    )
    outlives = frozenset((Kind.DELEGATION, Kind.OWNERSHIP, Kind.SHARE))  # what names a SID names it for ever

    def __init__(self, samba: Samba) -> None:
        self.tag = f"-{next(NUMBERS)}"  # whoever a failed test left behind is in nobody's way
        self.samba = samba
        self.upstream = (samba.address, 389)
        self.secrets = tuple(samba.passwords[f"exitproof-{who}"] for who in ("reader", "writer"))

    def build(self, host: str, port: int, tools: Tools, timeout_s: float, *, wrong: bool = False) -> System:
        config = AdConfig.model_validate(
            {
                "type": "active-directory",
                "url": f"ldap://{host}:{port}",
                "people": f"OU=People,OU=Drill,{BASE}",
                "things": f"OU=Things,OU=Drill,{BASE}",
                "sweep": "domain",
                "page_size": 100,
                "reader": basic(READER, "not-the-password" if wrong else self.secrets[0]),
                "writer": basic(r"DRILL\exitproof-writer", self.secrets[1]),
            }
        )
        return build("ad", config, tools, timeout_s=timeout_s, attempts=2)

    def made(self, system: System, entitlement: Entitlement) -> Made | None:
        if entitlement.name not in OBJECTS:
            return None
        spec = ObjectSpec(entitlement.name, "ad", OBJECTS[entitlement.name])
        return provisions(system).find_object(spec, None) or provisions(system).create_object(spec, None)

    def troubles(self) -> Mapping[str, Trouble]:
        return {
            "reader-without-rights": self._no_rights,
            "reader-disabled": self._disabled,
            "one-descriptor-hidden": self._hidden,
        }

    def second_pages(self, scene: Scene) -> int:
        asked = [json.loads(str(e["request"]["body"])) for e in scene.bench.exchanges.kept if e["request"]["body"]]
        return sum(each.get("page", 1) > 1 for each in asked)

    @contextmanager
    def admin(self) -> Iterator[Domain]:
        auth = Auth.model_validate(basic(r"DRILL\Administrator", self.samba.passwords["Administrator"])["auth"])
        domain = Domain(LdapWire(Address.of(self.samba.url), auth, Bench().tools))
        try:
            yield domain
        finally:
            domain.close()

    @contextmanager
    def _no_rights(self) -> Iterator[None]:
        """The entry at the top of the domain that lets the reader read the permissions is gone."""
        with self.admin() as admin:
            sid = _sid(admin.search("(sAMAccountName=exitproof-reader)").value[0])
            was = admin.descriptor(BASE)
            mine = [ace for ace in was.dacl or () if ace.sid == sid and not ace.inherited]
            assert mine
            admin.set_descriptor(BASE, was.without(*mine), DACL)
            try:
                yield
            finally:
                admin.set_descriptor(BASE, was, DACL)

    @contextmanager
    def _hidden(self) -> Iterator[None]:
        """Nobody may read the permissions of one object any more."""
        with self.admin() as admin:
            dn = f"CN=drill-company,OU=Things,OU=Drill,{BASE}"
            was = admin.descriptor(dn)
            sid = _sid(admin.search("(sAMAccountName=exitproof-reader)").value[0])
            no = Ace(1, 0, 0x20000, sid)  # read the permissions: denied
            admin.set_descriptor(dn, replace(was, dacl=(no, *(was.dacl or ()))), DACL)
            try:
                yield
            finally:
                admin.set_descriptor(dn, was, DACL)

    @contextmanager
    def _disabled(self) -> Iterator[None]:
        with self.admin() as admin:
            dn = f"CN=exitproof-reader,CN=Users,{BASE}"
            admin.wire.modify(dn, [("replace", "userAccountControl", [str(NORMAL | DISABLED)])])
            try:
                yield
            finally:
                admin.wire.modify(dn, [("replace", "userAccountControl", [str(NORMAL)])])


def _sid(entry: Entry) -> str:
    found = sid_of(entry)
    assert found
    return found


@pytest.fixture(scope="module")
def samba() -> Iterator[Samba]:
    with ExitStack() as stack:
        try:
            started = stack.enter_context(running())
        except NotInstalled as why:
            cannot(str(why))
        yield started


class TestActiveDirectory(SpokenContract):
    @pytest.fixture
    def world(self, samba: Samba) -> SpokenWorld:
        return Domains(samba)

    @pytest.fixture(autouse=True)
    def nobody_left(self, world: Domains, scene: SpokenScene) -> Iterator[None]:
        """The accounts go, whatever a test did to them."""
        yield
        for who in (scene.leaver, scene.bystander):
            scene.writer.remove(who)
