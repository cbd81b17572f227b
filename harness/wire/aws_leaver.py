"""The leaver's own access key: whom AWS takes its signature for, and the one refusal that means it is dead."""

from __future__ import annotations

from harness.model import Presence, Used
from harness.wire.aws import Aws
from harness.wire.aws_clients import Keys
from harness.wire.aws_errors import Gone
from harness.wire.call import Unknown

# What AWS says of a key that was deleted or is inactive. A wrong signature or an expired one says nothing about it.
_REFUSED = Gone("InvalidClientTokenId")


def caller_is(aws: Aws, keys: Keys, user_id: str) -> Used:
    """`sts:GetCallerIdentity` signed with these keys. Present only if AWS names this very user: an answer that names
    somebody else (some servers answer whoever asks) is not this user's."""
    theirs = aws.signed_by(keys)
    try:
        told = theirs.ask("sts", "GetCallerIdentity", gone=_REFUSED, private=True)
    except Unknown as unknown:
        return Used(Presence.UNKNOWN, unknown.reason, unknown.sent, unknown.answered, unknown.evidence)
    finally:
        theirs.close()
    if told.value is None:
        return Used(Presence.ABSENT, "refused (InvalidClientTokenId)", told.sent, told.answered, told.evidence)
    if told.value.get("UserId") != user_id:
        why = "it works, but the server takes it for somebody else's"
        return Used(Presence.UNKNOWN, why, told.sent, told.answered, told.evidence)
    return Used(Presence.PRESENT, "works", told.sent, told.answered, told.evidence)


def reachable(aws: Aws, service: str, operation: str, **params: object) -> str:
    """What hinders one cheap read; "" = nothing."""
    try:
        aws.ask(service, operation, params)
    except Unknown as unknown:
        return unknown.reason
    return ""
