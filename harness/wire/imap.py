"""IMAP over a `Dialogue`: one visit is one connection, signed in, asked, and signed out; nothing of it is guessed."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from harness.wire.dialogue import Asked, Broken, Dialogue, Heard, Told
from harness.wire.imap_syntax import LITERAL, Atom, Malformed, Status, parse, quoted, status, text
from harness.wire.stream import Address, Stream

T = TypeVar("T")
# RFC 5530 §3: what a server says to whom it does not let in; every other answer says nothing about the account.
REFUSED = frozenset(("AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED"))
BUSY = frozenset(("UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG"))


@dataclass(frozen=True, slots=True)
class SignIn:
    """SASL PLAIN (RFC 4616): `name` and its password; `acting` is the account to act as, if it is another one."""

    name: str
    password: str = field(repr=False)
    acting: str = ""

    def response(self) -> bytes:
        acting = "" if self.acting == self.name else self.acting
        return base64.b64encode("\0".join((acting, self.name, self.password)).encode())

    @property
    def whose(self) -> str:
        return self.acting or self.name


@dataclass(frozen=True, slots=True)
class Said:
    """What a command was answered with: the tagged status, and the untagged responses that came before it."""

    status: Status
    data: tuple[Sequence[Any], ...] = ()

    def of(self, word: str) -> list[Sequence[Any]]:
        """The untagged responses of this name; for `FETCH` the number comes first."""
        at = 1 if word == "FETCH" else 0
        return [words for words in self.data if len(words) > at and str(words[at]).upper() == word]

    def only(self, word: str) -> Sequence[Any]:
        """The one untagged response of this name. Raises `Malformed` for none or several."""
        found = self.of(word)
        if len(found) != 1:
            raise Malformed(f"{len(found)} {word} responses where there must be one")
        return found[0]


class Refused(Exception):
    """The server did not let this account in, with one of the answers that say so."""

    def __init__(self, said: Status) -> None:
        super().__init__(said.shown)
        self.said = said


class Ended(Broken):
    """The server said goodbye (`BYE`): it ended this session on purpose."""


class Session:
    """One connection. Raises `Broken` for whatever is no answer."""

    def __init__(self, address: Address, timeout_s: float) -> None:
        self._stream = Stream(address, timeout_s)
        self._number = 0
        self.ended: str | None = None  # how the server said goodbye
        try:
            greeting, _ = self._response()
            if greeting is None or greeting.word != "OK":
                raise Broken("the server does not greet as an IMAP server that lets people in", again=True)
            if address.starttls:
                self.ok("STARTTLS")
                self._stream.secure()
        except BaseException:
            self.close()
            raise

    def sign_in(self, who: SignIn) -> None:
        """Raises `Refused` for a closed set of answers."""
        self._stream.answering()
        tag = self._send(b"AUTHENTICATE PLAIN")
        if not self._stream.line().startswith(b"+"):
            raise Broken("the server does not take SASL PLAIN", in_doubt=False)
        self._stream.send(who.response() + b"\r\n")
        said = self._until(tag).status
        if said.word == "OK":
            return
        if said.word == "NO" and said.code in REFUSED:
            raise Refused(said)
        raise Broken(f"signing in as {who.whose} was answered {said.shown}", again=said.code in BUSY, in_doubt=False)

    def ask(self, verb: str, *words: str) -> Said:
        """`OK` or `NO`; everything else is `Broken`. Each word is quoted as it needs; an `Atom` is given as it is."""
        try:
            line = " ".join([verb, *(word if isinstance(word, Atom) else quoted(word) for word in words)])
        except Malformed as why:
            raise Broken(str(why), in_doubt=False) from None
        self._stream.answering()
        while self.ended is None and self._stream.waiting():
            self._heard(*self._response("-"))  # what it said meanwhile: a goodbye must not be missed
        if self.ended is not None:
            raise Ended(self.ended)
        said = self._until(self._send(line.encode()))
        if said.status.word not in ("OK", "NO"):
            raise Broken(f"{verb} was answered {said.status.shown}")
        return said

    def ok(self, verb: str, *words: str) -> Said:
        said = self.ask(verb, *words)
        if said.status.word != "OK":
            raise Broken(f"{verb} {' '.join(words)} was answered {said.status.shown}", again=said.status.code in BUSY)
        return said

    def read(self, name: str) -> Said:
        """Opens a mailbox to read; nothing in it changes (RFC 3501 §6.3.2)."""
        return self.ask("EXAMINE", name)

    def leave(self) -> None:
        """Signs out as far as the connection still allows."""
        with suppress(Broken):
            self._stream.answering()
            self._until(self._send(b"LOGOUT"), leaving=True)
        self.close()

    def close(self) -> None:
        self._stream.close()

    def _send(self, line: bytes) -> str:
        self._number += 1
        tag = f"x{self._number}"
        self._stream.send(tag.encode() + b" " + line + b"\r\n")
        return tag

    def _until(self, tag: str, *, leaving: bool = False) -> Said:
        data: list[Sequence[Any]] = []
        while True:
            told, words = self._response(tag)
            if told is not None and words is None:
                return Said(told, tuple(data))
            if not leaving:
                self._heard(told)
            if words is not None:
                data.append(words)

    def _heard(self, told: Status | None, _: object = None) -> None:
        if told is not None and told.word == "BYE":
            self.ended = f"the server ended the session: {told.shown}"
            raise Ended(self.ended, again=True)

    def _response(self, tag: str = "") -> tuple[Status | None, Sequence[Any] | None]:
        """A status and None: the tagged one (or the greeting). Otherwise an untagged response."""
        line = self._stream.line()
        head, _, rest = line.partition(b" ")
        try:
            if tag and head == tag.encode():
                said = status(text(rest))
                if said is None:
                    raise Malformed("a tagged answer without a status")
                return said, None
            if head != b"*":
                raise Malformed("a line that is no IMAP response")
            told = status(text(rest)) if not LITERAL.search(rest) else None
            if told is not None:
                return told, (None if not tag else ())
            return None, parse(self._whole(rest))
        except Malformed as why:
            raise Broken(f"the answer is not what IMAP says it must be: {why}") from None

    def _whole(self, line: bytes) -> list[bytes | str]:
        parts: list[bytes | str] = []
        while (found := LITERAL.search(line)) is not None:
            data = self._stream.exactly(int(found[1]))  # may be a message, in any encoding
            parts += [line[: found.start()], data.decode("utf-8", "backslashreplace")]
            line = self._stream.line()
        return [*parts, line]


class ImapWire:
    """Visits to one server; limits, retries and evidence are the dialogue's."""

    def __init__(self, dialogue: Dialogue, address: Address, timeout_s: float) -> None:
        self._dialogue = dialogue
        self._address = address
        self._timeout_s = timeout_s

    def visit(
        self,
        verb: str,
        who: SignIn,
        work: Callable[[Session], Heard[T]],
        request: Mapping[str, Any] | None = None,
        *,
        look: bool = True,
        refused: Callable[[Status], Heard[T]] | None = None,
        private: bool = False,
    ) -> Told[T]:
        """Connects, signs in, works, signs out. A refused sign-in is an answer only where `refused` makes one of it.
        Raises `Unknown`."""

        def attempt() -> Heard[T]:
            session: Session | Heard[T] = self.open(who, refused)
            if isinstance(session, Heard):
                return session
            try:
                heard = reading(lambda: work(session))
            except BaseException:
                session.close()  # whoever stopped answering is not asked to say goodbye
                raise
            session.leave()
            return heard

        return self._dialogue.ask(self._asked(verb, who, request, look, private), attempt)

    def open(self, who: SignIn, refused: Callable[[Status], Heard[T]] | None = None) -> Session | Heard[T]:
        """A signed-in session that the caller ends. Raises `Broken`."""
        session = Session(self._address, self._timeout_s)
        try:
            session.sign_in(who)
        except Refused as no:
            session.leave()
            if refused is None:
                raise Broken(f"signing in as {who.whose} was refused: {no.said.shown}", in_doubt=False) from None
            return refused(no.said)
        except BaseException:
            session.close()
            raise
        return session

    def keep(self, who: SignIn, work: Callable[[Session], Heard[None]]) -> Told[Session]:
        """A session that stays open."""

        def attempt() -> Heard[Session]:
            session: Session | Heard[None] = self.open(who)
            assert isinstance(session, Session)  # noqa: S101  a refusal was raised
            try:
                return Heard(session, reading(lambda: work(session)).shown)
            except BaseException:
                session.close()
                raise

        return self._dialogue.ask(self._asked("OPEN", who, None, False, False), attempt)

    def on(
        self,
        session: Session,
        verb: str,
        who: SignIn,
        work: Callable[[Session], Heard[T]],
        ended: Callable[[str], Heard[T]],
    ) -> Told[T]:
        """Asks something on a session that stays open; once only, for it cannot be had again. `ended` makes an answer
        of the server's goodbye; a connection that was merely lost is none. What it reads is private."""

        def attempt() -> Heard[T]:
            try:
                return reading(lambda: work(session))
            except Ended as bye:
                return ended(bye.reason)

        return self._dialogue.ask(self._asked(verb, who, None, False, True), attempt)

    def _asked(self, verb: str, who: SignIn, request: Mapping[str, Any] | None, look: bool, private: bool) -> Asked:
        by = {"as": who.whose, "by": who.name}
        return Asked(verb, self._address.url(), {**by, **(request or {})}, look, private)


def reading(work: Callable[[], Heard[T]]) -> Heard[T]:
    """What is malformed is no answer."""
    try:
        return work()
    except Malformed as why:
        raise Broken(f"the answer is not what IMAP says it must be: {why}") from None
