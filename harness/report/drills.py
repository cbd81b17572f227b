"""What earlier runs found, read from their results.json: the ground of comparison and of history."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from harness.model import NOTHING, BadInput, Coverage, Outcome, Problem, Verdict
from harness.report.document import SCHEMA

FLAPS = 2  # changes between failing and passing that make a grant one that flaps
LARGEST = 512 * 2**20  # bytes of a results.json that is read at all


@dataclass(frozen=True, slots=True)
class Judged:
    """One finding of a run. `lower` and `upper` bound the time to revoke in milliseconds after T0; None: never."""

    fingerprint: str
    case: str  # "" for a bystander's
    subject: str
    system: str
    kind: str
    name: str
    vantage: str
    channel: str
    outcome: Outcome
    reason: str
    lower: int | None
    upper: int | None

    @property
    def verdict(self) -> Verdict:
        return self.outcome.verdict

    @property
    def label(self) -> str:
        use = f" ({self.channel})" if self.channel else ""
        return f"{self.system} {self.kind} {self.name}, {self.vantage}{use}"


@dataclass(frozen=True, slots=True)
class Drilled:
    """One run. `cells`: (system, kind, vantage) -> how well it was covered."""

    id: str
    started: str
    fleet: str
    environment: str
    verdict: Verdict
    findings: Mapping[str, Judged]
    cells: Mapping[tuple[str, str, str], Coverage]
    exceptions: Mapping[str, str] = NOTHING  # fleet-wide: what it covers -> until when

    @property
    def tested(self) -> int:
        return sum(status is Coverage.TESTED for status in self.cells.values())


def unseen(verdict: Verdict | None) -> bool:
    """Nobody looked, or the look carries no verdict."""
    return verdict in (None, Verdict.INCONCLUSIVE)


def flaps(verdicts: Iterable[Verdict | None]) -> bool:
    """It went back and forth: failed, passed, failed; what was not seen in between says nothing."""
    seen = [verdict for verdict in verdicts if not unseen(verdict)]
    return sum(a is not b for a, b in pairwise(seen)) >= FLAPS


def read(path: Path) -> Drilled:
    """A run folder or its results.json. Raises `BadInput` with the file and what is wrong with it."""
    file = path / "results.json" if path.is_dir() else path
    try:
        if file.stat().st_size > LARGEST:
            raise ValueError(f"larger than {LARGEST // 2**20} MiB")
        return of(json.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise BadInput([Problem(str(file), 1, 1, f"cannot be read: {error.strerror}", "")]) from None
    except (ValueError, RecursionError) as error:
        raise BadInput([Problem(str(file), 1, 1, f"no results of a run: {error}", "")]) from None
    except (KeyError, TypeError, AttributeError) as error:
        what = f"{type(error).__name__}: {error}"
        raise BadInput([Problem(str(file), 1, 1, f"no results of a run: {what}", "")]) from None


def of(document: Mapping[str, Any]) -> Drilled:
    """results.json as data. Raises ValueError, KeyError or TypeError for anything else."""
    if document["schema"] != SCHEMA:
        raise ValueError(f"its schema is {document['schema']!r}, not {SCHEMA!r}")
    run = document["run"]
    found: dict[str, Judged] = {}
    for case in document["cases"]:
        for finding in case["findings"]:
            _keep(found, _judged(finding, str(case["id"]), case["t0"]))
    for finding in document["bystanders"]:
        _keep(found, _judged(finding, "", None))
    cells = {(str(c["system"]), str(c["kind"]), str(c["vantage"])): Coverage(c["status"]) for c in document["coverage"]}
    return Drilled(
        id=str(run["id"]),
        started=str(run["started"]),
        fleet=str(run["fleet"]),
        environment=str(run["environment"]),
        verdict=Verdict[str(run["verdict"]).upper()],
        findings=found,
        cells=cells,
        exceptions=dict(map(_exception, document.get("exceptions", ()))),
    )


def _exception(told: Mapping[str, Any]) -> tuple[str, str]:
    where = "" if told["scenario"] == "*" else f" in {told['scenario']}"
    when = "".join(f", {field} {value}" for field, value in sorted(told["when"].items()))
    what = str(told["fingerprint"]) or f"{told['system']}/{told['kind']}/{told['name']}"
    return f"{what}{where}{when}", str(told["until"])


def _keep(found: dict[str, Judged], new: Judged) -> None:
    """Of two findings with one fingerprint (two bystanders of one pool) the worse one stands for both."""
    known = found.get(new.fingerprint)
    if known is None or new.verdict > known.verdict:
        found[new.fingerprint] = new


def _judged(finding: Mapping[str, Any], case: str, t0: str | None) -> Judged:
    start = _ms(t0)
    lower, upper = (None if at is None or start is None else at - start for at in map(_ms, _interval(finding)))
    return Judged(
        fingerprint=str(finding["fingerprint"]),
        case=case,
        subject=str(finding["subject"]),
        system=str(finding["system"]),
        kind=str(finding["kind"]),
        name=str(finding["name"]),
        vantage=str(finding["vantage"]),
        channel=str(finding["channel"]),
        outcome=Outcome(finding["outcome"]),
        reason=str(finding["reason"]),
        lower=None if lower is None else max(0, lower),
        upper=None if upper is None else max(0, upper),
    )


def _interval(finding: Mapping[str, Any]) -> Iterable[str | None]:
    ended = finding["outcome"] in (Outcome.REVOKED, Outcome.LATE)
    return (finding["last_present"], finding["first_absent"]) if ended else (None, None)


def _ms(stamp: str | None) -> int | None:
    return None if stamp is None else round(datetime.fromisoformat(stamp).timestamp() * 1000)
