"""Connector `manual`: prints an instruction for a person and waits until `exitproof done RUN CASE` says it is done."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, TextIO

from pydantic import Field, model_validator

from harness import marker
from harness.adapter import ConnectorAdapter, ConnectorConfig
from harness.model import Claim, Event, EventTraits, Progress, Receipt
from harness.ports import Person, Tools
from harness.wire.call import Unknown
from harness.wire.context import context
from harness.wire.event import EventOptions
from harness.wire.template import TemplateField


class ManualEvent(EventOptions):
    instruction: TemplateField


class ManualConfig(ConnectorConfig):
    type: Literal["manual"]
    folder: str = Field(default=marker.FOLDER, description="where the marker files lie")
    events: Annotated[dict[str, ManualEvent], Field(min_length=1)]

    @model_validator(mode="after")
    def _people(self) -> ManualConfig:
        if self.auth is not None:
            raise ValueError("`auth` has no place here: a person acts")
        for name, made in self.events.items():
            if "identity.password" in made.instruction.text:
                raise ValueError(f"the instruction of `{name}` would print a password")
        return self


class Manual:
    """Implements `ports.Connector`. What a person did is never assumed: the claim is `none`."""

    def __init__(self, name: str, config: ManualConfig, tools: Tools, out: TextIO | None = None) -> None:
        self.name = name
        self.owner = config.owner
        self._events = config.events
        self._folder = Path(config.folder)
        self._tools = tools
        self._out = out

    def events(self) -> Mapping[str, EventTraits]:
        # Asking a person twice for the same event does nothing more than asking once.
        return {
            name: EventTraits(idempotent=True, has_done=True, returns_within=made.returns_within)
            for name, made in self._events.items()
        }

    def fire(self, event: Event, person: Person) -> Receipt:
        now = self._tools.clock.now()
        try:
            told = self._events[event.name].instruction.render(context(person, event=event))
        except Unknown as error:
            return Receipt(Claim.ERROR, now, None, detail=error.reason)
        told = self._tools.vault.scrub(told)
        marker.ask(self._folder, person.run_id, person.case, event.id, event.name, told)
        out = self._out or sys.stderr
        out.write(f"\n{self.owner}: {told}\n  then: exitproof done {person.run_id} '{person.case}'\n")
        out.flush()
        return Receipt(Claim.NONE, now, now, detail=f"asked {self.owner}: {told}")

    def done(self, event: Event, person: Person) -> tuple[Progress, str]:
        said = marker.answered(self._folder, person.run_id, person.case, event.id)
        if said is None:
            return Progress.RUNNING, f"waiting for {self.owner}"
        return (Progress.FAILED, said) if said else (Progress.FINISHED, "")

    def arrived(self, event: Event, person: Person) -> tuple[bool | None, str]:
        said = marker.answered(self._folder, person.run_id, person.case, event.id)
        return (True, "answered") if said is not None else (None, "only the person knows")


def _build(name: str, config: ManualConfig, tools: Tools) -> Manual:
    return Manual(name, config, tools)


ADAPTER = ConnectorAdapter("manual", "a person who is told what to do", ManualConfig, _build)
