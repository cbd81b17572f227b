"""Changes that AWS takes on and finishes later: asked after until it says that they are done, or failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.model import SECOND
from harness.wire.aws import Aws
from harness.wire.call import Unknown

TRIES = 60
PAUSE = SECOND


def finish(aws: Aws, status: object, operation: str, params: Mapping[str, Any], id_name: str, item: str) -> None:
    """`status` is what the change was answered with; `operation` asks after it by its `RequestId`. Raises `Unknown`
    unless it says SUCCEEDED."""
    for _ in range(TRIES):
        if not isinstance(status, Mapping) or not isinstance(status.get("Status"), str):
            raise Unknown(f"the answer has no `{item}.Status`", in_doubt=True)
        if status["Status"] == "SUCCEEDED":
            return
        if status["Status"] != "IN_PROGRESS":
            why = status.get("FailureReason") or "without a reason"
            raise Unknown(f"it ended with {status['Status']}: {str(why)[:200]}", in_doubt=status["Status"] != "FAILED")
        request = status.get("RequestId")
        if not isinstance(request, str):
            raise Unknown(f"the answer has no `{item}.RequestId`", in_doubt=True)
        aws.pause(PAUSE)
        status = (aws.ask("sso-admin", operation, {**params, id_name: request}).value or {}).get(item)
    raise Unknown(f"it was still in progress after {TRIES} s", in_doubt=True)
