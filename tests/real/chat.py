"""A Synapse for tests: started, asked behind the harness's back, and with the adapter built against it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import requests

import fixtures.fleet.synapse as module
from fixtures.fleet.synapse import NotInstalled, Synapse, running
from harness.config import Ref
from harness.model import Identity, Listing
from harness.ports import Person
from harness.systems.matrix import Matrix, MatrixConfig, build
from harness.testing.bench import Bench, identity, person
from tests.real.conftest import cannot

HOME = Path(module.__file__).parent
FLEET = HOME / "fleet.yaml"
SCENARIOS = HOME / "scenarios"


@contextmanager
def served(folder: Path) -> Iterator[Synapse]:
    try:
        with running(folder) as server:
            yield server
    except NotInstalled as why:
        cannot(str(why))


def ask(synapse: Synapse, method: str, path: str, token: str = "", json: Any = None) -> requests.Response:
    """Any request, as the writer or with another token."""
    headers = {"Authorization": f"Bearer {token or synapse.writer}"}
    return requests.request(method, synapse.url + path, headers=headers, json=json, timeout=30)


def asked(synapse: Synapse, path: str) -> Any:
    """What the admin API says."""
    answer = ask(synapse, "GET", f"/_synapse/admin{path}")
    answer.raise_for_status()
    return answer.json()


def adapter(synapse: Synapse, *, reader: str = "", **more: Any) -> Matrix:
    auths = (reader or synapse.reader, synapse.writer)
    reads, writes = ({"auth": {"bearer": Ref(token, "${env:TOKEN}")}} for token in auths)
    given: dict[str, Any] = {"type": "matrix", "url": synapse.url, "server_name": "chat.example.test"}
    config = MatrixConfig.model_validate({**given, "reader": reads, "writer": writes, "create_missing": True, **more})
    return build("synapse", config, Bench().tools)


def somebody(key: str, username: str = "") -> Person:
    who: Identity = identity(key, 1)
    return person(replace(who, username=username) if username else who)


def joined(system: Matrix, newcomer: Person) -> Person:
    """The same with an account."""
    return replace(newcomer, account=system.create(newcomer))


def listed(system: Matrix, who: Person, kind: str) -> Listing:
    return next(found for found in system.round().look(who).listings if found.kind == kind)
