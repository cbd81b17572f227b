"""What one pytest process knows of the run, kept in its config's stash."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness import scenario
from harness.evidence.seal import Seal
from harness.model import Case, RunResult
from harness.report import About
from harness.session import keeping
from harness.session.drill import Drill, Naming
from harness.session.progress import Progress
from harness.session.sandbox import SandboxProcess

KEY: pytest.StashKey[Session] = pytest.StashKey()


class Session:
    """What one pytest process knows of the run."""

    def __init__(self, config: pytest.Config, loaded: scenario.Loaded, naming: Naming, folder: Path) -> None:
        self.config = config
        self.loaded = loaded
        self.naming = naming
        self.folder = folder
        self.key = keeping.key_of(config.getoption("exitproof_vault_key"), os.environ)
        self.worker: str = ""
        self.stride = (0, 1)
        self.sandbox: SandboxProcess | None = None
        self.drill: Drill | None = None
        self.progress: Progress | None = None
        self.outcome: RunResult | None = None
        self.parts: dict[str, RunResult] = {}  # by worker
        self.written: list[Path] = []
        self.seal: Seal | None = None  # in the process that the user started
        self.about: About | None = None  # the same in every process
        self.waits = ""  # until when the rest is left to a later process, in a line
        self.sealed = ""  # what became of it, in a line
        self.secrets: list[str] = []  # of workers, for the sweep
        self.died: list[str] = []  # workers that took theirs with them
        self.shared = False  # the controller of xdist: it runs no case itself
        self.by_file: dict[str, list[Case]] = {}  # by absolute path: resolving links of thousands of files is slow
        for case in loaded.cases:
            self.by_file.setdefault(os.path.abspath(case.source), []).append(case)  # noqa: PTH100

    @property
    def fleet_file(self) -> str:
        return fleet_of(self.config)


def exceptions_of(config: pytest.Config, fleet: str) -> Path | None:
    """The file of fleet-wide exceptions, if there is one; `fleet`: the path of the fleet file."""
    given: str | None = config.getoption("exitproof_exceptions")
    return scenario.find_exceptions(Path(given) if given else None, Path(fleet))


def fleet_of(config: pytest.Config) -> str:
    given: str | None = config.getoption("exitproof_fleet")
    return given or ("fleet.yaml" if Path("fleet.yaml").is_file() else "sandbox")
