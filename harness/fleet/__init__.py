"""YAML -> Fleet: adapters built, secrets resolved, limits and guard; or only its declared shape."""

from harness.fleet.examine import Registry
from harness.fleet.info import ConnectorInfo, FleetInfo, SystemInfo, Timing
from harness.fleet.load import load, locate, shape
from harness.fleet.schema import schema

__all__ = ["ConnectorInfo", "FleetInfo", "Registry", "SystemInfo", "Timing", "load", "locate", "schema", "shape"]
