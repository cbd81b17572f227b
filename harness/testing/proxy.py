"""A loopback proxy in front of a system, which writes down what is asked and plants faults in what is answered."""

from __future__ import annotations

import contextlib
import http.client
import socket
import struct
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from harness.testing.faults import Asked, Fault, Given, Shape, Trouble


@dataclass
class _Log:
    lock: threading.Lock = field(default_factory=threading.Lock)
    asked: list[Asked] = field(default_factory=list)


class FaultProxy:
    """A reverse proxy on loopback. `url` is where the adapter is pointed at; `log` is what it asked."""

    def __init__(self, upstream: str, shape: Shape) -> None:
        parts = urlsplit(upstream)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._shape = shape
        self._trouble: Trouble | None = None
        self._log = _Log()
        self._free = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}{parts.path}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> FaultProxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._free.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def plant(self, fault: Fault, path: str) -> Trouble:
        """From now on requests of this path go wrong in this way."""
        self._trouble = Trouble(fault, path, self._shape)
        return self._trouble

    def clear(self) -> None:
        self._trouble = None

    def take_log(self) -> list[Asked]:
        """What was asked since the last time."""
        with self._log.lock:
            taken, self._log.asked = self._log.asked, []
        return taken

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 1 << 16  # head and body in one packet

            def log_message(self, format: str, *args: Any) -> None:
                pass

            def _serve(self) -> None:
                proxy._answer(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve  # noqa: N815

        return Handler

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        asked = Asked(handler.command, parts.path, parts.query)
        with self._log.lock:
            self._log.asked.append(Asked(asked.method, asked.path, asked.query))
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        trouble = self._trouble if self._trouble is not None and self._trouble.path == asked.path else None
        if trouble is not None:
            trouble.hits += 1
            if trouble.fault.ask is not None:
                trouble.fault.ask(asked, self._shape)
        given = self._forward(asked, dict(handler.headers), body)
        if trouble is not None:
            trouble.fault.spoil(given, trouble)
        if given.cut == "silence":
            self._free.wait(5)
        if given.cut:
            _reset(handler)
            return
        with contextlib.suppress(OSError):
            handler.send_response(given.status)
            for name, value in given.headers.items():
                handler.send_header(name, value)
            if given.status != 204:
                handler.send_header("Content-Length", str(len(given.body)))
            handler.end_headers()
            if handler.command != "HEAD" and given.status != 204:
                handler.wfile.write(given.body)

    def _forward(self, asked: Asked, headers: dict[str, str], body: bytes) -> Given:
        link = http.client.HTTPConnection(self._host, self._port, timeout=10)
        try:
            headers = {k: v for k, v in headers.items() if k.lower() not in ("connection", "accept-encoding")}
            link.request(asked.method, asked.target, body or None, headers)
            answer = link.getresponse()
            text = answer.read()
            dropped = ("transfer-encoding", "connection", "content-length", "date", "server")
            kept = {k: v for k, v in answer.getheaders() if k.lower() not in dropped}
            return Given(answer.status, kept, text)
        finally:
            link.close()


def _reset(handler: BaseHTTPRequestHandler) -> None:
    """Closes with RST, so that the other side sees a reset and not an end."""
    with contextlib.suppress(OSError):
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True
    with contextlib.suppress(OSError):
        handler.connection.close()
