"""The leaver's vantage over HTTP: one judged request, and a sign-out if it worked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.model import Presence, Used
from harness.ports import Tools
from harness.systems.http_config import Judged
from harness.wire.call import Answer, Unknown
from harness.wire.http import HttpWire
from harness.wire.request import Failed, run, take
from harness.wire.template import Context


def exercise(requests: Sequence[Judged], context: Context, wire: HttpWire, tools: Tools) -> Used:
    """Only `works` is present, only `refused` is absent. What it answers with is the harness's own: never stored,
    known to the vault, and signed out."""
    first, *rest = requests
    try:
        call = first.call(context)
        accept = frozenset(first.works) | frozenset(first.refused)
        answer = wire.send(replace(call, own_auth=True, private=True, accept=accept))
        _no_page(answer)
        _no_redirect(answer)
    except Unknown as error:
        now = error.answered or tools.clock.now()
        reason = tools.vault.scrub(f"{first.method} {first.url.shown}: {error.reason}")
        return Used(Presence.UNKNOWN, reason, error.sent or now, now, error.evidence)
    if answer.status in first.refused:
        return Used(Presence.ABSENT, f"refused ({answer.status})", answer.sent, answer.answered, answer.evidence)
    reason, evidence = f"works ({answer.status})", answer.evidence
    try:
        taken = take(first, answer, context, tools.vault, leaver=True)
        ran = run(rest, {**context, **taken}, wire.send, tools.vault, leaver=True)
        evidence += ran.evidence
    except Unknown as error:
        presence = Presence.UNKNOWN if first.ok is not None else Presence.PRESENT
        reason = f"{reason}, but its answer could not be read: {error.reason}"
        return Used(presence, tools.vault.scrub(reason), answer.sent, answer.answered, evidence)
    except Failed as error:
        reason = tools.vault.scrub(f"{reason}, but could not be signed out: {error.reason}")
        evidence += error.evidence
    return Used(Presence.PRESENT, reason, answer.sent, answer.answered, evidence)


def _no_page(answer: Answer) -> None:
    """A page made for people says nothing: a login form is answered with 200, a proxy's own page with 403."""
    if "html" in answer.headers.get("content-type", "") or answer.body.lstrip()[:1] == b"<":
        reason = f"the answer ({answer.status}) is an HTML page (a login or error page?)"
        raise Unknown(
            reason, evidence=answer.evidence, sent=answer.sent, answered=answer.answered, status=answer.status
        )


def _no_redirect(answer: Answer) -> None:
    """Whatever the fleet file declares: a redirect neither works nor refuses, for nobody knows what is at its end."""
    if 300 <= answer.status < 400:
        reason = f"redirected ({answer.status}), which is neither declared use nor refusal"
        raise Unknown(
            reason, evidence=answer.evidence, sent=answer.sent, answered=answer.answered, status=answer.status
        )
