"""The system `ldap` in the shipped contract suite, on a real slapd."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from fixtures.fleet.cache import NotInstalled
from fixtures.fleet.openldap import OpenLdap, running
from fixtures.fleet.openldap.prepare import admin
from fixtures.fleet.openldap.settings import PLAIN
from harness.config import Ref
from harness.model import Entitlement, Kind, Made, ObjectSpec
from harness.ports import System, Tools
from harness.systems.ldap import build
from harness.systems.ldap_config import LdapConfig
from harness.testing.scene import Scene, provisions
from harness.testing.spoken import SpokenContract, SpokenWorld, Trouble
from tests.real.conftest import cannot

pytestmark = pytest.mark.real

DATABASE = "olcDatabase={1}mdb,cn=config"
BASE = {
    "type": "ldap", "owner": "iam", "base": PLAIN, "people": f"ou=people,{PLAIN}", "groups": f"ou=groups,{PLAIN}",
    "connections": "cn=Connections,cn=Monitor", "page_size": 2,
    "new": [{"kind": "group", "names": "unix-*", "object_class": "posixGroup"},
            {"kind": "group", "names": "app-*", "object_class": "groupOfUniqueNames"}],
}  # fmt: skip


class Slapd(SpokenWorld):
    reading = frozenset({"SEARCH", "BIND", "WHOAMI"})
    entitlements = (
        *(Entitlement("directory", Kind.GROUP, f"team-{n}") for n in range(3)),
        Entitlement("directory", Kind.GROUP, "unix-admins"),
        Entitlement("directory", Kind.GROUP, "app-users"),
        Entitlement("directory", Kind.ROLE, "auditor"),
        Entitlement("directory", Kind.OWNERSHIP, "printer", on="printer", right="owner"),
        Entitlement("directory", Kind.OWNERSHIP, "second-self", on="second-self", right="seeAlso"),
        Entitlement("directory", Kind.DELEGATION, "boss", on="boss", right="secretary"),
        Entitlement("directory", Kind.DELEGATION, "aide", on="aide", right="own-secretary"),
        Entitlement("directory", Kind.SESSION, "workstation"),
    )

    def __init__(self, server: OpenLdap) -> None:
        self.server = server
        self.upstream = ("127.0.0.1", server.port)
        self.secrets = tuple(server.passwords.values())

    def build(self, host: str, port: int, tools: Tools, timeout_s: float, *, wrong: bool = False) -> System:
        given: dict[str, Any] = {**BASE, "url": f"ldap://{host}:{port}"}
        for side in ("reader", "writer"):
            secret = "not-the-password" if wrong and side == "reader" else self.server.passwords[side]
            given[side] = {
                "auth": {"basic": {"username": f"cn={side},ou=services,{PLAIN}", "password": Ref(secret, "${env:X}")}}
            }
        return build("directory", LdapConfig.model_validate(given), tools, timeout_s=timeout_s, attempts=1)

    def made(self, system: System, entitlement: Entitlement) -> Made | None:
        if entitlement.kind is Kind.SESSION:
            return None
        spec = ObjectSpec(entitlement.name, "directory", entitlement.kind)
        return provisions(system).find_object(spec, None) or provisions(system).create_object(spec, None)

    def troubles(self) -> Mapping[str, Trouble]:
        reader = f"cn=reader,ou=services,{PLAIN}"
        anonymous, none = "{0}to attrs=userPassword by anonymous auth by * none", "to * by * none"
        read = f'to * by dn.exact="{reader}" read'
        rules = {
            "reader-without-rights": [anonymous, "{1}" + none],
            "reader-without-the-groups": [
                anonymous, f'{{1}}to dn.subtree="ou=people,{PLAIN}" by dn.exact="{reader}" read', "{2}" + none
            ],
            "reader-without-the-ids": [anonymous, "{1}to attrs=entryUUID by * none", "{2}" + read],
            "reader-without-the-members": [
                anonymous, "{1}to attrs=member,uniqueMember,memberUid by * none", "{2}" + read
            ],
        }  # fmt: skip
        made: dict[str, Trouble] = {name: partial(self._set, "olcAccess", acl) for name, acl in rules.items()}
        limit = [f'{{0}}dn.exact="{reader}" size=1 size.prtotal=1']
        return made | {
            "reader-without-its-password": self._locked_reader,
            "list-cut-at-the-servers-limit": partial(self._set, "olcLimits", limit),
        }

    @contextmanager
    def _set(self, attribute: str, values: list[str]) -> Iterator[None]:
        with admin(self.server, "cn=config") as config:
            config.search(DATABASE, "(objectClass=*)", "BASE", attributes=[attribute])
            before = config.response[0]["raw_attributes"][attribute]
            assert before
            _done(config.modify(DATABASE, {attribute: [("MODIFY_REPLACE", values)]}), config)
            try:
                yield
            finally:
                _done(config.modify(DATABASE, {attribute: [("MODIFY_REPLACE", before)]}), config)

    @contextmanager
    def _locked_reader(self) -> Iterator[None]:
        with admin(self.server, PLAIN) as root:
            dn = f"cn=reader,ou=services,{PLAIN}"
            for password in ("another-one", self.server.passwords["reader"]):
                _done(root.modify(dn, {"userPassword": [("MODIFY_REPLACE", [password])]}), root)
                if password == "another-one":
                    yield

    def second_pages(self, scene: Scene) -> int:
        return sum('"page": 2' in str(kept["request"]["body"]) for kept in scene.bench.exchanges.kept)


def _done(did: bool, asked: Any) -> None:
    assert did, asked.result


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenLdap]:
    try:
        with running(tmp_path_factory.mktemp("slapd")) as server:
            yield server
    except NotInstalled as why:
        cannot(str(why))


class TestLdap(SpokenContract):
    @pytest.fixture
    def world(self, host: OpenLdap) -> Iterator[SpokenWorld]:
        yield Slapd(host)
        with admin(host, PLAIN) as root:  # the next test finds the people and groups that it makes itself
            for unit in ("people", "groups"):
                root.search(f"ou={unit},{PLAIN}", "(objectClass=*)", "LEVEL", attributes=["1.1"])
                for entry in root.response:
                    _done(root.delete(entry["dn"]), root)
