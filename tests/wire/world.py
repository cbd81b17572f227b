"""What the wire's tests stand on: a clock that never waits, a recorder in memory, a server made of raw bytes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from harness.evidence.exchanges import Exchanges
from harness.evidence.vault import Vault
from harness.model import SECOND, Duration, Instant, Secret
from harness.ports import Limits, Tools
from harness.wire.auth import Auth
from harness.wire.call import Call
from harness.wire.http import HttpWire

T0: Instant = 1_793_000_000 * SECOND
OK = frozenset((200,))
TOKEN = "rd-7f1c0a94be2d4c55"


class VirtualClock:
    """Moves only when somebody sleeps; keeps every pause."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.at = T0
        self.slept: list[Duration] = []

    def now(self) -> Instant:
        return self.at

    def sleep(self, span: Duration) -> None:
        with self._lock:
            self.at += span
            self.slept.append(span)


class World:
    """One wire to `base`, in virtual time, with its evidence in memory."""

    def __init__(self, base: str = "http://api.test/v1", auth: Auth | None = None, **options: Any) -> None:
        self.clock = VirtualClock()
        self.vault = Vault()
        self.exchanges = Exchanges(None, self.vault)
        limits = options.pop("limits", Limits())
        self.tools = Tools(self.clock, self.exchanges, self.vault, limits)
        self.wire = HttpWire(base, auth or Auth(bearer=Secret(TOKEN)), self.tools, **options)

    def documents(self) -> list[dict[str, Any]]:
        return [self.exchanges.get(name) for name in self.exchanges]


def look(url: str = "/users", **more: Any) -> Call:
    return Call("GET", url, more.pop("accept", OK), **more)


def write(url: str = "/users", **more: Any) -> Call:
    return Call("POST", url, more.pop("accept", frozenset((201,))), body=b"{}", look=False, **more)


Script = Callable[[socket.socket, int], None]


class RawServer:
    """A loopback server that answers each connection with whatever `script(connection, number)` does."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.requests: list[bytes] = []
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self._open.append(connection)
            with suppress(OSError):
                connection.settimeout(5)
                self.requests.append(connection.recv(65536))
                self._script(connection, len(self.requests))

    def close(self) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for connection in self._open:
            connection.close()
        self._thread.join(5)


@contextmanager
def raw_server(script: Script) -> Iterator[RawServer]:
    server = RawServer(script)
    try:
        yield server
    finally:
        server.close()


def answers(data: bytes) -> Script:
    """Sends `data` and closes the connection."""

    def script(connection: socket.socket, _: int) -> None:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_RDWR)

    return script


def page(status: int = 200, body: bytes = b"{}", headers: Mapping[str, str] | None = None) -> bytes:
    head = {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    return f"HTTP/1.1 {status} Said\r\n{lines}\r\n".encode() + body
