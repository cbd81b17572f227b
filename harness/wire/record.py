"""One exchange as evidence: redacted by shape, then of every known secret, then cut to size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.evidence.redact import cut, keyed_hash, redact_body, redact_headers, redact_url
from harness.model import Instant, iso
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
        swept = _Swept(self._vault)
        made = {
            "method": method,
            "url": swept.text(url),
            "request": swept.part({"headers": asked, "body": given}),
            "status": status,
            "response": swept.part(response) if response else None,
            "sent": iso(sent),
            "answered": iso(answered),
            "attempts": attempts,
            "error": swept.text(error) if error else None,
        }
        made["redactions"] = hits + swept.hits
        return made


class _Swept:
    def __init__(self, vault: Vault) -> None:
        self._scrub = vault.scrub
        self.hits = 0

    def text(self, text: str) -> str:
        clean = self._scrub(text)
        self.hits += clean != text
        return clean

    def part(self, part: dict[str, Any]) -> dict[str, Any]:
        part["headers"] = {name: self.text(value) for name, value in part["headers"].items()}
        if part["body"]:
            part["body"] = cut(self.text(part["body"]))
        return part


def _kind(headers: Mapping[str, str]) -> str:
    return next((value for name, value in headers.items() if name.lower() == "content-type"), "")
