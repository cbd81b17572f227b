"""One exchange as evidence: redacted by shape, then of every known secret, then cut to size."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from harness.evidence.redact import cut, keyed_hash, redact_body, redact_headers, redact_url
from harness.model import SECOND, Instant, iso
from harness.ports import Vault


class Scribe:
    """Turns what went over the wire into the exchange document. `known`: query names that hold a credential."""

    def __init__(self, vault: Vault, known: frozenset[str] = frozenset()) -> None:
        self._vault = vault
        self._known = known

    def document(
        self,
        *,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        status: int | None,
        answer_headers: Mapping[str, str],
        answer: bytes | None,
        private: bool,
        sent: Instant,
        answered: Instant,
        attempts: int,
        error: str | None,
    ) -> dict[str, Any]:
        """{method, url, request, status, response, sent, answered, attempts, error, redactions}: strings, integers
        and None only. `attempts`: the how-manieth try of its call this one was."""
        url, hits = redact_url(url, self._known)
        asked, more = redact_headers(headers)
        hits += more
        given, more = redact_body(body, _kind(headers))
        hits += more
        response: dict[str, Any] | None = None
        if status is not None or answer is not None:
            size = len(answer or b"")
            if private:
                kind = answer_headers.get("content-type", "")
                response = {"headers": {"content-type": kind} if kind else {}, "body": None, "bytes": size}
                response["keyed_hash"] = keyed_hash(answer or b"")
                hits += 1
            else:
                kept, more = redact_headers(answer_headers)
                text, again = redact_body(answer, answer_headers.get("content-type", ""))
                hits += more + again
                response = {"headers": kept, "body": text, "bytes": size}
        made: dict[str, Any] = {
            "method": method,
            "url": url,
            "request": {"headers": asked, "body": given},
            "status": status,
            "response": response,
            "sent": _stamp(sent),
            "answered": _stamp(answered),
            "attempts": attempts,
            "error": error,
        }
        made["redactions"] = hits + self._sweep(made)
        return made

    def _sweep(self, made: dict[str, Any]) -> int:
        """Cuts every known secret out of all that came from outside; answers in how many places.

        All texts are searched as one: a secret is rare, and only then each is looked at alone.
        """
        parts = [part for part in (made["request"], made["response"]) if part]
        texts = [made["url"], made["error"] or ""]
        for part in parts:
            texts += part["headers"].values()
            texts.append(part["body"] or "")
        together = "\n".join(texts)
        scrub = self._vault.scrub
        if scrub(together) == together:
            clean: Mapping[str, str] = {}
        else:
            clean = {text: scrubbed for text in texts if (scrubbed := scrub(text)) != text}
        if clean:
            made["url"] = clean.get(made["url"], made["url"])
            made["error"] = clean.get(made["error"], made["error"])
        for part in parts:
            if clean:
                part["headers"] = {name: clean.get(value, value) for name, value in part["headers"].items()}
            body = part["body"]
            if body:
                part["body"] = cut(clean.get(body, body))
        return len(clean)


@lru_cache(maxsize=4)
def _second(whole: int) -> str:
    return iso(whole * SECOND)[:-4]


def _stamp(at: Instant) -> str:
    whole, micro = divmod(at, SECOND)
    return f"{_second(whole)}{micro // 1000:03d}Z"


def _kind(headers: Mapping[str, str]) -> str:
    return next((value for name, value in headers.items() if name.lower() == "content-type"), "")
