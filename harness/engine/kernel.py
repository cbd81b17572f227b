"""A small deterministic scheduler: waiting costs a heap entry, blocking work runs on the lane of its system.

Stories are plain coroutines. They may await three things: `sleep_until`, `call` (a blocking function on a lane)
and another task or `Signal`. The same stories run on the wall clock (`Kernel`) and in virtual time
(`engine.virtual`), where nothing waits and two runs are equal bit for bit.
"""

from __future__ import annotations

import heapq
import itertools
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from harness.engine.tasks import Await, Cancelled, Story, Task, Wake
from harness.model import SECOND, Duration, Instant

T = TypeVar("T")


class Lane:
    """The blocking work of one system: at most `width` calls at once."""

    def __init__(self, name: str, width: int) -> None:
        self.name = name
        self.width = width
        self.running = 0
        self.waiting: deque[tuple[Callable[[], Any], Wake]] = deque()
        self.busy_us = 0
        self.calls = 0


class Kernel:
    """On the wall clock: one thread runs every story, each lane has its own worker threads."""

    def __init__(self, now: Callable[[], Instant] | None = None) -> None:
        self.ready: deque[tuple[Task[Any], Any, BaseException | None]] = deque()
        self._timers: list[tuple[Instant, int, Callable[[], object]]] = []
        self._order = itertools.count()
        self._alive = 0
        self._inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._work: dict[str, queue.SimpleQueue[Callable[[], None] | None]] = {}
        self._threads: dict[str, list[threading.Thread]] = {}
        self._now = now or (lambda: time.time_ns() // 1000)
        self.on_error: Callable[[BaseException], None] | None = None

    def now(self) -> Instant:
        return self._now()

    def sleep(self, span: Duration) -> None:
        """The `ports.Clock` of worker threads: really blocks."""
        time.sleep(max(0, span) / SECOND)

    def spawn(self, story: Story[T]) -> Task[T]:
        task = Task(self, story)
        self._alive += 1
        self.ready.append((task, None, None))
        return task

    def ended(self, _task: Task[Any]) -> None:
        self._alive -= 1

    def at(self, when: Instant, what: Callable[[], object]) -> None:
        heapq.heappush(self._timers, (when, next(self._order), what))

    async def sleep_until(self, when: Instant) -> None:
        if when > self.now():

            def start(task: Task[Any]) -> None:
                wake = task.waker()
                self.at(when, lambda: wake(None, None))

            await Await(start)

    async def pause(self, span: Duration) -> None:
        await self.sleep_until(self.now() + span)

    async def call(self, lane: Lane, work: Callable[[], T]) -> T:
        """Runs `work` on a worker thread of the lane; what it raises is raised here."""

        def start(task: Task[Any]) -> None:
            lane.waiting.append((work, task.waker()))
            self._feed(lane)

        return await Await[T](start)

    async def gather(self, stories: Iterable[Story[T]]) -> list[T]:
        """All results in order. Every story ends before the first error is raised, so nothing is left running."""
        tasks = [self.spawn(story) for story in stories]
        try:
            for task in tasks:
                try:  # noqa: SIM105  only the waiting is wanted here
                    await task
                except Exception:  # noqa: BLE001, S110  raised below, once all have ended
                    pass
        except Cancelled:
            for task in tasks:
                task.cancel()
            for task in tasks:
                try:  # noqa: SIM105
                    await task
                except (Exception, Cancelled):  # noqa: BLE001, S110  the cancellation itself is raised below
                    pass
            raise
        return [await task for task in tasks]

    async def outlast(self, task: Task[Any]) -> bool:
        """Until it has ended; True if who waits was cancelled meanwhile."""
        cancelled = False
        while not task.done:
            try:
                await task
            except Cancelled:
                cancelled = True
            except Exception:  # noqa: BLE001, S110  for who asks for the result
                pass
        return cancelled

    async def whole(self, story: Story[T]) -> T:
        """Not left in the middle: a cancellation is raised once it has ended. For changes, which would else be made
        with nobody left who knows of them."""
        task = self.spawn(story)
        if await self.outlast(task):
            raise Cancelled
        return await task

    def post(self, what: Callable[[], None]) -> None:
        """From another thread: run this on the kernel's own."""
        self._inbox.put(what)

    def run(self) -> None:
        """Until every story has ended."""
        try:
            while self._alive:
                self._drain()
                if self._alive:
                    self._advance()
        finally:
            self.close()

    def close(self) -> None:
        for name, jobs in self._work.items():
            for _ in self._threads[name]:
                jobs.put(None)
        for threads in self._threads.values():
            for thread in threads:
                thread.join(timeout=5)

    def _drain(self) -> None:
        while self.ready:
            task, value, error = self.ready.popleft()
            task.step(value, error)

    def _advance(self) -> None:
        """Waits for the next timer or finished call."""
        while self._timers and self._timers[0][0] <= self.now():
            heapq.heappop(self._timers)[2]()
        if self.ready:
            return
        patience = max(0.0, (self._timers[0][0] - self.now()) / SECOND) if self._timers else None
        try:
            self._inbox.get(timeout=patience)()
        except queue.Empty:
            return
        while not self._inbox.empty():
            self._inbox.get()()

    def _feed(self, lane: Lane) -> None:
        while lane.waiting and lane.running < lane.width:
            work, wake = lane.waiting.popleft()
            lane.running += 1
            self._dispatch(lane, work, wake)

    def _dispatch(self, lane: Lane, work: Callable[[], Any], wake: Wake) -> None:
        def job() -> None:
            began = self.now()
            try:
                result, error = work(), None
            except BaseException as fault:  # noqa: BLE001  crosses threads: raised in the story
                result, error = None, fault
            spent = self.now() - began
            self._inbox.put(lambda: self._landed(lane, wake, result, error, spent))

        jobs = self._work.setdefault(lane.name, queue.SimpleQueue())
        threads = self._threads.setdefault(lane.name, [])
        if len(threads) < lane.running:
            thread = threading.Thread(target=_worker, args=(jobs,), name=f"exitproof-{lane.name}", daemon=True)
            threads.append(thread)
            thread.start()
        jobs.put(job)

    def _landed(
        self,
        lane: Lane,
        wake: Wake,
        result: Any,
        error: BaseException | None,
        spent: Duration,
    ) -> None:
        lane.running -= 1
        lane.busy_us += spent
        lane.calls += 1
        wake(result, error)
        self._feed(lane)


def _worker(jobs: queue.SimpleQueue[Callable[[], None] | None]) -> None:
    while (job := jobs.get()) is not None:
        job()
