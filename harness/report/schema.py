"""The JSON Schema of results.json, closed: what it does not name is not there. Made from the model's own words."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from harness.model import Claim, Coverage, Kind, Outcome, Subject, Vantage, Verdict
from harness.qualification import Standing
from harness.report.diff import Change
from harness.report.document import SCHEMA
from harness.report.trend import Pace

_TEXT: dict[str, Any] = {"type": "string"}
_FLAG: dict[str, Any] = {"type": "boolean"}
_TEXTS: dict[str, Any] = {"type": "array", "items": _TEXT}
_COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
_SHA: dict[str, Any] = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_AT: dict[str, Any] = {
    "type": "string",
    "description": "UTC with milliseconds",
    "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$",
}
_VERDICT: dict[str, Any] = {"enum": [verdict.word for verdict in Verdict]}


def schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of what `document` makes; `exitproof schema results` prints it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "exitproof results",
        "description": "What one run of exitproof measured: which access ended, when, and what could not be seen.",
        **_closed(
            schema={"const": SCHEMA},
            run=_run(),
            cases=_list(_case()),
            bystanders=_list(_closed(**_finding(), cases=_TEXTS)),
            deselected=_list(_closed(id=_TEXT, reason=_TEXT)),
            coverage=_list(
                _closed(
                    system=_TEXT,
                    kind=_words(Kind),
                    vantage=_words(Vantage),
                    status=_words(Coverage),
                    reason=_TEXT,
                    cases=_COUNT,
                )
            ),
            exceptions=_list(
                _closed(
                    **_keep(),
                    when={"type": "object", "additionalProperties": _TEXT},
                    state={"enum": ["matched", "idle", "not asked"]},
                    cases=_COUNT,
                    matched=_COUNT,
                )
            ),
        ),
    }


def _run() -> dict[str, Any]:
    return _closed(
        id=_TEXT,
        started=_AT,
        finished=_AT,
        fleet=_TEXT,
        environment={"enum": ["sandbox", "test", "production"]},
        verdict=_VERDICT,
        tool=_closed(name={"const": "exitproof"}, version=_TEXT),
        operator=_TEXT,
        ci=_or_null(_TEXT),
        clock_offset_ms=_or_null({"type": "integer"}),
        signing_key=_or_null(_TEXT),
        inputs=_list(_closed(path=_TEXT, sha256=_SHA)),
        systems=_list(_closed(name=_TEXT, type=_TEXT, url=_TEXT, reader=_TEXT, independent=_FLAG, owner=_TEXT)),
        narrowed=_TEXTS,
        timing={"type": "object", "additionalProperties": _TEXT},
        cleanup=_cleanup(),
        notes=_TEXTS,
        compared=_or_null(_compared()),
        selftest=_or_null(_selftest()),
    )


def _selftest() -> dict[str, Any]:
    blind = {"system": _TEXT, "kind": _words(Kind), "vantage": _words(Vantage), "standing": _words(Standing)}
    counts = {"qualified": _COUNT, "unproven": _COUNT}
    return _closed(
        id=_TEXT, at=_AT, sha256=_SHA, stale=_or_null(_TEXT), **counts, blind=_list(_closed(**blind, reason=_TEXT))
    )


def _compared() -> dict[str, Any]:
    drill = _closed(id=_TEXT, started=_AT, verdict=_VERDICT)
    outcome = _or_null(_words(Outcome))
    status = _or_null(_words(Coverage))
    pace = {key: _or_null(_COUNT) for key in Pace.__dataclass_fields__}
    grant = {"change": _words(Change), "fingerprint": _TEXT, "case": _TEXT, "subject": _words(Subject)}
    grant |= {"system": _TEXT, "kind": _words(Kind), "name": _TEXT, "vantage": _words(Vantage), "channel": _TEXT}
    place = {"system": _TEXT, "kind": _words(Kind), "vantage": _words(Vantage)}
    return _closed(
        before=drill,
        after=drill,
        worse=_FLAG,
        counts=_closed(**{change.value: _COUNT for change in Change}),
        grants=_list(_closed(**grant, before=outcome, after=outcome, drills=_COUNT)),
        coverage=_list(_closed(**place, before=status, after=status)),
        exceptions=_list(_closed(exception=_TEXT, before=_or_null(_TEXT), after=_or_null(_TEXT))),
        trend=_list(
            _closed(
                id=_TEXT,
                started=_AT,
                verdict=_VERDICT,
                tested=_COUNT,
                cells=_COUNT,
                systems={"type": "object", "additionalProperties": _closed(**pace)},
            )
        ),
    )


def _case() -> dict[str, Any]:
    return _closed(
        id=_TEXT,
        title=_TEXT,
        params={"type": "object", "additionalProperties": _TEXT},
        connector=_TEXT,
        event=_TEXT,
        claimed=_words(Claim),
        claim_detail=_TEXT,
        verdict=_VERDICT,
        reason=_or_null(_TEXT),
        started=_AT,
        finished=_AT,
        t0=_or_null(_AT),
        t0_basis={"enum": ["answered", "effective", "sent", ""]},
        controls=_TEXTS,
        findings=_list(_closed(**_finding())),
        cleanup=_cleanup(),
        notes=_TEXTS,
    )


def _finding() -> dict[str, Any]:
    return {
        "id": _TEXT,
        "subject": _words(Subject),
        "identity": _TEXT,
        "system": _TEXT,
        "kind": _words(Kind),
        "name": _TEXT,
        "grant_id": _or_null(_TEXT),
        "vantage": _words(Vantage),
        "channel": _TEXT,
        "outcome": _words(Outcome),
        "verdict": _VERDICT,
        "reason": _TEXT,
        "notes": _TEXTS,
        "deadline": _or_null(_AT),
        "last_present": _or_null(_AT),
        "first_absent": _or_null(_AT),
        "flaps": _COUNT,
        "keep": _or_null(_closed(**_keep())),
        "beneath": _or_null(_words(Outcome)),
        "fingerprint": _TEXT,
        "observations": _TEXTS,
    }


def _keep() -> dict[str, Any]:
    return {
        "system": _TEXT,
        "kind": _or_null(_words(Kind)),
        "name": _TEXT,
        "fingerprint": _TEXT,
        "scenario": _TEXT,
        "reason": _TEXT,
        "owner": _TEXT,
        "ticket": _TEXT,
        "approved_by": _TEXT,
        "until": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
        "where": _TEXT,
    }


def _cleanup() -> dict[str, Any]:
    return _closed(complete=_FLAG, leftovers=_TEXTS, resting=_TEXTS)


def _closed(**properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _words(enum: type[StrEnum]) -> dict[str, Any]:
    return {"enum": [word.value for word in enum]}


def _or_null(one: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [one, {"type": "null"}]}
