"""Starts the real scim2-server on a free port, and gives adapters and connectors the tools they are built with."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

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
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = str(Path(sys.executable).parent / "scim2-server")
    process = subprocess.Popen(
        [program, "--port", str(port), "--bearer-token", TOKEN, *flags],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=dict(os.environ),
    )
    try:
        server = Server(f"http://127.0.0.1:{port}/v2")
        for _ in range(200):
            try:
                requests.get(server.url, timeout=10)  # whatever it answers
                break
            except requests.ConnectionError:
                time.sleep(0.05)
        else:
            raise RuntimeError("scim2-server did not start")
        yield server
    finally:
        process.terminate()
        process.wait(10)
