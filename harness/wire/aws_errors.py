"""What AWS's error codes mean to a look: the one that a caller may take for "not there", and sentences for the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.wire.dialogue import Broken

_DENIED = frozenset(
    (
        *("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "UnauthorizedException", "OptInRequired"),
        *("401", "403"),  # an answer that is not in the API's own form
    )
)
_EXPIRED = frozenset(("ExpiredToken", "ExpiredTokenException", "RequestExpired"))
UNKNOWN_KEY = frozenset(("InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId"))
_SIGNATURE = frozenset(
    ("SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature", "MissingAuthenticationToken")
)
_BUSY = frozenset(
    (
        *("Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "TooManyRequestsException"),
        *("RequestLimitExceeded", "PriorRequestNotComplete", "SlowDown", "429"),
    )
)


@dataclass(frozen=True, slots=True)
class Gone:
    """The error code that says "there is no such thing". `of`: the `ResourceType` that it must name, where the service
    tells one: that the whole store is not found says nothing of a user. With a `Reason` it is another matter: Identity
    Center answers so when it may not use the key that encrypts its store."""

    code: str
    of: str = ""

    def fits(self, answer: Mapping[str, Any]) -> bool:
        if code_of(answer) != self.code or answer.get("Reason"):
            return False
        return not self.of or answer.get("ResourceType") == self.of


NO_ENTITY = Gone("NoSuchEntity")
NO_USER = Gone("ResourceNotFoundException", "USER")


def code_of(answer: Mapping[str, Any]) -> str:
    return str((answer.get("Error") or {}).get("Code") or "")


def explain(operation: str, answer: Mapping[str, Any]) -> Broken:
    """Why this answer says nothing. A refusal changed nothing; what the server failed at may have happened."""
    code = code_of(answer)
    status = int((answer.get("ResponseMetadata") or {}).get("HTTPStatusCode") or 0)
    if code in _DENIED:
        return Broken(f"{operation} is denied to this key ({code})", in_doubt=False, code=status)
    if code in _EXPIRED:
        return Broken(f"the credential, or the signature, has expired ({code})", in_doubt=False, code=status)
    if code in UNKNOWN_KEY:
        return Broken(f"the access key is not known or not active ({code})", in_doubt=False, code=status)
    if code in _SIGNATURE:
        return Broken(
            f"the signature was refused: a wrong secret, or a wrong clock ({code})", in_doubt=False, code=status
        )
    if code in _BUSY:
        return Broken(f"{operation} is throttled ({code})", again=True, in_doubt=False, code=status)
    if status >= 500:
        return Broken(f"{operation}: the server failed ({status} {code})", again=True, code=status)
    return Broken(
        f"{operation} was answered with {code or 'an error without a code'} ({status})", in_doubt=False, code=status
    )
