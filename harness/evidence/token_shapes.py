"""Secrets that show by their shape, wherever they stand: JWT, PEM keys, vendors' prefixes, schemes, signed URLs."""

from __future__ import annotations

import re

from harness.evidence.secret_words import is_secret
from harness.evidence.vault import MARK

_B64 = r"[A-Za-z0-9_-]"

# (a piece that must occur for the pattern to be worth trying, the pattern, what replaces it)
_SHAPES: tuple[tuple[str, re.Pattern[str], str], ...] = (
    ("eyJ", re.compile(rf"eyJ{_B64}{{6,}}\.{_B64}+(?:\.{_B64}*){{0,3}}"), MARK),  # RFC 7519, RFC 7516
    (
        "PRIVATE KEY",
        re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----(?:.*?-----END [A-Z0-9 ]*PRIVATE KEY-----|.*)", re.DOTALL),
        MARK,
    ),
    ("gh", re.compile(r"\bgh[pousr]_[A-Za-z0-9]{16,}"), MARK),
    ("github_pat_", re.compile(r"\bgithub_pat_[A-Za-z0-9_]{20,}"), MARK),
    ("glpat-", re.compile(r"\bglpat-[\w-]{16,}"), MARK),
    ("xox", re.compile(r"\bxox[a-z]-[\w-]{8,}"), MARK),
    ("xapp-", re.compile(r"\bxapp-[\w-]{8,}"), MARK),
    ("AKIA", re.compile(r"\bAKIA[A-Z0-9]{12,}"), MARK),
    ("ASIA", re.compile(r"\bASIA[A-Z0-9]{12,}"), MARK),
    ("AIza", re.compile(r"\bAIza[\w-]{30,}"), MARK),
    ("ya29.", re.compile(r"\bya29\.[\w-]{10,}"), MARK),
    ("hv", re.compile(r"\bhv[sbr]\.[\w-]{16,}"), MARK),
    ("ATATT", re.compile(r"\bATATT[\w=-]{20,}"), MARK),
    ("earer ", re.compile(r"\b([Bb]earer )[A-Za-z0-9._~+/=-]{6,}"), rf"\1{MARK}"),
    ("asic ", re.compile(r"\b([Bb]asic )[A-Za-z0-9+/_-]{6,}={0,2}"), rf"\1{MARK}"),
    ("://", re.compile(r"(://)[^/\s\"'<>@?#]+@"), rf"\1{MARK}@"),
)
_PARAM = re.compile(r"([?&;#](?:amp;)?)([\w.%-]{1,60})=([^&\s\"'<>\\#]+)")


def redact_shapes(text: str) -> tuple[str, int]:
    """The text with every value of a known shape replaced, and how many."""
    hits = 0
    for piece, pattern, mark in _SHAPES:
        if piece in text:
            text, more = pattern.subn(mark, text)
            hits += more
    if "=" in text and ("?" in text or "#" in text):
        counted = _Params()
        text = _PARAM.sub(counted, text)
        hits += counted.hits
    return text, hits


class _Params:
    """Replaces the values of secret parameters in URLs that stand inside a text: presigned ones above all."""

    def __init__(self) -> None:
        self.hits = 0

    def __call__(self, match: re.Match[str]) -> str:
        if not is_secret(match[2], in_query=True):
            return match[0]
        self.hits += 1
        return f"{match[1]}{match[2]}={MARK}"
