"""Runs the real command, or the real pytest, in a folder of a test, with nothing of the test's own environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.model import NOTHING

EXITPROOF = (sys.executable, "-P", "-m", "harness.cli")
PYTEST = (sys.executable, "-P", "-m", "pytest")


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return [line for line in self.out.splitlines() if line]

    def fine(self) -> Ended:
        """The same, if nothing in it is a traceback."""
        assert "Traceback" not in self.out + self.err, self.out + self.err
        return self


def environment(more: Mapping[str, str]) -> dict[str, str]:
    ours = ("PYTEST_", "EXITPROOF_")
    return {**{k: v for k, v in os.environ.items() if not k.startswith(ours)}, "COLUMNS": "80", **more}


def start(
    folder: Path, *arguments: str, command: tuple[str, ...] = EXITPROOF, env: Mapping[str, str] = NOTHING
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*command, *arguments],
        cwd=folder,
        env=environment(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process: subprocess.Popen[str]) -> Ended:
    out, err = process.communicate(timeout=180)
    return Ended(process.returncode, out, err)


def call(
    folder: Path, *arguments: str, command: tuple[str, ...] = EXITPROOF, env: Mapping[str, str] = NOTHING
) -> Ended:
    return end(start(folder, *arguments, command=command, env=env)).fine()


def results(folder: Path) -> dict[str, Any]:
    """results.json of the only run below a folder."""
    (found,) = folder.rglob("results.json")
    data: dict[str, Any] = json.loads(found.read_text())
    return data


def essence(data: Mapping[str, Any]) -> dict[str, Any]:
    """What two runs of the same thing must have in common: no id, no time."""
    return {
        "verdict": data["run"]["verdict"],
        "cases": {
            case["id"]: (case["verdict"], case["claimed"], _findings(case["findings"])) for case in data["cases"]
        },
        "coverage": sorted((c["system"], c["kind"], c["vantage"], c["status"]) for c in data["coverage"]),
        "bystanders": sorted({(f["system"], f["kind"], f["name"], f["outcome"]) for f in data["bystanders"]}),
    }


def _findings(found: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    return sorted((f["system"], f["kind"], f["name"], f["vantage"], f["outcome"], f["verdict"]) for f in found)
