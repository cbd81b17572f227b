"""What a run says of each control that its scenarios cite: supported, contradicted, or not shown; never more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from harness.controls import Control, bundled
from harness.model import CaseResult, Kind, Outcome, RunResult, Verdict, human
from harness.report.about import About
from harness.report.ids import Entry
from harness.report.tally import SEEN, coverage


class Standing(StrEnum):
    """`supported`: everything that the control needs was seen and is as it should be. Nothing here is compliance."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    NOT_SHOWN = "not shown"

    @property
    def verdict(self) -> str:
        return {"supported": "pass", "contradicted": "fail", "not shown": "inconclusive"}[self.value]


@dataclass(frozen=True, slots=True)
class Shown:
    """One control over the cases that cite it. `control` None: another version's map had it. `unseen`: places of its
    kinds that were not fully seen; `parameters`: the organisation's own values, as the cases used them."""

    id: str
    control: Control | None
    cases: tuple[str, ...]
    passed: int
    failed: int
    unclear: int
    unseen: tuple[str, ...]
    standing: Standing
    why: str
    parameters: tuple[str, ...]


def controls(run: RunResult, about: About, found: Sequence[Entry]) -> tuple[Shown, ...]:
    """Every control that a case of the run cites, by its id in the map."""
    known = bundled()
    citing: dict[str, list[CaseResult]] = {}
    for result in run.cases:
        names = (known.by_id[w].id if w in known.by_id else w for w in result.case.controls)
        for id_ in dict.fromkeys(names):
            citing.setdefault(id_, []).append(result)
    return tuple(
        _shown(id_, known.by_id.get(id_), results, run, about, found) for id_, results in sorted(citing.items())
    )


def _shown(
    id_: str,
    control: Control | None,
    results: Sequence[CaseResult],
    run: RunResult,
    about: About,
    found: Sequence[Entry],
) -> Shown:
    cases = tuple(result.case.id for result in results)
    kinds = control.kinds if control is not None else tuple(Kind)
    citing = frozenset(cases)  # of ten thousand cases
    mine = [e.finding for e in found if e.result is not None and e.result.case.id in citing and e.finding.kind in kinds]
    failed = sum(f.verdict is Verdict.FAIL for f in mine)
    unclear = sum(f.outcome is Outcome.INCONCLUSIVE for f in mine)
    passed = len(mine) - failed - unclear
    names = [system.name for system in about.systems]
    cells = coverage(run, names)
    unseen = tuple(f"{c.system} {c.kind} ({c.vantage})" for c in cells if c.kind in kinds and c.status not in SEEN)
    broken = [result.case.id for result in results if result.reason is not None]
    standing, why = _standing(failed, unclear, len(mine), unseen, broken)
    return Shown(
        id_, control, cases, passed, failed, unclear, unseen, standing, why, _parameters(control, results)
    )  # fmt: skip


def _standing(
    failed: int, unclear: int, judged: int, unseen: Sequence[str], broken: Sequence[str]
) -> tuple[Standing, str]:
    """One failure contradicts; one doubt, one unseen place or nothing judged, and it is not shown."""
    if failed:
        return Standing.CONTRADICTED, f"{failed} of {judged} findings fail"
    if broken:
        return Standing.NOT_SHOWN, f"{len(broken)} of its cases could not be judged"
    if unclear:
        return Standing.NOT_SHOWN, f"{unclear} of {judged} findings are inconclusive"
    if not judged:
        return Standing.NOT_SHOWN, "no finding of its kinds"
    if unseen:
        more = f" and {len(unseen) - 3} more" if len(unseen) > 3 else ""
        return Standing.NOT_SHOWN, f"not fully seen: {', '.join(unseen[:3])}{more}"
    return Standing.SUPPORTED, f"all {judged} findings pass, and every place of its kinds was seen"


def _parameters(control: Control | None, results: Sequence[CaseResult]) -> tuple[str, ...]:
    if control is None or not control.parameter:
        return ()
    used = sorted({result.case.within.default for result in results})
    return (f"{control.parameter}: {', '.join(map(human, used))}",)
