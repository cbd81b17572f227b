"""The live view while cases wait: a few lines on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any, Protocol

import pytest
from rich.console import Console
from rich.live import Live
from rich.table import Table

from harness.engine.snapshot import Snapshot

PLAIN_EVERY = 15.0
SHOW_AFTER = 1.0


class Progress(Protocol):
    def update(self, now: Snapshot) -> None: ...
    def pause(self) -> None: ...


class PlainProgress:
    """One line every now and then, for logs."""

    def __init__(self, capture: Any) -> None:
        self._capture = capture
        self._next = time.monotonic() + PLAIN_EVERY

    def update(self, now: Snapshot) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + PLAIN_EVERY
        with self._capture.global_and_fixture_disabled():
            sys.stdout.write(f"\nexitproof: {line(now)}\n")
            sys.stdout.flush()

    def pause(self) -> None:
        """Nothing is on the screen that must go."""


class LiveProgress:
    """Rewrites a few lines in place; gone while pytest itself writes."""

    def __init__(self, capture: Any) -> None:
        self._capture = capture
        self._live: Live | None = None
        self._since = time.monotonic()

    def update(self, now: Snapshot) -> None:
        if time.monotonic() - self._since < SHOW_AFTER:
            return
        with self._capture.global_and_fixture_disabled():
            if self._live is None:
                sys.stdout.write("\n")
                self._live = Live(console=Console(file=sys.stdout), auto_refresh=False, transient=True)
                self._live.start()
            self._live.update(table(now), refresh=True)

    def pause(self) -> None:
        self._since = time.monotonic()
        if self._live is not None:
            with self._capture.global_and_fixture_disabled():
                self._live.stop()
            self._live = None


def line(now: Snapshot) -> str:
    phases = ", ".join(f"{count} {phase}" for phase, count in sorted(now.phases.items()) if phase != "done")
    text = f"{now.done} of {now.total} cases done"
    text += f" ({phases})" if phases else ""
    text += f"; grants: {now.gone} gone, {now.present} still there, {now.unknown} unknown"
    left = time_left(now)
    return text + (f"; at most {left} to the last deadline" if left else "")


def table(now: Snapshot) -> Table:
    made = Table.grid(padding=(0, 2))
    made.add_row("cases", f"[bold]{now.done}[/] of {now.total} done", _phases(now))
    grants = f"[green]{now.gone} gone[/]  [red]{now.present} still there[/]  [yellow]{now.unknown} unknown[/]"
    made.add_row("grants", grants, "")
    made.add_row("slowest", "  ".join(f"{name} {ms:.0f} ms" for name, ms in now.slowest), "")
    made.add_row("time left", f"at most {time_left(now)}" if time_left(now) else "", "")
    return made


def _phases(now: Snapshot) -> str:
    return "  ".join(f"{count} {phase}" for phase, count in sorted(now.phases.items()) if phase != "done")


def time_left(now: Snapshot) -> str:
    if now.latest_deadline is None:
        return ""
    seconds = max(0, now.latest_deadline // 1_000_000 - int(time.time()))
    minutes, rest = divmod(seconds, 60)
    return f"{minutes}m {rest:02d}s" if minutes else f"{rest}s"


def choose(config: pytest.Config) -> Progress | None:
    """None when pytest was asked to be quiet."""
    if config.option.verbose < 0:
        return None
    capture = config.pluginmanager.getplugin("capturemanager")
    return LiveProgress(capture) if sys.stdout.isatty() else PlainProgress(capture)
