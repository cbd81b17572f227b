"""How a made-up story is run: written as the file it would be, loaded like any other, and drilled."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType

from harness import scenario
from harness.explore.document import document
from harness.explore.failures import Tried, tried
from harness.explore.story import Story
from harness.fleet import FleetInfo
from harness.model import BadInput, RunResult
from harness.scenario import Loaded, ScenarioFile
from harness.session.drill import Drill, Naming
from harness.session.virtual import Ground, rehearse

Play = Callable[[Loaded], RunResult]


class Attempts:
    """Tries stories on one fleet. Nothing of a story reaches the fleet but through the loader of scenario files."""

    def __init__(self, fleet: FleetInfo, play: Play) -> None:
        self._fleet, self._play = fleet, play
        self._exceptions = scenario.find_exceptions(None, Path(fleet.source))  # what may stay is no failure
        self._folder = tempfile.TemporaryDirectory(prefix="exitproof-explore-")
        self._file = ScenarioFile(Path(self._folder.name) / "story.yaml", "story")

    def loads(self, story: Story) -> bool:
        """Whether it is a scenario of this fleet, under its guard."""
        try:
            return len(self._load(story).cases) == 1
        except BadInput:
            return False

    def again(self, file: ScenarioFile) -> list[Tried]:
        """The cases of a file that was written earlier; none where the fleet lacks what it needs. Raises `BadInput`."""
        loaded = scenario.load_files([file], self._fleet, _today(), self._exceptions)
        return [tried(self._play(replace(loaded, cases=(case,), deselected=()))) for case in loaded.cases]

    def __call__(self, story: Story) -> Tried:
        try:
            return tried(self._play(self._load(story)))
        except BadInput as bad:
            return Tried(trouble=str(bad.problems[0].message))

    def _load(self, story: Story) -> Loaded:
        self._file.path.write_text(document(story, "A story"), encoding="utf-8")
        return scenario.load_files([self._file], self._fleet, _today(), self._exceptions)

    def __enter__(self) -> Attempts:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._folder.cleanup()


def _today() -> date:
    return datetime.now(UTC).date()


class Rehearsed:
    """Plays on a fresh embedded sandbox, in virtual time: the same story always comes to the same."""

    kept: tuple[Path, ...] = ()

    def __init__(self, defects: Sequence[str]) -> None:
        """Raises `ValueError` for an unknown defect."""
        self._ground = Ground(defects=tuple(defects))
        rehearse((), self._ground)
        # Its connector complains of what fails: that is what is being looked for, and told in another way.
        logging.getLogger("sandbox").addHandler(logging.NullHandler())

    def __call__(self, loaded: Loaded) -> RunResult:
        return rehearse(loaded.cases, self._ground)


class RealTime:
    """Drills on a fleet as it is, one run for each story. A run folder stays only where something may be left to take
    back: `exitproof cleanup` needs its journal."""

    def __init__(self, fleet_file: str, env: Mapping[str, str], reports: Path) -> None:
        self._fleet, self._env, self._reports = fleet_file, env, reports
        self.kept: tuple[Path, ...] = ()

    def __call__(self, loaded: Loaded) -> RunResult:
        naming = Naming.new()
        folder = self._reports / naming.id
        drill = Drill(self._fleet, loaded, folder, naming, env=self._env)
        run = drill.start(loaded.cases)
        try:
            while not run.ended and run.result(loaded.cases[0].id, timeout=0.2) is None:
                pass
        except KeyboardInterrupt:
            run.stop()
            self._put_away(drill.close(), folder)
            raise
        return self._put_away(drill.close(), folder)

    def _put_away(self, run: RunResult, folder: Path) -> RunResult:
        if run.cleanup.complete and all(case.cleanup.complete for case in run.cases):
            shutil.rmtree(folder)
        else:
            self.kept = (*self.kept, folder)
        return run
