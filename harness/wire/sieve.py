"""ManageSieve (RFC 5804) over a `Dialogue`: the scripts of one account, listed, read, and written."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from harness.wire.dialogue import Asked, Broken, Dialogue, Heard, Told
from harness.wire.imap import SignIn
from harness.wire.stream import Address, Stream

T = TypeVar("T")
_FINAL = re.compile(rb"(OK|NO|BYE)(?: \(([^)]*)\))?(?: (.*))?", re.IGNORECASE)
_STRING = re.compile(rb'"((?:[^"\\]|\\.)*)"')
_LITERAL = re.compile(rb"\{([0-9]{1,10})\+?\}$")


@dataclass(frozen=True, slots=True)
class Ending:
    """How a command ended: `OK` or `NO`, its response code in capitals, and its text."""

    word: str
    code: str
    text: str

    @property
    def shown(self) -> str:
        return " ".join(part for part in (self.word, f"({self.code})" if self.code else "", self.text) if part)


class Scripts:
    """One connection that is signed in. Raises `Broken` for whatever is no answer."""

    def __init__(self, address: Address, timeout_s: float) -> None:
        self._stream = Stream(address, timeout_s)
        try:
            self._greeted()
            if address.starttls:
                self._ok(b"STARTTLS")
                self._stream.secure()
                self._greeted()  # RFC 5804 §2.2: the capabilities again, under TLS
        except BaseException:
            self.close()
            raise

    def sign_in(self, who: SignIn) -> None:
        _, end = self._ask(b'AUTHENTICATE "PLAIN" "' + who.response() + b'"')
        if end.word != "OK":
            # RFC 5804 has no code that tells a wrong password from an account that is not there.
            reason = f"signing in as {who.whose} was answered {end.shown}"
            raise Broken(reason, again=end.code == "TRYLATER", in_doubt=False)

    def all(self) -> dict[str, bool]:
        """Every script's name, and whether it is the active one. One is active at most (RFC 5804 §2.8)."""
        found: dict[str, bool] = {}
        for strings, rest in self._ok(b"LISTSCRIPTS"):
            if len(strings) != 1 or rest.upper() not in (b"", b"ACTIVE") or strings[0] in found:
                raise Broken("LISTSCRIPTS was answered with a line that names no script, or one twice")
            found[strings[0]] = bool(rest)
        if sum(found.values()) > 1:
            raise Broken("LISTSCRIPTS was answered with two active scripts")
        return found

    def text(self, name: str) -> str:
        told = self._ok(b"GETSCRIPT " + _quoted(name))
        if len(told) != 1 or len(told[0][0]) != 1 or told[0][1]:
            raise Broken("GETSCRIPT was answered with something else than one script")
        return told[0][0][0]

    def put(self, name: str, script: str) -> None:
        body = script.encode()
        self._ok(b"PUTSCRIPT %s {%d+}\r\n%s" % (_quoted(name), len(body), body))

    def activate(self, name: str) -> None:
        """The empty name: no script is active any more."""
        self._ok(b"SETACTIVE " + _quoted(name))

    def delete(self, name: str) -> None:
        """One that is not there is as good as deleted."""
        _, end = self._ask(b"DELETESCRIPT " + _quoted(name))
        if end.word != "OK" and end.code != "NONEXISTENT":
            raise Broken(f"DELETESCRIPT was answered {end.shown}")

    def leave(self) -> None:
        with suppress(Broken):
            self._ask(b"LOGOUT")
        self.close()

    def close(self) -> None:
        self._stream.close()

    def _greeted(self) -> None:
        _, end = self._until()
        if end.word != "OK":
            raise Broken(f"the server greets with {end.shown}", again=True, in_doubt=False)

    def _ok(self, line: bytes) -> list[tuple[list[str], bytes]]:
        told, end = self._ask(line)
        if end.word != "OK":
            verb = line.split(b" ")[0].decode()
            raise Broken(f"{verb} was answered {end.shown}", again=end.code == "TRYLATER")
        return told

    def _ask(self, line: bytes) -> tuple[list[tuple[list[str], bytes]], Ending]:
        self._stream.answering()
        self._stream.send(line + b"\r\n")
        return self._until()

    def _until(self) -> tuple[list[tuple[list[str], bytes]], Ending]:
        """The lines before the end, each as its strings and what follows them, and the end."""
        told: list[tuple[list[str], bytes]] = []
        while True:
            line = self._stream.line()
            final = _FINAL.fullmatch(line)
            if final is None:
                told.append(self._strings(line))
                continue
            strings, _ = self._strings(final[3] or b"")
            said = "".join(c for c in " ".join(strings)[:200] if c.isprintable())
            end = Ending(final[1].decode().upper(), (final[2] or b"").decode("ascii", "replace").upper(), said)
            if end.word == "BYE":
                raise Broken(f"the server ended the conversation: {end.shown}", again=True)
            return told, end

    def _strings(self, line: bytes) -> tuple[list[str], bytes]:
        found: list[str] = []
        while line:
            if (quoted := _STRING.match(line)) is not None:
                found.append(_text(re.sub(rb"\\(.)", rb"\1", quoted[1])))
                line = line[quoted.end() :].lstrip(b" ")
            elif (literal := _LITERAL.match(line)) is not None:
                found.append(_text(self._stream.exactly(int(literal[1]))))
                line = self._stream.line().lstrip(b" ")
            elif found and re.fullmatch(rb"[A-Za-z]+", line):
                return found, line
            else:
                raise Broken("a line of the answer is no ManageSieve")
        if not found:
            return [], b""
        return found, b""


class SieveWire:
    """Visits to one server; limits, retries and evidence are the dialogue's."""

    def __init__(self, dialogue: Dialogue, address: Address, timeout_s: float) -> None:
        self._dialogue = dialogue
        self._address = address
        self._timeout_s = timeout_s

    def visit(
        self,
        verb: str,
        who: SignIn,
        work: Callable[[Scripts], Heard[T]],
        request: Mapping[str, Any] | None = None,
        *,
        look: bool = True,
    ) -> Told[T]:
        """Connects, signs in, works, signs out. Raises `Unknown`."""

        def attempt() -> Heard[T]:
            scripts = Scripts(self._address, self._timeout_s)
            try:
                scripts.sign_in(who)
                heard = work(scripts)
            except BaseException:
                scripts.close()
                raise
            scripts.leave()
            return heard

        asked = Asked(verb, self._address.url(), {"as": who.whose, "by": who.name, **(request or {})}, look)
        return self._dialogue.ask(asked, attempt)


def _quoted(name: str) -> bytes:
    if any(ord(c) < 32 or ord(c) == 127 for c in name):
        raise Broken("a script's name with control characters", in_doubt=False)
    return b'"' + name.replace("\\", "\\\\").replace('"', '\\"').encode() + b'"'


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise Broken("a string of the answer is no text") from None
