"""One case is one item, which waits for its own verdict."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from harness.model import Case, CaseResult, Verdict, iso
from harness.report.text import case_table
from harness.session.state import KEY


class ScenarioFile(pytest.File):
    def collect(self) -> Iterable[CaseItem]:
        session = self.config.stash[KEY]
        for case in session.by_file[str(self.path)]:
            yield CaseItem.from_parent(self, name=case.id.rpartition("/")[2], case=case)


class CaseItem(pytest.Item):
    """Waits in `setup`, so that what is inconclusive is an error, and what failed is a failure. Either text is a table
    of findings, not a stack."""

    def __init__(self, *, case: Case, **more: Any) -> None:
        super().__init__(**more)
        self.case = case
        self.result: CaseResult | None = None
        for tag in case.tags:
            self.add_marker(tag)

    def setup(self) -> None:
        session = self.config.stash[KEY]
        run = session.drill.run if session.drill else None
        if run is None or not run.has(self.case.id):
            pytest.fail(f"{self.case.id}: it was never started in this process", pytrace=False)
        while self.result is None:
            self.result = run.result(self.case.id, timeout=0.2)
            if self.case.id in run.waiting:
                pytest.fail(f"{self.case.id}: waits for its look at {iso(run.waiting[self.case.id])}", pytrace=False)
            if self.result is None and run.ended:
                why = run.fault or "stopped"
                pytest.fail(f"{self.case.id}: the engine ended before this case: {why}", pytrace=False)
            if session.progress is not None:
                session.progress.update(run.snapshot())
        if session.progress is not None:
            session.progress.pause()
        if self.result.verdict is Verdict.INCONCLUSIVE:
            pytest.fail(case_table(self.result), pytrace=False)

    def runtest(self) -> None:
        assert self.result is not None  # noqa: S101  set up
        if self.result.verdict is not Verdict.PASS:
            pytest.fail(case_table(self.result), pytrace=False)

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, self.case.id
