"""HTTP with one promise: an accepted answer, or `Unknown` with a reason; all of it recorded after redaction."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

from requests.utils import requote_uri

from harness.model import SECOND, Duration, Instant
from harness.ports import Tools
from harness.wire.auth import Auth
from harness.wire.call import Answer, Call, Unknown
from harness.wire.credentials import Credentials, TokenRefused
from harness.wire.limits import Gate, backoff, told_to_wait, used_up
from harness.wire.links import parse_links
from harness.wire.reasons import in_doubt, of_status
from harness.wire.record import Scribe
from harness.wire.transport import Failure, OverLine, Raw, Transport

_AGAIN = frozenset((429, 502, 503, 504))
_CLEAN = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*")
_BASE_HEADERS = {"Accept": "application/json", "Accept-Encoding": "gzip, deflate", "User-Agent": "exitproof"}


@dataclass(frozen=True, slots=True)
class _Target:
    url: str  # with the credential, if it travels in the query
    shown: str  # without
    headers: Mapping[str, str]
    fresh: bool  # the wire's own credential stays out of it


_NONE = Failure("", sent=False, again=False)


@dataclass(frozen=True, slots=True)
class _Tried:
    sent: Instant
    answered: Instant
    raw: Raw | None
    failed: Failure  # says why there is no answer


class HttpWire:
    """The transport of one credential to one system; safe to use from many threads.

    `timeout_s` bounds one attempt, `attempts` the tries of a look, `patience_s` all pauses that one call makes
    because it was told to wait. Pass `gate` of another wire to the same system so that both keep its limits together.
    """

    def __init__(
        self,
        base_url: str,
        auth: Auth | None,
        tools: Tools,
        *,
        timeout_s: float = 30.0,
        patience_s: float = 60.0,
        attempts: int = 4,
        gate: Gate | None = None,
        verify: bool | str = True,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.origin = origin(base_url)
        self._tools = tools
        self._clock = tools.clock
        self.gate = gate or Gate(tools.limits, tools.clock)
        self._patience: Duration = round(patience_s * SECOND)
        self._attempts = attempts
        self._credentials = Credentials(auth, tools, self._fetch_token)
        self._transport: Transport | OverLine = (
            Transport(timeout_s, self._credentials.cert, verify)
            if tools.line is None
            else OverLine(tools.line, timeout_s)
        )
        self._scribe = Scribe(tools.vault, self._credentials.query_names)

    def send(self, call: Call) -> Answer:
        """One call, with retries if it is a look. Raises Unknown, whose evidence cites every attempt; `sent` and
        `answered` are those of the last attempt."""
        evidence: tuple[str, ...] = ()
        waited: Duration = 0
        tries = 0
        renewed = False
        while True:
            target = self._target(call, evidence)
            spent, tried = self._attempt(call, target, waited, evidence)
            waited += spent
            tries += 1
            raw = tried.raw
            throttled = raw is not None and _throttled(raw)
            if raw is not None and raw.status in call.accept and not throttled:
                evidence += (self._record(call, target, tried, tries, None),)
                self._mind(raw, tried.answered)
                links = parse_links(raw.headers["link"], target.shown) if "link" in raw.headers else {}
                return Answer(
                    raw.status, target.shown, raw.headers, raw.body, tried.sent, tried.answered, evidence, links
                )

            if raw is not None:
                reason = of_status(call, raw.status, raw.headers, target.shown, throttled=throttled)
            else:
                reason = tried.failed.reason
            evidence += (self._record(call, target, tried, tries, reason),)

            pause = self._again_after(call, tried, tries, throttled)
            if raw is not None and raw.status == 401 and call.look and not renewed and not target.fresh:
                renewed = self._credentials.renew()
                pause = 0 if renewed else pause
            if pause is None or waited + pause > self._patience:
                again = f", asked {tries} times" if tries > 1 else ""
                raise Unknown(
                    self._tools.vault.scrub(reason + again),
                    evidence=evidence,
                    sent=tried.sent,
                    answered=tried.answered,
                    in_doubt=tried.failed.sent if raw is None else in_doubt(raw.status),
                    status=tried.failed.status if raw is None else raw.status,
                )
            if throttled:
                self.gate.close_until(tried.answered + pause)
            elif pause:
                waited += pause
                self._clock.sleep(pause)

    def close(self) -> None:
        """Closes every pooled connection."""
        self._transport.close()

    def __repr__(self) -> str:
        return f"HttpWire({self.origin})"

    # --- before -----------------------------------------------------------------------------

    def _target(self, call: Call, evidence: tuple[str, ...]) -> _Target:
        url = call.url
        foreign = "://" in url[:12] and origin(url) != self.origin
        if "://" not in url[:12]:
            url = f"{self.base_url}/{url.lstrip('/')}" if url else self.base_url
        path = url.partition("?")[0] + "/"
        if not url.startswith(("http://", "https://")) or "/../" in path or "/./" in path:
            raise Unknown("the address of the request cannot be used", evidence=evidence)
        url = _with(url, call.params)
        if not _CLEAN.fullmatch(url):
            url = requote_uri(url)
        headers = dict(_BASE_HEADERS)
        target = url
        fresh = call.own_auth or foreign  # a credential never goes to another host
        if not fresh:
            try:
                headers.update(self._credentials.headers())
            except TokenRefused as refused:
                refused.evidence = evidence + refused.evidence
                raise
            asked = url.partition("?")[2]
            target = _with(url, [pair for pair in self._credentials.params if f"{pair[0]}=" not in asked])
        if call.headers:
            named = {name.lower() for name in call.headers}
            headers = {name: value for name, value in headers.items() if name.lower() not in named}
            headers.update(call.headers)
        return _Target(target, url, headers, fresh)

    def _attempt(
        self, call: Call, target: _Target, waited: Duration, evidence: tuple[str, ...]
    ) -> tuple[Duration, _Tried]:
        """Waits until the gate is open and a slot is free, then sends once; answers for how long it waited."""
        spent = 0
        while True:
            pause = self.gate.pause()
            if pause:
                if waited + spent + pause > self._patience:
                    now = self._clock.now()
                    reason = "rate limited to the end of our patience" + ("" if evidence else " (not sent)")
                    raise Unknown(reason, evidence=evidence, sent=now, answered=now)
                self._clock.sleep(pause)
                spent += pause
                continue
            with self.gate.slot():
                if self.gate.pause():
                    continue  # somebody was told to wait while this one stood in line
                self.gate.take()
                sent = self._clock.now()
                raw: Raw | None = None
                failed = _NONE
                try:
                    raw = self._transport.exchange(
                        call.method, target.url, target.headers, call.body, fresh=target.fresh
                    )
                except Failure as failure:
                    failed = failure
                return spent, _Tried(sent, self._clock.now(), raw, failed)

    # --- after ------------------------------------------------------------------------------

    def _again_after(self, call: Call, tried: _Tried, tries: int, throttled: bool) -> Duration | None:
        """How long to wait before another try; None: no other try."""
        raw = tried.raw
        if raw is not None and throttled:
            # A 429 was certainly not processed, so that even a write may be sent again.
            if not (call.look or raw.status == 429) or tries >= self._attempts * 4:
                return None
            told = told_to_wait(raw.headers, tried.answered)
            return max(told, SECOND // 20) if told is not None else backoff(tries, call.url)
        again = tried.failed.again if raw is None else raw.status in _AGAIN
        return backoff(tries, call.url) if again and call.look and tries < self._attempts else None

    def _mind(self, raw: Raw, now: Instant) -> None:
        """A good answer that was the last one for a while: everybody waits, as far as our patience goes."""
        if used_up(raw.headers):
            told = told_to_wait(raw.headers, now)
            if told and told <= self._patience:
                self.gate.close_until(now + told)

    def _record(self, call: Call, target: _Target, tried: _Tried, tries: int, error: str | None) -> str:
        raw = tried.raw
        if not self._tools.kept:
            return self._tools.record({})
        return self._tools.record(
            self._scribe.document(
                method=call.method,
                url=target.url,
                headers=target.headers,
                body=call.body,
                status=raw.status if raw is not None else tried.failed.status,
                answer_headers=raw.headers if raw is not None else {},
                answer=raw.body if raw is not None else None,
                private=call.private,
                sent=tried.sent,
                answered=tried.answered,
                attempts=tries,
                error=error,
            )
        )

    def _fetch_token(self, call: Call) -> Answer:
        return self.send(call)


def _with(url: str, params: Sequence[tuple[str, str]]) -> str:
    if not params:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode(params, quote_via=quote, safe='')}"


def _throttled(raw: Raw) -> bool:
    """429; or 503 and 403 that say when to come back. GitHub answers 403 with `x-ratelimit-remaining: 0` or
    `retry-after` (docs.github.com, "Rate limits for the REST API"); Google 403 with `rateLimitExceeded`."""
    if raw.status == 429:
        return True
    if raw.status == 503:
        return "retry-after" in raw.headers
    if raw.status == 403:
        spent = "retry-after" in raw.headers or used_up(raw.headers)
        return spent or b"rateLimitExceeded" in raw.body[:4096] or b"RateLimitExceeded" in raw.body[:4096]
    return False


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port; ("", "", 0) for what is no HTTP address."""
    with suppress(ValueError):
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname:
            return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    return "", "", 0
