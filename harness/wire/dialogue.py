"""Any conversation that is not HTTP, with the wire's promise: an answer, or `Unknown` with a reason; all recorded."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from harness.model import Instant
from harness.ports import Tools
from harness.wire.call import Unknown
from harness.wire.limits import Gate, backoff
from harness.wire.record import Scribe

T = TypeVar("T")
_JSON = {"content-type": "application/json"}


class Broken(Exception):
    """One try that brought no answer, as a protocol's wire tells it. `again`: another try may do better (a lost
    connection, a busy server). `in_doubt`: a change may have happened all the same; False only when it certainly did
    not. `code`: the protocol's own result code, if it has numbers."""

    def __init__(self, reason: str, *, again: bool = False, in_doubt: bool = True, code: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.again = again
        self.in_doubt = in_doubt
        self.code = code


@dataclass(frozen=True, slots=True)
class Asked:
    """One question as evidence shows it: the protocol's verb, where it went, and its arguments as JSON. `look`: safe
    to ask again after a failure. `private`: the answer is never stored, its size and a keyed hash only."""

    verb: str
    url: str
    request: Mapping[str, Any] | None = None
    look: bool = True
    private: bool = False


@dataclass(frozen=True, slots=True)
class Heard(Generic[T]):
    """What one try brought: the value for the adapter, what evidence shows of it (JSON), and the protocol's code."""

    value: T
    shown: Any = None
    code: int | None = None


@dataclass(frozen=True, slots=True)
class Told(Generic[T]):
    """An accepted answer, bounded in time, with its evidence."""

    value: T
    sent: Instant
    answered: Instant
    evidence: tuple[str, ...] = ()


class Dialogue:
    """Limits, retries, times and evidence of everything that is asked of one system by one credential.

    A protocol's wire holds one and hands it each question as a function that makes one try; the function raises
    `Broken` and nothing else. Pass `gate` of another one to the same system so that both keep its limits together.
    """

    def __init__(self, tools: Tools, *, attempts: int = 3, gate: Gate | None = None) -> None:
        self._tools = tools
        self._clock = tools.clock
        self.gate = gate or Gate(tools.limits, tools.clock)
        self._attempts = attempts
        self._scribe = Scribe(tools.vault)

    def ask(self, asked: Asked, attempt: Callable[[], Heard[T]]) -> Told[T]:
        """The answer of the first try that brought one; only looks are tried again. Raises `Unknown`, whose evidence
        cites every try."""
        evidence: tuple[str, ...] = ()
        tries = 0
        while True:
            tries += 1
            with self.gate.slot():
                self.gate.take()
                sent = self._clock.now()
                try:
                    heard = attempt()
                    failed = None
                except Broken as broken:
                    failed = broken
                answered = self._clock.now()
            if failed is None:
                evidence += (self._record(asked, heard.shown, heard.code, None, tries, sent, answered),)
                return Told(heard.value, sent, answered, evidence)
            evidence += (self._record(asked, None, failed.code, failed.reason, tries, sent, answered),)
            if not (failed.again and asked.look and tries < self._attempts):
                raise Unknown(
                    self._tools.vault.scrub(failed.reason),
                    evidence=evidence, sent=sent, answered=answered, in_doubt=failed.in_doubt, status=failed.code,
                )  # fmt: skip
            self._clock.sleep(backoff(tries, asked.url))

    def _record(
        self,
        asked: Asked,
        shown: Any,
        code: int | None,
        error: str | None,
        tries: int,
        sent: Instant,
        answered: Instant,
    ) -> str:
        return self._tools.record(
            self._scribe.document(
                method=asked.verb,
                url=asked.url,
                headers=_JSON if asked.request is not None else {},
                body=None if asked.request is None else _encoded(asked.request),
                status=code,
                answer_headers=_JSON if error is None else {},
                answer=_encoded(shown) if error is None else None,
                private=asked.private,
                sent=sent,
                answered=answered,
                attempts=tries,
                error=error,
            )
        )


def _encoded(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, default=_plain).encode()


def _plain(value: Any) -> Any:
    """Bytes as a server stores them: text where it is text, hexadecimal otherwise."""
    if isinstance(value, bytes | bytearray | memoryview):
        data = bytes(value)
        try:
            text = data.decode()
        except UnicodeDecodeError:
            return f"0x{data.hex()}"
        return text if text.isprintable() else f"0x{data.hex()}"
    return sorted(value, key=str) if isinstance(value, set | frozenset) else str(value)
