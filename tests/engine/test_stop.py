"""A run that is stopped: every case is told, and whatever was made meanwhile is known and taken back."""

from __future__ import annotations

from harness.engine.kernel import Lane
from harness.engine.tasks import Cancelled
from harness.engine.virtual import EPOCH, VirtualKernel
from harness.model import SECOND, Verdict
from tests.engine.world import World, make_case


def stop_after(world: World, span: int) -> None:
    world.kernel.at(EPOCH + span, lambda: world.engine.stop())


def test_a_wake_up_of_a_wait_that_was_cut_short_does_not_end_the_next_one() -> None:
    kernel = VirtualKernel()
    lane = Lane("crm", 1)
    heard: list[object] = []

    def work() -> str:
        kernel.sleep(5 * SECOND)
        return "answer"

    async def story() -> None:
        try:
            await kernel.pause(SECOND)  # answered and cancelled at the same instant: this wait ends,
            await kernel.pause(SECOND)  # and the next one begins and is cut short
        except Cancelled:
            heard.append(await kernel.call(lane, work))

    task = kernel.spawn(story())
    kernel.at(EPOCH + 1, lambda: kernel.at(EPOCH + SECOND, task.cancel))  # behind the wake-up of that instant
    kernel.run()
    assert heard == ["answer"]


def test_a_change_under_way_is_known_before_a_cancellation_is_raised() -> None:
    kernel = VirtualKernel()
    told: list[str] = []

    async def change() -> None:
        await kernel.pause(2 * SECOND)
        told.append("made")

    async def story() -> None:
        try:
            await kernel.whole(change())
        except Cancelled:
            told.append("cancelled")

    task = kernel.spawn(story())
    kernel.at(EPOCH + SECOND, task.cancel)
    kernel.run()
    assert told == ["made", "cancelled"]


def test_whenever_a_run_is_stopped_nothing_is_left_and_no_case_is_missing() -> None:
    for at in (1_000, 4_000, 7_000, 9_000, 13_000, 20_000, 30_000, SECOND, 3 * SECOND, 4 * SECOND):
        world = World()
        stop_after(world, at)
        cases = [make_case(f"story[{n}]") for n in range(4)]
        run = world.run(*cases, concurrency=2)
        assert [r.case.id for r in run.cases] == [c.id for c in cases], at
        assert all(not s.users for s in world.systems.values()), at
        assert run.verdict is not Verdict.FAIL, at


def test_a_stop_during_cleanup_does_not_cut_it_short() -> None:
    world = World()
    world.systems["crm"].latency = SECOND
    seen: list[str] = []

    def watch() -> None:
        phases = {life.phase for life in world.engine.lives.values()}
        if "cleanup" in phases and not seen:
            seen.append("stopped")
            world.engine.stop()
        if "done" not in phases:
            world.kernel.at(world.kernel.now() + SECOND // 10, watch)

    world.kernel.at(EPOCH + 1, watch)
    run = world.run(make_case())
    assert seen == ["stopped"]
    assert run.cases[0].cleanup.complete, run.cases[0].cleanup
    assert run.cases[0].verdict is Verdict.PASS, run.cases[0].reason
