"""What the wire to AWS makes of the leaver's own key, and of changes that AWS finishes later."""

from __future__ import annotations

from typing import Any

import pytest

from harness.model import Presence
from harness.systems.aws_iam_write import totp
from harness.wire.aws import Aws
from harness.wire.aws_leaver import caller_is
from harness.wire.aws_pending import finish
from harness.wire.call import Unknown
from tests.wire.aws_server import KEYS, PAGE, Told, asking, js, refusal, xml


@pytest.mark.parametrize(
    ("answer", "presence"),
    [
        (xml("GetCallerIdentity", "<UserId>AIDA1</UserId>"), Presence.PRESENT),
        (xml("GetCallerIdentity", "<UserId>AIDA2</UserId>"), Presence.UNKNOWN),
        (xml("GetCallerIdentity", ""), Presence.UNKNOWN),
        (refusal("InvalidClientTokenId", 403), Presence.ABSENT),
        (refusal("SignatureDoesNotMatch", 403), Presence.UNKNOWN),
        (refusal("ExpiredToken", 403), Presence.UNKNOWN),
        (refusal("AccessDenied", 403), Presence.UNKNOWN),
        (refusal("Throttling", 400), Presence.UNKNOWN),
        ((200, "text/html", PAGE), Presence.UNKNOWN),
    ],
)
def test_only_a_key_that_aws_does_not_know_is_refused(answer: Told, presence: Presence) -> None:
    with asking(answer) as (aws, _, _):
        used = caller_is(aws, KEYS, "AIDA1")
    assert used.presence is presence
    assert used.reason
    assert used.evidence


def _status(word: str, **more: str) -> dict[str, Any]:
    return {"Status": word, "RequestId": "12345678-1234-1234-1234-123456789012", **more}


def _finish(aws: Aws, status: object) -> None:
    instance = "arn:aws:sso:::instance/ssoins-1234567890123456"
    item = "AccountAssignmentCreationStatus"
    asked = ("DescribeAccountAssignmentCreationStatus", {"InstanceArn": instance})
    finish(aws, status, *asked, "AccountAssignmentCreationRequestId", item)


def test_a_change_that_takes_its_time_is_waited_for() -> None:
    pages = [js(AccountAssignmentCreationStatus=_status(word)) for word in ("IN_PROGRESS", "SUCCEEDED")]
    with asking(*pages) as (aws, server, _):
        _finish(aws, _status("IN_PROGRESS"))
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (_status("FAILED", FailureReason="no such account"), "no such account"),
        (_status("SOMETHING_NEW"), "SOMETHING_NEW"),
        (None, "no `AccountAssignmentCreationStatus.Status`"),
        ({"Status": "IN_PROGRESS"}, "RequestId"),
        (_status("IN_PROGRESS"), "still in progress"),
    ],
)
def test_a_change_that_does_not_succeed_is_not_done(status: object, why: str) -> None:
    answer = js(AccountAssignmentCreationStatus=_status("IN_PROGRESS"))
    with asking(answer) as (aws, _, _), pytest.raises(Unknown) as told:
        _finish(aws, status)
    assert why in told.value.reason


def test_the_codes_of_a_virtual_device_are_those_of_rfc_6238() -> None:
    seed = b"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert [totp(seed, at * 1_000_000) for at in (59, 1111111109, 20000000000)] == ["287082", "081804", "353130"]
