"""What the events of connectors carry beside their request: done, sent, idempotent, how long returned access counts."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag, model_validator

from harness.config import Config, DurationField
from harness.model import EventTraits, Presence, Progress
from harness.wire.path import PathField, json_text
from harness.wire.request import Many, Request
from harness.wire.selection import Closed
from harness.wire.template import Context


class EventOptions(Config):
    """`idempotent`: sending it twice does what sending it once does, so it may be sent again when in doubt."""

    returns_within: DurationField | None = None
    idempotent: bool = False


class Finishing(Config):
    """`value` in `until`: finished; in `failed`: failed; anything else: still running; missing: unknown."""

    value: PathField
    until: list[Any] = Field(min_length=1)
    failed: list[Any] = Field(default_factory=list)

    def progress(self, body: Any, context: Context) -> tuple[Progress, str]:
        """Raises `Unfilled` where `value` is a template that cannot be filled."""
        found = self.value.get(body, context)
        if found is None:
            return Progress.UNKNOWN, f"`{self.value.text}` is missing or null"
        text = json_text(found)
        shown = text if len(text) <= 40 else text[:40] + "…"
        if text in {json_text(value) for value in self.until}:
            return Progress.FINISHED, shown
        if text in {json_text(value) for value in self.failed}:
            return Progress.FAILED, shown
        return Progress.RUNNING, shown


class Done(Request, Finishing):
    """`done: {get: PATH, value: path, until: […], failed: […]}`."""


class Arriving(Closed):
    """How an answer tells whether an event arrived: `value` in `present` or `absent`, or `items` that are there."""

    items: PathField | None = None

    def arrived(self, body: Any, context: Context) -> tuple[bool | None, str]:
        if self.items is not None:
            found = self.items.get(body, context)
            if not isinstance(found, list):
                return None, f"`{self.items.text}` is not an array"
            return bool(found), f"{len(found)} found"
        if self.value is None:
            return True, "it is there"
        presence, why = self.presence(body, context)
        return {Presence.PRESENT: True, Presence.ABSENT: False, Presence.UNKNOWN: None}[presence], why

    @property
    def reads_body(self) -> bool:
        return self.items is not None or self.value is not None


class Sent(Request, Arriving):
    """`sent: {get: PATH, …}`: an `absent_on` answer means that it did not arrive."""

    @model_validator(mode="after")
    def _tells(self) -> Sent:
        if self.items is None and self.value is None and not self.absent_on:
            raise ValueError("`sent` must be able to say no: give `items`, `value`, or `absent_on`")
        return self


class _Answering(EventOptions):
    done: Done | None = None
    sent: Sent | None = None

    def traits(self) -> EventTraits:
        return EventTraits(self.idempotent, self.done is not None, self.sent is not None, self.returns_within)


class EventRequest(Request, _Answering):
    """One request, and what is known of the event."""

    @property
    def steps(self) -> tuple[Request, ...]:
        return (self,)


class EventRequests(_Answering):
    """`{requests: […], done: …}`: several requests in order."""

    requests: Many

    @property
    def steps(self) -> tuple[Request, ...]:
        return tuple(self.requests)


def _form(value: Any) -> str:
    if isinstance(value, list):
        return "list"
    many = isinstance(value, EventRequests) or (isinstance(value, dict) and "requests" in value)
    return "many" if many else "one"


EventField = Annotated[
    Annotated[EventRequest, Tag("one")] | Annotated[EventRequests, Tag("many")] | Annotated[Many, Tag("list")],
    Discriminator(_form),
]


def event(value: EventRequest | EventRequests | list[Request]) -> EventRequest | EventRequests:
    """The three ways of writing an event as one."""
    return EventRequests(requests=value) if isinstance(value, list) else value
