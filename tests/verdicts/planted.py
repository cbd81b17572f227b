"""Faults that the attacks plant besides the shipped ones, and where they strike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.testing.faults import Asked, Fault, Given, Trouble
from tests.verdicts.front import Where, segments


def status(code: int, body: Any = None, **headers: str) -> Fault:
    """Every answer has this status, and this body."""

    def spoil(given: Given, trouble: Trouble) -> None:
        given.status = code
        given.headers |= {name.replace("_", "-"): value for name, value in headers.items()}
        given.set_json({"error": "planted"} if body is None else body)

    return Fault(f"planted {code}", "any", spoil)


def edit(change: Callable[[dict[str, Any]], object]) -> Fault:
    """Good answers are changed."""

    def spoil(given: Given, trouble: Trouble) -> None:
        if given.status == 200:
            body = given.json()
            change(body)
            given.set_json(body)

    return Fault("planted edit", "any", spoil)


def sometimes(fault: Fault, now: Callable[[], bool]) -> Fault:
    """The fault, while `now` says so."""
    return Fault(f"{fault.name} at times", "any", lambda given, trouble: fault.spoil(given, trouble) if now() else None)


def at(*path: str) -> Where:
    """At exactly this path."""
    return lambda asked: segments(asked) == list(path)


def ending(word: str) -> Where:
    """At every path that ends with this word."""

    def where(asked: Asked) -> bool:
        return segments(asked)[-1] == word

    return where
