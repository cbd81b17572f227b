"""Connector `command`: runs a program per event, never a shell, and claims what its exit code says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from harness.adapter import ConnectorAdapter, ConnectorConfig
from harness.model import NOTHING, Claim, Event, EventTraits, Progress, Receipt, iso
from harness.ports import Person, Tools
from harness.wire.call import Answer, Unknown
from harness.wire.context import context
from harness.wire.event import Arriving, EventOptions, Finishing
from harness.wire.process import Ended, Program, execute
from harness.wire.program import Run
from harness.wire.request import Take
from harness.wire.template import Context

_SHOWN = 4_000


class RunDone(Run, Finishing):
    """`done: {argv: […], value: path, until: […], failed: […]}`, read from JSON on the standard output."""


class RunSent(Run, Arriving):
    """`sent: {argv: […], absent_exit: [3]}`, or `value` or `items` of the JSON on the standard output."""

    absent_exit: list[int] = Field(default_factory=list)

    @model_validator(mode="after")
    def _tells(self) -> RunSent:
        if self.items is None and self.value is None and not self.absent_exit:
            raise ValueError("`sent` must be able to say no: give `items`, `value`, or `absent_exit`")
        return self


class CommandEvent(Run, EventOptions):
    take: Take = Field(default_factory=dict)
    done: RunDone | None = None
    sent: RunSent | None = None

    def traits(self) -> EventTraits:
        return EventTraits(self.idempotent, self.done is not None, self.sent is not None, self.returns_within)


class CommandConfig(ConnectorConfig):
    type: Literal["command"]
    events: Annotated[dict[str, CommandEvent], Field(min_length=1)]

    @model_validator(mode="after")
    def _no_auth(self) -> CommandConfig:
        if self.auth is not None:
            raise ValueError("`auth` has no place here: a program gets its credential through `env`")
        return self


class Command:
    """Implements `ports.Connector`."""

    def __init__(self, name: str, config: CommandConfig, tools: Tools) -> None:
        self.name = name
        self.owner = config.owner
        self._events = config.events
        self._tools = tools
        self._programs: dict[str, Program] = {}  # by event id: a replay is the same program with the same arguments
        for made in config.events.values():
            for run in (made, made.done, made.sent):
                if run is not None:
                    run.tell(tools.vault)

    def events(self) -> Mapping[str, EventTraits]:
        return {name: made.traits() for name, made in self._events.items()}

    def fire(self, event: Event, person: Person) -> Receipt:
        made = self._events[event.name]
        words = context(person, event=event)
        began = self._tools.clock.now()
        try:
            program = self._programs.get(event.id) or made.program(words)
        except Unknown as error:
            return Receipt(Claim.ERROR, began, None, detail=error.reason)
        self._programs[event.id] = program
        ended, answer = self._execute(program)
        if ended.failed:
            return Receipt(Claim.ERROR, answer.sent, None, detail=ended.failed, evidence=answer.evidence)
        if ended.code is None:
            detail = "still running at its timeout and killed: what it did is in doubt"
            return Receipt(Claim.NONE, answer.sent, None, detail=detail, in_doubt=True, evidence=answer.evidence)
        if ended.code not in made.success:
            said = self._tools.vault.scrub(_last_line(ended.stderr))
            detail = f"exit code {ended.code}" + (f": {said}" if said else "")
            return _receipt(Claim.ERROR, answer, detail)
        try:
            taken = self._take(made.take, answer, words)
        except Unknown as error:
            return _receipt(Claim.ERROR, answer, error.reason)
        return _receipt(Claim.SUCCESS, answer, "", taken)

    def done(self, event: Event, person: Person) -> tuple[Progress, str]:
        asked = self._events[event.name].done
        if asked is None:
            return Progress.UNKNOWN, "the event has no `done`"
        try:
            words = _words(event, person)
            ended, answer = self._execute(asked.program(words))
            if ended.code not in asked.success:
                return Progress.UNKNOWN, ended.failed or f"`done` ended with {_code(ended)}"
            return asked.progress(answer.json(), words)
        except Unknown as error:
            return Progress.UNKNOWN, error.reason

    def arrived(self, event: Event, person: Person) -> tuple[bool | None, str]:
        asked = self._events[event.name].sent
        if asked is None:
            return None, "the event has no `sent`"
        try:
            words = _words(event, person)
            ended, answer = self._execute(asked.program(words))
            if ended.code in asked.absent_exit:
                return False, f"exit code {ended.code}"
            if ended.code not in asked.success:
                return None, ended.failed or f"`sent` ended with {_code(ended)}"
            needs = asked.items is not None or asked.value is not None
            return asked.arrived(answer.json() if needs else None, words)
        except Unknown as error:
            return None, error.reason

    def _take(self, take: Mapping[str, Any], answer: Answer, words: Context) -> dict[str, Any]:
        if not take:
            return {}
        body = answer.json()
        taken = {name: path.get(body, words) for name, path in take.items()}
        for name, value in taken.items():
            if value is None:
                raise Unknown(f"the output has no `{take[name].text}` to take as `{name}`")
            if name == "secret" and isinstance(value, str):
                self._tools.vault.learn(value)
        return taken

    def _execute(self, program: Program) -> tuple[Ended, Answer]:
        """Runs it; the answer holds its output and the evidence of the whole."""
        clock, scrub = self._tools.clock, self._tools.vault.scrub
        sent = clock.now()
        ended = execute(program)
        answered = clock.now()
        evidence = self._tools.record(
            {
                "command": [scrub(part) for part in program.argv],
                "env": sorted(program.env),
                "exit": ended.code,
                "error": scrub(ended.failed) or None,
                "stdout": _shown(scrub(_text(ended.stdout))),
                "stderr": _shown(scrub(_text(ended.stderr))),
                "sent": iso(sent),
                "answered": iso(answered),
            }
        )
        return ended, Answer(0, "", NOTHING, ended.stdout, sent, answered, (evidence,))


def _receipt(claim: Claim, answer: Answer, detail: str, taken: Mapping[str, Any] = NOTHING) -> Receipt:
    return Receipt(claim, answer.sent, answer.answered, taken, detail, False, answer.evidence)


def _words(event: Event, person: Person) -> dict[str, Any]:
    return {**person.receipts.get(event.name, {}), **context(person, event=event)}


def _code(ended: Ended) -> str:
    return "no exit code: killed at its timeout" if ended.code is None else f"exit code {ended.code}"


def _text(data: bytes) -> str:
    return "".join(c if c.isprintable() or c in "\n\t" else "�" for c in data.decode("utf-8", "replace"))


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + f"… ({len(text)} characters)"


def _last_line(data: bytes) -> str:
    lines = _text(data).strip().splitlines()
    return lines[-1][:200] if lines else ""


def _build(name: str, config: CommandConfig, tools: Tools) -> Command:
    return Command(name, config, tools)


ADAPTER = ConnectorAdapter("command", "a program per event, never a shell", CommandConfig, _build)
