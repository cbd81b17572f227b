"""The small system described in the language of a fleet file, and the world that the contract runs in."""

from __future__ import annotations

import threading
from http.server import ThreadingHTTPServer
from typing import Any

from harness.config import Ref
from harness.model import Account, Entitlement, Kind
from harness.ports import Tools
from harness.systems.http import HttpSystem
from harness.systems.http_config import HttpConfig
from harness.testing.contract import World
from harness.testing.faults import Shape
from tests.contract.http_store import READER, WRITER, Api, Store, handler


def config(url: str) -> dict[str, Any]:
    """Two kinds below the account, one swept from the groups' side, one in the account's own record."""
    user = "/users/{{ account.id }}"
    paged = {"page": {"next": "next"}, "total": "total"}
    return {
        "type": "http",
        "owner": "tests@example.test",
        "url": url,
        "reader": {"auth": {"bearer": Ref(READER, "${env:READER}")}},
        "writer": {"auth": {"bearer": Ref(WRITER, "${env:WRITER}")}},
        "account": {
            "create": {
                "post": "/users",
                "json": {"login": "{{ identity.username }}", "password": "{{ identity.password }}"},
                "take": {"id": "id"},
            },
            "find": {
                "get": "/users",
                "params": {"login": "{{ identity.username }}"},
                "items": "items",
                "match": {"login": "{{ identity.username }}"},
                "id": "id",
                **paged,
            },
            "read": {"get": user, "value": "active", "present": [True], "absent": [False], "absent_on": [404]},
            "login": [
                {
                    "post": "/login",
                    "json": {"login": "{{ identity.username }}", "password": "{{ identity.password }}"},
                    "works": [200],
                    "refused": [401],
                    "take": {"made": "session"},
                },
                {"delete": "/me/session", "headers": {"Authorization": "Bearer {{ made }}"}},
            ],
            "remove": {"delete": user, "absent_on": [404]},
        },
        "kinds": {
            "license": {
                "grant": {"put": user + "/seats/{{ name }}"},
                "list": {
                    "get": user + "/seats",
                    "items": "items",
                    "id": "id",
                    "name": "plan",
                    "gone_with": "account",
                    **paged,
                },
                "revoke": {"delete": user + "/seats/{{ name }}", "absent_on": [404]},
            },
            "group": {
                "grant": {"put": "/groups/{{ name }}/members/{{ account.id }}"},
                "list": {
                    "each": {"get": "/groups", "items": "items", "take": {"gid": "id"}, **paged},
                    "get": "/groups/{{ gid }}/members",
                    "absent_on": [404],
                    "items": "items",
                    "where": {"user": "{{ account.id }}"},
                    "id": "{{ gid }}",
                    "name": "{{ gid }}",
                    **paged,
                },
                "revoke": {"delete": "/groups/{{ name }}/members/{{ account.id }}", "absent_on": [404]},
            },
            "credential": {
                "grant": {
                    "post": user + "/tokens",
                    "json": {"label": "{{ name }}"},
                    "take": {"id": "id", "secret": "token"},
                },
                "list": {
                    "get": user + "/tokens",
                    "items": "items",
                    "id": "id",
                    "name": "label",
                    "gone_with": "account",
                    "value": "state",
                    "present": ["live"],
                    "absent": ["blocked"],
                    **paged,
                },
                "use": {
                    "get": "/me",
                    "headers": {"Authorization": "Bearer {{ secret }}"},
                    "works": [200],
                    "refused": [401],
                    "touches": "nothing",
                },
                "revoke": {"delete": user + "/tokens/{{ grant.id }}", "absent_on": [404]},
            },
            "role": {
                "grant": [
                    {"get": user, "take": {"held": "roles"}},
                    {"patch": user, "json": {"roles": "{{ held + [name] }}"}},
                ],
                "list": {"from": "account", "items": "roles", "id": "name", "name": "@", "gone_with": "account"},
                "revoke": [
                    {"get": user, "take": {"held": "roles"}, "absent_on": [404]},
                    {"patch": user, "json": {"roles": "{{ held | reject('equalto', name) | list }}"}},
                ],
            },
        },
    }


def _of(kind: Kind, name: str) -> Entitlement:
    return Entitlement("small", kind, name)


class HttpWorld(World):
    """The server, and how the adapter is built against it."""

    shape = Shape(items="items", total="total", state="active", filters=("login",))
    secrets = (READER, WRITER)
    entitlements = (
        _of(Kind.LICENSE, "basic"),
        _of(Kind.LICENSE, "sales-pro"),
        _of(Kind.LICENSE, "dialler"),
        _of(Kind.GROUP, "staff"),
        _of(Kind.GROUP, "owners"),
        _of(Kind.CREDENTIAL, "laptop"),
        _of(Kind.CREDENTIAL, "ci"),
        _of(Kind.CREDENTIAL, "phone"),
        _of(Kind.ROLE, "approver"),
    )

    def __init__(self) -> None:
        self.store = Store()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler(Api(self.store)))
        self._server.daemon_threads = True
        self.upstream = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> HttpWorld:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def build(self, url: str, tools: Tools, timeout_s: float) -> HttpSystem:
        made = HttpConfig.model_validate(config(url))
        return HttpSystem("small", made, tools, timeout_s=timeout_s, patience_s=5, attempts=2)

    def record_path(self, account: Account) -> str:
        return f"/users/{account.id}"

    def absent_on(self, path: str) -> bool:
        return path.endswith("/members")
