"""What every strict model of a scenario, a fleet or an adapter is made of: the base, durations, secrets."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from harness.model import Duration, Kind, Secret

UNITS = {"ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
_DURATION = re.compile(r"([0-9]+)(ms|s|m|h|d)")


class Config(BaseModel):
    """Strict: unknown keys and wrong types are errors, never guesses."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, arbitrary_types_allowed=True, hide_input_in_errors=True
    )


class Ref(str):
    """A string that held `${env:NAME}`, `${file:PATH}` or `${keyring:SERVICE/USER}`; it is the resolved text, and
    remembers how it was written. `secret_only`: it used a reference that only secret fields may use."""

    raw: str
    secret_only: bool

    def __new__(cls, text: str, raw: str, secret_only: bool = False) -> Ref:
        made = super().__new__(cls, text)
        made.raw = raw
        made.secret_only = secret_only
        return made

    def __repr__(self) -> str:
        return repr(self.raw)


def parse_duration(value: Any) -> Duration:
    """`250ms`, `5s`, `15m`, `2h`, `3d` as microseconds."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise PydanticCustomError("duration", "not a duration", {"allowed": ["250ms", "5s", "15m", "2h", "3d"]})
    return int(match[1]) * UNITS[match[2]]


def _secret(value: Any) -> Secret:
    if isinstance(value, Secret):
        return value
    if not isinstance(value, Ref):
        allowed = ["${env:NAME}", "${file:PATH}", "${keyring:SERVICE/USER}"]
        # The literal itself must not be echoed: it may be a real secret.
        raise PydanticCustomError(
            "secret", "a literal in a secret field is refused", {"allowed": allowed, "hide": True}
        )
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
