"""Which names stand before a secret: keys of JSON, forms and queries."""

from __future__ import annotations

import re
from functools import lru_cache


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# A text without any of these (in lower case) has no secret under a name; such JSON need not be parsed.
SUSPECT = _words(
    "passw pass_w pass-w passphrase passcode pwd secret token assertion samlre verifier otp recovery apikey api_key "
    "api-key private access_key accesskey access-key signature authoriz cookie sessionid session_id session-id sessid "
    "jwt bearer csrf xsrf"
)
# The same for names that are part of many words; in JSON such a name, or a path that ends with it, ends with a quote.
SUSPECT_JSON = SUSPECT + tuple(word + '"' for word in ("pass", "pin", "seed", "sig", "sid", "code", "codes", "auth"))

_WHOLE = frozenset(
    _words(
        "passwd pwd pass passcode passphrase secret secretid secretkey token jwt bearer otp totp pin seed assertion "
        "clientassertion samlrequest samlresponse codeverifier recoverycode recoverycodes recoverykey apikey "
        "privatekey accesskey accesskeyid secretaccesskey signature sig authorization cookie setcookie sessionid "
        "sessiontoken sid jsessionid phpsessid csrf xsrf auth clientsecret userpassword unicodepwd"
    )
)
_IN_QUERY = frozenset(("code", "key", "ticket", "session", "credential", "xamzcredential", "xgoogcredential"))
_PARTS = ("password", "passwd", "passphrase", "secret", "apikey", "privatekey", "accesskey", "signature")
# Marks of a page, and plain facts about a secret, are evidence and no secret.
_PAGE_MARKS = ("page", "next", "prev", "continuation", "skip", "sync", "delta", "cursor", "start", "scroll")
_FACTS = _words(
    "changed at on date time expires expiresin expiry expiration policy policies type types id ids count num uses "
    "name names url uri endpoint ttl accessor label status state limit required enabled scope scopes age days length "
    "history reset method version path"
)

_NAME = re.compile(r"[^a-z0-9]+")


@lru_cache(maxsize=4096)
def is_secret(name: str, in_query: bool = False) -> bool:
    """Whether what stands under `name` is a secret; `in_query` knows names that mean nothing elsewhere (`code`)."""
    plain = _NAME.sub("", name.lower())
    if plain in _WHOLE or (in_query and plain in _IN_QUERY):
        return True
    if plain.endswith("token") or plain.endswith("tokenvalue"):
        return not plain.startswith(_PAGE_MARKS)
    return any(part in plain for part in _PARTS) and not plain.endswith(_FACTS)


def last_segment(path: str) -> str:
    """The attribute that a SCIM path (RFC 7644 §3.10: `urn:…:User:password`, `name.familyName`) or a JSON pointer
    (RFC 6901) ends with."""
    return re.split(r"[:./]", re.sub(r"\[[^\]]*\]", "", path).rstrip("/"))[-1]


# `password: hunter2`, `"client_secret" = 'x y'`, `<userPassword>…`: in text that is neither JSON nor a form.
TEXT_PAIR = re.compile(
    r"""((?<![a-z])(?:[\w.-]{0,40}(?:passw(?:or)?d|passphrase|secret|api[_-]?key|private[_-]?key|access[_-]?key)|pwd|
    (?:access|refresh|id|bearer|auth|session|api|csrf|xsrf|user|client)?[_-]?token|otp|assertion|authorization|
    (?:set-)?cookie|samlresponse|samlrequest|code_verifier)["']?\s*(?:[:=]|=>|\]?>)\s*)
    (?:"[^"]*"?|'[^']*'?|(?:bearer|basic)\s+[^\s,;<]+|[^\s,;&<"']+)""",
    re.IGNORECASE | re.VERBOSE,
)
