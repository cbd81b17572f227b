"""A small SCIM service in memory for the attacks, with small pages and other people in it."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qs

from harness.config import Ref
from harness.model import Entitlement, Kind
from harness.ports import System, Tools
from harness.systems.scim import ScimConfig, build
from harness.testing.faults import Asked, Shape
from harness.wire import scim
from tests.verdicts.front import READER, WRITER, segments

NAME = "directory"
ACCESS = tuple(
    Entitlement(NAME, kind, name)
    for kind, name in (
        (Kind.GROUP, "staff"),
        (Kind.GROUP, "owners"),
        (Kind.GROUP, "finance"),
        (Kind.ROLE, "approver"),
        (Kind.LICENSE, "pro"),
    )
)
PAGE = 2
_FILTER = re.compile(r'(\S+) eq (".*")')
_VALUED = re.compile(r'(\w+)\[value eq (".*")\]')


class Directory:
    name = NAME
    access = ACCESS
    listed = frozenset({Kind.GROUP})
    shape = Shape(items="Resources", total="totalResults", state="active", filters=("filter",))

    def __init__(self, *, own_groups: bool = True) -> None:
        """`own_groups`: the users' side shows groups too."""
        self.own_groups = own_groups
        self.users: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, dict[str, Any]] = {}
        self.count = 100
        for name in ("staff", "owners", "finance"):
            self.groups[f"g-{name}"] = {"schemas": [scim.GROUP], "id": f"g-{name}", "displayName": name, "members": []}
        self.dangling = False  # a deleted user stays in `members`

    # --- answers ----------------------------------------------------------------------------------

    def __call__(self, asked: Asked, bearer: str, body: Any) -> tuple[int, Any]:
        if bearer not in (READER, WRITER):
            return 401, {"detail": "who?"}
        if asked.method != "GET" and bearer != WRITER:
            return 403, {"detail": "the reader only reads"}
        path = segments(asked)
        table = self.users if path[0] == "Users" else self.groups
        if len(path) == 1:
            return self._add(body) if asked.method == "POST" else self._list(path[0], asked)
        if path[1] not in table:
            return 404, {"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "404"}
        if asked.method == "DELETE":
            self.delete(path[1])
            return 204, None
        if asked.method == "PATCH":
            for operation in body["Operations"]:
                _apply(table[path[1]], operation)
        return 200, self.shown(table[path[1]])

    def _add(self, body: Any) -> tuple[int, Any]:
        self.count += 1
        user = {**body, "id": f"u-{self.count}"}
        self.users[user["id"]] = user
        return 201, self.shown(user)

    def shown(self, record: dict[str, Any]) -> dict[str, Any]:
        """Unassigned attributes are left out (RFC 7643 §2.5)."""
        made = {key: value for key, value in record.items() if value not in (None, [])}
        if self.own_groups and record["id"] in self.users:
            mine = [g for g in self.groups.values() if any(m["value"] == record["id"] for m in g["members"])]
            if mine:
                made["groups"] = [{"value": g["id"], "display": g["displayName"], "type": "direct"} for g in mine]
        return made

    def _list(self, kind: str, asked: Asked) -> tuple[int, Any]:
        query = {key: values[0] for key, values in parse_qs(asked.query).items()}
        found = [self.shown(r) for r in (self.users if kind == "Users" else self.groups).values()]
        if "filter" in query:
            match = _FILTER.fullmatch(query["filter"])
            assert match, query
            name, wanted = match[1], json.loads(match[2])
            if name == "members.value":
                found = [r for r in found if any(m["value"] == wanted for m in r.get("members", []))]
            else:
                found = [r for r in found if r.get(name) == wanted]
        start, size = int(query.get("startIndex", "1")), min(PAGE, int(query.get("count", "100")))
        some = found[start - 1 : start - 1 + size]
        return 200, {"schemas": [scim.LIST], "totalResults": len(found), "startIndex": start, "Resources": some}

    @staticmethod
    def described(url: str) -> dict[str, Any]:
        return {
            "type": "scim",
            "owner": "iam",
            "url": url,
            "reader": {"auth": {"bearer": Ref(READER, "${env:READER}")}},
            "writer": {"auth": {"bearer": Ref(WRITER, "${env:WRITER}")}},
            "page_size": PAGE,
        }

    def build(self, url: str, tools: Tools, timeout_s: float = 0.5, attempts: int = 2) -> System:
        made = ScimConfig.model_validate(self.described(url))
        return build(NAME, made, tools, timeout_s=timeout_s, patience_s=2, attempts=attempts)

    # --- what offboarding does --------------------------------------------------------------------

    def disable(self, account: str) -> None:
        self.users[account]["active"] = False

    def enable(self, account: str) -> None:
        self.users[account]["active"] = True

    def strip(self, account: str) -> None:
        self.strip_record(account)
        self.leave_groups(account)

    def strip_record(self, account: str) -> None:
        self.users[account] |= {"roles": [], "entitlements": []}

    def leave_groups(self, account: str) -> None:
        for group in self.groups.values():
            group["members"] = [m for m in group["members"] if m["value"] != account]

    def delete(self, account: str) -> None:
        if not self.dangling:
            self.leave_groups(account)
        self.users.pop(account, None)
        self.groups.pop(account, None)

    # --- where faults strike ------------------------------------------------------------------------

    @staticmethod
    def is_record(asked: Asked) -> bool:
        path = segments(asked)
        return path[0] == "Users" and len(path) == 2

    @staticmethod
    def is_list(asked: Asked) -> bool:
        return len(segments(asked)) == 1

    @staticmethod
    def is_groups(asked: Asked) -> bool:
        return segments(asked) == ["Groups"]


def _apply(record: dict[str, Any], operation: dict[str, Any]) -> None:
    path, op = operation["path"], operation["op"].lower()
    valued = _VALUED.fullmatch(path)
    if valued:
        wanted = json.loads(valued[2])
        record[valued[1]] = [v for v in record.get(valued[1], []) if v["value"] != wanted]
    elif op == "add":
        record[path] = [*record.get(path, []), *operation["value"]]
    else:
        record[path] = operation["value"]
