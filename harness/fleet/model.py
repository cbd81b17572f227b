"""The fleet file's own keys as a strict model; connectors and systems are their adapters' own models."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator
from pydantic_core import PydanticCustomError

from harness.config import Config, DurationField, KindField

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")]
Text = Annotated[str, StringConstraints(min_length=1)]
WITHIN_KEY = r"^[A-Za-z][A-Za-z0-9_-]*(\.[a-z]+)?$"
WithinKey = Annotated[str, StringConstraints(pattern=WITHIN_KEY)]
WithinField = DurationField | dict[WithinKey, DurationField]
HoldField = DurationField | list[DurationField]
RESERVED = ("any", "default")

Given = dict[str, dict[KindField, list[Text]]]


class GuardModel(Config):
    """What a run may make and give; enforced below every adapter."""

    username: Text = Field(
        description="template of every user name; knows `run.id`, `run.n` and `n`, and must use `n`",
        examples=["zz-leaver-{{ run.n }}-{{ n }}"],
    )
    domain: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$")] = Field(
        description="the mail domain of every identity; no real person's", examples=["drill.example.test"]
    )
    max_identities: int = Field(ge=1, le=1_000_000, description="all identities of a run, bystanders included")
    may_grant: Given | None = Field(
        default=None,
        description="system -> kind -> globs of names that may be given; all else is refused "
        "(left out: nothing may be given, in a sandbox everything)",
    )
    deny: list[Annotated[str, StringConstraints(pattern=r"^[^/]+/[^/]+/.+$")]] = Field(
        default_factory=list, description="globs `system/kind/name` that are refused whatever `may_grant` says"
    )

    @field_validator("username")
    @classmethod
    def _username(cls, value: str) -> str:
        # Two identities of one name would be one account: the harness would offboard its own bystander.
        from jinja2 import TemplateError, meta
        from jinja2.sandbox import SandboxedEnvironment

        try:
            names = meta.find_undeclared_variables(SandboxedEnvironment(autoescape=False).parse(value))
        except TemplateError as error:
            raise PydanticCustomError("template", "not a template: {why}", {"why": str(error)}) from None
        if not names <= {"n", "run"}:
            allowed = ["run.id", "run.n", "n"]
            raise PydanticCustomError("template", "unknown name in the template", {"allowed": allowed})
        if "n" not in names:
            raise PydanticCustomError("template", "the template must use `n`: every identity needs its own name")
        return value


class TimingModel(Config):
    """Times of this fleet in place of the scenarios' own; reports print both."""

    settle: DurationField | None = Field(
        default=None, description="how long two absent looks must lie apart (default: min(10s, within/5))"
    )
    within: WithinField | None = Field(
        default=None, description="the deadline; a mapping is laid over the scenario's, one duration replaces it"
    )
    hold: HoldField | None = Field(default=None, description="checkpoints after `then`")
    wait: DurationField | None = Field(default=None, description="every `wait` of a step")
    poll: DurationField | None = Field(
        default=None, description="the longest pause between two looks (default: min(30s, within/10))"
    )


class FleetModel(Config):
    """A fleet file: what offboards, what holds access, and what a run may do there."""

    fleet: Text = Field(description="the fleet's name, as reports print it")
    environment: Literal["sandbox", "test", "production"] = Field(
        description="`sandbox` only if every address is loopback"
    )
    guard: GuardModel | None = Field(default=None, description="required outside the sandbox")
    timing: TimingModel = TimingModel()
    names: dict[Text, Text] = Field(
        default_factory=dict,
        description="scenario names -> this fleet's: `system/kind/name` for access and objects, a bare name for a "
        "system or connector",
        examples=[{"directory/group/finance-all": "00g1ab7", "crm": "salesforce-test"}],
    )
    connectors: dict[Name, dict[str, Any]] = Field(min_length=1, description="what offboards")
    systems: dict[Name, dict[str, Any]] = Field(min_length=1, description="what holds access; made in this order")
