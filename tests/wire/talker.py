"""A line-based server on loopback that says what a test tells it to, and remembers what it heard."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from harness.wire.dialogue import Dialogue
from harness.wire.imap import ImapWire, SignIn
from harness.wire.sieve import SieveWire
from harness.wire.stream import Address
from tests.wire.world import World

Answer = Callable[[bytes], bytes | None]  # None: hang up
WHO = SignIn("reader", "pw-Kx8vQ2sLm", "boss")


@dataclass
class Talker:
    """`greeting` first, then for each line what `answer` makes of it."""

    answer: Answer
    greeting: bytes
    heard: list[bytes] = field(default_factory=list)
    port: int = 0

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(sock,), daemon=True).start()

    def talk(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError), sock, sock.makefile("rb") as lines:
            sock.sendall(self.greeting)
            for line in lines:
                self.heard.append(line.rstrip(b"\r\n"))
                said = self.answer(self.heard[-1])
                if said is None:
                    return
                sock.sendall(said)

    def address(self, scheme: str = "imap") -> Address:
        return Address(scheme, "127.0.0.1", self.port)


@contextmanager
def talking(answer: Answer, greeting: bytes = b"* OK ready\r\n") -> Iterator[Talker]:
    listener = socket.create_server(("127.0.0.1", 0))
    talker = Talker(answer, greeting, port=listener.getsockname()[1])
    thread = threading.Thread(target=talker.serve, args=(listener,), daemon=True)
    thread.start()
    try:
        yield talker
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def imap(answers: dict[str, bytes]) -> Answer:
    """Answers by verb; `%s` is the tag. Whoever signs in is let in unless `AUTH` says otherwise."""
    tag = [b""]

    def answer(line: bytes) -> bytes | None:
        word, _, rest = line.partition(b" ")
        if rest.startswith(b"AUTHENTICATE"):
            tag[0] = word
            return b"+ \r\n"
        if not rest:  # the SASL response
            return answers.get("AUTH", b"%s OK in\r\n").replace(b"%s", tag[0])
        verb = rest.split(b" ")[0].decode()
        return answers.get(verb, b"%s OK done\r\n").replace(b"%s", word)

    return answer


def wire(talker: Talker, timeout_s: float = 2.0) -> tuple[ImapWire, World]:
    world = World()
    return ImapWire(Dialogue(world.tools, attempts=2), talker.address(), timeout_s), world


def sieve_wire(talker: Talker, timeout_s: float = 2.0) -> tuple[SieveWire, World]:
    world = World()
    return SieveWire(Dialogue(world.tools, attempts=2), talker.address("sieve"), timeout_s), world
