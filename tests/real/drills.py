"""One drill in process, and what its findings are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from harness import fleet, scenario
from harness.model import CaseResult, Finding, Kind, Observation, Presence, RunResult, Vantage
from harness.session.drill import Drill, Naming

TOO_LONG_S = 180


@dataclass(frozen=True)
class Drilled:
    run: RunResult
    folder: Path

    def case(self, id: str) -> CaseResult:
        return next(result for result in self.run.cases if result.case.id == id)


def drill(fleet_file: Path, scenarios: Sequence[Path], env: Mapping[str, str], folder: Path) -> Drilled:
    """All cases of these files at once, as `pytest` would run them."""
    shape = fleet.shape(fleet_file, env)
    loaded = scenario.load(scenarios, shape, datetime.now(UTC).date())
    assert not loaded.deselected
    one = Drill(str(fleet_file), loaded, folder, Naming.new(), env=env)
    one.start(loaded.cases)
    for case in loaded.cases:
        assert one.run is not None
        one.run.result(case.id, TOO_LONG_S)
    return Drilled(one.close(), folder)


def finding(
    result: CaseResult, system: str, kind: Kind, name: str | None = None, vantage: Vantage = Vantage.ADMIN
) -> Finding:
    """The one finding on this; several or none is an error of the test."""
    found = [
        f
        for f in result.findings
        if (f.system, f.kind, f.vantage) == (system, kind, vantage) and (name is None or f.name == name)
    ]
    assert len(found) == 1, f"{len(found)} findings on {system} {kind} {name} from the {vantage}'s vantage"
    return found[0]


def measured(found: Finding) -> None:
    """An absence rests on a baseline, on at least two looks, and on a living control in each of them."""
    assert any(o.phase == "baseline" and o.presence is Presence.PRESENT for o in found.observations)
    gone = list(absences(found))
    assert len(gone) >= 2
    assert all(look.control.startswith("bystander-") for look in gone)
    assert all(look.evidence for look in gone)


def absences(found: Finding) -> Iterator[Observation]:
    return (o for o in found.observations if o.presence is Presence.ABSENT)


def secrets_in(folder: Path, secrets: Sequence[str]) -> list[str]:
    """Files below the folder that hold one of the secrets."""
    return [
        str(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and any(secret.encode() in path.read_bytes() for secret in secrets)
    ]
