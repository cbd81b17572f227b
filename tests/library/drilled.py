"""Runs stories of the library against a sandbox of its own, with the seconds that a test can wait for."""

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

ROOT = Path(__file__).parents[2]
SCENARIOS = ROOT / "scenarios"
FLEET = ROOT / "fixtures/sandbox/fleet.yaml"
FILES = scenario.discover([SCENARIOS])
STORIES = tuple(file.id for file in FILES)


def drill(stories: Collection[str] = STORIES, defects: Iterable[str] = (), within: str = "8s") -> RunResult:
    """A whole run of these stories; `within` is every deadline. Raises KeyError for a story that is not there."""
    unknown = set(stories) - set(STORIES)
    if unknown:
        raise KeyError(*unknown)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "fleet.yaml"
        text, changed = re.subn(r"within: \w+", f"within: {within}", FLEET.read_text(), count=1)
        assert changed == 1
        file.write_text(text)
        arguments = [word for defect in defects for word in ("--defect", defect)]
        with SandboxProcess(arguments) as sandbox:
            info = fleet.shape(str(file), sandbox.env)
            files = [each for each in FILES if each.id in stories]
            loaded = scenario.load_files(files, info, datetime.now(UTC).date())
            running = Drill(str(file), loaded, Path(folder) / "run", Naming.new(), env=sandbox.env)
            running.start(loaded.cases)
            return running.close()


def failing(run: RunResult) -> list[Finding]:
    """Every finding that is not a pass: of the leavers, and of the bystanders."""
    found = [f for case in run.cases for f in case.findings] + list(run.bystanders)
    return [f for f in found if f.verdict is not Verdict.PASS]
