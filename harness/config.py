"""What every strict model of a scenario, a fleet or an adapter is made of: the base, durations, secrets."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from harness.model import Duration, Kind, Secret

UNITS = {"ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
REFERENCES = ("${env:NAME}", "${file:PATH}", "${keyring:SERVICE/USER}")
_DURATION = re.compile(r"([0-9]+)(ms|s|m|h|d)")


class Config(BaseModel):
    """Strict: unknown keys and wrong types are errors, never guesses."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, arbitrary_types_allowed=True, hide_input_in_errors=True
    )


class Ref(str):
    """A string that held `${env:NAME}`, `${file:PATH}` or `${keyring:SERVICE/USER}`. It is the resolved text where only
    `env` was used; `secret_only` ones are read when a secret field asks for them. `raw` is how it was written: all
    that may ever be shown."""

    raw: str
    secret_only: bool
    opened: bool  # a secret field took it

    def __new__(cls, text: str, raw: str, secret_only: bool = False) -> Ref:
        made = super().__new__(cls, text)
        made.raw = raw
        made.secret_only = secret_only
        made.opened = False
        return made

    def __repr__(self) -> str:
        return repr(self.raw)


@dataclass(frozen=True, slots=True)
class Opening:
    """Given as pydantic's validation context: how secret fields open their references. `read` answers the secret
    or raises `ValueError` with a sentence that does not contain it."""

    read: Callable[[Ref], str]


def parse_duration(value: Any) -> Duration:
    """`250ms`, `5s`, `15m`, `2h`, `3d` as microseconds."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise PydanticCustomError("duration", "not a duration", {"allowed": ["250ms", "5s", "15m", "2h", "3d"]})
    if len(match[1]) > 9:
        raise PydanticCustomError("duration", "the duration is too long")
    return int(match[1]) * UNITS[match[2]]


def _secret(value: Any, info: ValidationInfo) -> Secret:
    if isinstance(value, Secret):
        return value
    if not isinstance(value, Ref):
        # The literal itself must not be echoed: it may be a real secret.
        raise PydanticCustomError(
            "secret", "a literal in a secret field is refused", {"allowed": list(REFERENCES), "hide": True}
        )
    value.opened = True
    if isinstance(info.context, Opening):
        return Secret(info.context.read(value))
    return Secret(str.__str__(value))


DurationField = Annotated[
    int, BeforeValidator(parse_duration), WithJsonSchema({"type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$"})
]
KindField = Annotated[Kind, Field(strict=False)]  # YAML has no enums
SecretField = Annotated[
    Secret,
    BeforeValidator(_secret),
    WithJsonSchema(
        {"type": "string", "pattern": r"\$\{(env|file|keyring):", "description": "a reference, never a literal"}
    ),
]


def closed(schema: Any) -> Any:
    """A JSON Schema in which keys that match no pattern are refused too, as the models do."""
    if isinstance(schema, dict):
        made = {key: closed(below) for key, below in schema.items()}
        if "patternProperties" in made:
            made.setdefault("additionalProperties", False)
        return made
    return [closed(below) for below in schema] if isinstance(schema, list) else schema
