"""Connections whose whole answer, head and body, has one deadline: a server that drips cannot hold a thread."""

from __future__ import annotations

import http.client
import io
import socket
import time
from contextlib import suppress
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import ConnectionPool


class _Deadline(io.RawIOBase):
    """Reads a socket until the timeout that the socket has now is over, counted from now and not from each receive."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__()
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._allowed = sock.gettimeout()
        self._until: float | None = None
        self._begun = time.monotonic()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._until is not None:
            left = self._until - time.monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
            self._sock.settimeout(left)
        elif self._allowed is not None:  # the first receive has the whole timeout anyway
            self._until = self._begun + self._allowed
        return self._raw.readinto(buffer)

    def fileno(self) -> int:
        return self._raw.fileno()

    def close(self) -> None:
        if not self.closed:
            with suppress(OSError):
                self._sock.settimeout(self._allowed)  # the connection goes back to its pool
            self._raw.close()
        super().close()


class _Once:
    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def makefile(self, *_: object) -> io.BufferedReader:
        return io.BufferedReader(_Deadline(self._sock))


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(_Once(sock), *args, **kwargs)  # type: ignore[arg-type]


class _Http(HTTPConnection):
    response_class = _Response


class _Https(HTTPSConnection):
    response_class = _Response


def with_deadline(pool: ConnectionPool) -> None:
    """From now on every answer over `pool` has its read timeout as a whole."""
    pool.ConnectionCls = _Https if pool.scheme == "https" else _Http  # type: ignore[attr-defined]
