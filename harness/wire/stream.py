"""A line-based conversation over TCP or TLS, each answer under one deadline: what IMAP and ManageSieve stand on."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import time
from dataclasses import dataclass

from harness.wire.dialogue import Broken

_LONGEST = 1 << 16  # one line
_MOST = 1 << 24  # one literal
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens. `tls`: from the first byte; `context` checks its certificate, also after STARTTLS."""

    scheme: str
    host: str
    port: int
    tls: bool = False
    starttls: bool = False
    context: ssl.SSLContext | None = None

    def url(self, path: str = "") -> str:
        return f"{self.scheme}://{self.host}:{self.port}{path}"


class Stream:
    """One connection. Everything that fails is `Broken`: before `answering` is called the server has been asked
    nothing, so nothing is in doubt."""

    def __init__(self, address: Address, timeout_s: float) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._buffer = bytearray()
        self._until = time.monotonic() + timeout_s
        try:
            self._sock = socket.create_connection((address.host, address.port), timeout_s)
            if address.tls:
                self.secure()
        except OSError as error:
            raise self._lost(error, "no connection") from None

    def secure(self) -> None:
        """TLS from here on; whatever was said before it in clear is forgotten (RFC 3501 §6.2.1)."""
        context = self._address.context or ssl.create_default_context()
        self._buffer.clear()
        try:
            self._sock = context.wrap_socket(self._sock, server_hostname=self._address.host)
        except (OSError, ssl.CertificateError) as error:
            raise self._lost(error, "no TLS") from None

    def answering(self) -> None:
        """A question begins: its whole answer has the timeout from now."""
        self._until = time.monotonic() + self._timeout_s

    def send(self, data: bytes) -> None:
        try:
            self._sock.settimeout(self._left())
            self._sock.sendall(data)
        except OSError as error:
            raise self._lost(error, "the question could not be sent", in_doubt=True) from None

    def waiting(self) -> bool:
        """Whether something was said (or the connection ended) that nobody has read yet."""
        if self._buffer:
            return True
        pending = isinstance(self._sock, ssl.SSLSocket) and self._sock.pending() > 0
        with contextlib.suppress(OSError, ValueError):
            return pending or bool(select.select([self._sock], [], [], 0)[0])
        return pending

    def line(self) -> bytes:
        """The next line without its end."""
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > _LONGEST:
                raise Broken("a line of the answer has no end")
            self._receive()
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line.removesuffix(b"\r")

    def exactly(self, size: int) -> bytes:
        """A literal of that many bytes."""
        if size > _MOST:
            raise Broken(f"the answer announces {size} bytes, more than is read")
        while len(self._buffer) < size:
            self._receive()
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._sock.close()

    def _receive(self) -> None:
        try:
            self._sock.settimeout(self._left())
            data = self._sock.recv(_CHUNK)
        except OSError as error:
            raise self._lost(error, "no whole answer", in_doubt=True) from None
        if not data:
            raise Broken("the server closed the connection in the middle of the conversation", again=True)
        self._buffer += data

    def _left(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def _lost(self, error: Exception, what: str, *, in_doubt: bool = False) -> Broken:
        if isinstance(error, TimeoutError):
            why = f"nothing came for {self._timeout_s:g} s"
        elif isinstance(error, ssl.SSLCertVerificationError):
            why = f"the certificate is not trusted: {error.verify_message}"
        elif isinstance(error, OSError) and error.strerror:
            why = error.strerror.lower()
        else:
            why = type(error).__name__
        return Broken(f"{what} at {self._address.host}:{self._address.port}: {why}", again=True, in_doubt=in_doubt)
