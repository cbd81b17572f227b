"""What goes over a wire and what comes back: one call, one answer, or `Unknown` with a reason."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.model import NOTHING, Instant


class Unknown(Exception):
    """Nothing can be concluded. `reason` is a sentence for a person; `evidence` the exchange, if any;
    `in_doubt` tells that the request may have reached the other side (False: it certainly did not)."""

    def __init__(
        self,
        reason: str,
        *,
        evidence: tuple[str, ...] = (),
        sent: Instant = 0,
        answered: Instant = 0,
        in_doubt: bool = False,
        status: int | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.evidence = evidence
        self.sent = sent
        self.answered = answered
        self.in_doubt = in_doubt
        self.status = status


@dataclass(frozen=True, slots=True)
class Call:
    """One rendered HTTP request. `url` is a path below the system's base or a full URL. `accept` are the statuses
    that count as an answer (`expect` and `absent_on` and, for a use, `works` and `refused`); every other one is
    Unknown. `own_auth`: only what the call itself names is sent (the leaver's vantage). `private`: the answer's body
    and cookies are never stored, status and hash only. `look`: safe to send again after a failure."""

    method: str
    url: str
    accept: frozenset[int]
    params: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = NOTHING
    body: bytes | None = None
    own_auth: bool = False
    private: bool = False
    look: bool = True

    def key(self) -> tuple[Any, ...]:
        """Two calls with the same key ask the same thing: in one round they are sent once."""
        return (self.method, self.url, self.params, tuple(sorted(self.headers.items())), self.body, self.own_auth)


@dataclass(frozen=True, slots=True)
class Answer:
    """An accepted answer. `url` is the one that finally answered; headers have lower-case names."""

    status: int
    url: str
    headers: Mapping[str, str]
    body: bytes
    sent: Instant
    answered: Instant
    evidence: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)  # RFC 8288, rel -> URL

    def json(self) -> Any:
        """The body as JSON; duplicate keys, NaN, HTML, an empty or truncated body raise `Unknown`."""
        return parse_json(self)


def parse_json(answer: Answer) -> Any:
    def fail(reason: str) -> Unknown:
        a = answer
        return Unknown(reason, evidence=a.evidence, sent=a.sent, answered=a.answered, status=a.status)

    text = answer.body.lstrip()
    if not text:
        raise fail("the answer has no body where JSON was expected")
    kind = answer.headers.get("content-type", "")
    if "html" in kind or text[:1] == b"<":
        raise fail("the answer is an HTML page, not JSON (a login or error page?)")

    def no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            raise ValueError("duplicate key")
        return made

    def no_constants(word: str) -> Any:
        raise ValueError(f"{word} is not JSON")

    try:
        return json.loads(answer.body, object_pairs_hook=no_twins, parse_constant=no_constants)
    except RecursionError:
        raise fail("the answer is nested too deeply to be read") from None
    except ValueError as error:
        where = "truncated or malformed JSON" if isinstance(error, json.JSONDecodeError) else str(error)
        raise fail(f"the answer is not valid JSON: {where}") from None
