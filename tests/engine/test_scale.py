"""A thousand leavers in virtual time: fast, and the same twice."""

from __future__ import annotations

from harness.model import (
    SECOND,
    RunResult,
    Verdict,
    Within,
)
from tests.engine.world import World, make_case


def test_a_thousand_cases_with_a_forty_minute_delay_are_fast_and_equal_twice() -> None:
    import time

    minute = 60 * SECOND

    def drill() -> RunResult:
        world = World(delay=40 * minute)
        within = Within(60 * minute)
        return world.run(*(make_case(f"story-{n}", within=within, settle=None) for n in range(1000)), concurrency=1000)

    began = time.process_time()
    first = drill()
    spent = time.process_time() - began
    assert first.verdict is Verdict.PASS
    assert spent < 30, f"{spent:.1f} s"
    assert drill() == first
