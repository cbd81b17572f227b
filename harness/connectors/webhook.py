"""Connector `webhook`: hands events over as signed HTTP requests, and claims what it was answered."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field

from harness.adapter import ConnectorAdapter, ConnectorConfig
from harness.config import Config, SecretField
from harness.model import Claim, Event, EventTraits, Progress, Receipt
from harness.ports import Person, Tools
from harness.wire.auth import Auth
from harness.wire.call import Answer, Call, Unknown
from harness.wire.context import context
from harness.wire.event import EventField, event
from harness.wire.http import HttpWire
from harness.wire.request import Failed, Send, run


class Sign(Config):
    """The hex digest of the exact body stands in `header`, after `prefix`."""

    header: str
    scheme: Literal["hmac-sha256"]
    secret: SecretField
    prefix: str = ""

    def over(self, call: Call) -> Call:
        digest = hmac.new(self.secret.reveal().encode(), call.body or b"", "sha256").hexdigest()
        return replace(call, headers={**call.headers, self.header: self.prefix + digest})


class WebhookConfig(ConnectorConfig):
    type: Literal["webhook"]
    url: str
    sign: Sign | None = None
    events: Annotated[dict[str, EventField], Field(min_length=1)]


class Webhook:
    """Implements `ports.Connector`."""

    def __init__(self, name: str, config: WebhookConfig, send: Send, tools: Tools) -> None:
        self.name = name
        self.owner = config.owner
        self._sign = config.sign
        self._events = {key: event(value) for key, value in config.events.items()}
        self._send = send
        self._tools = tools
        self._calls: dict[str, list[Call]] = {}  # by event id: a replay is the same bytes, whatever changed since
        if config.sign is not None:
            tools.vault.learn(config.sign.secret.reveal())

    def events(self) -> Mapping[str, EventTraits]:
        return {name: made.traits() for name, made in self._events.items()}

    def fire(self, event: Event, person: Person) -> Receipt:
        began = self._tools.clock.now()
        line = _Line(self._send, self._sign, self._calls.setdefault(event.id, []))
        try:
            ran = run(self._events[event.name].steps, context(person, event=event), line, self._tools.vault)
        except Failed as error:
            sent = line.sent or began
            if error.status is None:  # refused, timed out, reset, or never rendered: nothing was claimed
                claim = Claim.NONE if line.tried else Claim.ERROR
                return Receipt(
                    claim, sent, None, error.vars, error.reason, error.in_doubt and line.tried > 0, line.evidence
                )
            answered = error.answered or self._tools.clock.now()
            return Receipt(Claim.ERROR, sent, answered, error.vars, error.reason, False, line.evidence)
        return Receipt(Claim.SUCCESS, ran.sent, ran.answered, ran.vars, "", False, ran.evidence)

    def done(self, event: Event, person: Person) -> tuple[Progress, str]:
        asked = self._events[event.name].done
        if asked is None:
            return Progress.UNKNOWN, "the event has no `done`"
        try:
            answer, words = self._ask(asked.call, event, person)
            return asked.progress(answer.json(), words)
        except Unknown as error:
            return Progress.UNKNOWN, error.reason

    def arrived(self, event: Event, person: Person) -> tuple[bool | None, str]:
        asked = self._events[event.name].sent
        if asked is None:
            return None, "the event has no `sent`"
        try:
            answer, words = self._ask(asked.call, event, person)
            if answer.status in asked.absent_on:
                return False, f"answered {answer.status}"
            return asked.arrived(answer.json() if asked.reads_body else None, words)
        except Unknown as error:
            return None, error.reason

    def _ask(self, call: Any, event: Event, person: Person) -> tuple[Answer, dict[str, Any]]:
        words = context(person, event=event)
        own = person.receipts.get(event.name)
        return self._send(call({**(own or {}), **words})), words


class _Line:
    """One firing: signs, sends what an earlier firing of the same event sent, and keeps when it was."""

    def __init__(self, send: Send, sign: Sign | None, calls: list[Call]) -> None:
        self._send, self._sign, self._calls = send, sign, calls
        self.tried = 0
        self.sent = 0
        self.evidence: tuple[str, ...] = ()

    def __call__(self, call: Call) -> Answer:
        if self.tried < len(self._calls):
            call = self._calls[self.tried]
        else:
            # An event is never a look: whatever its method, the wire must not send it again by itself.
            call = replace(self._sign.over(call) if self._sign else call, look=False)
            self._calls.append(call)
        self.tried += 1
        try:
            answer = self._send(call)
        except Unknown as error:
            self.sent = self.sent or error.sent
            self.evidence += error.evidence
            raise
        self.sent = self.sent or answer.sent
        self.evidence += answer.evidence
        return answer


def _build(name: str, config: WebhookConfig, tools: Tools) -> Webhook:
    wire = HttpWire(config.url, config.auth or Auth(none=True), tools)
    return Webhook(name, config, wire.send, tools)


ADAPTER = ConnectorAdapter("webhook", "signed HTTP requests to an HR feed or a sync tool", WebhookConfig, _build)
