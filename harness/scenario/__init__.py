"""YAML -> cases: strict model, matrix, needs, names; every error of every file at once, with its place."""

from harness.scenario.discover import ScenarioFile, discover
from harness.scenario.exceptions import Exceptions
from harness.scenario.exceptions import find as find_exceptions
from harness.scenario.exceptions import schema as exceptions_schema
from harness.scenario.load import Loaded, load, load_files, parse
from harness.scenario.schema import schema

__all__ = [
    "Exceptions",
    "Loaded",
    "ScenarioFile",
    "discover",
    "exceptions_schema",
    "find_exceptions",
    "load",
    "load_files",
    "parse",
    "schema",
]
