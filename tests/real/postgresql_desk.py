"""A system over a PostgreSQL server, and somebody who has an account there for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from fixtures.fleet.postgresql import Cluster, psql
from harness.config import Ref
from harness.model import Entitlement, Kind, ListState, Look
from harness.ports import Person
from harness.systems.postgresql import Postgresql, PostgresqlConfig, build
from harness.testing.bench import Bench, identity, person
from harness.testing.scene import listing

NAME = "postgresql"


@dataclass
class Desk:
    """One system over one server, and somebody who works there."""

    cluster: Cluster
    system: Postgresql
    somebody: Person

    @property
    def role(self) -> str:
        assert self.somebody.account is not None
        return '"' + str(self.somebody.account.vars["name"]) + '"'

    def look(self, who: Person | None = None) -> Look:
        return self.system.round().look(who or self.somebody)

    def rows(self, kind: Kind) -> dict[str, str]:
        found = listing(self.look(), kind)
        assert found is not None
        assert found.state is ListState.COMPLETE, found.reason
        return {row.name: row.note for row in found.rows}

    def give(self, kind: Kind, name: str, right: str | None = None) -> None:
        given = self.system.grant(self.somebody, Entitlement(NAME, kind, name, right=right), None)
        self.somebody = replace(self.somebody, grants=(*self.somebody.grants, given))

    def sql(self, script: str, database: str = "drill_app") -> str:
        return psql(self.cluster, script, database).stdout.strip()


def system(cluster: Cluster, reader: str = "drill_reader", port: int | None = None, **more: Any) -> Postgresql:
    passwords = {"drill_reader": cluster.reader_password, "postgres": cluster.password}
    who = {
        side: {"auth": {"basic": {"username": name, "password": Ref(passwords[name], "${env:PASSWORD}")}}}
        for side, name in (("reader", reader), ("writer", "postgres"))
    }
    url = f"postgresql://127.0.0.1:{port or cluster.port}/drill_app"
    given = {"type": "postgresql", "url": url, "owner": "dba", "sslmode": "disable"} | who | more
    return build(NAME, PostgresqlConfig.model_validate(given), Bench().tools, timeout_s=5, attempts=2)


@contextmanager
def working(cluster: Cluster, name: str, **more: Any) -> Iterator[Desk]:
    """Somebody of this name, who is gone afterwards."""
    made = system(cluster, **more)
    newcomer = person(replace(identity("leaver", 1), username=name))
    account = made.create(newcomer)
    desk = Desk(cluster, made, replace(newcomer, account=account, accounts={NAME: account}))
    try:
        yield desk
    finally:
        for grant in reversed(desk.somebody.grants):
            made.revoke(desk.somebody, grant)
        made.remove(desk.somebody)
        made.close()
