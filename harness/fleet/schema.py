"""The JSON Schema of fleet files, with the config of every installed adapter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import models_json_schema

from harness.config import Config, closed
from harness.fleet.examine import Registry
from harness.fleet.model import FleetModel

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema(registry: Registry | None = None) -> dict[str, Any]:
    """JSON Schema 2020-12; a connector's or system's `type` decides which keys it may have."""
    known = registry or Registry.installed()
    adapters: dict[str, dict[str, type[Config]]] = {
        "connectors": {name: each.config for name, each in known.connectors.items()},
        "systems": {name: each.config for name, each in known.systems.items()},
    }
    models: list[type[Config]] = [FleetModel]
    models += [config for part in adapters.values() for config in part.values()]
    refs, defs = models_json_schema(
        [(model, "validation") for model in dict.fromkeys(models)], ref_template="#/$defs/{model}"
    )
    made = defs["$defs"]
    root = made.pop(_name(refs[FleetModel, "validation"]))
    for part, configs in adapters.items():
        section = root["properties"][part]
        section["propertyNames"] = {"pattern": next(iter(section.pop("patternProperties")))}
        section["additionalProperties"] = {
            "type": "object",
            "required": ["type"],
            "properties": {"type": {"enum": list(configs)}},
            "allOf": [_when(name, refs[config, "validation"]) for name, config in configs.items()],
        }
    return {"$schema": _DIALECT, "title": "exitproof fleet", **closed(_untitled(root)), "$defs": closed(made)}


def _when(name: str, ref: Mapping[str, Any]) -> dict[str, Any]:
    return {"if": {"properties": {"type": {"const": name}}, "required": ["type"]}, "then": dict(ref)}


def _name(ref: Mapping[str, Any]) -> str:
    return str(ref["$ref"]).rsplit("/", 1)[-1]


def _untitled(root: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in root.items() if key != "title"}
