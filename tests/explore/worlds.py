"""The embedded fleet's vocabulary, and made-up connectors that fail for known reasons."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from harness import fleet, scenario
from harness.explore.failures import Failure, Tried
from harness.explore.search import Search
from harness.explore.story import Story
from harness.explore.words import Vocabulary, vocabulary
from harness.fleet import FleetInfo
from harness.model import RunResult
from harness.scenario import Loaded
from harness.session.attempts import Attempts
from harness.source import read
from tests.library.drilled import FILES, FLEET

OWNERSHIP = Failure("code", "ownership", "admin", "residual")
SEAT = Failure("crm", "license", "admin", "late")
RIGHT = Failure("mail", "delegation", "admin", "resurrected")
BLIND = Failure("crm", "group", "admin", "inconclusive")
Rule = Callable[[Story], bool]


def nobody(_: Loaded) -> RunResult:
    raise AssertionError("nothing is to be run")


@cache
def shape() -> FleetInfo:
    return fleet.shape(str(FLEET))


@cache
def words() -> Vocabulary:
    models = [scenario.parse(read(file.path)) for file in FILES]
    with Attempts(shape(), nobody) as attempts:
        return vocabulary(shape(), models, attempts.loads)


def holds(kind: str) -> Rule:
    return lambda story: any(piece.kind == kind for piece in story.access)


def lived(event: str) -> Rule:
    return lambda story: any(step.event == event for step in story.before)


def after(event: str) -> Rule:
    return lambda story: any(step.event == event for step in story.then)


def contractor(story: Story) -> bool:
    return dict(story.attributes).get("type") == "contractor"


def world(*flaws: tuple[Failure, list[Rule]]) -> Callable[[Story], Tried]:
    """A fleet in which each failure happens to every story that has all of its reasons."""

    def attempt(story: Story) -> Tried:
        met = {failure for failure, reasons in flaws if all(reason(story) for reason in reasons)}
        vague = {failure for failure in met if failure.outcome == "inconclusive"}
        return Tried(frozenset(met - vague), frozenset(vague), tuple((each, "one", "why") for each in sorted(met)))

    return attempt


def search(attempt: Callable[[Story], Tried], seed: int = 1, examples: int = 200) -> Search:
    return Search(words(), attempt, seed, lambda: False, examples)
