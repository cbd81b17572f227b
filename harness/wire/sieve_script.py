"""Where a Sieve script (RFC 5228) sends mail on to, by its own words; a script that is not understood tells nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"""(?P<gap>\s+|\#[^\n]*(?:\n|$)|/\*.*?\*/)
      | text:[ \t]*(?:\#[^\n]*)?\r?\n(?P<multi>.*?)^\.\r?$
      | "(?P<string>(?:[^"\\]|\\.)*)"
      | (?P<number>[0-9]+[KMGkmg]?)
      | (?P<word>:?[A-Za-z_][A-Za-z0-9_]*)
      | (?P<mark>[;,()\[\]{}])""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_PROGRAMS = frozenset(("pipe", "execute", "filter"))  # vnd.dovecot.*: what they do with a message nobody can read here
_DEPTH = 64


class NotUnderstood(Exception):
    """The script is no Sieve, or sends mail on in a way that its words do not tell."""


@dataclass(frozen=True, slots=True)
class Outlets:
    """Addresses that the script redirects to, and the personal scripts that it includes."""

    addresses: frozenset[str]
    includes: frozenset[str]


@dataclass(slots=True)
class _Command:
    name: str
    tags: list[str] = field(default_factory=list)
    strings: list[list[str]] = field(default_factory=list)  # each argument that is a string or a list of them
    below: list[_Command] = field(default_factory=list)  # its tests and its block


def outlets(script: str) -> Outlets:
    """Every redirect counts, under whatever condition it stands. Raises `NotUnderstood`."""
    found: set[str] = set()
    includes: set[str] = set()
    for command in _each(_Parser(_tokens(script)).script()):
        if command.name == "redirect":
            if ":list" in command.tags or not command.strings or len(command.strings[-1]) != 1:
                raise NotUnderstood("it redirects to a list that is kept elsewhere")
            address = command.strings[-1][0].strip()
            if "${" in address or "@" not in address:
                raise NotUnderstood("it redirects to an address that is made as it runs")
            found.add(address)
        elif command.name == "include":
            if ":global" in command.tags or not command.strings or len(command.strings[-1]) != 1:
                raise NotUnderstood("it includes a script that is kept elsewhere")
            includes.add(command.strings[-1][0])
        elif command.name in _PROGRAMS:
            raise NotUnderstood(f"it hands mail to a program ({command.name})")
    return Outlets(frozenset(found), frozenset(includes))


def redirecting(addresses: Sequence[str]) -> str:
    """A script that sends copies on to these addresses, and keeps the mail."""
    quoted = ['"' + address.replace("\\", "\\\\").replace('"', '\\"') + '"' for address in addresses]
    return "\r\n".join(['require ["copy"];', *(f"redirect :copy {each};" for each in quoted), ""])


def _each(commands: Sequence[_Command]) -> Iterator[_Command]:
    for command in commands:
        yield command
        yield from _each(command.below)


def _tokens(script: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(script):
        match = _TOKEN.match(script, at)
        if match is None:
            line = script.count("\n", 0, at) + 1
            raise NotUnderstood(f"line {line} is no Sieve")
        at = match.end()
        if match.lastgroup == "multi":
            found.append(("string", re.sub(r"^\.\.", ".", match["multi"], flags=re.MULTILINE)))
        elif match.lastgroup == "string":
            found.append(("string", re.sub(r"\\(.)", r"\1", match["string"], flags=re.DOTALL)))
        elif match.lastgroup != "gap":
            found.append((str(match.lastgroup), match[0]))
    return found


class _Parser:
    """RFC 5228 §8.2: `command = identifier arguments (";" / block)`."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._at = 0

    def script(self) -> list[_Command]:
        commands = self._commands(0)
        if self._at != len(self._tokens):
            raise NotUnderstood(f"{self._tokens[self._at][1]!r} stands where a command should")
        return commands

    def _next(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _take(self, mark: str) -> bool:
        if self._next() == ("mark", mark):
            self._at += 1
            return True
        return False

    def _need(self, mark: str) -> None:
        if not self._take(mark):
            raise NotUnderstood(f"a {mark!r} is missing before {self._next()[1] or 'the end'!r}")

    def _commands(self, depth: int) -> list[_Command]:
        found = []
        while self._next()[0] == "word" and not self._next()[1].startswith(":"):
            command = self._command(depth)
            if self._take("{"):
                command.below += self._commands(depth + 1)
                self._need("}")
            else:
                self._need(";")
            found.append(command)
        return found

    def _command(self, depth: int) -> _Command:
        """A command or a test: they are written alike."""
        if depth > _DEPTH:
            raise NotUnderstood("it is nested too deeply")
        command = _Command(self._next()[1].lower())
        self._at += 1
        while True:
            kind, word = self._next()
            if kind == "word" and not word.startswith(":"):
                command.below.append(self._command(depth + 1))  # a test ends the arguments
                return command
            if kind == "word":
                command.tags.append(word.lower())
            elif kind == "string":
                command.strings.append([word])
            elif self._take("["):
                command.strings.append(self._list())
                continue
            elif self._take("("):
                self._tests(command, depth)
                return command
            elif kind != "number":
                return command
            self._at += 1

    def _list(self) -> list[str]:
        found = []
        while not self._take("]"):
            kind, word = self._next()
            if kind != "string":
                raise NotUnderstood("a list with something else than strings in it")
            found.append(word)
            self._at += 1
            if self._next() != ("mark", "]"):
                self._need(",")
        return found

    def _tests(self, command: _Command, depth: int) -> None:
        while True:
            if self._next()[0] != "word":
                raise NotUnderstood("a list of tests with something else in it")
            command.below.append(self._command(depth + 1))
            if not self._take(","):
                self._need(")")
                return
