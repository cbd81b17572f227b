"""Runs stories of the library against a sandbox of its own: in virtual time, or with seconds to wait for."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from pathlib import Path

from harness import fleet, scenario
from harness.model import Finding, RunResult, Verdict
from harness.session.drill import Drill, Naming
from harness.session.sandbox import SandboxProcess
from harness.session.virtual import Ground, load, rehearse

ROOT = Path(__file__).parents[2]
SCENARIOS = ROOT / "scenarios"
FLEET = ROOT / "fixtures/sandbox/fleet.yaml"
FILES = scenario.discover([SCENARIOS])
STORIES = tuple(file.id for file in FILES)


def rehearsed(stories: Collection[str] = STORIES, defects: Iterable[str] = (), seed: int = 0) -> RunResult:
    """A whole run of these stories in virtual time. Raises KeyError for a story that is not there."""
    return rehearse(load(_files(stories)).cases, Ground(tuple(defects), seed))


def drill(stories: Collection[str] = STORIES, defects: Iterable[str] = (), within: str = "8s") -> RunResult:
    """The same over sockets, and by the clock; `within` is every deadline."""
    chosen = _files(stories)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "fleet.yaml"
        text, changed = re.subn(r"within: \w+", f"within: {within}", FLEET.read_text(), count=1)
        assert changed == 1
        file.write_text(text)
        arguments = [word for defect in defects for word in ("--defect", defect)]
        with SandboxProcess(arguments) as sandbox:
            info = fleet.shape(str(file), sandbox.env)
            loaded = scenario.load_files(chosen, info, datetime.now(UTC).date())
            running = Drill(str(file), loaded, Path(folder) / "run", Naming.new(), env=sandbox.env)
            running.start(loaded.cases)
            return running.close()


def _files(stories: Collection[str]) -> list[scenario.ScenarioFile]:
    unknown = set(stories) - set(STORIES)
    if unknown:
        raise KeyError(*unknown)
    return [each for each in FILES if each.id in stories]


def failing(run: RunResult) -> list[Finding]:
    """Every finding that is not a pass: of the leavers, and of the bystanders."""
    found = [f for case in run.cases for f in case.findings] + list(run.bystanders)
    return [f for f in found if f.verdict is not Verdict.PASS]
