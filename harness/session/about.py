"""What the report says about a run besides its findings: who ran it, where, and from which files."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from typing import Any

from harness import report
from harness.model import human
from harness.ports import Fleet
from harness.scenario import Loaded


def about(of: Fleet, run_id: str, loaded: Loaded) -> report.About:
    """What the report says about the run besides its findings."""
    cases = loaded.cases
    inputs = {(of.source, of.sha256)} | {(case.source, case.sha256) for case in cases}
    if loaded.exceptions is not None:
        inputs.add((loaded.exceptions.file, loaded.exceptions.sha256))
    systems = []
    for name, entry in of.systems.items():
        told = entry.system.declaration()
        systems.append(report.SystemInfo(name, told.type, told.url, told.reader, told.independent, told.owner))
    looked = [case.systems for case in cases]
    narrowed: tuple[str, ...] = ()
    if looked and all(looked):
        seen = {name for names in looked for name in names or ()}
        narrowed = tuple(name for name in of.systems if name not in seen)
    return report.About(
        run_id=run_id,
        fleet=of.name,
        environment=of.environment,
        operator=operator(),
        ci=next((os.environ[v] for v in ("CI_JOB_URL", "BUILD_URL") if os.environ.get(v)), _github()),
        inputs=tuple(report.Input(path, digest) for path, digest in sorted(inputs)),
        systems=tuple(systems),
        narrowed=narrowed,
        timing={key: _shown(value) for key, value in of.timing.items()},
    )


def operator() -> str:
    """Who runs this: `EXITPROOF_OPERATOR`, else the user's name."""
    try:
        return os.environ.get("EXITPROOF_OPERATOR") or getpass.getuser()
    except (KeyError, OSError):  # no name for this uid
        return ""


def _github() -> str | None:
    server, repo, run = (os.environ.get(f"GITHUB_{v}") for v in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
    return f"{server}/{repo}/actions/runs/{run}" if server and repo and run else None


def _shown(value: Any) -> str:
    if isinstance(value, int):
        return human(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_shown(each)}" for key, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_shown(each) for each in value)
    return str(value)
