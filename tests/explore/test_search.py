"""What fails is found and made as small as it gets; a known failure hides no other; a seed is a trace."""

from __future__ import annotations

from itertools import count

import pytest

from harness.explore.failures import Tried
from harness.explore.search import Found, Search
from harness.explore.story import Story
from tests.explore.worlds import (
    BLIND,
    OWNERSHIP,
    RIGHT,
    SEAT,
    after,
    contractor,
    holds,
    lived,
    search,
    words,
    world,
)

RENAMED_OWNER = (OWNERSHIP, [holds("ownership"), lived("rename")])
LATE_SEAT = (SEAT, [holds("license"), contractor, after("sync")])


def size(story: Story) -> tuple[int, int, int, int, bool]:
    return len(story.access), len(story.attributes), len(story.before), len(story.then), story.join is not None


@pytest.mark.parametrize("seed", range(10))
def test_two_attributes_together_are_found_and_nothing_else_is_left(seed: int) -> None:
    made = search(world(RENAMED_OWNER), seed)
    (found,) = made.run()
    assert found.failure == OWNERSHIP
    assert found.after <= made.drawn == 200
    assert found.smallest
    assert size(found.story) == (1, 0, 1, 0, False)
    assert [piece.kind for piece in found.story.access] == ["ownership"]
    assert [step.event for step in found.story.before] == ["rename"]
    assert found.story.leave == words().leaves[0]
    assert found.story.access[0] == words().pieces["code", "ownership"][0]  # the plainest name


def test_each_way_to_fail_is_found_for_itself() -> None:
    flaws = (RENAMED_OWNER, LATE_SEAT, (RIGHT, [holds("delegation")]))
    found = search(world(*flaws), examples=400).run()
    assert {each.failure: size(each.story)[:4] for each in found} == {
        OWNERSHIP: (1, 0, 1, 0),
        SEAT: (1, 1, 0, 1),
        RIGHT: (1, 0, 0, 0),
    }


def test_what_the_smallest_story_shows_besides_is_not_told_again() -> None:
    """Two systems that fail for one reason are one thing to mend."""
    reasons = RENAMED_OWNER[1]
    (found,) = search(world((OWNERSHIP, reasons), (SEAT, reasons))).run()
    assert found.tried.failed == {OWNERSHIP, SEAT}


def test_what_is_known_is_not_looked_for() -> None:
    made = search(world(RENAMED_OWNER, LATE_SEAT), examples=400)
    made.known = {OWNERSHIP}
    assert [each.failure for each in made.run()] == [SEAT]


def test_the_same_seed_is_the_same_trace_and_another_seed_is_another() -> None:
    one, same, other = (search(world(RENAMED_OWNER, LATE_SEAT), seed) for seed in (7, 7, 8))
    for each in (one, same, other):
        each.run()
    assert one.trace == same.trace
    assert one.fingerprint() == same.fingerprint()
    assert one.trace != other.trace
    assert one.fingerprint() != other.fingerprint()


def test_nothing_is_found_where_nothing_fails() -> None:
    made = search(world())
    assert made.run() == []
    assert made.drawn == len(made.trace) == len({story for story, _ in made.trace}) == 200  # none is tried twice


def test_what_cannot_be_told_is_told_apart_and_a_broken_law_comes_first() -> None:
    flaws = ((BLIND, [holds("group")]), (SEAT, [holds("license"), holds("group")]))
    found = search(world(*flaws), examples=400).run()
    assert {each.failure for each in found} == {BLIND, SEAT}
    made = search(world(*flaws), examples=400)
    made.vague = False
    assert [each.failure for each in made.run()] == [SEAT]


def test_what_could_not_be_set_up_is_no_failure() -> None:
    assert search(lambda _: Tried(trouble="no such group")).run() == []


def test_a_person_who_stops_it_keeps_what_was_found_so_far() -> None:
    calls = count()

    def attempt(story: Story) -> Tried:
        if next(calls) > 40:
            raise KeyboardInterrupt
        return world(RENAMED_OWNER)(story)

    made = search(attempt, 25)
    with pytest.raises(KeyboardInterrupt):
        made.run()
    (found,) = made.found
    assert not found.smallest
    assert found.failure in found.tried.failed


def test_a_fault_of_ours_is_no_failure_of_the_story() -> None:
    def attempt(_: Story) -> Tried:
        raise ZeroDivisionError("ours")

    made = search(attempt)
    with pytest.raises(ZeroDivisionError, match="ours"):
        made.run()
    assert not made.found


def test_a_budget_that_ends_keeps_what_it_has_and_says_that_it_is_not_the_smallest() -> None:
    whole = search(world(RENAMED_OWNER))
    (best,) = whole.run()
    clock = count()
    short = Search(words(), world(RENAMED_OWNER), 1, lambda: next(clock) >= best.after + 5)
    told: list[Found] = []
    (found,) = short.run(told.append)
    assert told == [found]
    assert not found.smallest
    assert found.failure in found.tried.failed
    assert len(short.trace) == best.after + 5
