"""What an answer outside the accepted set means, in a sentence for a person."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urljoin, urlsplit

from harness.wire.call import Call

_INSUFFICIENT = re.compile(r'\berror="?insufficient_scope\b')
_SCOPE = re.compile(r'\bscope="([\x21\x23-\x5b\x5d-\x7e ]{1,200})"')  # RFC 6749 §3.3: printable, no quotes
_GATEWAY = {502: "a gateway got no good answer (502)", 504: "a gateway got no answer in time (504)"}
_CLIENT = {
    400: "the request was refused as malformed (400)",
    404: "not found (404) where an answer was expected",
    405: "this method is not allowed here (405)",
    408: "the server gave up waiting for the request (408)",
    409: "the request conflicts with what is there (409)",
    410: "gone (410) where an answer was expected",
    412: "a precondition was not met (412)",
    413: "the request is too large for the server (413)",
    415: "the server does not take this content type (415)",
    422: "the request was understood and refused (422)",
}


def of_status(call: Call, status: int, headers: Mapping[str, str], url: str, *, throttled: bool) -> str:
    """The reason for a `status` that is not in `call.accept`."""
    if throttled:
        return f"rate limited to the end of our patience ({status})"
    if status == 401:
        return "the credential was refused (401)"
    if status == 403:
        lacks = _lacks(headers.get("www-authenticate", ""))
        return (
            "the reader may not look (403)" if call.look and not call.own_auth else "this is not allowed (403)"
        ) + lacks
    if 300 <= status < 400:
        return _redirect(status, headers, url)
    if status in _CLIENT:
        return _CLIENT[status]
    if status in _GATEWAY:
        return _GATEWAY[status]
    if status == 503:
        return "the service is unavailable (503)"
    if 500 <= status < 600:
        return f"the server failed ({status})"
    if 400 <= status < 500:
        return f"the request was refused ({status}{_phrase(status)})"
    if 200 <= status < 300:
        return f"an answer that was not expected here ({status}{_phrase(status)})"
    return f"a status that HTTP does not know ({status})"


def _lacks(challenge: str) -> str:
    """The scope that was missing, where the server says so (RFC 6750 §3.1)."""
    named = _SCOPE.search(challenge) if _INSUFFICIENT.search(challenge) else None
    return f": it lacks the scope {named[1]}" if named else ""


def in_doubt(status: int) -> bool:
    """Whether a write that was answered like this may have happened all the same. 4xx are refusals, except 408; a
    307 or 308 asks to send it elsewhere (RFC 9110 §15.4.8); every other answer may follow the deed."""
    return status in (408,) or not (400 <= status < 500 or status in (307, 308))


def _redirect(status: int, headers: Mapping[str, str], url: str) -> str:
    """Without the query and the fragment: they carry codes and tokens."""
    location = headers.get("location", "")
    if not location:
        return f"an unexpected redirect ({status}) to nowhere"
    try:
        to = urlsplit(urljoin(url, location))
        target = f"{to.scheme}://{to.hostname or ''}{f':{to.port}' if to.port else ''}{to.path}"
    except ValueError:
        return f"redirected ({status}) to an unreadable address (a login page?)"
    shown = "".join(c if c.isprintable() else "?" for c in target)
    return f"redirected to {shown if len(shown) <= 120 else shown[:120] + '…'} (a login page?)"


def _phrase(status: int) -> str:
    try:
        return f" {HTTPStatus(status).phrase}"
    except ValueError:
        return ""
