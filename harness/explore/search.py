"""Draws stories until one fails in a new way, and has Hypothesis shrink it to the least that still fails so."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random

from hypothesis import Phase, Verbosity, find, settings
from hypothesis.errors import NoSuchExample

from harness.explore.failures import Failure, Tried
from harness.explore.story import Story
from harness.explore.strategies import stories
from harness.explore.words import Vocabulary

# A long search of Hypothesis goes mostly into variations of what it drew: good for parsers, but two rare attributes
# meet sooner in stories that are drawn anew. So it is asked for a few at a time, with a seed for each time.
AT_A_TIME = 10
IDLE = 50  # times without a story that was not tried before: there are no more


GIVES_UP = 290.0  # seconds: after five minutes Hypothesis is content with what it has


class _Over(BaseException):
    """The budget is used up. Not an `Exception`: Hypothesis would take one for a failing example."""


class _Broke(BaseException):
    """Trying a story broke: a fault of ours, and nothing to make smaller."""


@dataclass(frozen=True, slots=True)
class Found:
    """One way to fail, in the smallest story that fails so. `after` is how many stories were drawn until it was met,
    `shrinks` how many smaller ones were tried; `smallest` is false where the budget ended before it was done."""

    failure: Failure
    story: Story
    tried: Tried
    after: int
    shrinks: int
    smallest: bool


@dataclass
class Search:
    """`attempt` tries one story; the same story must come to the same. `expired` ends it, so does `examples`. `vague`:
    what could not be told counts as a failure of its own. `known` failures are not looked for."""

    words: Vocabulary
    attempt: Callable[[Story], Tried]
    seed: int
    expired: Callable[[], bool]
    examples: int | None = None
    vague: bool = True
    known: set[Failure] = field(default_factory=set)
    watch: Callable[[Search], None] = lambda _: None
    found: list[Found] = field(default_factory=list)
    trace: list[tuple[Story, Tried]] = field(default_factory=list)  # in the order in which they were tried
    drawn: int = 0
    shrinks: int = 0
    target: Failure | None = None  # what is being made smaller just now
    _tried: dict[Story, Tried] = field(default_factory=dict)
    _last: Story | None = None
    _met: float = 0.0

    def run(self, report: Callable[[Found], None] = lambda _: None) -> list[Found]:
        """Until the budget is used up; `report` is told of each as soon as it is small."""
        strategy = stories(self.words)
        quiet = settings(
            database=None,
            deadline=None,
            max_examples=AT_A_TIME,
            phases=(Phase.generate, Phase.shrink),
            verbosity=Verbosity.quiet,
        )
        over, number, idle = False, 0, 0
        while not over and idle < IDLE:
            self.target, self._last, self.shrinks = None, None, 0
            before = self.drawn
            try:
                self._last = find(strategy, self._fails, settings=quiet, random=Random(f"{self.seed}/{number}"))  # noqa: S311
            except NoSuchExample:
                pass
            except _Over:
                over = True
            except KeyboardInterrupt:
                self._keep(False, report)
                raise
            except _Broke as broke:
                raise broke.args[0] from None
            self._keep(not over, report)
            number, idle = number + 1, idle + 1 if self.drawn == before else 0
        self.target = None
        return self.found

    def broken(self, result: Tried) -> frozenset[Failure]:
        """What counts as a failure of this story."""
        return result.failed | result.unsure if self.vague else result.failed

    def _fails(self, story: Story) -> bool:
        """What Hypothesis asks. Once a new failure was met, it is the only one that counts until it is small."""
        result = self._tried.get(story)
        if result is None:
            result = self._try(story)
        if self.target is None:
            self.target, self._met = min(self._new(result), default=None), time.monotonic()
        hit = self.target in self.broken(result)
        if hit and (self._last is None or len(repr(story)) <= len(repr(self._last))):
            self._last = story
        return hit

    def _try(self, story: Story) -> Tried:
        if self.expired() or (self.target is None and self.drawn == self.examples):
            raise _Over
        if self.target is None:
            self.drawn += 1
        else:
            self.shrinks += 1
        try:
            result = self.attempt(story)
        except Exception as fault:
            raise _Broke(fault) from fault
        self._tried[story] = result
        self.trace.append((story, result))
        self.watch(self)
        return result

    def _new(self, result: Tried) -> Iterable[Failure]:
        """Laws that are broken come before what could not be told."""
        return result.failed - self.known or self.broken(result) - self.known

    def _keep(self, smallest: bool, report: Callable[[Found], None]) -> None:
        if self.target is None or self._last is None:
            return
        smallest = smallest and time.monotonic() - self._met < GIVES_UP
        result = self._tried[self._last]
        self.known |= self.broken(result)
        found = Found(self.target, self._last, result, self.drawn, self.shrinks, smallest)
        self.found.append(found)
        report(found)

    def fingerprint(self) -> str:
        """Of all that was tried and what it came to: the same seed gives the same."""
        whole = hashlib.sha256()
        for story, result in self.trace:
            whole.update(repr((story, sorted(result.failed), sorted(result.unsure), bool(result.trouble))).encode())
        return whole.hexdigest()[:16]
