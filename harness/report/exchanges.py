"""The appendix of redacted exchanges: which are printed in the report, in what order, and how each is shown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from harness.model import iso
from harness.report.about import Exchanges
from harness.report.show import Shown, clip, count, plain_url, span

_SHA = re.compile(r"[0-9a-f]{64}")
_BODY = 4_000
_WIDTH = 96
_BUDGET = 1_500_000  # characters of exchanges in one report; the rest stays beside it, by its hash


@dataclass(frozen=True, slots=True)
class Side:
    headers: Shown
    body: Shown
    none: str = "no body"  # what to say where there is nothing to print


@dataclass(frozen=True, slots=True)
class ExchangeView:
    sha: str
    anchor: str
    method: str
    url: str
    status: str
    sent: str
    took: str
    error: str
    redactions: str
    request: Side
    response: Side


@dataclass(frozen=True, slots=True)
class Link:
    """Where a poll's exchange is found: in the appendix, or as a file beside the report."""

    label: str
    href: str


class Appendix:
    """Collects exchanges as findings cite them, so that those of failures come first and always fit."""

    def __init__(self, exchange: Exchanges, base: str = "") -> None:
        """`base`: the way from the page to the run's folder."""
        self._read, self._base = exchange, base
        self._left = _BUDGET
        self._links: dict[str, Link] = {}
        self.shown: list[ExchangeView] = []
        self.beside: list[str] = []  # cited, too much to print here
        self.missing: list[str] = []  # cited, not in this folder

    @property
    def printed(self) -> list[ExchangeView]:
        """Those that fit, in the order in which they were sent."""
        return sorted(self.shown, key=lambda one: (one.sent, one.sha))

    def links(self, evidence: Iterable[str]) -> tuple[Link, ...]:
        return tuple(self._links.get(sha) or self._take(sha) for sha in dict.fromkeys(evidence))

    def _take(self, sha: str) -> Link:
        anchor = f"x-{sha[:16]}"
        good = _SHA.fullmatch(sha) is not None
        found = self._read(sha) if good else None
        if found is None:
            self.missing.append(sha)
            link = Link(sha[:8], "#missing-exchanges")
        elif self._left <= 0:
            self.beside.append(sha)
            link = Link(sha[:8], f"{self._base}exchanges/{sha}.json")
        else:
            made = view(sha, anchor, found)
            sides = (made.request, made.response)
            self._left -= 600 + sum(len(side.headers) + len(side.body) for side in sides)
            self.shown.append(made)
            link = Link(sha[:8], f"#{anchor}")
        self._links[sha] = link
        return link


def view(sha: str, anchor: str, found: Mapping[str, Any]) -> ExchangeView:
    """One exchange to print. Nothing of its shape is taken for granted: it may come from an older run."""
    sent, answered = found.get("sent"), found.get("answered")
    start, end = _instant(sent), _instant(answered)
    took = span(end - start) if start is not None and end is not None else ""
    status = found.get("status")
    return ExchangeView(
        sha=sha,
        anchor=anchor,
        method=_text(found.get("method") or "?"),
        url=_url(found.get("url")),
        status=_text(status) if status is not None else "no answer",
        sent=iso(sent) if isinstance(sent, int) else _text(sent),
        took=took,
        error=_text(found.get("error")),
        redactions=_redactions(found.get("redactions")),
        request=_side(found.get("request")),
        response=_side(found.get("response")),
    )


def _instant(value: Any) -> int | None:
    """Stored as text in UTC; older runs stored microseconds."""
    if isinstance(value, int):
        return value
    try:
        return round(datetime.fromisoformat(value).timestamp() * 1_000_000)
    except (TypeError, ValueError):
        return None


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _url(value: Any) -> str:
    """The redacted URL as it was stored, query included; user and password are dropped once more."""
    text = _text(value)
    head, question, query = text.partition("?")
    return plain_url(head) + question + query if text else ""


def _redactions(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {number}" for name, number in sorted(value.items()))
    if isinstance(value, int):
        return count(value, "value") if value else ""
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else _text(value)


def _side(value: Any) -> Side:
    if not isinstance(value, Mapping):
        return Side(Shown(""), body(value))
    headers = value.get("headers")
    pairs = sorted(headers.items()) if isinstance(headers, Mapping) else ()
    lines = "\n".join(f"{clip(_text(name))}: {clip(_text(item))}" for name, item in pairs)
    return Side(clip(lines, _BODY, lines=True), body(value.get("body")), _withheld(value))


def _withheld(value: Mapping[str, Any]) -> str:
    """A body that was not stored is not the same as none."""
    size, mark = value.get("bytes"), value.get("keyed_hash")
    if not size and not mark:
        return "no body"
    parts = [count(size, "byte")] if isinstance(size, int) else []
    return f"body not stored: {', '.join([*parts, *([_text(mark)] if mark else [])])}"


def _pretty(value: Any, margin: str = "") -> str:
    """JSON for people: what fits on a line stays on it."""
    flat = json.dumps(value, ensure_ascii=False, default=str)
    if len(flat) + len(margin) <= _WIDTH or not isinstance(value, dict | list) or not value:
        return flat
    deeper = margin + "  "
    if isinstance(value, dict):
        rows = [f"{json.dumps(str(key), ensure_ascii=False)}: {_pretty(item, deeper)}" for key, item in value.items()]
    else:
        rows = [_pretty(item, deeper) for item in value]
    first, last = "{}" if isinstance(value, dict) else "[]"
    return f"{first}\n" + ",\n".join(deeper + row for row in rows) + f"\n{margin}{last}"


def body(value: Any) -> Shown:
    """A body as readable text: JSON indented, everything else as it came, at most 4,000 characters."""
    if value is None or value == "":
        return Shown("")
    try:
        parsed = json.loads(value) if isinstance(value, str) else value
        text = value if isinstance(parsed, str) else _pretty(parsed)
    except (ValueError, RecursionError):
        text = value if isinstance(value, str) else "(cannot be shown: nested too deeply, or no JSON)"
    return clip(text, _BODY, lines=True)
