"""Tools and files for fleet tests: a vault that remembers, a fleet file made of parts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from harness import fleet
from harness.model import BadInput
from harness.ports import Fleet, Limits, Tools
from tests.fleet.adapters import REGISTRY

STAGING = Path(__file__).parent / "staging.yaml"
ENV = {"HR_SECRET": "s3cret-hr", "SCIM_READ": "s3cret-r", "SCIM_WRITE": "s3cret-w"} | {
    "MAIL_TOKEN": "s3cret-m",
    "CRM_TOKEN": "s3cret-c",
}


class MemoryVault:
    def __init__(self) -> None:
        self.learned: set[str] = set()

    def learn(self, secret: str) -> None:
        self.learned.add(secret)

    def scrub(self, text: str) -> str:
        return text


class StoppedClock:
    def now(self) -> int:
        return 0

    def sleep(self, span: int) -> None:
        raise AssertionError("loading never waits")


class Bench:
    """Gives out tools and remembers to whom and with which limits."""

    def __init__(self) -> None:
        self.vault = MemoryVault()
        self.given: dict[str, Limits] = {}

    def tools_for(self, name: str, limits: Limits) -> Tools:
        self.given[name] = limits
        return Tools(StoppedClock(), self._record, self.vault, limits)

    def _record(self, exchange: Mapping[str, Any]) -> str:
        raise AssertionError("loading sends nothing")


def load(path: Path, env: Mapping[str, str] = ENV, bench: Bench | None = None) -> Fleet:
    return fleet.load(path, env, (bench or Bench()).tools_for, registry=REGISTRY)


def problems(path: Path, env: Mapping[str, str] = ENV) -> list[str]:
    """What is wrong with the file, without its folder."""
    with pytest.raises(BadInput) as bad:
        load(path, env)
    return [str(problem).replace(f"{path.parent}/", "") for problem in bad.value.problems]


HEAD = """\
fleet: small
environment: test
guard: {username: "zz-{{ run.n }}-{{ n }}", domain: drill.example.test, max_identities: 9, may_grant: {}}
"""
CONNECTORS = """\
connectors:
  hr: {type: webhook, owner: a@example.test, url: "http://127.0.0.1:1", events: {terminate: {post: /x}}}
"""
SYSTEMS = """\
systems:
  crm:
    type: http
    url: http://127.0.0.1:2
    auth: {none: true}
    account: {read: {get: /me}}
    kinds: {license: {list: {get: /l}, grant: {put: /l}}}
"""


def write(folder: Path, text: str, name: str = "fleet.yaml") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file
