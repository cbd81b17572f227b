"""A redirect is tried by a message: handed over as from outside, and looked for where the redirect sends it."""

from __future__ import annotations

import threading

from harness.model import Grant, Presence, Used
from harness.ports import Person, Tools
from harness.systems import imap_host
from harness.systems.imap_look import plain
from harness.systems.imap_write import Writer
from harness.wire.call import Unknown
from harness.wire.lmtp import LmtpWire
from harness.wire.program import Programs, Run


class Delivery:
    """What it delivers is the harness's own, and taken out of the mailbox again."""

    def __init__(self, wire: LmtpWire, outside: Run, programs: Programs, writer: Writer, tools: Tools) -> None:
        self._wire = wire
        self._outside = outside
        self._programs = programs
        self._writer = writer
        self._tools = tools
        self._guard = threading.Lock()
        self._count = 0

    def use(self, person: Person, grant: Grant) -> Used:
        owner, to = grant.object_id or "", str(grant.vars.get("to", ""))
        domain = person.identity.email.rpartition("@")[2]
        with self._guard:
            self._count += 1
            subject = f"exitproof {person.run_id} {person.identity.key} {self._count}"
        try:
            handed = self._wire.deliver(f"{owner}@{domain}", subject)
            if not handed.value:
                reason = "refused (550 5.1.1): nobody takes mail for it any more"
                return Used(Presence.ABSENT, reason, handed.sent, handed.answered, handed.evidence)
            told = self._programs.ask(self._outside, "delivery.outside")
            went = (plain(to), subject) in {(plain(each), what) for each, what in imap_host.outside(told)}
        except Unknown as why:
            now = why.answered or self._tools.clock.now()
            return Used(Presence.UNKNOWN, why.reason, why.sent or now, now, why.evidence)
        reason = f"works (a message was sent on to {to})" if went else "a message was delivered, and not sent on"
        reason += self._discarded(owner, subject)
        presence = Presence.PRESENT if went else Presence.ABSENT
        return Used(presence, reason, handed.sent, told.answered, (*handed.evidence, *told.evidence))

    def _discarded(self, owner: str, subject: str) -> str:
        try:
            self._writer.discard(owner, subject)
        except Unknown as why:
            return f"; the message could not be taken out again: {why.reason}"
        return ""
