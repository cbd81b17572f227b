"""Hypothesis strategies for stories, the simplest first: shrinking ends with what a person would write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from harness.explore.story import Leaving, Life, Piece, Step, Story
from harness.explore.words import Vocabulary

QUIET = ("", "sync", "replay")
MOST_PIECES, MOST_LIVES, MOST_AFTER = 6, 3, 4


def stories(words: Vocabulary) -> SearchStrategy[Story]:
    """Every story that the vocabulary can tell, up to a size. Each kind of access, and each kind of event, is as likely
    as the others, however many names it has."""
    order = {piece: place for place, piece in enumerate(one for many in words.pieces.values() for one in many)}
    piece = _any_of(words.pieces.values())
    access = st.lists(piece, min_size=1, max_size=MOST_PIECES, unique_by=_grant).map(
        lambda pieces: tuple(sorted(pieces, key=order.__getitem__))
    )
    given = {name: st.sampled_from(values) for name, values in words.attributes.items()}
    attributes = st.fixed_dictionaries({}, optional=given).map(lambda said: tuple(sorted(said.items())))

    before, then = _some(_all(words.before), MOST_LIVES), _some(_all(words.then), MOST_AFTER)
    joins = st.sampled_from(_all(words.joins))

    def told(leave: Leaving, access: Any, said: Any, join: Any, before: Any, then: Any) -> Story:
        """Whatever does not go with this way to leave is left out: so no choice hangs on another, and each can be made
        simpler by itself."""
        ways = words.joins[leave]
        return Story(
            leave,
            access,
            said,
            join if join in ways else ways[0],
            tuple(step for life in before if life in words.before[leave] for step in life),
            _orderly(step for life in then if life in words.then[leave] for step in life),
        )

    return st.builds(told, st.sampled_from(words.leaves), access, attributes, joins, before, then)


def _grant(piece: Piece) -> tuple[str, ...]:
    """Two of the same are one, whoever owns what it hangs on."""
    return piece.system, piece.kind, piece.name, piece.right


def _orderly(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Once access is expected to be back, nothing follows that takes or gives any."""
    made: list[Step] = []
    for step in steps:
        if step.event in QUIET or not any(each.expect for each in made):
            made.append(step)
    return tuple(made)


def _all(by_leave: Mapping[Leaving, Sequence[Any]]) -> list[Any]:
    return list(dict.fromkeys(one for many in by_leave.values() for one in many))


def _some(lives: Sequence[Life], most: int) -> SearchStrategy[list[Life]]:
    if not lives:
        return st.just([])
    by_events: dict[tuple[str, ...], list[Life]] = {}
    for life in lives:
        by_events.setdefault(tuple(step.event for step in life), []).append(life)
    return st.lists(_any_of(by_events.values()), max_size=most)


def _any_of(groups: Iterable[Sequence[Any]]) -> SearchStrategy[Any]:
    return st.one_of([st.sampled_from(group) for group in groups])
