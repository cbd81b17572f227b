"""How a reader, a writer or a connector proves who it is: the `auth` block of a fleet file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from harness.config import Config, SecretField


class Basic(Config):
    username: str
    password: SecretField


class OAuth2(Config):
    """RFC 6749 §4.4, client credentials."""

    token_url: str
    client_id: str
    client_secret: SecretField
    scope: str | None = None
    audience: str | None = None


class MTLS(Config):
    cert: str
    key: str


class Auth(Config):
    """Exactly one of `bearer | basic | header | query | oauth2 | mtls | none`."""

    bearer: SecretField | None = None
    basic: Basic | None = None
    header: dict[str, SecretField] | None = None
    query: dict[str, SecretField] | None = None
    oauth2: OAuth2 | None = None
    mtls: MTLS | None = None
    none: Annotated[Literal[True] | None, Field(description="no credential at all, on purpose")] = None

    @model_validator(mode="after")
    def _one(self) -> Auth:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"exactly one kind of auth is needed, got {len(given)}: {', '.join(given) or 'none given'}"
            )
        return self

    @property
    def kind(self) -> str:
        """Which of them it is: never what it holds."""
        return next(name for name in type(self).model_fields if getattr(self, name) is not None)


class Credential(Config):
    """`reader: {auth: …}` or `writer: {auth: …}`."""

    auth: Auth
