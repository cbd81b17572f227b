"""A directory with one person in it, the system that looks at it, and the directory's own root."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fixtures.fleet.openldap import OpenLdap
from fixtures.fleet.openldap.prepare import admin
from fixtures.fleet.openldap.settings import PLAIN
from harness.config import Ref
from harness.model import Account, Identity, Kind, Listing, ListState, Presence, Row
from harness.ports import Person
from harness.systems.ldap import Ldap, build
from harness.systems.ldap_config import LdapConfig
from harness.testing.bench import Bench, person
from harness.testing.scene import listing

PEOPLE, GROUPS = f"ou=people,{PLAIN}", f"ou=groups,{PLAIN}"


def config(server: OpenLdap, **more: Any) -> LdapConfig:
    secrets = {who: Ref(server.passwords[who], "${env:X}") for who in ("reader", "writer")}
    auth = {
        who: {"auth": {"basic": {"username": f"cn={who},ou=services,{PLAIN}", "password": secret}}}
        for who, secret in secrets.items()
    }
    given = {"type": "ldap", "owner": "iam", "url": server.url, "base": PLAIN, "people": PEOPLE, "groups": GROUPS}
    return LdapConfig.model_validate({**given, **auth, **more})


class Desk:
    """A system, a person in it, and the directory's own root."""

    def __init__(self, server: OpenLdap, who: Identity, **more: Any) -> None:
        self.bench = Bench()
        self.system: Ldap = build("directory", config(server, **more), self.bench.tools)
        self._server = server
        newcomer = person(who)
        self.account: Account = self.system.create(newcomer)
        self.person: Person = replace(newcomer, account=self.account, accounts={"directory": self.account})

    @property
    def dn(self) -> str:
        return str(self.account.vars["dn"])

    def root(self, verb: str, *given: Any, **named: Any) -> None:
        with admin(self._server, PLAIN) as asked:
            assert getattr(asked, verb)(*given, **named), asked.result

    def group(self, name: str, *members: str, attribute: str = "member", object_class: str = "groupOfNames") -> str:
        dn = f"cn={name},{GROUPS}"
        entry = {"objectClass": object_class, "cn": name, attribute: list(members)}
        self.root("add", dn, attributes=entry | ({"gidNumber": "7"} if object_class == "posixGroup" else {}))
        return dn

    def sight(self) -> tuple[Presence, bool, str]:
        found = self.system.round().look(self.person).account
        return found.presence, found.record, found.reason

    def listed(self, kind: Kind) -> Listing:
        found = listing(self.system.round().look(self.person), kind)
        assert found is not None
        return found

    def rows(self, kind: Kind) -> dict[str, Row]:
        found = self.listed(kind)
        assert found.state is ListState.COMPLETE, found.reason
        return {row.name: row for row in found.rows}

    def members(self, dn: str, attribute: str = "member") -> list[str]:
        with admin(self._server, PLAIN) as root:
            assert root.search(dn, "(objectClass=*)", "BASE", attributes=[attribute])
            return [value.decode() for value in root.response[0]["raw_attributes"][attribute]]
