"""A loopback relay in front of a server that does not speak HTTP, which breaks the conversation in every way it can."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from dataclasses import dataclass

TCP_FAULTS = {
    "refused": "nobody listens any more",
    "reset": "the connection is reset as soon as something is asked",
    "reset-in-an-answer": "the connection is reset in the middle of an answer",
    "closed-in-an-answer": "the connection is closed in the middle of an answer",
    "silence": "nothing is answered any more",
    "garbage": "the answer is noise",
}


@dataclass(slots=True)
class _Trouble:
    name: str = ""
    after: int = 0  # bytes of answers that still pass before it begins


class _Pair:
    """The two ends of one conversation: closed once both directions have ended."""

    def __init__(self, *ends: socket.socket) -> None:
        self._lock = threading.Lock()
        self._left = len(ends)

    def ended(self) -> bool:
        with self._lock:
            self._left -= 1
            return self._left == 0


class TcpRelay:
    """`host` and `port` are where the adapter is pointed at. A fault that is planted holds for connections that are
    open already as well, until `clear`; connections that were hurt stay broken. `passed` counts bytes of answers."""

    def __init__(self, upstream: tuple[str, int], host: str = "127.0.0.1") -> None:
        self._upstream = upstream
        self._lock = threading.Lock()
        self._trouble = _Trouble()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server((host, 0))
        self.host, self.port = host, int(self._listener.getsockname()[1])
        self._closed = False
        self.hits = 0
        self.passed = 0
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> TcpRelay:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._hang_up()
        self._thread.join(5)

    def plant(self, name: str, after: int = 0) -> None:
        """From now on every conversation breaks in this way, once `after` bytes of answers have passed."""
        if name not in TCP_FAULTS:
            raise KeyError(name)
        self.hits = 0
        with self._lock:
            self._trouble = _Trouble(name, after)
        if name == "refused":
            self._hang_up()

    def clear(self) -> None:
        with self._lock:
            self._trouble = _Trouble()

    def _hang_up(self) -> None:
        with self._lock:
            hurt, self._open = self._open, set()
        for sock in hurt:
            _reset(sock)

    def _accept(self) -> None:
        while not self._closed:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self._trouble.name == "refused":
                self.hits += 1
                _reset(near)
                continue
            try:
                far = socket.create_connection(self._upstream, timeout=10)
            except OSError:
                _reset(near)
                continue
            far.settimeout(None)
            for sock in (near, far):  # many small messages: each is to leave at once
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open |= {near, far}
            both = _Pair(near, far)
            for source, sink, answers in ((near, far, False), (far, near, True)):
                threading.Thread(target=self._pump, args=(both, source, sink, answers), daemon=True).start()

    def _pump(self, both: _Pair, source: socket.socket, sink: socket.socket, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                changed = self._spoil(data) if answers else data
                if not answers and self._trouble.name == "reset":
                    self.hits += 1
                    _reset(source)
                    break
                if changed is None:
                    continue  # silence
                sink.sendall(changed)
                if answers and self._cuts():
                    self._end(sink)
                    break
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)
        if both.ended():
            with self._lock:
                self._open -= {source, sink}
            source.close()
            sink.close()

    def _spoil(self, data: bytes) -> bytes | None:
        """What passes of these bytes of an answer; None: nothing ever."""
        with self._lock:
            self.passed += len(data)
            trouble = self._trouble
            if trouble.name in ("", "refused", "reset"):
                return data
            if trouble.after >= len(data):
                trouble.after -= len(data)
                return data
            passes, trouble.after = trouble.after, 0
            self.hits += 1
        if trouble.name == "silence":
            return data[:passes] or None
        if trouble.name == "garbage":
            return data[:passes] + bytes((byte * 7 + 13) % 256 for byte in data[passes:])
        return data[: max(passes, len(data) // 2)]

    def _cuts(self) -> bool:
        return self._trouble.name.endswith("-in-an-answer") and self.hits > 0 and self._trouble.after == 0

    def _end(self, sink: socket.socket) -> None:
        if self._trouble.name.startswith("reset"):
            _reset(sink)
        else:
            with contextlib.suppress(OSError):
                sink.shutdown(socket.SHUT_RDWR)


def _reset(sock: socket.socket) -> None:
    """Closes with RST, so that the other side sees a reset and not an end."""
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RD)
    with contextlib.suppress(OSError):
        sock.close()
