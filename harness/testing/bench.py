"""What an adapter is built with in a test: a clock that never waits, evidence in memory, a real vault."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from harness.evidence.vault import Vault
from harness.model import Duration, Identity, Instant, Secret, Subject
from harness.ports import Person, Tools


class HastyClock:
    """The real time plus all that anybody would have slept: a pause takes no time, and is still seen to pass."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._skipped: Duration = 0

    def now(self) -> Instant:
        return time.time_ns() // 1000 + self._skipped

    def sleep(self, span: Duration) -> None:
        with self._lock:
            self._skipped += span


class Exchanges:
    """Keeps what the wire recorded."""

    def __init__(self) -> None:
        self.kept: list[Mapping[str, Any]] = []

    def __call__(self, exchange: Mapping[str, Any]) -> str:
        self.kept.append(exchange)
        return "sha256:" + sha256(json.dumps(exchange, sort_keys=True, default=str).encode()).hexdigest()


class Bench:
    """`tools` for an adapter, and what came of them."""

    def __init__(self) -> None:
        self.clock = HastyClock()
        self.exchanges = Exchanges()
        self.vault = Vault()
        self.tools = Tools(self.clock, self.exchanges, self.vault)

    def evidence(self) -> str:
        """All that was recorded, as one text."""
        return json.dumps(self.exchanges.kept, default=str, ensure_ascii=False)


def identity(key: str, n: int, subject: Subject = Subject.LEAVER, tag: str = "") -> Identity:
    """A synthetic person: `zz-<key>-<n>`, and `tag`."""
    name = f"zz-{key}-{n}{tag}"
    return Identity(
        key=key,
        n=n,
        subject=subject,
        username=name,
        email=f"{name}@drill.example.test",
        password=Secret(f"pw-{name}-Kx8!vQ2s"),
        given_name="Zed",
        family_name=f"Zimmer {n}",
        external_id=f"ext-{name}",
    )


def person(who: Identity, **known: Any) -> Person:
    """What an adapter may know of an identity."""
    return Person(identity=who, run_id="drill-0001", run_n=1, **known)
