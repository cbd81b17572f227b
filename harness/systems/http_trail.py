"""The system's own audit trail about one account, read as a list."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from harness.model import SECOND, Instant, ListState, Trail, TrailRow
from harness.ports import Vault
from harness.systems.http_config import AuditConfig
from harness.wire.call import Unknown
from harness.wire.listing import named
from harness.wire.memo import Memo
from harness.wire.request import Send
from harness.wire.template import Context, plain_text

_SKEW = 2 * SECOND  # the trail's clock is the system's own, and many trails know whole seconds only


def trail(audit: AuditConfig, context: Context, send: Send, since: Instant, vault: Vault) -> Trail:
    """The rows about this account since then; a row whose time cannot be read is kept."""
    try:
        call = audit.call(context)
        gone = frozenset(audit.absent_on)
        try:
            reply = Memo(send).ask(audit, call, context, empty=False, gone=gone)
        except Unknown as error:
            raise named(error, call) from None
        rows = [
            _row(audit, item, context)
            for item in reply.read.items
            if audit.where is None or audit.where.differs(item, context) is None
        ]
    except Unknown as error:
        return Trail(ListState.UNKNOWN, (), vault.scrub(error.reason), error.evidence)
    kept = tuple(row for row in rows if not _older(row.at, since - _SKEW))
    return Trail(ListState.COMPLETE, kept, "", reply.read.evidence)


def _row(audit: AuditConfig, item: Any, context: Context) -> TrailRow:
    found = {name: path.get(item, context) for name, path in audit.take.items()}
    lost = [name for name in ("actor", "target", "action", "at") if found[name] is None]
    if lost:
        raise Unknown(f"a row of the audit trail has no {lost[0]} (`{audit.take[lost[0]].text}`)")
    return TrailRow(**{name: plain_text(value) for name, value in found.items() if value is not None})


def _older(at: str, since: Instant) -> bool:
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return False
    return moment.tzinfo is not None and round(moment.timestamp() * SECOND) < since
