"""A small system with a JSON API on loopback: users, seats, groups, tokens, and a reader that may only read."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

READER, WRITER = "reader-9fQ2xLm4", "writer-7cB1vRt8"
PAGE = 2


class Store:
    """What the system knows. Ids are numbers, so that the types of values matter."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.users: dict[int, dict[str, Any]] = {}
        self.seats: dict[int, list[dict[str, Any]]] = {}
        self.tokens: dict[int, list[dict[str, Any]]] = {}
        self.groups: dict[str, list[int]] = {"staff": [], "sales": [], "owners": []}
        self.sessions: dict[str, int] = {}
        self.next = 40
        for n in range(3):
            self.groups["staff"].append(self.add(f"other-{n}", "x")["id"])

    def number(self) -> int:
        self.next += 1
        return self.next

    def add(self, login: str, password: str) -> dict[str, Any]:
        user: dict[str, Any] = {"id": self.number(), "login": login, "password": password, "active": True, "roles": []}
        self.users[user["id"]] = user
        self.seats[user["id"]], self.tokens[user["id"]] = [], []
        return user

    def bearer(self, token: str) -> int | None:
        for user, tokens in self.tokens.items():
            if any(t["token"] == token and t["state"] == "live" for t in tokens):
                return user
        return self.sessions.get(token)


class _Answer(Exception):
    def __init__(self, status: int, body: Any = None) -> None:
        self.status, self.body = status, body


class Api:
    """The routes."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def ask(self, method: str, target: str, bearer: str, body: Any) -> tuple[int, Any]:
        parts = urlsplit(target)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        with self.store.lock:
            try:
                self.route(method, parts.path.strip("/").split("/"), query, bearer, body)
            except _Answer as answer:
                return answer.status, answer.body
        return 404, {"error": "no such thing"}

    def route(self, method: str, path: list[str], query: dict[str, str], bearer: str, body: Any) -> None:
        store = self.store
        if path == ["login"]:
            for user in store.users.values():
                if user["login"] == body["login"] and user["password"] == body["password"] and user["active"]:
                    store.sessions[session := f"session-{store.number()}-secret"] = user["id"]
                    raise _Answer(200, {"session": session})
            raise _Answer(401, {"error": "no"})
        if path[0] == "me":
            if store.bearer(bearer) is None:
                raise _Answer(401, {"error": "no"})
            if method == "DELETE":
                del store.sessions[bearer]
            raise _Answer(200, {"me": store.bearer(bearer)})
        if bearer not in (READER, WRITER):
            raise _Answer(401, {"error": "who?"})
        if method != "GET" and bearer != WRITER:
            raise _Answer(403, {"error": "the reader only reads"})
        if path[0] == "groups":
            self.groups(method, path, query)
        if path[0] == "users":
            self.users(method, path, query, body)

    def groups(self, method: str, path: list[str], query: dict[str, str]) -> None:
        groups = self.store.groups
        if len(path) == 1:
            page([{"id": name} for name in groups], "/groups", query)
        if path[1] not in groups:
            raise _Answer(404)
        members = groups[path[1]]
        if len(path) == 3:
            page([{"user": member} for member in members], "/" + "/".join(path), query)
        who = int(path[3])
        if method == "PUT":
            members.append(who)
            raise _Answer(204)
        if who not in members:
            raise _Answer(404)
        members.remove(who)
        raise _Answer(204)

    def users(self, method: str, path: list[str], query: dict[str, str], body: Any) -> None:
        store = self.store
        if len(path) == 1 and method == "POST":
            raise _Answer(201, shown(store.add(body["login"], body["password"])))
        if len(path) == 1:
            wanted = query.get("login")
            page([shown(u) for u in store.users.values() if wanted in (None, u["login"])], "/users", query)
        user = store.users.get(int(path[1]))
        if user is None:
            raise _Answer(404)
        if len(path) == 2 and method == "DELETE":
            del store.users[user["id"]]
            for members in store.groups.values():
                if user["id"] in members:
                    members.remove(user["id"])
            store.tokens[user["id"]] = []
            raise _Answer(204)
        if len(path) == 2 and method == "PATCH":
            user.update(body)
        if len(path) == 2:
            raise _Answer(200, shown(user))
        things = store.seats[user["id"]] if path[2] == "seats" else store.tokens[user["id"]]
        if method == "GET":
            page([{k: v for k, v in t.items() if k != "token"} for t in things], "/" + "/".join(path), query)
        if method == "PUT":
            things.append({"id": store.number(), "plan": path[3]})
            raise _Answer(201, things[-1])
        if method == "POST":
            number = store.number()
            things.append({"id": number, "label": body["label"], "state": "live", "token": f"tok-{number}-secret"})
            raise _Answer(201, things[-1])
        for thing in things:
            if path[3] in (str(thing["id"]), thing.get("plan")):
                things.remove(thing)
                raise _Answer(204)
        raise _Answer(404)


def shown(user: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in user.items() if key != "password"}


def page(items: list[Any], path: str, query: dict[str, str]) -> None:
    at = int(query.get("at", "0"))
    kept = "".join(f"&{key}={value}" for key, value in query.items() if key != "at")
    following = f"{path}?at={at + PAGE}{kept}" if at + PAGE < len(items) else None
    raise _Answer(200, {"items": items[at : at + PAGE], "next": following, "total": len(items)})


def handler(api: Api) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16  # head and body in one packet

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def serve(self) -> None:
            given = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            bearer = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
            status, answer = api.ask(self.command, self.path, bearer, json.loads(given) if given else None)
            body = b"" if answer is None else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if status != 204:
                self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve  # noqa: N815

    return Handler
