"""What a story can wait for: another story, a signal, a lock, a slot. All of it belongs to one kernel's thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine, Generator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from harness.model import Instant

if TYPE_CHECKING:
    from harness.engine.kernel import Kernel

T = TypeVar("T")
Story = Coroutine[Any, Any, T]
Wake = Callable[[Any, BaseException | None], bool]


class Cancelled(BaseException):
    """Thrown into a story that must stop now; it may still clean up."""


class Await(Generic[T]):
    """One thing that a story waits for; `start` registers it and must later call `task.wake`."""

    def __init__(self, start: Callable[[Task[Any]], None]) -> None:
        self._start = start

    def __await__(self) -> Generator[Any, Any, T]:
        result: T = yield self
        return result

    def begin(self, task: Task[Any]) -> None:
        self._start(task)


class Task(Generic[T]):
    """A running story."""

    def __init__(self, kernel: Kernel, story: Story[T]) -> None:
        self._kernel = kernel
        self._story = story
        self._ticket = 0  # a wake-up for an earlier wait is stale
        self.done = False
        self.result: T | None = None
        self.error: BaseException | None = None
        self._waiters: list[Callable[[], object]] = []

    def __await__(self) -> Generator[Any, Any, T]:
        if not self.done:

            def start(waiter: Task[Any]) -> None:
                wake = waiter.waker()
                self._waiters.append(lambda: wake(None, None))

            yield Await(start)
        if self.error is not None:
            raise self.error
        return self.result  # type: ignore[return-value]  # T itself may be None

    def waker(self) -> Wake:
        """A callback good for the wait that is beginning now, and for that one only: True when it was in time."""
        ticket = self._ticket

        def wake(value: Any, error: BaseException | None) -> bool:
            if ticket != self._ticket or self.done:
                return False
            self._ticket += 1
            self._kernel.ready.append((self, value, error))
            return True

        return wake

    def cancel(self) -> None:
        """Throws `Cancelled` at the place where the story waits."""
        if not self.done:
            self._ticket += 1
            self._kernel.ready.append((self, None, Cancelled()))

    def step(self, value: Any, error: BaseException | None) -> None:
        if self.done:
            return
        # A wait that a cancellation cut short was begun with the ticket of now: its wake-up must not end the next one.
        self._ticket += 1
        try:
            waits = self._story.throw(error) if error is not None else self._story.send(value)
        except StopIteration as stop:
            self._finish(stop.value, None)
        except Cancelled as gone:
            self._finish(None, gone)
        except Exception as fault:  # noqa: BLE001  kept, and raised where the task is awaited
            self._finish(None, fault)
        else:
            waits.begin(self)

    def _finish(self, result: Any, error: BaseException | None) -> None:
        self.done, self.result, self.error = True, result, error
        for waiter in self._waiters:
            waiter()
        self._kernel.ended(self)


class Signal:
    """Set once; stories wait for it, with or without a latest time."""

    def __init__(self) -> None:
        self.set_ = False
        self._waiters: list[Wake] = []

    def set(self) -> None:
        self.set_ = True
        waiters, self._waiters = self._waiters, []
        for wake in waiters:
            wake(True, None)

    async def wait(self, kernel: Kernel, until: Instant | None = None) -> bool:
        """True when it was set, False when `until` came first."""
        if self.set_:
            return True

        def start(task: Task[Any]) -> None:
            wake = task.waker()
            self._waiters.append(wake)
            if until is not None:
                kernel.at(until, lambda: wake(False, None))

        return bool(await Await(start))


class Lock:
    """Fair; held across awaits."""

    def __init__(self) -> None:
        self._held = False
        self._queue: deque[Wake] = deque()

    async def acquire(self) -> None:
        if not self._held:
            self._held = True
            return
        await Await(lambda task: self._queue.append(task.waker()))

    def release(self) -> None:
        """To the next that still waits: a story that was cancelled in the queue does not get it."""
        self._held = _hand_over(self._queue)


class Slots:
    """At most `free` stories at once, first come first served."""

    def __init__(self, free: int) -> None:
        self._free = free
        self._queue: deque[Wake] = deque()

    async def acquire(self) -> None:
        if self._free:
            self._free -= 1
            return
        await Await(lambda task: self._queue.append(task.waker()))

    def release(self) -> None:
        if not _hand_over(self._queue):
            self._free += 1


def _hand_over(queue: deque[Wake]) -> bool:
    while queue:
        if queue.popleft()(None, None):
            return True
    return False
