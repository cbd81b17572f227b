"""One LDAP connection: opened, secured, bound; every answer has one deadline, and every failure is `Broken`."""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from harness.wire import ldap_codes
from harness.wire.dialogue import Broken
from harness.wire.extra import need

Security = Literal["none", "tls", "starttls"]
_START_TLS = "1.3.6.1.4.1.1466.20037"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens, and how the connection is secured. `ca`: a file of certificates to trust."""

    host: str
    port: int
    security: Security = "none"
    ca: str | None = None

    @classmethod
    def of(cls, url: str, *, starttls: bool = False, ca: str | None = None) -> Address:
        """`ldap://host:port` or `ldaps://…`. Raises `ValueError`."""
        parts = urlsplit(url)
        if parts.scheme not in ("ldap", "ldaps") or not parts.hostname or unquote(parts.path).strip("/"):
            raise ValueError(f"not an address of a directory (ldap://host:port): {url}")
        if parts.scheme == "ldaps" and starttls:
            raise ValueError("ldaps is secured already: leave `starttls` out")
        security: Security = "tls" if parts.scheme == "ldaps" else "starttls" if starttls else "none"
        return cls(parts.hostname, parts.port or (636 if security == "tls" else 389), security, ca)

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'ldaps' if self.security == 'tls' else 'ldap'}://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Result:
    """What the server answered to one operation, as it came."""

    code: int
    message: str = ""
    entries: tuple[tuple[bytes, dict[str, list[bytes]]], ...] = ()
    references: tuple[str, ...] = ()
    cookie: bytes | None = None  # RFC 2696; None: the server did not answer in pages
    value: bytes = b""  # of an extended operation


class _Watched:
    """A socket whose whole next answer has one deadline: a server that drips cannot hold a thread."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.until = 0.0

    def recv(self, size: int) -> bytes:
        self._left()
        return self.sock.recv(size)

    def sendall(self, data: bytes) -> None:
        self._left()
        self.sock.sendall(data)

    def _left(self) -> None:
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self.sock.settimeout(left)

    def shutdown(self, how: int) -> None:
        self.sock.shutdown(how)

    def close(self) -> None:
        self.sock.close()


@dataclass(slots=True)
class Link:
    """Not for two threads at once. After `Broken` with `usable` False it is of no use to anybody."""

    address: Address
    timeout_s: float
    usable: bool = field(default=False, init=False)
    _connection: Any = field(default=None, init=False)
    _watched: _Watched | None = field(default=None, init=False)

    def open(self) -> None:
        """Raises `Broken`, never in doubt: nothing was asked yet."""
        ldap3 = need("ldap3", "ldap")
        server = ldap3.Server(
            self.address.host, self.address.port, use_ssl=False, get_info=ldap3.NONE, connect_timeout=self.timeout_s
        )
        # Nothing that guesses: no schema, no referral followed, no empty list for an attribute that did not come.
        self._connection = ldap3.Connection(
            server, client_strategy=ldap3.SYNC, auto_referrals=False, auto_range=False, check_names=False,
            return_empty_attributes=False, auto_escape=False, raise_exceptions=False,
        )  # fmt: skip
        try:
            self._connection.open(read_server_info=False)
            if self.address.security == "starttls":
                self._connection.extended(_START_TLS)
                code = int(self._connection.result["result"])
                if code:
                    raise Broken(f"StartTLS: {ldap_codes.reason(code)}", in_doubt=False, code=code)
            if self.address.security != "none":
                # The library's own check of host names is gone from newer Pythons.
                trust = ssl.create_default_context(cafile=self.address.ca)
                plain = self._connection.socket
                self._connection.socket = trust.wrap_socket(plain, server_hostname=self.address.host)
        except Broken:
            self.close()
            raise
        except Exception as error:  # noqa: BLE001  the library's exceptions are made as they are raised
            self.close()
            failed = classify(error, self.timeout_s)
            raise Broken(failed.reason, again=failed.again, in_doubt=False) from None
        self._watched = self._connection.socket = _Watched(self._connection.socket)
        self.usable = True

    def bind(self, user: str, password: str) -> Result:
        """A simple bind; an empty password would be no proof (RFC 4513 §5.1.2) and is refused here. Raises `Broken`."""
        if user and not password:
            raise Broken("there is no password to sign in with", in_doubt=False)
        ldap3 = need("ldap3", "ldap")

        def send(connection: Any) -> None:
            connection.user, connection.password = user or None, password or None
            connection.authentication = ldap3.SIMPLE if user else ldap3.ANONYMOUS
            try:
                connection.bind(read_server_info=False)
            finally:
                connection.password = None

        return self.ask(send)

    def ask(self, send: Callable[[Any], object]) -> Result:
        """One operation on the library's connection, and what it was answered. Raises `Broken`, in doubt."""
        if not self.usable or self._watched is None:
            raise Broken("the connection is closed", in_doubt=False)
        self._watched.until = time.monotonic() + self.timeout_s
        try:
            send(self._connection)
            return _result(self._connection)
        except Exception as error:  # noqa: BLE001  also whatever a decoder says of noise
            self.close()
            raise classify(error, self.timeout_s) from None

    @property
    def stale(self) -> bool:
        """Whether something came, or the other side went, while nobody asked: not a connection to ask anything on."""
        if not self.usable or self._watched is None:
            return True
        try:
            return bool(select.select([self._watched.sock], [], [], 0)[0])
        except (OSError, ValueError):
            return True

    def close(self, *, wait: bool = False) -> None:
        """Says goodbye where that can be said. May be called again. `wait`: for the server to hang up as well, so that
        it lists the connection no more."""
        was, self.usable = self.usable, False
        if self._connection is None:
            return
        with suppress(Exception):
            if was and wait and self._watched is not None:
                self._watched.sock.settimeout(1)
                self._watched.sock.shutdown(socket.SHUT_WR)
                while self._watched.sock.recv(1 << 16):
                    pass
            elif was and self._watched is not None:
                self._watched.until = time.monotonic() + 1
                self._connection.unbind()
        sock = getattr(self._connection, "socket", None)
        if sock is not None:
            with suppress(Exception):
                sock.close()
            self._connection.socket = None
        self._connection = self._watched = None


def _result(connection: Any) -> Result:
    told = connection.result
    entries = []
    references: list[str] = []
    for one in connection.response or ():
        if one["type"] == "searchResEntry":
            entries.append((bytes(one["raw_dn"]), {str(k): v or [] for k, v in one["raw_attributes"].items()}))
        elif one["type"] == "searchResRef":
            references += [str(uri) for uri in one["uri"]]
    paged = (told.get("controls") or {}).get("1.2.840.113556.1.4.319")
    return Result(
        int(told["result"]),
        str(told.get("message") or ""),
        tuple(entries),
        tuple(references) + tuple(str(uri) for uri in told.get("referrals") or ()),
        None if paged is None else bytes(paged["value"]["cookie"] or b""),
        bytes(told.get("responseValue") or b""),
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it wraps: where a name has several addresses, the library keeps one for each in `args`."""
    todo: list[Any] = [error]
    seen: set[int] = set()
    while todo:
        one = todo.pop(0)
        if isinstance(one, list | tuple):
            todo += one
        elif isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one
            todo += [*one.args, one.__cause__, one.__context__]


def classify(error: BaseException, timeout_s: float) -> Broken:
    """The reason of a library's exception. Its own text is never used: it may hold what was sent."""
    chain = list(_chain(error))
    names = {kind.__name__ for one in chain for kind in type(one).__mro__}

    def has(*kinds: type[BaseException]) -> bool:
        return any(isinstance(one, kinds) for one in chain)

    if has(socket.gaierror) or "LDAPInvalidServerError" in names:
        return Broken("the host name cannot be resolved (DNS)", again=True, in_doubt=False)
    if has(ConnectionRefusedError):
        return Broken("the connection was refused", again=True, in_doubt=False)
    if has(ssl.SSLCertVerificationError, ssl.CertificateError):
        return Broken("TLS: the server's certificate is not trusted", in_doubt=False)
    if has(FileNotFoundError):
        return Broken("TLS: the file of trusted certificates cannot be read", in_doubt=False)
    if has(ssl.SSLError):
        return Broken("TLS: no secure connection could be made", again=True)
    if has(TimeoutError):
        return Broken(f"no answer within {timeout_s:g} s (timeout)", again=True)
    if "LDAPSessionTerminatedByServerError" in names:
        return Broken("the connection was closed before the answer was whole", again=True)
    if has(ConnectionError) or names & {"LDAPSocketReceiveError", "LDAPSocketSendError", "LDAPSocketOpenError"}:
        return Broken("the connection was lost", again=True)
    if "LDAPInvalidFilterError" in names:
        return Broken("the filter is not one of LDAP", in_doubt=False)
    return Broken(f"the answer is not LDAP, or the request cannot be sent ({type(error).__name__})")
