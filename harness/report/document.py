"""The finished run as `results.json`: every finding with its exact values, nothing shortened."""

from __future__ import annotations

import json
from typing import Any

from harness.model import CaseResult, Cleanup, CoverageCell, Excepted, Instant, Keep, RunResult, iso
from harness.qualification import Qualification
from harness.report.about import About
from harness.report.ids import Entry, entries, observation_id
from harness.report.show import encodable, plain_url

SCHEMA = "exitproof-results/1"


def document(run: RunResult, about: About) -> dict[str, Any]:
    """results.json as plain JSON values. The same run gives the same document, byte for byte."""
    found = entries(run)
    by_case: dict[int, list[Entry]] = {}
    for entry in found:
        by_case.setdefault(id(entry.result), []).append(entry)
    made = {
        "schema": SCHEMA,
        "run": _run(run, about),
        "cases": [_case(result, by_case.get(id(result), [])) for result in run.cases],
        "bystanders": [
            _finding(entry) | {"cases": list(entry.finding.cases)} for entry in found if entry.result is None
        ],
        "deselected": [{"id": case.id, "reason": case.reason} for case in run.deselected],
        "coverage": [_cell(cell) for cell in run.coverage],
        "exceptions": [_excepted(one) for one in run.exceptions],
    }
    clean: dict[str, Any] = _encodable(made)
    return clean


def encoded(made: Any) -> bytes:
    """JSON as it is written. ASCII only: no name of a probed system can reorder or hide text in a terminal."""
    return (json.dumps(made, indent=2, allow_nan=False) + "\n").encode("ascii")


def _run(run: RunResult, about: About) -> dict[str, Any]:
    return {
        "id": run.id,
        "started": iso(run.started),
        "finished": iso(run.finished),
        "fleet": about.fleet,
        "environment": about.environment,
        "verdict": run.verdict.word,
        "tool": {"name": "exitproof", "version": about.tool_version},
        "operator": about.operator,
        "ci": about.ci,
        "clock_offset_ms": about.clock_offset_ms,
        "signing_key": about.signing_key or None,
        "inputs": [{"path": file.path, "sha256": file.sha256} for file in about.inputs],
        "systems": [
            {
                "name": system.name,
                "type": system.type,
                "url": plain_url(system.url),
                "reader": system.reader,
                "independent": system.independent,
                "owner": system.owner,
            }
            for system in about.systems
        ],
        "narrowed": list(about.narrowed),
        "timing": dict(about.timing),
        "cleanup": _cleanup(run.cleanup),
        "notes": [*about.notes, *run.notes],
        "compared": about.compared,
        "selftest": _selftest(about.selftest),
    }


def _selftest(of: Qualification | None) -> dict[str, Any] | None:
    if of is None:
        return None
    blind = [
        {
            "system": b.system,
            "kind": b.kind.value,
            "vantage": b.vantage.value,
            "standing": b.standing.value,
            "reason": b.reason,
        }
        for b in of.blind
    ]
    told = {"id": of.id, "at": iso(of.at), "sha256": of.sha256, "stale": of.stale or None}
    return {**told, "qualified": of.qualified, "unproven": of.unproven, "blind": blind}


def _case(result: CaseResult, found: list[Entry]) -> dict[str, Any]:
    case = result.case
    return {
        "id": case.id,
        "title": case.title,
        "params": dict(case.params),
        "connector": case.leave.via,
        "event": case.leave.event,
        "claimed": result.claimed.value,
        "claim_detail": result.claim_detail,
        "verdict": result.verdict.word,
        "reason": result.reason,
        "started": iso(result.started),
        "finished": iso(result.finished),
        "t0": _at(result.t0),
        "t0_basis": result.t0_basis,
        "controls": list(case.controls),
        "findings": [_finding(entry) for entry in found],
        "cleanup": _cleanup(result.cleanup),
        "notes": list(result.notes),
    }


def _finding(entry: Entry) -> dict[str, Any]:
    f = entry.finding
    return {
        "id": entry.id,
        "subject": f.subject.value,
        "identity": f.identity,
        "system": f.system,
        "kind": f.kind.value,
        "name": f.name,
        "grant_id": f.grant_id,
        "vantage": f.vantage.value,
        "channel": f.channel,
        "outcome": f.outcome.value,
        "verdict": f.verdict.word,
        "reason": f.reason,
        "notes": list(f.notes),
        "deadline": _at(f.deadline),
        "last_present": _at(f.last_present),
        "first_absent": _at(f.first_absent),
        "flaps": f.flaps,
        "keep": _keep(f.keep),
        "beneath": f.beneath and f.beneath.value,
        "fingerprint": entry.fingerprint,
        "observations": [observation_id(observation) for observation in f.observations],
    }


def _keep(keep: Keep | None) -> dict[str, Any] | None:
    if keep is None:
        return None
    return {
        "system": keep.system,
        "kind": keep.kind and keep.kind.value,
        "name": keep.name,
        "fingerprint": keep.fingerprint,
        "scenario": keep.scenario,
        "reason": keep.reason,
        "owner": keep.owner,
        "ticket": keep.ticket,
        "approved_by": keep.approved_by,
        "until": keep.until.isoformat(),
        "where": keep.where,
    }


def _excepted(one: Excepted) -> dict[str, Any]:
    """A fleet-wide exception; `cases` 0: this run had nothing that it could match."""
    state = "matched" if one.matched else "idle" if one.idle else "not asked"
    told = _keep(one.keep) or {}
    return {**told, "when": dict(one.keep.when), "state": state, "cases": one.cases, "matched": one.matched}


def _cleanup(cleanup: Cleanup) -> dict[str, Any]:
    return {
        "complete": cleanup.complete,
        "leftovers": list(cleanup.leftovers),
        "resting": list(cleanup.resting),
    }


def _cell(cell: CoverageCell) -> dict[str, Any]:
    return {
        "system": cell.system,
        "kind": cell.kind.value,
        "vantage": cell.vantage.value,
        "status": cell.status.value,
        "reason": cell.reason,
        "cases": cell.cases,
    }


def _at(at: Instant | None) -> str | None:
    return None if at is None else iso(at)


def _encodable(value: Any) -> Any:
    """A lone surrogate in a hostile name is not JSON that other parsers accept: written as a visible escape."""
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, dict):
        return {_encodable(key): _encodable(item) for key, item in value.items()}
    return [_encodable(item) for item in value] if isinstance(value, list) else value
