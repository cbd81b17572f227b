"""The access key that requests are signed with, and one botocore client for each service of AWS."""

from __future__ import annotations

import os
from dataclasses import dataclass
from threading import Lock
from typing import Any

from harness.model import Secret
from harness.wire.auth import Auth
from harness.wire.aws_strict import strict
from harness.wire.extra import need

EXTRA = "aws"


@dataclass(frozen=True, slots=True)
class Keys:
    """An access key: its id, which is no secret, and the half that is."""

    id: str
    secret: Secret


def keys_of(auth: Auth, side: str) -> Keys:
    """`basic: {username: ACCESS-KEY-ID, password: SECRET}`. Raises `ValueError` for any other way to prove oneself."""
    if auth.basic is None:
        raise ValueError(
            f"`{side}`: requests are signed with an access key: basic: {{username: KEY-ID, password: SECRET}}"
        )
    return Keys(auth.basic.username, auth.basic.password)


class Clients:
    """One botocore client for each service, made on first need; making one is not safe from several threads."""

    _models: Any = None  # what botocore read of its own service descriptions: slow to read, the same for everybody
    _making = Lock()

    def __init__(self, keys: Keys, region: str, url: str | None, timeout_s: float, pool: int) -> None:
        config = need("botocore.config", EXTRA).Config(
            retries={"total_max_attempts": 1, "mode": "standard"},
            connect_timeout=timeout_s, read_timeout=timeout_s, max_pool_connections=pool, region_name=region,
        )  # fmt: skip
        self._how = {"region_name": region, "endpoint_url": url, "config": config, "aws_access_key_id": keys.id}
        self._secret = keys.secret
        self._made: dict[str, Any] = {}
        self._session: Any = None

    def of(self, service: str) -> Any:
        with Clients._making:
            if service not in self._made:
                if self._session is None:
                    self._session = self._bare()
                self._made[service] = self._session.create_client(
                    service, aws_secret_access_key=self._secret.reveal(), **self._how
                )
            return self._made[service]

    def close(self) -> None:
        with Clients._making:
            for client in self._made.values():
                client.close()
            self._made.clear()

    def _bare(self) -> Any:
        """A session that reads no profile of the machine, whatever its environment says."""
        session = need("botocore.session", EXTRA).Session(
            session_vars={"profile": (None, [], None, None), "config_file": (None, [], os.devnull, None)}
        )
        session.set_config_variable("credentials_file", os.devnull)
        if Clients._models is None:
            Clients._models = session.get_component("data_loader")
        session.register_component("data_loader", Clients._models)
        session.register("before-parse", strict)
        return session
