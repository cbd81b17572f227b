"""Starts the real scim2-server on a free port, and gives adapters and connectors the tools they are built with."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests

from fixtures.fleet.scim2 import start, stop
from harness.config import Ref
from harness.evidence.exchanges import Exchanges
from harness.evidence.vault import Vault
from harness.model import Identity, Secret, Subject
from harness.ports import Person, Tools

TOKEN = "T0ken-of-the-reader"


class WallClock:
    def now(self) -> int:
        return time.time_ns() // 1000

    def sleep(self, span: int) -> None:
        time.sleep(span / 1_000_000)


def tools() -> tuple[Tools, Exchanges, Vault]:
    vault = Vault()
    kept = Exchanges(None, vault)
    return Tools(WallClock(), kept, vault), kept, vault


def secret(text: str = TOKEN) -> Ref:
    return Ref(text, "${env:SOMETHING}")


def auth() -> dict[str, Any]:
    return {"bearer": secret()}


def identity(n: int = 1, username: str | None = None, **more: Any) -> Identity:
    name = username or f"zz-leaver-{n}"
    return Identity(
        key=f"leaver-{n}",
        n=n,
        subject=Subject.LEAVER,
        username=name,
        email=f"{name}@drill.example.test",
        password=Secret("pw-of-the-leaver"),
        given_name="Lea",
        family_name="Ver",
        external_id=f"e-{n}-{name}",
        **more,
    )


def person(who: Identity, **more: Any) -> Person:
    return Person(identity=who, run_id="r1", run_n=1, case="terminate/everyday", **more)


Api = Callable[..., Any]


class Server:
    """A running server, and a way to change it behind everybody's back."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __call__(
        self, method: str, path: str, body: Any = None, *, params: Mapping[str, str] | None = None, status: int = 0
    ) -> Any:
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/scim+json"}
        answer = requests.request(method, self.url + path, json=body, params=params, headers=headers, timeout=10)
        assert answer.status_code == status if status else answer.ok, f"{answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def members(self, group: str) -> list[str]:
        return [member["value"] for member in self("GET", f"/Groups/{group}").get("members", [])]


@contextmanager
def serving(*flags: str) -> Iterator[Server]:
    server = start(token=TOKEN, flags=flags)
    try:
        yield Server(server.url)
    finally:
        stop(server)
