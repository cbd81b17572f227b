"""The scheduler: what waits costs nothing, what is cancelled leaves nothing behind, and virtual time repeats itself."""

from __future__ import annotations

import threading
import time

import pytest

from harness.engine.kernel import Kernel, Lane
from harness.engine.tasks import Cancelled, Lock, Signal, Slots
from harness.engine.virtual import EPOCH, Stuck, VirtualKernel
from harness.model import SECOND


def test_virtual_time_jumps_and_keeps_the_order_of_equal_instants() -> None:
    kernel = VirtualKernel()
    seen: list[tuple[str, int]] = []

    async def story(name: str, wait: int) -> None:
        await kernel.pause(wait)
        seen.append((name, kernel.now() - EPOCH))

    for name, wait in (("b", 3600 * SECOND), ("a", SECOND), ("c", SECOND)):
        kernel.spawn(story(name, wait))
    kernel.run()
    assert seen == [("a", SECOND), ("c", SECOND), ("b", 3600 * SECOND)]


def test_a_call_takes_as_long_as_it_sleeps_and_a_lane_has_its_width() -> None:
    kernel = VirtualKernel()
    lane = Lane("crm", 2)
    ends: list[int] = []

    async def story() -> None:
        await kernel.call(lane, lambda: kernel.sleep(SECOND))
        ends.append(kernel.now() - EPOCH)

    for _ in range(5):
        kernel.spawn(story())
    kernel.run()
    assert ends == [SECOND, SECOND, 2 * SECOND, 2 * SECOND, 3 * SECOND]


def test_what_a_call_raises_is_raised_in_the_story() -> None:
    for kernel in (Kernel(), VirtualKernel()):
        caught: list[str] = []

        async def story(kernel: Kernel = kernel, caught: list[str] = caught) -> None:
            def work() -> None:
                raise ValueError("no")

            with pytest.raises(ValueError, match="no"):
                await kernel.call(Lane("crm", 1), work)
            caught.append("yes")

        kernel.spawn(story())
        kernel.run()
        assert caught == ["yes"]


def test_on_the_wall_clock_lanes_run_beside_each_other_and_leave_no_thread() -> None:
    before = threading.active_count()
    kernel = Kernel()
    slow, fast = Lane("slow", 1), Lane("fast", 4)
    order: list[str] = []

    async def story(lane: Lane, wait: float) -> None:
        await kernel.call(lane, lambda: time.sleep(wait))
        order.append(lane.name)

    kernel.spawn(story(slow, 0.3))
    for _ in range(4):
        kernel.spawn(story(fast, 0.05))
    kernel.run()
    assert order == ["fast"] * 4 + ["slow"]
    assert threading.active_count() == before


def test_a_cancelled_story_can_still_clean_up_and_gives_back_what_it_waited_for() -> None:
    kernel = VirtualKernel()
    lock, slots = Lock(), Slots(1)
    done: list[str] = []

    async def holder() -> None:
        await lock.acquire()
        await slots.acquire()
        await kernel.pause(2 * SECOND)
        lock.release()
        slots.release()

    async def waiter(name: str) -> None:
        try:
            await lock.acquire()
            await slots.acquire()
            done.append(name)
            lock.release()
            slots.release()
        except Cancelled:
            await kernel.pause(SECOND)
            done.append(f"{name} cleaned up")
            raise

    kernel.spawn(holder())
    first, _ = kernel.spawn(waiter("first")), kernel.spawn(waiter("second"))
    kernel.at(EPOCH + SECOND, first.cancel)
    kernel.run()
    assert sorted(done) == ["first cleaned up", "second"]


def test_a_signal_wakes_or_times_out() -> None:
    kernel = VirtualKernel()
    signal = Signal()
    heard: list[bool] = []

    async def listen(until: int) -> None:
        heard.append(await signal.wait(kernel, EPOCH + until))

    async def ring() -> None:
        await kernel.pause(2 * SECOND)
        signal.set()

    kernel.spawn(listen(SECOND))
    kernel.spawn(listen(3 * SECOND))
    kernel.spawn(ring())
    kernel.run()
    assert heard == [False, True]


def test_gather_waits_for_all_before_it_raises() -> None:
    kernel = VirtualKernel()
    ended: list[int] = []

    async def part(wait: int, bad: bool) -> int:
        await kernel.pause(wait)
        ended.append(wait)
        if bad:
            raise ValueError("part")
        return wait

    async def whole() -> None:
        with pytest.raises(ValueError, match="part"):
            await kernel.gather([part(SECOND, True), part(3 * SECOND, False)])
        assert ended == [SECOND, 3 * SECOND]
        assert await kernel.gather([part(2, False), part(1, False)]) == [2, 1]

    kernel.spawn(whole())
    kernel.run()
    assert len(ended) == 4


def test_waiting_for_what_can_never_come_is_an_error_in_virtual_time() -> None:
    kernel = VirtualKernel()

    async def forever() -> None:
        await Signal().wait(kernel)

    kernel.spawn(forever())
    with pytest.raises(Stuck):
        kernel.run()
