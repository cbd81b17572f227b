"""Every key of a scenario file as a strict model. What only a fleet can tell (systems, events) is bound later."""

from __future__ import annotations

import re
from datetime import date
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from harness.config import Config, DurationField, KindField, parse_duration
from harness.model import SECOND, Subject

Text = Annotated[str, StringConstraints(min_length=1)]
Tag = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]*$")]
Need = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z][A-Za-z0-9_-]*){0,2}$")]
Attribute = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
ControlId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]*:[A-Za-z0-9][A-Za-z0-9().-]*$")]
WithinKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]*(\.[a-z]+)?$")]
DEFAULT_WITHIN = 900 * SECOND
DEFAULT_JOIN = 300 * SECOND

# Made by the harness itself: user names are the guard's, passwords nobody's.
MADE = ("username", "email", "password", "external_id", "was")
FIXED = ("password", "was")  # not even a rename changes these


def parse_effective(value: Any) -> int:
    """`+2m` or `-1h`: relative to the moment of sending."""
    if isinstance(value, str) and value[:1] in ("+", "-"):
        span = parse_duration(value[1:])
        return span if value[0] == "+" else -span
    raise PydanticCustomError("effective", "not a relative time", {"allowed": ["+2m", "-1h"]})


def parse_day(value: Any) -> date:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise PydanticCustomError("day", "not a day", {"allowed": ["2027-03-31"]})


def parse_within(value: Any) -> int:
    """A deadline: a duration that is longer than nothing."""
    span = parse_duration(value)
    if not span:
        raise PydanticCustomError("within", "a deadline must be longer than nothing")
    return span


Day = Annotated[date, BeforeValidator(parse_day), WithJsonSchema({"type": "string", "format": "date"})]
Effective = Annotated[
    int, BeforeValidator(parse_effective), WithJsonSchema({"type": "string", "pattern": "^[+-][0-9]+(ms|s|m|h|d)$"})
]
Deadline = Annotated[
    int, BeforeValidator(parse_within), WithJsonSchema({"type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$"})
]


class HeldModel(Config):
    """One entitlement with more than a name."""

    name: Text | None = None
    on: Text | None = Field(default=None, description="the object that it hangs on, one of `objects`")
    right: Text | None = None
    rights: list[Text] | None = Field(default=None, min_length=1, description="one grant per right")
    to: Text | None = Field(default=None, description="where a forwarding leads, or to whom a share is given")
    direction: Literal["out", "in"] = "out"
    sole: bool = Field(
        default=False, description="bystander n gets `<name>-control-<n>`: the leaver can be the last member"
    )
    by: Literal["join"] | None = Field(default=None, description="the connector itself gives it: awaited, not granted")

    @model_validator(mode="after")
    def _shape(self) -> HeldModel:
        if (self.name is None) == (self.on is None):
            raise ValueError("exactly one of `name` and `on` is needed")
        if self.right is not None and self.rights is not None:
            raise ValueError("give either `right` or `rights`")
        return self


AccessItem = Literal["account"] | Annotated[dict[KindField, Text | HeldModel], Field(min_length=1, max_length=1)]
Access = dict[Text, list[AccessItem]]


class ObjectModel(Config):
    """Something that access hangs on: found, or created if the system can."""

    system: Text
    kind: KindField
    owner: Annotated[Subject, Field(strict=False)] | None = None

    @model_validator(mode="after")
    def _owner(self) -> ObjectModel:
        if self.owner is Subject.CONTROL:
            raise ValueError("the fleet's control account is read-only: it owns nothing")
        return self


class DemandModel(Config):
    """What must be there, and how far the rest must be gone."""

    has: Access = Field(default_factory=dict, description="access that must be there, written like `access`")
    gone: Literal["all", "old"] = Field(default="all", description="`old`: no baseline grant is back, by id or by name")


class StepModel(Config):
    """An event with its circumstances, or a wait."""

    event: Text | None = None
    via: Text | None = Field(default=None, description="default: the connector of `leave`")
    set: dict[Attribute, str] = Field(default_factory=dict, description="changes `identity.*`")
    expect: DemandModel | None = None
    wait: DurationField | None = Field(default=None, description="after an event: waits once it was sent")

    @model_validator(mode="after")
    def _shape(self) -> StepModel:
        if self.event is None and self.wait is None:
            raise ValueError("a step needs `event` or `wait`")
        if self.event is None and (self.via or self.set or self.expect):
            raise ValueError("`via`, `set` and `expect` belong to an `event`")
        if self.event == "replay" and (self.via or self.set):
            raise ValueError("a replay is the same request again: no `via`, no `set`")
        _settable(self.set)
        return self


class JoinModel(Config):
    via: Text
    within: DurationField = DEFAULT_JOIN
    event: Text = "join"


class LeaveModel(Config):
    via: Text
    event: Text
    reason: str = ""
    effective: Effective | None = Field(default=None, description="passes `event.effective`", examples=["+2m"])
    together: bool = Field(default=False, description="all cases of the matrix wait for each other before `leave`")
    set: dict[Attribute, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _set(self) -> LeaveModel:
        _settable(self.set)
        return self


class KeepModel(Config):
    """A policy exception: access that may stay."""

    system: Text = Field(description="a system, or `any`")
    kind: KindField
    name: Text = Field(default="*", description="a glob")
    reason: Text
    owner: Text
    until: Day = Field(description="inclusive, UTC")
    when: dict[Text, str] = Field(default_factory=dict, examples=[{"leave.event": "suspend"}])


class ExpectModel(DemandModel):
    account: Literal["disabled", "removed"] = "disabled"
    within: Deadline | dict[WithinKey, Deadline] = Field(
        default=DEFAULT_WITHIN, description="one duration, or `default`, `system` and `system.kind` (default: 15m)"
    )
    hold: DurationField | list[DurationField] = Field(
        default_factory=list, description="how long it must stay gone; a list of checkpoints, ascending"
    )
    keep: list[KeepModel] = Field(default_factory=list)
    trail: Literal["complete"] | None = Field(
        default=None, description="`complete`: what ends must stand in the system's own trail, as the connector's doing"
    )

    @model_validator(mode="after")
    def _hold(self) -> ExpectModel:
        if isinstance(self.hold, list) and any(a >= b for a, b in pairwise(self.hold)):
            raise ValueError("the checkpoints of `hold` must ascend")
        return self


class ScenarioModel(Config):
    """A leaver story: who holds what, how they leave, and what must be gone by when."""

    title: Text
    story: str = ""
    tags: list[Tag] = Field(default_factory=list)
    needs: list[Need] = Field(
        default_factory=list,
        description="where the fleet lacks one, the case is deselected: `system`, `system.kind`, "
        "`system.kind.list|use|grant|revoke|object`, `system.login|create|search|audit`, `connector`, "
        "`connector.event`",
        examples=[["mail.delegation", "hr-feed.terminate"]],
    )
    identity: dict[Attribute, str] = Field(default_factory=dict, description="attributes of the leaver: `identity.*`")
    objects: dict[Text, ObjectModel] = Field(default_factory=dict)
    access: Access = Field(default_factory=dict, description="what the leaver, and its bystanders, hold")
    join: JoinModel | None = Field(default=None, description="without it the harness makes the accounts itself")
    before: list[Text | StepModel] = Field(default_factory=list, description="steps of an earlier life")
    leave: LeaveModel
    then: list[Text | StepModel] = Field(
        default_factory=list, description="an event, `replay`, or a wait; everything is looked at again after each"
    )
    expect: ExpectModel = ExpectModel()
    controls: list[ControlId] = Field(default_factory=list, examples=[["nist-800-53:PS-4", "soc2:CC6.3"]])
    matrix: dict[Text, Annotated[list[Any], Field(min_length=1)]] = Field(
        default_factory=dict,
        description="one case per combination",
        examples=[{"leave.event": ["terminate", "delete"]}],
    )
    systems: list[Text] | None = Field(default=None, min_length=1, description="looks only at these; reports say so")


def _settable(attributes: dict[str, str]) -> None:
    for name in attributes:
        if name in FIXED:
            raise ValueError(f"`{name}` cannot be set")
