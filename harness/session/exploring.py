"""One exploration from beginning to end: what was found before, what is found now, each written down at once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness import scenario
from harness.explore.failures import Failure, Tried
from harness.explore.search import Found, Search
from harness.explore.telling import title
from harness.explore.words import vocabulary
from harness.explore.writing import write
from harness.fleet import FleetInfo
from harness.model import SECOND, BadInput, Duration, Outcome, Verdict
from harness.scenario import ScenarioFile
from harness.session.attempts import Attempts
from harness.source import read

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """`files` are the scenarios whose words are used, `out` the folder of what is found. `vague`: what could not be
    told is a failure of its own, to be made smaller like any other."""

    files: Sequence[ScenarioFile]
    out: Path
    seed: int
    budget: Duration
    examples: int | None = None
    vague: bool = True


@dataclass
class Exploration:
    """`run` does it; afterwards, or when it was interrupted, the rest says what came of it."""

    fleet: FleetInfo
    wanted: Wanted
    attempts: Attempts
    say: Say
    watch: Callable[[Exploration], None] = lambda _: None
    began: float = field(default_factory=time.monotonic)
    earlier: dict[Path, bool | None] = field(default_factory=dict)  # whether it still fails; None: it could not be run
    written: dict[Path, Found] = field(default_factory=dict)
    search: Search | None = None
    _before: list[Tried] = field(default_factory=list)

    def run(self) -> None:
        """Raises `BadInput` where the fleet and the scenarios give nothing to explore with."""
        models = [scenario.parse(read(file.path)) for file in self.wanted.files]
        words = vocabulary(self.fleet, models, self.attempts.loads)
        self.search = Search(
            words,
            self.attempts,
            self.wanted.seed,
            lambda: self.left <= 0,
            self.wanted.examples,
            self.wanted.vague,
            watch=lambda _: self.watch(self),
        )
        self._again(self.search)
        self.search.run(self._write)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    @property
    def left(self) -> float:
        """Seconds of the budget."""
        return self.wanted.budget / SECOND - self.seconds

    def _again(self, search: Search) -> None:
        """What was found before is known: it is run once more, and not looked for again."""
        for file in scenario.discover([self.wanted.out]) if self.wanted.out.is_dir() else ():
            try:
                results = self.attempts.again(file)
            except BadInput:
                results = []
            self._before += results
            failed = {failure for each in results for failure in search.broken(each)}
            ran = any(not each.trouble for each in results)
            self.earlier[file.path] = bool(failed) if ran else None
            search.known |= failed
            words = "still fails" if failed else "no longer fails" if ran else "could not be run"
            self.say(f"{words}: {file.path}")

    def _write(self, found: Found) -> None:
        path = write(found, self.wanted.out, self.fleet.name, self.wanted.seed)
        self.written[path] = found
        small = "" if found.smallest else ", not the smallest yet"
        self.say(f"found after {found.after} leavers ({found.shrinks} smaller ones tried{small}): {title(found)}")
        self.say(f"  {path}")

    # --- what came of it

    @property
    def tried(self) -> list[Tried]:
        return [*self._before, *(result for _, result in (self.search.trace if self.search else ()))]

    @property
    def troubles(self) -> Counter[str]:
        """Why leavers could not be set up, and how often."""
        return Counter(each.trouble for each in self.tried if each.trouble)

    @property
    def unsure(self) -> Counter[Failure]:
        """What could not be told, and how often."""
        return Counter(failure for each in self.tried for failure in each.unsure)

    @property
    def verdict(self) -> Verdict:
        """Where nobody left, nothing is known."""
        if any(self.earlier.values()) or any(f.failure.outcome != Outcome.INCONCLUSIVE for f in self.written.values()):
            return Verdict.FAIL
        left = any(not each.trouble for each in self.tried)
        return Verdict.INCONCLUSIVE if self.unsure or not left else Verdict.PASS

    def plain(self) -> dict[str, Any]:
        """For `--json`."""
        search = self.search
        return {
            "fleet": self.fleet.name,
            "seed": self.wanted.seed,
            "verdict": self.verdict.word,
            "seconds": round(self.seconds, 1),
            "leavers": search.drawn if search else 0,
            "tried": len(self.tried),
            "trace": search.fingerprint() if search else None,
            "found": [_plain(path, found) for path, found in self.written.items()],
            "earlier": [{"file": str(path), "fails": fails} for path, fails in self.earlier.items()],
            "unsure": [{**_failure(failure), "times": times} for failure, times in self.unsure.items()],
            "not_set_up": [{"reason": reason, "times": times} for reason, times in self.troubles.most_common()],
        }


def _plain(path: Path, found: Found) -> dict[str, Any]:
    told = [{"name": name, "reason": reason} for each, name, reason in found.tried.told if each == found.failure]
    return {
        "file": str(path),
        "title": title(found),
        **_failure(found.failure),
        "findings": told,
        "after": found.after,
        "shrinks": found.shrinks,
        "smallest": found.smallest,
    }


def _failure(failure: Failure) -> dict[str, str]:
    parts = ("system", "kind", "vantage", "outcome")
    return {part: getattr(failure, part) for part in parts}
