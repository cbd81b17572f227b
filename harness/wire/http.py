"""HTTP with one promise: an accepted answer, or `Unknown` with a reason; all of it recorded after redaction."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
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
from harness.wire.transport import Failure, Raw, Transport

_AGAIN = frozenset((429, 502, 503, 504))
_CLEAN = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*")
_BASE_HEADERS = {"Accept": "application/json", "Accept-Encoding": "gzip, deflate", "User-Agent": "exitproof"}


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
        self._transport = Transport(timeout_s, self._credentials.cert, verify)
        self._scribe = Scribe(tools.vault, self._credentials.query_names)

    def send(self, call: Call) -> Answer:
        """One call, with retries if it is a look. Raises Unknown, whose evidence cites every attempt."""
        evidence: list[str] = []
        waited: Duration = 0
        tries = 0
        renewed = False
        status: int | None
        while True:
            url, headers, fresh = self._prepare(call, tuple(evidence))
            waited += self._wait_at_gate(waited, tuple(evidence))
            tries += 1
            with self.gate.slot():
                self.gate.take()
                sent = self._clock.now()
                raw: Raw | None = None
                failure: Failure | None = None
                try:
                    raw = self._transport.exchange(call.method, url, headers, call.body, fresh=fresh)
                except Failure as error:
                    failure = error
                answered = self._clock.now()
            if raw is not None and raw.status in call.accept:
                evidence.append(self._record(call, url, headers, raw, sent, answered, tries, None))
                self._mind(raw, answered)
                links = parse_links(raw.headers["link"], url) if "link" in raw.headers else {}
                return Answer(raw.status, url, raw.headers, raw.body, sent, answered, tuple(evidence), links)

            throttled = raw is not None and _throttled(raw)
            if raw is not None:
                reason = of_status(call, raw.status, raw.headers, url, throttled=throttled)
                status, doubt = raw.status, in_doubt(raw.status)
            else:
                assert failure is not None  # noqa: S101  one of the two
                reason, status, doubt = failure.reason, failure.status, failure.sent
            evidence.append(self._record(call, url, headers, raw, sent, answered, tries, reason, status))

            pause = self._again_after(call, raw, failure, tries, throttled, answered)
            if raw is not None and raw.status == 401 and call.look and not renewed and not fresh:
                renewed = self._credentials.renew()
                pause = 0 if renewed else pause
            if pause is None or waited + pause > self._patience:
                if tries > 1:
                    reason = f"{reason}, asked {tries} times"
                clean = self._tools.vault.scrub(reason)
                raise Unknown(
                    clean, evidence=tuple(evidence), sent=sent, answered=answered, in_doubt=doubt, status=status
                )
            if throttled:
                self.gate.close_until(answered + pause)
            elif pause:
                waited += pause
                self._clock.sleep(pause)

    def close(self) -> None:
        """Closes every pooled connection."""
        self._transport.close()

    def __repr__(self) -> str:
        return f"HttpWire({self.origin})"

    # --- before -----------------------------------------------------------------------------

    def _prepare(self, call: Call, evidence: tuple[str, ...]) -> tuple[str, Mapping[str, str], bool]:
        """The URL, the headers, and whether the wire's own credential stays out of it."""
        url = call.url
        if "://" not in url[:12]:
            url = f"{self.base_url}/{url.lstrip('/')}" if url else self.base_url
            foreign = False
        else:
            foreign = origin(url) != self.origin
        if not url.startswith(("http://", "https://")) or "/../" in url + "/" or "/./" in url + "/":
            raise Unknown("the address of the request cannot be used", evidence=evidence)
        fresh = call.own_auth or foreign  # a credential never goes to another host
        params = call.params
        headers = dict(_BASE_HEADERS)
        if not fresh:
            try:
                headers.update(self._credentials.headers())
            except TokenRefused as refused:
                raise Unknown(
                    refused.reason,
                    evidence=(*evidence, *refused.evidence),
                    sent=refused.sent,
                    answered=refused.answered,
                    status=refused.status,
                ) from None
            params = (*params, *self._credentials.params)
        if call.headers:
            named = {name.lower() for name in call.headers}
            headers = {name: value for name, value in headers.items() if name.lower() not in named}
            headers.update(call.headers)
        if params:
            url += ("&" if "?" in url else "?") + urlencode(params, quote_via=quote, safe="")
        if not _CLEAN.fullmatch(url):
            url = requote_uri(url)
        return url, headers, fresh

    def _wait_at_gate(self, waited: Duration, evidence: tuple[str, ...]) -> Duration:
        """Waits while the gate is closed; answers for how long."""
        spent = 0
        pause = self.gate.pause()
        while pause:
            if waited + spent + pause > self._patience:
                now = self._clock.now()
                reason = "rate limited to the end of our patience" + ("" if evidence else " (not sent)")
                raise Unknown(reason, evidence=evidence, sent=now, answered=now)
            self._clock.sleep(pause)
            spent += pause
            pause = self.gate.pause()
        return spent

    # --- after ------------------------------------------------------------------------------

    def _again_after(
        self, call: Call, raw: Raw | None, failure: Failure | None, tries: int, throttled: bool, now: Instant
    ) -> Duration | None:
        """How long to wait before another try; None: no other try."""
        if raw is None:
            again = failure is not None and failure.again and call.look
            return backoff(tries, call.url) if again and tries < self._attempts else None
        if throttled:
            # A 429 was certainly not processed, so that even a write may be sent again.
            if not (call.look or raw.status == 429) or tries >= self._attempts * 4:
                return None
            told = told_to_wait(raw.headers, now)
            return max(told, SECOND // 20) if told is not None else backoff(tries, call.url)
        if call.look and raw.status in _AGAIN and tries < self._attempts:
            return backoff(tries, call.url)
        return None

    def _mind(self, raw: Raw, now: Instant) -> None:
        """A good answer that was the last one for a while: everybody waits, as far as our patience goes."""
        if used_up(raw.headers):
            told = told_to_wait(raw.headers, now)
            if told and told <= self._patience:
                self.gate.close_until(now + told)

    def _record(
        self,
        call: Call,
        url: str,
        headers: Mapping[str, str],
        raw: Raw | None,
        sent: Instant,
        answered: Instant,
        tries: int,
        error: str | None,
        status: int | None = None,
    ) -> str:
        return self._tools.record(
            self._scribe.document(
                method=call.method,
                url=url,
                headers=headers,
                body=call.body,
                status=raw.status if raw is not None else status,
                answer_headers=raw.headers if raw is not None else {},
                answer=raw.body if raw is not None else None,
                private=call.private,
                sent=sent,
                answered=answered,
                attempts=tries,
                error=error,
            )
        )

    def _fetch_token(self, call: Call) -> Answer:
        return self.send(call)


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
