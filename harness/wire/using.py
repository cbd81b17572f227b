"""What a leaver's own credential was answered with: a closed set means present or absent, all else is unknown."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from harness.model import Presence, Used
from harness.wire.call import Unknown
from harness.wire.dialogue import Told

T = TypeVar("T")


def used(ask: Callable[[], Told[T]], means: Callable[[T], tuple[Presence, str]]) -> Used:
    """Asks once; `means` says what the value is and why. What brought no answer is UNKNOWN."""
    try:
        told = ask()
    except Unknown as unknown:
        return Used(Presence.UNKNOWN, unknown.reason, unknown.sent, unknown.answered, unknown.evidence)
    presence, reason = means(told.value)
    return Used(presence, reason, told.sent, told.answered, told.evidence)
