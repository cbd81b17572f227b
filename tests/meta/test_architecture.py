"""The house rules over the syntax tree: who may import whom, one job per file, small files, honest names."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIMIT = 300

# Longer than the limit, and why; the number is how long each may get.
LONG: dict[str, tuple[int, str]] = {
    "harness/model.py": (760, "the words of the domain: one page to read, no behaviour to split by"),
    "harness/evidence/verify_standalone.py": (660, "a stranger reads and runs this one file, without the rest"),
    "tests/report/sample.py": (380, "one made-up run written out: data"),
}
CROWDED = {"utils", "util", "helpers", "helper", "common", "misc"}

# Each room (the longest name that fits) and what of the harness it may import besides itself. A name stands for all
# below it. What is not listed may not be imported: a new room must say here where it stands.
BASE = {"harness.model"}
ENTRY = {
    *("harness.model", "harness.ports", "harness.adapter", "harness.engine", "harness.report"),
    *("harness.fleet", "harness.scenario", "harness.evidence", "harness.explore", "harness.source", "harness.marker"),
}
ADAPTER = BASE | {"harness.wire", "harness.ports", "harness.config", "harness.adapter"}
JUDGEMENT = {"harness.history", "harness.judge", "harness.measure"}
FILES = BASE | {"harness.ports", "harness.config", "harness.source", "harness.adapter"}
MAY: dict[str, set[str]] = {
    "harness": set(),
    "harness.model": set(),
    "harness.history": BASE,
    "harness.controls": BASE,
    "harness.judge": BASE | {"harness.history"},
    "harness.measure": BASE,
    "harness.ports": BASE,
    "harness.config": BASE,
    "harness.marker": set(),  # how a person answers a manual step: the command writes it, the connector reads it
    "harness.source": BASE,
    "harness.adapter": BASE | {"harness.ports", "harness.config", "harness.wire.auth"},
    "harness.wire": BASE | {"harness.evidence.redact", "harness.config", "harness.ports"},
    "harness.connectors": ADAPTER | {"harness.marker"},
    "harness.systems": ADAPTER,
    "harness.evidence": BASE | {"harness.ports"},
    "harness.engine": BASE | JUDGEMENT | {"harness.ports", "harness.evidence"},
    "harness.report": BASE | {"harness.evidence", "harness.controls"},  # the ledger's reader
    "harness.scenario": FILES
    | {"harness.controls", "harness.fleet.info"},  # a scenario is bound against what a fleet can do
    "harness.fleet": FILES | {"harness.wire.auth"},
    "harness.explore": BASE | {"harness.ports", "harness.engine", "harness.scenario", "harness.fleet"},
    "harness.testing": FILES
    | JUDGEMENT
    | {"harness.wire", "harness.connectors", "harness.systems", "harness.evidence", "harness.engine"}
    | {"harness.report", "harness.scenario", "harness.fleet"},
    "harness.session": ENTRY | {"harness.wire"},  # it renders what a scenario sets
    "harness.commands": ENTRY | {"harness.session", "harness.config"},  # durations of options
    "harness.plugin": ENTRY | {"harness.session"},
    "harness.cli": ENTRY | {"harness.plugin", "harness.testing", "harness.session", "harness.commands"},
}
ENDS = {"harness.cli", "harness.plugin"}  # imported by nobody; only the command may start the plugin


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(source: str, module: str, package: bool) -> Iterator[tuple[int, str]]:
    """Line and full name of whatever a module imports, wherever: also in functions and for type checkers only."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = module.split(".")
            here = parts[: len(parts) - node.level + package] if node.level else []
            base = ".".join([*here, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def within(name: str, room: str) -> bool:
    return name == room or name.startswith(f"{room}.")


def room_of(name: str) -> str:
    return max((room for room in MAY if within(name, room)), key=len, default="")


def wrong(source: str, module: str, package: bool = False, adapters: frozenset[str] = frozenset()) -> list[str]:
    """Every import of one module that the house forbids."""
    found = []
    for line, name in imports(source, module, package):
        if not (within(name, "harness") or within(name, "fixtures")):
            continue
        if not allowed(module, name, adapters):
            found.append(f"{module}:{line} imports {name}")
    return found


def allowed(module: str, name: str, adapters: frozenset[str]) -> bool:
    if within(module, "fixtures") or within(name, "fixtures"):
        return within(module, "fixtures") and within(name, "fixtures")  # the sandbox and the harness share no module
    room = room_of(module)
    if room == "harness" and module != "harness":
        return False  # a file outside every room
    if any(within(name, end) and not within(module, end) for end in ENDS):
        return (module, room_of(name)) == ("harness.cli", "harness.plugin")
    other = next((a for a in adapters if within(name, a)), None)
    if other is not None and not within(module, other) and not within(module, "harness.testing"):
        return False  # two adapters, or somebody who picks one
    if name == "harness.__version__" or (room != "harness" and within(name, room)):
        return True
    # `from harness import measure` names the module; `from harness.model import Kind` names a thing in it
    return any(within(name, room) for room in MAY[room])


@cache
def registered() -> frozenset[str]:
    """The modules of the built-in adapters, from the same entry points that third parties use."""
    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    groups = [points["exitproof.systems"], points["exitproof.connectors"]]
    return frozenset(target.partition(":")[0] for group in groups for target in group.values())


def files(*tops: str) -> list[Path]:
    return [p for top in tops for p in sorted((ROOT / top).rglob("*.py")) if not p.name.startswith(".")]


# --- the repository -----------------------------------------------------------------------------


def test_everybody_imports_only_whom_the_house_allows() -> None:
    bad = [
        line
        for path in files("harness", "fixtures")
        for line in wrong(path.read_text(), module_of(path), path.name == "__init__.py", registered())
    ]
    assert not bad, "\n".join(bad)


def test_files_stay_small() -> None:
    lengths = {str(p.relative_to(ROOT)): len(p.read_text().splitlines()) for p in files("harness", "fixtures", "tests")}
    long = [f"{path}: {size} lines" for path, size in lengths.items() if size > LONG.get(path, (LIMIT, ""))[0]]
    assert not long, "\n".join(long)
    idle = [path for path in LONG if lengths.get(path, 0) <= LIMIT]
    assert not idle, f"no longer long, so no exception: {idle}"


def test_every_file_says_its_one_job_in_its_first_line() -> None:
    bad = [str(p.relative_to(ROOT)) for p in files("harness", "fixtures", "tests") if not says_its_job(p.read_text())]
    assert not bad, "\n".join(bad)


def test_no_module_is_a_drawer() -> None:
    bad = [str(p.relative_to(ROOT)) for p in files("harness", "fixtures", "tests") if CROWDED & set(names_of(p))]
    assert not bad, "\n".join(bad)


def names_of(path: Path) -> list[str]:
    return [part.strip("_") for part in path.with_suffix("").parts]


def says_its_job(source: str) -> bool:
    """An empty `__init__.py` has no job; any other file begins with a line of its own."""
    if not source.strip():
        return True
    text = ast.get_docstring(ast.parse(source), clean=False) or ""
    return bool(text.split("\n")[0].strip())


# --- the rules have been seen failing -----------------------------------------------------------

ADAPTERS = frozenset({"harness.systems.http", "harness.systems.scim", "harness.connectors.webhook"})


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("harness.model", "from harness.ports import System"),
        ("harness.judge", "from harness.ports import Clock"),
        ("harness.judge", "import harness.measure"),
        ("harness.measure", "from harness.judge import judge"),
        ("harness.measure", "from harness.history import read"),
        ("harness.ports", "from harness.config import Config"),
        ("harness.config", "from harness.ports import Clock"),
        ("harness.adapter", "from harness.wire.call import Unknown"),
        ("harness.wire.http", "from harness.evidence import ledger"),
        ("harness.wire.http", "from harness.adapter import LimitsConfig"),
        ("harness.systems.http", "from harness.engine import kernel"),
        ("harness.systems.http", "from harness.systems.scim import ADAPTER"),
        ("harness.systems.http", "from . import scim"),
        ("harness.systems.http", "from .scim import ADAPTER"),
        ("harness.systems.http", "from harness.connectors import webhook"),
        ("harness.systems.shared", "from harness.systems.http import ADAPTER"),
        ("harness.connectors.webhook", "from harness.systems import rows"),
        ("harness.connectors.webhook", "def late() -> None:\n    import harness.judge"),
        ("harness.engine.watch", "from harness.systems.http import ADAPTER"),
        ("harness.engine.watch", "from harness.wire import http"),
        ("harness.engine.watch", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import harness.fleet"),
        ("harness.engine.watch", "import harness"),
        ("harness.report.html", "from harness.judge import judge"),
        ("harness.evidence.ledger", "import harness.wire.http"),
        ("harness.engine.run", "from harness import cli"),
        ("harness.testing.contract", "from harness.plugin import Case"),
        ("harness.plugin", "from harness.cli import main"),
        ("harness.cli", "from harness.systems.http import ADAPTER"),
        ("harness.newcomer", "from harness.model import Kind"),
        ("harness.engine.run", "from fixtures.sandbox import hr"),
        ("fixtures.sandbox.hr", "from harness.model import Kind"),
        ("fixtures.sandbox.hr", "import harness"),
    ],
)
def test_a_forbidden_import_is_found(module: str, source: str) -> None:
    assert len(wrong(source, module, adapters=ADAPTERS)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("harness.judge", "from harness.model import Kind\nfrom harness.history import read"),
        ("harness.engine.watch", "from harness import measure\nfrom harness.engine.kernel import Signal"),
        ("harness.engine.watch", "from .kernel import Signal\nfrom . import party"),
        ("harness.wire.http", "from harness.evidence.redact import headers\nfrom harness.ports import Recorder"),
        ("harness.systems.http", "from harness.systems.rows import read\nfrom harness.wire.call import Unknown"),
        ("harness.testing.contract", "from harness.systems.http import ADAPTER"),
        ("harness.plugin", "from harness.engine import run\nfrom harness import __version__"),
        ("harness.cli", "import harness.plugin"),
        ("fixtures.sandbox.hr", "from fixtures.sandbox import crm\nimport json"),
    ],
)
def test_an_allowed_import_is_not(module: str, source: str) -> None:
    assert wrong(source, module, adapters=ADAPTERS) == []


def test_a_package_resolves_its_own_relative_imports() -> None:
    assert list(imports("from .scim import x", "harness.systems", True)) == [(1, "harness.systems.scim.x")]
    assert list(imports("from ..model import x", "harness.systems.http", False)) == [(1, "harness.model.x")]


def test_the_other_rules_have_been_seen_failing() -> None:
    assert says_its_job('"""One job."""\n')
    assert says_its_job("\n")
    assert not says_its_job("import os\n")
    assert not says_its_job('"""\nLater.\n"""\n')
    assert CROWDED & set(names_of(Path("harness/wire/_helpers.py")))
    assert CROWDED & set(names_of(Path("harness/common/x.py")))
    assert not CROWDED & set(names_of(Path("harness/wire/http.py")))
