"""The JSON Schema of scenario files."""

from __future__ import annotations

from typing import Any

from harness.config import closed
from harness.scenario.model import ScenarioModel

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """JSON Schema 2020-12. What a fleet decides (systems, kinds, events) is checked when scenarios are bound."""
    made = ScenarioModel.model_json_schema(ref_template="#/$defs/{model}")
    return {"$schema": _DIALECT, **closed(made), "title": "exitproof scenario"}
