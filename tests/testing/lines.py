"""A server of a line protocol, and an adapter for it with the defects that the contract must find."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.model import Account, Entitlement, Floor, Grant, Kind, Made, Presence, Row
from harness.ports import Declaration, KindTraits, Person, System, Tools
from harness.testing.spoken import SpokenScene, SpokenWorld, Trouble
from harness.wire.dialogue import Asked, Broken, Dialogue, Heard, Told
from harness.wire.survey import Asking, Reader, Record, Rows, SurveyRound
from harness.wire.writing import account_of, written

PAGE = 2


class LineServer(socketserver.ThreadingTCPServer):
    """`TOKEN LIST key from`, `TOKEN ADD key value`, `TOKEN DEL key value`; an answer is rows, and `.` or `+` (more)."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        self.sets: dict[str, list[str]] = {}
        self.blind = False
        self.lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), Talk)

    def answer(self, line: str) -> str:
        token, verb, key, value = line.split(" ", 3)
        if token not in ("reader", "writer"):
            return "!refused\n"
        with self.lock:
            rows = self.sets.setdefault(key, [])
            if verb == "ADD" and value not in rows:
                rows.append(value)
            elif verb == "DEL" and value in rows:
                rows.remove(value)
            if verb != "LIST":
                return ".\n"
            if self.blind and token == "reader":
                return ".\n"  # silence instead of a refusal, as many servers do
            page = rows[int(value) : int(value) + PAGE]
            more = int(value) + PAGE < len(rows)
        return "".join(f"{row}\n" for row in page) + ("+\n" if more else ".\n")


class Talk(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server = self.server
        assert isinstance(server, LineServer)
        with contextlib.suppress(OSError, ValueError):
            for line in self.rfile:
                self.wfile.write(server.answer(line.decode().rstrip("\n")).encode())


class LineSystem:
    """Accounts and groups over lines. `defect`: what its author got wrong."""

    def __init__(self, at: tuple[str, int], tools: Tools, timeout_s: float, reader: str, defect: str = "") -> None:
        self.name = "desk"
        self._at, self._timeout, self._reader, self._defect = at, timeout_s, reader, defect
        self._dialogue = Dialogue(tools, attempts=1)

    def declaration(self) -> Declaration:
        kinds = {Kind.GROUP: KindTraits(True, grantable=True, revocable=True)}
        return Declaration("lines", "", "reader", True, "me", kinds, floor=Floor.DELETED)

    def round(self) -> SurveyRound:
        return SurveyRound(self)

    # --- looks --------------------------------------------------------------------------------

    def find(self, asking: Asking, person: Person) -> Sequence[Account]:
        there = self._all(asking, "people")
        name = person.identity.username
        return [Account("desk", name, {"id": name})] if name in there else []

    def record(self, asking: Asking, person: Person) -> Record:
        there = account_of(person).id in self._all(asking, "people")
        return Record(Presence.PRESENT if there else Presence.ABSENT, record=there, data=there or None)

    def readers(self) -> Mapping[Kind, Reader]:
        return {Kind.GROUP: self._groups}

    def _groups(self, asking: Asking, person: Person, record: Record) -> Rows:
        return Rows(tuple(Row(one, one) for one in self._all(asking, f"groups-{account_of(person).id}")))

    def _all(self, asking: Asking, key: str) -> list[str]:
        found: list[str] = []
        more = True
        while more:
            start = len(found)
            page, more = asking((key, start), lambda start=start: self._page(key, start))  # type: ignore[misc]
            found += page
            more = more and self._defect != "first page only"
        return found

    def _page(self, key: str, start: int) -> Told[tuple[list[str], bool]]:
        asked = Asked("LIST", f"lines://{key}", {"from": start})
        return self._dialogue.ask(asked, lambda: self._try(f"{self._reader} LIST {key} {start}"))

    def _try(self, line: str) -> Heard[tuple[list[str], bool]]:
        rows: list[str] = []
        try:
            with socket.create_connection(self._at, timeout=self._timeout) as sock, sock.makefile("rb") as file:
                sock.sendall(line.encode() + b"\n")
                for raw in file:
                    row = raw.decode().rstrip("\n")
                    if row == "!refused":
                        raise Broken("the credential was refused", in_doubt=False)
                    if row in (".", "+"):
                        return Heard((rows, row == "+"), rows)
                    rows.append(row)
        except (OSError, ValueError) as error:
            if self._defect == "absent by default":
                return Heard(([], False))
            raise Broken(f"no answer: {type(error).__name__}") from None
        if self._defect == "half a list is a list":
            return Heard((rows, False), rows)
        raise Broken("the connection was closed in the middle of an answer")

    # --- changes ------------------------------------------------------------------------------

    def _change(self, verb: str, key: str, value: str) -> None:
        asked = Asked(verb, f"lines://{key}", {"value": value}, look=False)
        with written():
            self._dialogue.ask(asked, lambda: self._try(f"writer {verb} {key} {value}"))

    def create(self, person: Person) -> Account:
        name = person.identity.username
        self._change("ADD", "people", name)
        return Account("desk", name, {"id": name})

    def remove(self, person: Person) -> None:
        self._change("DEL", "people", account_of(person).id)
        for grant in person.grants:
            self.revoke(person, grant)

    def grant(self, person: Person, entitlement: Entitlement, made: Made | None) -> Grant:
        self._change("ADD", f"groups-{account_of(person).id}", entitlement.name)
        return Grant(entitlement, entitlement.name)

    def revoke(self, person: Person, grant: Grant) -> None:
        self._change("DEL", f"groups-{account_of(person).id}", grant.entitlement.name)

    def find_object(self, spec: Any, owner: Person | None) -> Made | None:
        return None

    def create_object(self, spec: Any, owner: Person | None) -> Made:
        raise AssertionError("no objects here")

    def remove_object(self, made: Made) -> None:
        raise AssertionError("no objects here")


class LineWorld(SpokenWorld):
    reading = frozenset({"LIST"})
    secrets = ()
    entitlements = tuple(Entitlement("desk", Kind.GROUP, f"group-{n}") for n in range(PAGE + 1))

    def __init__(self, server: LineServer, defect: str = "") -> None:
        self.server = server
        self.defect = defect
        self.upstream = ("127.0.0.1", int(server.server_address[1]))

    def build(self, host: str, port: int, tools: Tools, timeout_s: float, *, wrong: bool = False) -> System:
        return LineSystem((host, port), tools, timeout_s, "nobody" if wrong else "reader", self.defect)

    def troubles(self) -> Mapping[str, Trouble]:
        return {"reader-without-rights": self._blind}

    @contextlib.contextmanager
    def _blind(self) -> Iterator[None]:
        self.server.blind = True
        try:
            yield
        finally:
            self.server.blind = False

    def second_pages(self, scene: Any) -> int:
        assert isinstance(scene, SpokenScene)
        return sum('"from": 2' in str(kept["request"]["body"]) for kept in scene.bench.exchanges.kept)


@contextlib.contextmanager
def served() -> Iterator[LineServer]:
    with LineServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
