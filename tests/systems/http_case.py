"""A system of `type: http` over `responses`: its parts, so that each test writes only what it is about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import responses

from harness.config import Ref
from harness.model import Account, Entitlement, Grant, Kind, Listing, Look
from harness.ports import Person
from harness.systems.http import HttpSystem
from harness.systems.http_config import HttpConfig
from harness.testing.bench import Bench, identity, person

BASE = "http://crm.example.test/api"
TOKEN = "reader-token-1234567"

ACCOUNT: dict[str, Any] = {
    "find": {"get": "/users", "items": "items", "match": {"login": "{{ identity.username }}"}, "id": "id"},
    "read": {
        "get": "/users/{{ account.id }}",
        "value": "active",
        "present": [True],
        "absent": [False],
        "absent_on": [404],
    },
}
SEATS: dict[str, Any] = {"get": "/users/{{ account.id }}/seats", "items": "items", "id": "id", "name": "plan"}

GROUPS: dict[str, Any] = {
    "each": {"get": "/groups", "items": "items", "take": {"gid": "id", "gname": "name"}, "absent_on": [410]},
    "get": "/groups/{{ gid }}/members",
    "items": "items",
    "where": {"user": "{{ account.id }}"},
    "id": "id",
    "name": "{{ gname }}/{{ item.right }}",
    "absent_on": [404],
}


def config(*, account: dict[str, Any] | None = None, **more: Any) -> HttpConfig:
    kinds = {kind: value if "list" in value else {"list": value} for kind, value in more.pop("lists", {}).items()}
    whole = {
        "type": "http",
        "owner": "t@example.test",
        "url": BASE,
        "auth": {"bearer": Ref(TOKEN, "${env:T}")},
        "account": {**ACCOUNT, **(account or {})},
        "kinds": {**kinds, **more.pop("kinds", {})},
        **more,
    }
    return HttpConfig.model_validate(whole)


class Case:
    """A system, somebody with account 7, and the mocked answers."""

    def __init__(self, mock: responses.RequestsMock, made: HttpConfig) -> None:
        self.mock = mock
        self.bench = Bench()
        self.system = HttpSystem("crm", made, self.bench.tools, attempts=2, patience_s=2)
        self.person = self.somebody(7)

    def somebody(self, number: int, **known: Any) -> Person:
        account = Account("crm", str(number), {"id": number})
        who = identity("leaver", number)
        self.bench.vault.learn(who.password.reveal())
        return person(who, account=account, accounts={"crm": account}, **known)

    def holding(self, kind: Kind, name: str, grant_id: str | None = None, **more: Any) -> Person:
        return replace(self.person, grants=(grant(kind, name, grant_id, **more),))

    def answer(self, path: str, body: Any = None, status: int = 200, method: str = "GET", **more: Any) -> None:
        self.mock.add(method, BASE + path, json=body, status=status, **more)

    def record(self, number: int = 7, *, status: int = 200, **fields: Any) -> None:
        login = f"zz-leaver-{number}"
        self.answer(f"/users/{number}", {"id": number, "login": login, "active": True, **fields}, status)

    def look(self, who: Person | None = None) -> Look:
        return self.system.round().look(who or self.person)

    def listing(self, kind: Kind, who: Person | None = None) -> Listing:
        return next(found for found in self.look(who).listings if found.kind is kind)

    def asked(self) -> list[str]:
        return [f"{call.request.method} {str(call.request.url).removeprefix(BASE)}" for call in self.mock.calls]


def grant(kind: Kind, name: str, grant_id: str | None = None, **more: Any) -> Grant:
    return Grant(Entitlement("crm", kind, name), grant_id, **more)


@contextmanager
def case(**words: Any) -> Iterator[Case]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        made = Case(mock, config(**words))
        try:
            yield made
        finally:
            made.system.close()


def sweep(it: Case, members: dict[str, Any]) -> None:
    it.answer("/groups", {"items": [{"id": key, "name": key.upper()} for key in members]})
    for key, rows in members.items():
        if isinstance(rows, int):
            it.answer(f"/groups/{key}/members", {}, rows)
        else:
            it.answer(f"/groups/{key}/members", {"items": rows})


def row(number: int, user: Any, right: str = "read") -> dict[str, Any]:
    return {"id": number, "user": user, "right": right}
