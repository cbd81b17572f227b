"""How fast one system may be asked: rate, concurrency, and the pause that any thread was told to make."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from threading import BoundedSemaphore, Lock

from harness.model import SECOND, Duration, Instant
from harness.ports import Clock, Limits

_FIRST, _LONGEST = SECOND // 4, 8 * SECOND
_VENDORS = ("x-rate-limit-", "x-ratelimit-", "ratelimit-")
_EPOCHS = 1_000_000_000  # a reset above this many seconds is an epoch, below it a number of seconds


class Gate:
    """One for everything that talks to a system; all threads pass it, and when one is told to wait, all wait.

    The rate is a token bucket that holds one token: never more than `rate` requests in any second. All waiting is
    done by the injected clock.
    """

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._slots = BoundedSemaphore(max(1, limits.concurrency))
        self._interval: Duration = round(SECOND / limits.rate) if limits.rate else 0
        self._free: Instant = 0  # when the next token is there
        self._closed_until: Instant = 0

    def close_until(self, instant: Instant) -> None:
        """No request of any thread is sent before `instant`."""
        with self._lock:
            self._closed_until = max(self._closed_until, instant)

    def pause(self) -> Duration:
        """How long the gate is still closed."""
        return max(0, self._closed_until - self._clock.now()) if self._closed_until else 0

    def take(self) -> None:
        """Waits for a token; several threads get theirs in the order they came."""
        if not self._interval:
            return
        with self._lock:
            now = self._clock.now()
            mine = max(now, self._free)
            self._free = mine + self._interval
        if mine > now:
            self._clock.sleep(mine - now)

    @contextmanager
    def slot(self) -> Iterator[None]:
        """At most `concurrency` requests are under way."""
        with self._slots:
            yield


def backoff(attempt: int, seed: str) -> Duration:
    """The pause after the `attempt`th failure: exponential, with a jitter that is the same on every machine."""
    span = min(_LONGEST, _FIRST << min(attempt - 1, 10))
    return span // 2 + span * (zlib.crc32(f"{seed} {attempt}".encode()) % 1000) // 2000


def told_to_wait(headers: Mapping[str, str], now: Instant) -> Duration | None:
    """How long the other side asks to wait: `Retry-After` (RFC 9110 §10.2.3, seconds or a date), else the vendors'
    reset headers once nothing remains (Okta `X-Rate-Limit-Reset` and GitHub `x-ratelimit-reset` in epoch seconds,
    the IETF draft's `RateLimit-Reset` and its `RateLimit: …;r=0;t=30` in seconds). None: it does not say.

    Instants of the other side are compared with its own `Date`, so that a wrong clock does not matter.
    """
    theirs = _date(headers.get("date", ""))
    after = headers.get("retry-after", "").strip()
    if after:
        if _number(after):
            return round(float(after) * SECOND)
        until = _date(after)
        if until is not None:
            return max(0, until - (theirs if theirs is not None else now))
    for prefix in _VENDORS:
        reset = headers.get(prefix + "reset", "").strip()
        remaining = headers.get(prefix + "remaining", "0").strip()
        if _number(reset) and remaining in ("0", "-1"):
            value = float(reset)
            if value < _EPOCHS:
                return round(value * SECOND)
            value = value / 1000 if value > _EPOCHS * 1000 else value
            return max(0, round(value * SECOND) - (theirs if theirs is not None else now))
    return _structured(headers.get("ratelimit", ""))


def used_up(headers: Mapping[str, str]) -> bool:
    """Whether an answer says that the next request would be refused."""
    return any(headers.get(prefix + "remaining") == "0" for prefix in _VENDORS)


def _structured(value: str) -> Duration | None:
    """draft-ietf-httpapi-ratelimit-headers: `"default";r=0;t=30`."""
    for policy in value.split(","):
        fields = dict(part.strip().partition("=")[::2] for part in policy.split(";")[1:])
        if fields.get("r") == "0" and _number(fields.get("t", "")):
            return round(float(fields["t"]) * SECOND)
    return None


def _number(text: str) -> bool:
    return len(text) <= 20 and text.isascii() and text.replace(".", "", 1).isdigit()


def _date(text: str) -> Instant | None:
    if not text:
        return None
    try:
        return round(parsedate_to_datetime(text).timestamp()) * SECOND
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
