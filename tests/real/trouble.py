"""Trouble in the middle of a run: its own journal tells when to begin, and when to mend."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

PATIENCE_S = 90

Event = Mapping[str, Any]
Step = tuple[Callable[[Event], bool], Callable[[], object]]


def left(event: Event) -> bool:
    """The connector has answered the leaver's event."""
    leavers = str(event.get("identity", "")).startswith("leaver") and not event.get("joins")
    return leavers and event.get("op") == "event" and event.get("state") == "answered"


def cleaning(event: Event) -> bool:
    """Something of the leaver's is taken back."""
    return str(event.get("identity", "")).startswith("leaver") and event.get("op") in ("revoke", "remove")


@contextmanager
def meanwhile(folder: Path, *steps: Step) -> Iterator[None]:
    """Acts beside the test, step by step, each as soon as the journal of the run in `folder` has such an event; the
    test fails with what an action raised, or if an event never came."""
    failed: list[BaseException] = []

    def watch() -> None:
        try:
            for true, act in steps:
                _await(folder / "journal.jsonl", true)
                act()
        except BaseException as error:  # noqa: BLE001  told by the test itself
            failed.append(error)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    yield
    thread.join(PATIENCE_S)
    assert not failed, failed
    assert not thread.is_alive()


def _await(journal: Path, wanted: Callable[[Event], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        lines = journal.read_text().splitlines() if journal.exists() else []
        for line in lines:
            with suppress(ValueError):  # the last one may be half written
                if wanted(json.loads(line)):
                    return
        time.sleep(0.02)
    raise TimeoutError("the journal never told of it")
