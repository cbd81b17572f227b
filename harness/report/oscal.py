"""The run as OSCAL: assessment results, and a plan of action and milestones for what remains (NIST OSCAL 1.1.3).

Every uuid is a name-based one (RFC 9562 §5.5) of what it stands for, so that the same run gives the same bytes, and a
grant has the same uuid in every drill. A control that was not fully seen is never `satisfied`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from harness.model import Finding, Keep, Outcome, RunResult, iso
from harness.report.about import About
from harness.report.controls import Shown, Standing, controls
from harness.report.ids import Entry, entries, observation_id
from harness.report.show import encodable

VERSION = "1.1.3"
NS = "urn:exitproof:oscal"
_SPACE = uuid5(NAMESPACE_URL, NS)
_NIST = re.compile(r"nist-800-53:([A-Z]{2})-([0-9]+)(?:\(([0-9]+)\))?")
_OPEN = (Outcome.RESIDUAL, Outcome.RESURRECTED, Outcome.LATE, Outcome.COLLATERAL, Outcome.MISSING, Outcome.CONTRADICTED)


def assessment_results(run: RunResult, about: About) -> dict[str, Any]:
    """As plain JSON values: one result, an observation for each finding, a finding for each control of NIST SP 800-53
    that scenarios cite, and a risk for each grant that is not as it should be."""
    found = entries(run)
    scope = controls(run, about, found)
    plan = _uuid("plan", *(file.sha256 for file in about.inputs))
    result: dict[str, Any] = {
        "uuid": _uuid("result", run.id),
        "title": f"Leaver drill {run.id}",
        "description": "Synthetic leavers were offboarded through the real connector, and every system was looked at.",
        "start": iso(run.started),
        "end": iso(run.finished),
        "props": [_prop("verdict", run.verdict.word)],
        "local-definitions": _systems(about),
        "reviewed-controls": _reviewed(scope),
        "observations": [_observation(run, about, entry) for entry in found],
        "risks": [_risk(entry) for entry in found if _is_risk(entry)],
        "findings": [_finding(run, one, found) for one in scope if _control_id(one.id)],
        "remarks": "Synthetic leavers test the control, not every real leaver.",
    }
    made: dict[str, Any] = _clean(
        {
            "assessment-results": {
                "uuid": _uuid("assessment-results", run.id),
                "metadata": _metadata(run, about, "Assessment results"),
                "import-ap": {"href": f"#{plan}"},
                "results": [{key: value for key, value in result.items() if value not in ([], {})}],
                "back-matter": {"resources": [_plan(plan, about)]},
            }
        }
    )
    return made


def plan_of_action(run: RunResult, about: About) -> dict[str, Any] | None:
    """One item for each grant that is not as it should be, and for each exception in force; None without any."""
    found = [entry for entry in entries(run) if _is_risk(entry)]
    if not found:
        return None
    made: dict[str, Any] = _clean(
        {
            "plan-of-action-and-milestones": {
                "uuid": _uuid("poam", run.id),
                "metadata": _metadata(run, about, "Plan of action and milestones"),
                "system-id": {"identifier-type": NS, "id": f"{about.fleet} ({about.environment})"},
                "local-definitions": _systems(about),
                "observations": [_observation(run, about, entry) for entry in found],
                "risks": [_risk(entry) for entry in found],
                "poam-items": [_item(run, about, entry) for entry in found],
            }
        }
    )
    return made


# --- parts --------------------------------------------------------------------------------------


def _metadata(run: RunResult, about: About, title: str) -> dict[str, Any]:
    return {
        "title": f"{title}: fleet {about.fleet}, run {run.id}",
        "last-modified": iso(run.finished),
        "version": run.id,
        "oscal-version": VERSION,
        "props": [_prop("tool", f"exitproof {about.tool_version}")],
    }


def _plan(uuid: str, about: About) -> dict[str, Any]:
    """The scenarios and the fleet file are the plan: what was to be done, by content."""
    links = [
        {"href": file.path or "unnamed", "hashes": [{"algorithm": "SHA-256", "value": file.sha256}]}
        for file in about.inputs
    ]
    return {
        "uuid": uuid,
        "title": "Scenarios and fleet file of the run",
        "rlinks": links or [{"href": "results.json"}],
    }


def _systems(about: About) -> dict[str, Any] | None:
    return {"components": [_component(about, system.name) for system in about.systems]} if about.systems else None


def _component(about: About, name: str) -> dict[str, Any]:
    system = next((one for one in about.systems if one.name == name), None)
    kind = f" of type {system.type}" if system and system.type else ""
    reader = f", read as {system.reader}" if system and system.reader else ""
    return {
        "uuid": _system(about, name),
        "type": "software",
        "title": name,
        "description": f"A system{kind} of the fleet{reader}.",
        "status": {"state": "operational"},
    }


def _system(about: About, name: str) -> str:
    return _uuid("system", about.fleet, about.environment, name)


def _reviewed(scope: Sequence[Shown]) -> dict[str, Any]:
    ids = [id_ for one in scope if (id_ := _control_id(one.id))]
    if not ids:
        text = "No control of NIST SP 800-53 is cited by the scenarios of this run."
        return {"control-selections": [{"description": text, "include-all": {}}]}
    return {"control-selections": [{"include-controls": [{"control-id": id_} for id_ in ids]}]}


def _observation(run: RunResult, about: About, entry: Entry) -> dict[str, Any]:
    f = entry.finding
    case = entry.result.case.id if entry.result else "bystanders"
    known = any(system.name == f.system for system in about.systems)
    looks = f.observations
    return {
        "uuid": _uuid("observation", run.id, entry.id),
        "title": f"{f.system} {f.kind} {f.name}, {f.vantage}",
        "description": f"{f.outcome}: {f.reason or 'as it should be'}",
        "props": [
            _prop("outcome", f.outcome),
            _prop("verdict", f.verdict.word),
            _prop("vantage", f.vantage),
            _prop("case", case),
            _prop("fingerprint", entry.fingerprint),
            *_deviation(f),
        ],
        "methods": ["TEST"],
        "types": ["finding"],
        "subjects": [{"subject-uuid": _system(about, f.system), "type": "component"}] if known else None,
        "relevant-evidence": [
            {
                "href": f"results.json#{entry.id}",
                "description": f"{len(looks)} looks"
                + (f"; the last one is ledger record {observation_id(looks[-1])}" if looks else ""),
            }
        ],
        "remarks": f"Exception {f.keep.label}: {_why(f.keep)}." if f.keep is not None else None,
        "collected": iso(looks[-1].answered if looks else run.finished),
    }


def _is_risk(entry: Entry) -> bool:
    return entry.finding.outcome in (*_OPEN, Outcome.KEPT)


def _risk(entry: Entry) -> dict[str, Any]:
    f = entry.finding
    kept = f.outcome is Outcome.KEPT
    made: dict[str, Any] = {
        "uuid": _uuid("risk", entry.fingerprint, entry.id),
        "title": f"{f.system} {f.kind} {f.name}: {f.outcome}",
        "description": f.reason or str(f.outcome),
        "statement": "Access that should have ended is still there, ended late, or was lost by somebody else."
        if not kept
        else f"Kept by an exception: {_why(f.keep)}",
        "props": [_prop("outcome", f.outcome), *_deviation(f)],
        "status": "deviation-approved" if kept else "open",
    }
    if f.keep is not None:
        made["deadline"] = f"{f.keep.until.isoformat()}T23:59:59Z"
    elif f.deadline is not None:
        made["deadline"] = iso(f.deadline)
    return made


def _finding(run: RunResult, one: Shown, found: Iterable[Entry]) -> dict[str, Any]:
    """`not-satisfied` with the reason `other` where it was not shown: it was neither seen to hold nor seen to fail."""
    control = _control_id(one.id)
    kinds = one.control.kinds if one.control else ()
    citing = frozenset(one.cases)
    mine = [e for e in found if e.result is not None and e.result.case.id in citing and e.finding.kind in kinds]
    state, reason = {
        Standing.SUPPORTED: ("satisfied", "pass"),
        Standing.CONTRADICTED: ("not-satisfied", "fail"),
        Standing.NOT_SHOWN: ("not-satisfied", "other"),
    }[one.standing]
    strength = one.control.strength if one.control else "supports"
    return {
        "uuid": _uuid("finding", run.id, one.id),
        "title": f"{one.id} {one.control.title if one.control else ''}".strip(),
        "description": f"{one.standing}: {one.why}. The drill speaks for this control: {strength}.",
        "target": {
            "type": "objective-id",
            "target-id": f"{control}_obj",
            "status": {"state": state, "reason": reason},
        },
        "related-observations": [{"observation-uuid": _uuid("observation", run.id, e.id)} for e in mine] or None,
        "related-risks": [{"risk-uuid": _uuid("risk", e.fingerprint, e.id)} for e in mine if _is_risk(e)] or None,
    }


def _item(run: RunResult, about: About, entry: Entry) -> dict[str, Any]:
    f = entry.finding
    owner = f.keep.owner if f.keep is not None else about.owner(f.system)
    told = f"{f.outcome}: {f.reason}" if f.keep is None else f"{f.outcome}: {_why(f.keep)}"
    return {
        "uuid": _uuid("item", entry.fingerprint, entry.id),
        "title": f"{f.system} {f.kind} {f.name}",
        "description": told,
        "props": [_prop("owner", owner)] if owner else None,
        "related-observations": [{"observation-uuid": _uuid("observation", run.id, entry.id)}],
        "related-risks": [{"risk-uuid": _uuid("risk", entry.fingerprint, entry.id)}],
    }


def _why(keep: Keep | None) -> str:
    if keep is None:
        return ""
    approved = f", ticket {keep.ticket}, approved by {keep.approved_by}" if keep.ticket else ""
    return f"{keep.reason} (owner {keep.owner}{approved}, until {keep.until.isoformat()})"


def _deviation(f: Finding) -> list[dict[str, str]]:
    """What the exception hides, and who let it: none for what is not kept."""
    if f.outcome is not Outcome.KEPT or f.keep is None:
        return []
    told = [_prop("beneath", f.beneath)] if f.beneath else []
    told += [_prop("ticket", f.keep.ticket)] if f.keep.ticket else []
    return told + ([_prop("approved-by", f.keep.approved_by)] if f.keep.approved_by else [])


def _control_id(id_: str) -> str:
    """`nist-800-53:AC-2(3)` as the catalogue's `ac-2.3`; "" for a control of another framework."""
    match = _NIST.fullmatch(id_)
    return f"{match[1].lower()}-{match[2]}" + (f".{match[3]}" if match[3] else "") if match else ""


def _prop(name: str, value: object) -> dict[str, str]:
    return {"name": name, "ns": NS, "value": str(value) or "none"}


def _uuid(*parts: object) -> str:
    made: UUID = uuid5(_SPACE, "\x1f".join(map(str, parts)))
    return str(made)


def _clean(value: Any) -> Any:
    """Empty lists are not OSCAL, so what is None goes; its strings are one line without blanks around."""
    if isinstance(value, dict):
        return {key: _clean(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return " ".join(encodable(value).split()) or "-" if isinstance(value, str) else value
