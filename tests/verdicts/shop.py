"""A system of `type: http` for the attacks: seats, tokens and shares below users, groups swept, roles in the record."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from harness.model import Entitlement, Kind
from harness.ports import System, Tools
from harness.systems.http import HttpSystem
from harness.systems.http_config import HttpConfig
from harness.testing.faults import Asked, Shape
from tests.contract.http_store import Api, Store, _Answer, page
from tests.contract.http_world import config
from tests.verdicts.front import segments

NAME = "shop"
ACCESS = tuple(
    Entitlement(NAME, kind, name)
    for kind, name in (
        (Kind.LICENSE, "sales-pro"),
        (Kind.GROUP, "owners"),
        (Kind.CREDENTIAL, "api"),
        (Kind.ROLE, "approver"),
        (Kind.SHARE, "ledger"),
    )
)


class Shop:
    """The whole of it: its data, its answers, its description, and what an offboarding does to it."""

    name = NAME
    access = ACCESS
    listed = frozenset({Kind.LICENSE, Kind.GROUP, Kind.CREDENTIAL, Kind.SHARE})  # read from lists, not from the record
    shape = Shape(items="items", total="total", state="active", filters=("login", "user"))

    def __init__(self, *, exercised: bool = False) -> None:
        """`exercised`: the leaver's own credentials are tried too."""
        self.exercised = exercised
        self.store = Store()
        self.shares_at_once = False
        self.shares: list[dict[str, Any]] = [{"id": "s-1", "user": 41, "what": "somebody else's"}]
        self._api = Api(self.store)

    def __call__(self, asked: Asked, bearer: str, body: Any) -> tuple[int, Any]:
        path = segments(asked)
        if path[0] == "shares":
            return self._share(asked, path, body)
        return self._api.ask(asked.method, asked.target, bearer, body)

    def _share(self, asked: Asked, path: list[str], body: Any) -> tuple[int, Any]:
        query = {key: values[0] for key, values in parse_qs(asked.query).items()}
        if asked.method == "POST":
            self.shares.append({"id": f"s-{self.store.number()}", "user": body["user"], "what": body["what"]})
            return 201, self.shares[-1]
        if asked.method == "DELETE":
            known = [share for share in self.shares if share["id"] == path[1]]
            self.shares = [share for share in self.shares if share["id"] != path[1]]
            return (204, None) if known else (404, {"error": "none"})
        mine = [share for share in self.shares if query.get("user") in (None, str(share["user"]))]
        if self.shares_at_once:
            return 200, {"items": mine, "next": None, "total": len(mine)}
        try:
            page(mine, "/shares", query)
        except _Answer as answer:
            return answer.status, answer.body
        raise AssertionError("page always answers")

    def described(self, url: str) -> dict[str, Any]:
        made = config(url)
        if not self.exercised:
            del made["account"]["login"], made["kinds"]["credential"]["use"]
        made["kinds"]["share"] = {
            "grant": {
                "post": "/shares",
                "json": {"user": "{{ account.id }}", "what": "{{ name }}"},
                "take": {"id": "id"},
            },
            "list": {
                "get": "/shares",
                "params": {"user": "{{ account.id }}"},
                "items": "items",
                "match": {"user": "{{ account.id }}"},
                "id": "id",
                "name": "what",
                "page": {"next": "next"},
                "total": "total",
            },
            "revoke": {"delete": "/shares/{{ grant.id }}", "absent_on": [404]},
        }
        return made

    def build(self, url: str, tools: Tools, timeout_s: float = 0.5, attempts: int = 2) -> System:
        made = HttpConfig.model_validate(self.described(url))
        return HttpSystem(NAME, made, tools, timeout_s=timeout_s, patience_s=2, attempts=attempts)

    # --- what offboarding does --------------------------------------------------------------------

    def disable(self, account: str) -> None:
        self.store.users[int(account)]["active"] = False

    def enable(self, account: str) -> None:
        self.store.users[int(account)]["active"] = True

    def strip(self, account: str) -> None:
        """Every piece of access but the account."""
        number = int(account)
        self.store.seats[number], self.store.tokens[number] = [], []
        self.store.users[number]["roles"] = []
        for members in self.store.groups.values():
            members[:] = [member for member in members if member != number]
        self.shares = [share for share in self.shares if share["user"] != number]

    def strip_record(self, account: str) -> None:
        """What stands in the account's own record."""
        self.store.users[int(account)]["roles"] = []

    def delete(self, account: str) -> None:
        """The record, and all that stands outside of it; what is below it answers 404 from now on."""
        self.strip(account)
        del self.store.users[int(account)]

    # --- where faults strike ------------------------------------------------------------------------

    @staticmethod
    def is_record(asked: Asked) -> bool:
        path = segments(asked)
        return path[0] == "users" and len(path) == 2

    def is_list(self, asked: Asked) -> bool:
        path = segments(asked)
        return path[0] in ("users", "groups", "shares") and not self.is_record(asked)

    @staticmethod
    def is_groups(asked: Asked) -> bool:
        return segments(asked) == ["groups"]
