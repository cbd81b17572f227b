"""YAML -> cases: strict model, matrix, needs, names; every error of every file at once, with its place."""

from harness.scenario.discover import ScenarioFile, discover
from harness.scenario.load import Loaded, load, load_files, parse
from harness.scenario.schema import schema

__all__ = ["Loaded", "ScenarioFile", "discover", "load", "load_files", "parse", "schema"]
