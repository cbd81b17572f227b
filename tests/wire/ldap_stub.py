"""A server that speaks LDAP by a script: for what a real one does only when it is broken, or is another product."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from ldap3.protocol.rfc4511 import LDAPMessage
from ldap3.strategy.base import BaseStrategy
from pyasn1.codec.ber import decoder

from harness.wire.ldap_link import Address

ENTRY, DONE, REFERENCE = 0x64, 0x65, 0x73
PAGED = "1.2.840.113556.1.4.319"


def tlv(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    size = len(body)
    if size < 128:
        return bytes((tag, size)) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + body


def octets(text: str | bytes) -> bytes:
    return tlv(4, text.encode() if isinstance(text, str) else text)


def number(value: int, tag: int = 2) -> bytes:
    return tlv(tag, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def result(code: int, tag: int = DONE, message: str = "", referral: str = "", more: bytes = b"") -> bytes:
    told = [number(code, 10), octets(""), octets(message)]
    if referral:
        told.append(tlv(0xA3, octets(referral)))
    return tlv(tag, *told, more)


def entry(dn: str, **values: list[str]) -> bytes:
    attributes = [
        tlv(0x30, octets(name.replace("__", ";")), tlv(0x31, *map(octets, given))) for name, given in values.items()
    ]
    return tlv(ENTRY, octets(dn), tlv(0x30, *attributes))


def ranged(dn: str, name: str, values: list[str]) -> bytes:
    return tlv(ENTRY, octets(dn), tlv(0x30, tlv(0x30, octets(name), tlv(0x31, *map(octets, values)))))


def reference(url: str) -> bytes:
    return tlv(REFERENCE, octets(url))


def cookie(value: bytes) -> bytes:
    control = tlv(0x30, number(0), octets(value))
    return tlv(0xA0, tlv(0x30, octets(PAGED), octets(control)))


@dataclass(frozen=True)
class Heard:
    """One search request."""

    base: str
    attributes: list[str]
    cookie: bytes | None  # of the paged control, None without one
    n: int  # the how-manieth search on this server


Reply = list[bytes | tuple[bytes, bytes]]  # an operation, or one with its controls
Script = Callable[[Heard], Reply]


class Stub:
    def __init__(self, script: Script) -> None:
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.searches = 0
        self._open: list[socket.socket] = []

    @property
    def address(self) -> Address:
        return Address("127.0.0.1", self.port)

    def serve(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(sock)
            threading.Thread(target=self._talk, args=(sock,), daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._open:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _talk(self, sock: socket.socket) -> None:
        data = b""
        with suppress(OSError):
            while more := sock.recv(1 << 16):
                data += more
                size = BaseStrategy.compute_ldap_message_size(data)
                while 0 < size <= len(data):
                    message, _ = decoder.decode(data[:size], asn1Spec=LDAPMessage())
                    data = data[size:]
                    self._answer(sock, message)
                    size = BaseStrategy.compute_ldap_message_size(data)

    def _answer(self, sock: socket.socket, message: Any) -> None:
        serial = int(message["messageID"])
        kind = message["protocolOp"].getName()
        if kind == "bindRequest":
            sock.sendall(tlv(0x30, number(serial), result(0, 0x61)))
            return
        if kind != "searchRequest":
            return
        asked = message["protocolOp"].getComponent()
        self.searches += 1
        place = None
        for control in message["controls"] if message["controls"].hasValue() else ():
            if str(control["controlType"]) == PAGED:
                place = bytes(decoder.decode(bytes(control["controlValue"]))[0][1])
        heard = Heard(str(asked["baseObject"]), [str(a) for a in asked["attributes"]], place, self.searches)
        for part in self._script(heard):
            operation, controls = part if isinstance(part, tuple) else (part, b"")
            sock.sendall(operation if operation == b"noise" else tlv(0x30, number(serial), operation, controls))


@contextmanager
def stub(script: Script) -> Iterator[Stub]:
    server = Stub(script)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join(5)
