"""Virtual time: the same stories, no waiting, the same result bit for bit.

A call runs at once, on the thread of the kernel; what it sleeps (`clock.sleep`) is how long it took, so its
answer lands that much later. Time jumps from event to event.
"""

from __future__ import annotations

import gc
import heapq
from collections.abc import Callable
from typing import Any

from harness.engine.kernel import Kernel, Lane
from harness.engine.tasks import Wake
from harness.model import SECOND, Duration, Instant

EPOCH: Instant = 1_767_225_600 * SECOND  # 2026-01-01T00:00:00Z


class Stuck(RuntimeError):
    """Stories wait for something that can no longer happen."""


class VirtualKernel(Kernel):
    def __init__(self, start: Instant = EPOCH) -> None:
        super().__init__(now=lambda: self._at + self._slept)
        self._at = start
        self._slept: Duration = 0

    def sleep(self, span: Duration) -> None:
        self._slept += max(0, span)

    def run(self) -> None:
        """What a drill makes lives until its end: looking through all of it again and again for garbage would take a
        third of the time."""
        collecting = gc.isenabled()
        gc.disable()
        try:
            super().run()
        finally:
            if collecting:
                gc.enable()

    def close(self) -> None:
        """No threads to end."""

    def _advance(self) -> None:
        while not self._inbox.empty():
            self._inbox.get()()
        if self.ready:
            return
        if not self._timers:
            raise Stuck(f"{self._alive} stories wait, and nothing is due")
        when, _, what = heapq.heappop(self._timers)
        self._at = max(self._at, when)
        what()
        while self._timers and self._timers[0][0] <= self._at:
            heapq.heappop(self._timers)[2]()

    def _dispatch(self, lane: Lane, work: Callable[[], Any], wake: Wake) -> None:
        self._slept = 0
        result: Any = None
        error: BaseException | None = None
        try:
            result = work()
        except BaseException as fault:  # noqa: BLE001  as on a worker thread: raised in the story
            error = fault
        spent, self._slept = self._slept, 0
        self.at(self._at + spent, lambda: self._landed(lane, wake, result, error, spent))
