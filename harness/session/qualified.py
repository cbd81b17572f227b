"""The newest self-test of a fleet among the runs of a folder, as a later run cites it."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from harness import __version__
from harness.evidence.names import SELFTEST
from harness.model import Kind, Vantage
from harness.ports import Fleet
from harness.qualification import Blind, Qualification, Standing

SCHEMA = "exitproof-selftest/1"
LARGEST = 64 * 2**20  # bytes of a selftest.json that is read at all
_UNFIT = (Standing.LYING, Standing.BLIND)  # the worst first


def newest(reports: Path, of: Fleet) -> Qualification | None:
    """None: this fleet was never self-tested here. A file that is none of this version's is left out."""
    found = [made for path in reports.glob(f"*/{SELFTEST}") if (made := _read(path, of)) is not None]
    return max(found, key=lambda made: (made.at, made.id), default=None)


def _read(path: Path, of: Fleet) -> Qualification | None:
    try:
        if path.stat().st_size > LARGEST:
            return None
        data = path.read_bytes()
        told = json.loads(data)
        run = told["run"]
        if (told["schema"], run["fleet"], run["environment"]) != (SCHEMA, of.name, of.environment):
            return None
        standings = [Standing(probe["standing"]) for probe in told["probes"]]
        return Qualification(
            id=str(run["id"]),
            at=int(datetime.fromisoformat(run["finished"]).timestamp() * 1_000_000),
            sha256=sha256(data).hexdigest(),
            qualified=standings.count(Standing.QUALIFIED),
            unproven=standings.count(Standing.UNPROVEN),
            blind=tuple(_blind(told["probes"])),
            stale=_stale(told, of),
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _blind(probes: list[Mapping[str, Any]]) -> list[Blind]:
    found: dict[tuple[str, str, str], Blind] = {}
    for standing in _UNFIT:
        for probe in probes:
            if probe["standing"] == standing:
                place = (str(probe["system"]), str(probe["kind"]), str(probe["vantage"]))
                made = Blind(place[0], Kind(place[1]), Vantage(place[2]), standing, str(probe["why"]))
                found.setdefault(place, made)
    return list(found.values())


def _stale(told: Mapping[str, Any], of: Fleet) -> str:
    if told["bound_to"] == bound_to(of.sha256, versions()):
        return ""
    if told["fleet_file"]["sha256"] != of.sha256:
        return "the fleet file has changed since"
    now = versions()
    was = told["versions"]
    moved = sorted(name for name in {*now, *was} if now.get(name) != was.get(name))
    return f"another version since: {', '.join(moved)}" if moved else "it is bound to something else"


def versions() -> dict[str, str]:
    """What a self-test is true of, besides the fleet file: this program, Python, and whoever brings adapters."""
    made = {"python": ".".join(platform.python_version_tuple()[:2])}
    for group in ("exitproof.systems", "exitproof.connectors"):
        for point in entry_points(group=group):
            if point.dist is not None:
                made[point.dist.name] = point.dist.version
    return dict(sorted((made | {"exitproof": __version__}).items()))


def bound_to(fleet_sha256: str, of: Mapping[str, str]) -> str:
    """The digest that a later run of the same fleet and the same versions has as well."""
    return sha256(json.dumps({"fleet": fleet_sha256, "versions": dict(of)}, sort_keys=True).encode()).hexdigest()
