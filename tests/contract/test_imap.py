"""The system `imap` in the shipped contract of spoken protocols, in front of the real Dovecot."""

from __future__ import annotations

import contextlib
import imaplib
import sys
import time
from collections.abc import Iterator, Mapping

import pytest

from fixtures.fleet.dovecot import Dovecot, NotInstalled, running
from fixtures.fleet.dovecot.conf import READER, WRITER
from harness.config import Ref
from harness.model import Entitlement, Kind, Made, ObjectSpec
from harness.ports import System, Tools
from harness.systems.imap import Imap, build
from harness.systems.imap_config import ImapConfig
from harness.testing.spoken import SpokenContract, SpokenWorld, Trouble
from tests.real.conftest import cannot

pytestmark = pytest.mark.real
BOSS = "drill-boss/INBOX"


@pytest.fixture
def dovecot() -> Iterator[Dovecot]:
    """One of its own for each test: a sweep asks every account that there is."""
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(running())
        except NotInstalled as why:
            cannot(str(why))
        yield server


class Mail(SpokenWorld):
    """`through`: which of the two protocols goes through the relay that breaks."""

    reading = frozenset(("NOOP", "GETACL", "GETSCRIPT", "ASK"))
    outlives = frozenset((Kind.DELEGATION, Kind.FORWARDING, Kind.ROLE))  # other people's ACLs and scripts, another file
    pages = "neither IMAP nor ManageSieve has pages: a list ends with the tagged answer"
    entitlements = (
        Entitlement("mail", Kind.DELEGATION, BOSS, right="read"),
        Entitlement("mail", Kind.DELEGATION, BOSS, right="administer"),
        Entitlement("mail", Kind.FORWARDING, "to-robin", to="robin@elsewhere.example"),
        Entitlement("mail", Kind.FORWARDING, BOSS, direction="in"),
        Entitlement("mail", Kind.ROLE, "master"),
        Entitlement("mail", Kind.SESSION, BOSS, right="read"),
        Entitlement("mail", Kind.SESSION, "own"),
    )

    def __init__(self, server: Dovecot, through: str) -> None:
        self.server = server
        self.through = through
        self.upstream = ("127.0.0.1", getattr(server.ports, through))
        self.secrets = (server.passwords[READER], server.passwords[WRITER])

    def build(self, host: str, port: int, tools: Tools, timeout_s: float, *, wrong: bool = False) -> Imap:
        env = self.server.env
        program = [sys.executable, "-IS", env["DOVECOT_HOST"], env["DOVECOT_HOME"]]

        def run(*words: str, **more: str) -> dict[str, object]:
            return {"argv": [*program, *words], **more}

        def auth(name: str, password: str) -> dict[str, object]:
            return {"auth": {"basic": {"username": name, "password": Ref(password, "${env:X}")}}}

        made = "{{ identity.password }}\n{{ identity.external_id }}"
        addresses = {"imap": env["DOVECOT_IMAP"], "sieve": env["DOVECOT_SIEVE"]}
        addresses[self.through] = f"{self.through}://{host}:{port}"
        given = {
            "type": "imap",
            "url": addresses["imap"],
            "sieve": addresses["sieve"],
            "reader": auth(READER, "not-this-one-K8xq" if wrong else self.secrets[0]),
            "writer": auth(WRITER, self.secrets[1]),
            "accounts": {
                "list": run("state"),
                "create": run("create", "{{ identity.username }}", stdin=made),
                "remove": run("remove", "{{ account.name }}"),
            },
            "roles": {
                "list": run("state"),
                "grant": run("grant", "{{ account.name }}", stdin="{{ identity.password }}"),
                "revoke": run("revoke", "{{ account.name }}"),
                "opens": "drill-boss",
            },
            "store": {"list": run("state")},
        }
        return build("mail", ImapConfig.model_validate(given), tools, timeout_s=timeout_s, attempts=2)

    def made(self, system: System, entitlement: Entitlement) -> Made | None:
        assert isinstance(system, Imap)
        if entitlement.name != BOSS:
            return None
        return system.find_object(ObjectSpec(BOSS, "mail", Kind.MAILBOX), None)

    def troubles(self) -> Mapping[str, Trouble]:
        return {"reader-without-rights": self.no_master, "reader-without-acl": self.no_rights}

    @contextlib.contextmanager
    def no_master(self) -> Iterator[None]:
        """The reader may sign in as itself only."""
        with self.without("masters", f"{READER}:"):
            yield

    @contextlib.contextmanager
    def no_rights(self) -> Iterator[None]:
        """The reader may act as anybody, and see no mailbox."""
        with self.without("rights", f"* user={READER} "):
            yield

    @contextlib.contextmanager
    def without(self, name: str, line: str) -> Iterator[None]:
        file = self.server.home / name
        text = file.read_text()
        kept = [each for each in text.splitlines(keepends=True) if not each.startswith(line)]
        assert "".join(kept) != text
        file.write_text("".join(kept))
        self.await_sweep(False)
        try:
            yield
        finally:
            file.write_text(text)
            self.await_sweep(True)

    def await_sweep(self, whole: bool) -> None:
        """Until the server has read its file again: it does so once a second."""
        deadline = time.monotonic() + 5
        while self.sees() is not whole:
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def sees(self) -> bool:
        """The reader acts as the boss, and is told who may use the INBOX."""
        mail = imaplib.IMAP4("127.0.0.1", self.server.ports.imap)
        try:
            mail.authenticate("PLAIN", lambda _: f"drill-boss\0{READER}\0{self.secrets[0]}".encode())
            return mail.getacl("INBOX")[0] == "OK"
        except imaplib.IMAP4.error:
            return False
        finally:
            mail.shutdown()


class TestImap(SpokenContract):
    @pytest.fixture
    def world(self, dovecot: Dovecot) -> SpokenWorld:
        return Mail(dovecot, "imap")


class TestManageSieve:
    """The same with the other protocol broken; all else was tried above."""

    @pytest.fixture
    def world(self, dovecot: Dovecot) -> SpokenWorld:
        return Mail(dovecot, "sieve")

    scene = SpokenContract.scene
    _look = SpokenContract._look
    test_a_broken_connection_is_unknown_never_absent = (
        SpokenContract.test_a_broken_connection_is_unknown_never_absent  # with its faults
    )
