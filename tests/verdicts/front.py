"""The one server that every attack talks to: a system, a connector's address, and faults in front of readers."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from harness.testing.faults import Asked, Fault, Given, Shape, Trouble
from harness.testing.proxy import _reset

READER, WRITER = "reader-9fQ2xLm4", "writer-7cB1vRt8"

Backend = Callable[[Asked, str, Any], tuple[int, Any]]  # method and target, bearer, body -> status, answer
Where = Callable[[Asked], bool]
Event = Callable[[str, Mapping[str, Any]], Given]


def anywhere(_: Asked) -> bool:
    return True


@dataclass
class Plan:
    """One fault in front of the readers, where it strikes."""

    fault: Fault
    where: Where
    bearer: str = ""  # whose requests; "" is everybody's but the writer's
    troubles: dict[str, Trouble] = field(default_factory=dict)
    hits: int = 0


def given(status: int, body: Any = None, **headers: str) -> Given:
    data = b"" if body is None else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Given(status, {"Content-Type": "application/json", **named}, data)


class Front:
    """`plant` makes readers suffer from now on; `on_event` is the connector; `on_ask` sees every request."""

    def __init__(self, backend: Backend, shape: Shape) -> None:
        self.backend = backend
        self.shape = shape
        self.plans: list[Plan] = []
        self.on_event: Event = lambda _name, _body: given(200, {})
        self.on_ask: Callable[[Asked, str], None] = lambda _asked, _bearer: None
        self.headers: dict[str, str] = {}  # on every answer
        self.on_silence: Callable[[], object] = lambda: None
        self.asked: list[tuple[Asked, str]] = []
        self._free = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Front:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._free.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def plant(self, fault: Fault, where: Where = anywhere, bearer: str = "") -> Plan:
        plan = Plan(fault, where, bearer)
        self.plans.append(plan)
        return plan

    def answer(self, method: str, target: str, bearer: str, body: Any) -> Given:
        path, _, query = target.partition("?")
        asked = Asked(method, path, query)
        if path.startswith("/hr/"):
            return self.on_event(path.removeprefix("/hr/"), body)
        self.asked.append((asked, bearer))
        self.on_ask(asked, bearer)
        struck = [
            plan
            for plan in list(self.plans)
            if (bearer == plan.bearer if plan.bearer else bearer != WRITER) and plan.where(Asked(method, path, query))
        ]
        troubles = []
        for plan in struck:
            trouble = plan.troubles.setdefault(path, Trouble(plan.fault, path, self.shape))
            plan.hits += 1
            troubles.append(trouble)
            if plan.fault.ask is not None:
                plan.fault.ask(asked, self.shape)
        status, answer = self.backend(asked, bearer, body)
        made = given(status, answer)
        for trouble in troubles:
            trouble.fault.spoil(made, trouble)
        return made

    def wait(self) -> None:
        self.on_silence()
        self._free.wait(1)


def _handler(front: Front) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def serve(self) -> None:
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            bearer = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
            made = front.answer(self.command, self.path, bearer, json.loads(data) if data else None)
            if made.cut == "silence":
                front.wait()
            if made.cut:
                _reset(self)
                return
            with contextlib.suppress(OSError):
                self.send_response_only(made.status)
                for name, value in {**made.headers, **front.headers}.items():
                    self.send_header(name, value)
                if made.status != 204:
                    self.send_header("Content-Length", str(len(made.body)))
                self.end_headers()
                if made.status != 204:
                    self.wfile.write(made.body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve  # noqa: N815

    return Handler


def segments(asked: Asked) -> list[str]:
    return [unquote(part) for part in asked.path.strip("/").split("/")]
