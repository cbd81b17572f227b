"""`exitproof demo`: the bundled stories against a sandbox whose connector makes everyday mistakes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path

import pytest

from harness.model import BadInput, Problem, RunResult, Verdict
from harness.report.tally import tally


class Witness:
    """Keeps what a run told when its session is over, and lets the plugin's line be the last."""

    def __init__(self, ask: Callable[[pytest.Config], RunResult | None]) -> None:
        self._ask = ask
        self.told: RunResult | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_terminal_summary(self, config: pytest.Config) -> None:
        config.option.verbose = -2  # no count of failed tests below: here they are what was to be shown

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self, config: pytest.Config) -> None:
        self.told = self._ask(config)


def library() -> Path:
    """The bundled stories: inside the package where it was installed, beside it in a checkout."""
    package = Path(str(files("harness")))
    for folder in (package / "library" / "scenarios", package.parent / "scenarios"):
        if folder.is_dir():
            return folder
    raise BadInput([Problem(str(package), 1, 1, "the bundled scenarios are not there: install exitproof again")])


def demo(more: Sequence[str], out: Path | None, ask: Callable[[pytest.Config], RunResult | None]) -> tuple[int, str]:
    """Runs it; the plugin's line about the run and the report's path come last. Answers the exit code, 0 where
    the mistakes were found, and what else is to be said."""
    stories = library()
    # Nothing of the working folder may get in: no ini, no conftest, no cache, no options, no plugin but our own two.
    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
        os.environ.pop(name, None)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    witness = Witness(ask)
    with tempfile.TemporaryDirectory() as empty:
        ini = Path(empty) / "pytest.ini"
        ini.write_text("[pytest]\n", encoding="utf-8")
        alone = ["-c", str(ini), f"--rootdir={stories}", "--noconftest", "-p", "no:cacheprovider"]
        ours = ["-p", "exitproof", "-p", "xdist"]
        place = [f"--out={out}"] if out else []
        arguments = [*alone, *ours, "--no-header", "--tb=no", "-r", "N"]
        arguments += ["--fleet=sandbox", "--defect=realistic", *place, *more, str(stories)]
        code = int(pytest.main(arguments, plugins=[witness]))
    if code not in (0, 1):
        return code, ""
    outcome = witness.told
    if outcome is not None and outcome.verdict is Verdict.FAIL and tally(outcome).works:
        return 0, ""
    return 1, "The demonstration did not work: no mistake of the connector was found."
