"""The Link header (RFC 8288): relation -> absolute URL."""

from __future__ import annotations

import re
from urllib.parse import urljoin

_LINK = re.compile(r'<([^>]*)>((?:\s*;\s*[^\s=;,]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s";,]*))?)*)')
_PARAM = re.compile(r';\s*([^\s=;,]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s";,]*))')


def parse_links(header: str, base: str) -> dict[str, str]:
    """Every relation of the header, in lower case, with its target resolved against `base`; of two targets of one
    relation the first counts, as the first `rel` of a link does (RFC 8288 §3.3)."""
    found: dict[str, str] = {}
    for target, params in _LINK.findall(header):
        rel = next((quoted or bare for name, quoted, bare in _PARAM.findall(params) if name.lower() == "rel"), "")
        for relation in rel.lower().split():
            try:
                found.setdefault(relation, urljoin(base, target))
            except ValueError:
                found.setdefault(relation, "")
    return found
