"""One new login at a PostgreSQL server, spoken by hand: libpq keeps the SQLSTATE of a refusal to itself, and its text
is in the server's language.

https://www.postgresql.org/docs/current/protocol-message-formats.html; SCRAM-SHA-256 is RFC 5802 and RFC 7677.
"""

from __future__ import annotations

import hmac
import os
import socket
import ssl
import struct
import time
from base64 import b64decode, b64encode
from dataclasses import dataclass
from hashlib import md5, pbkdf2_hmac, sha256

from harness.wire.dialogue import Broken
from harness.wire.sql_state import again, sentence

_PROTOCOL = 196_608  # 3.0
_TLS_REQUEST = 80_877_103
_LONGEST = 1 << 16  # no message of a login is longer
_OK, _CLEARTEXT, _MD5, _SASL, _SASL_MORE, _SASL_LAST = 0, 3, 5, 10, 11, 12


@dataclass(frozen=True, slots=True)
class Refused(Exception):
    """The server answered with an error: its code, and its words."""

    state: str
    said: str


def login(
    host: str,
    port: int,
    *,
    user: str,
    password: str,
    database: str,
    sslmode: str,
    sslrootcert: str | None,
    within_s: float,
) -> None:
    """Signs in and out again. Raises `Refused` with the server's own code, `Broken` for all that tells nothing."""
    deadline = time.monotonic() + within_s
    try:
        with socket.create_connection((host, port), timeout=within_s) as plain:
            line = _Line(_secured(plain, host, sslmode, sslrootcert), deadline)
            try:
                _sign_in(line, user, password, database)
                line.send(b"X", b"")
            finally:
                line.sock.close()
    except TimeoutError:
        raise Broken(f"no answer within {within_s:g} s", again=True, in_doubt=False) from None
    except OSError as error:
        raise Broken(
            f"the connection broke: {error.strerror or type(error).__name__}", again=True, in_doubt=False
        ) from None
    except (ValueError, IndexError, KeyError, struct.error):
        raise Broken("the server's answer could not be read", again=True, in_doubt=False) from None


def broken(refused: Refused) -> Broken:
    """For an error that is no certain refusal."""
    return Broken(sentence(refused.state, refused.said), again=again(refused.state), in_doubt=False)


@dataclass(slots=True)
class _Line:
    sock: socket.socket
    deadline: float

    def send(self, kind: bytes, body: bytes) -> None:
        self.sock.sendall(kind + struct.pack("!I", len(body) + 4) + body)

    def receive(self) -> tuple[bytes, bytes]:
        kind = self.exactly(1)
        (size,) = struct.unpack("!I", self.exactly(4))
        if not 4 <= size <= _LONGEST:
            raise ValueError("no message of a login is that long")
        return kind, self.exactly(size - 4)

    def exactly(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            left = self.deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self.sock.settimeout(left)
            more = self.sock.recv(size - len(found))
            if not more:
                raise ConnectionResetError(0, "closed by the server")
            found += more
        return found


def _secured(plain: socket.socket, host: str, sslmode: str, sslrootcert: str | None) -> socket.socket:
    """As libpq's `sslmode` says: `prefer` and `require` encrypt without asking who it is."""
    if sslmode == "disable":
        return plain
    plain.sendall(struct.pack("!II", 8, _TLS_REQUEST))
    answer = plain.recv(1)
    if answer == b"N" and sslmode == "prefer":
        return plain
    if answer != b"S":
        raise Broken("the server offers no TLS", in_doubt=False)
    context = ssl.create_default_context(cafile=sslrootcert)
    context.check_hostname = sslmode == "verify-full"
    if not sslmode.startswith("verify-"):
        context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(plain, server_hostname=host)


def _sign_in(line: _Line, user: str, password: str, database: str) -> None:
    words = {"user": user, "database": database, "application_name": "exitproof", "client_encoding": "UTF8"}
    body = b"".join(f"{key}\0{value}\0".encode() for key, value in words.items()) + b"\0"
    line.sock.sendall(struct.pack("!II", len(body) + 8, _PROTOCOL) + body)
    scram = _Scram(password)
    proved = True  # a method in which the server proves nothing
    while True:
        kind, told = line.receive()
        if kind == b"E":
            raise _error(told)
        if kind == b"R":
            (method,) = struct.unpack("!I", told[:4])
            if method == _OK:
                if not proved:
                    raise ValueError("let in without the server's proof")
            elif method == _CLEARTEXT:
                line.send(b"p", password.encode() + b"\0")
            elif method == _MD5:
                line.send(b"p", _md5(user, password, told[4:8]))
            elif method == _SASL:
                proved = False
                if b"SCRAM-SHA-256" not in told[4:].split(b"\0"):
                    raise Broken("the server asks for a way to sign in that is not known here", in_doubt=False)
                first = scram.first()
                line.send(b"p", b"SCRAM-SHA-256\0" + struct.pack("!I", len(first)) + first)
            elif method == _SASL_MORE:
                line.send(b"p", scram.second(told[4:]))
            elif method == _SASL_LAST:
                proved = scram.proved(told[4:])
            else:
                raise Broken("the server asks for a way to sign in that is not known here", in_doubt=False)
        elif kind == b"Z":
            return  # ready for a question: the login is whole, the database's own door included
        elif kind not in (b"S", b"K", b"N", b"v"):
            raise ValueError("a message that has no place in a login")


def _error(told: bytes) -> Refused:
    fields = {part[:1]: part[1:].decode("utf-8", "replace") for part in told.split(b"\0") if part}
    return Refused(fields[b"C"], fields.get(b"M", ""))


def _md5(user: str, password: str, salt: bytes) -> bytes:
    inner = md5(password.encode() + user.encode(), usedforsecurity=False).hexdigest().encode()
    return b"md5" + md5(inner + salt, usedforsecurity=False).hexdigest().encode() + b"\0"


class _Scram:
    """Both sides prove that they know the password; neither tells it."""

    def __init__(self, password: str) -> None:
        self._password = password.encode()
        self._bare = b"n=,r=" + b64encode(os.urandom(18))
        self._expected = b""

    def first(self) -> bytes:
        return b"n,," + self._bare

    def second(self, told: bytes) -> bytes:
        given = dict(part.split(b"=", 1) for part in told.split(b","))
        nonce, salt, rounds = given[b"r"], b64decode(given[b"s"], validate=True), int(given[b"i"])
        if not nonce.startswith(self._bare[5:]) or not 0 < rounds <= 10_000_000:
            raise ValueError("not an answer to this question")
        final = b"c=biws,r=" + nonce
        salted = pbkdf2_hmac("sha256", self._password, salt, rounds)
        client, spoken = _keyed(salted, b"Client Key"), b",".join((self._bare, told, final))
        signature = _keyed(sha256(client).digest(), spoken)
        self._expected = _keyed(_keyed(salted, b"Server Key"), spoken)
        proof = bytes(a ^ b for a, b in zip(client, signature, strict=True))
        return final + b",p=" + b64encode(proof)

    def proved(self, told: bytes) -> bool:
        return told.startswith(b"v=") and hmac.compare_digest(b64decode(told[2:]), self._expected)


def verifier(password: str) -> str:
    """What the server keeps of a password, so that the password itself is never sent (nor in anybody's log)."""
    salt, rounds = os.urandom(16), 4096
    salted = pbkdf2_hmac("sha256", password.encode(), salt, rounds)
    stored, server = sha256(_keyed(salted, b"Client Key")).digest(), _keyed(salted, b"Server Key")
    parts = (b64encode(part).decode() for part in (salt, stored, server))
    return "SCRAM-SHA-256${}:{}${}:{}".format(rounds, *parts)


def _keyed(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, sha256).digest()
