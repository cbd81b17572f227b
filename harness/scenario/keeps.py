"""What may stay in a case: the scenario's own `keep` entries, and those of the fleet that speak of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from fnmatch import fnmatchcase

from harness.model import NOTHING, Keep, Problem
from harness.scenario.access import AccessBinder
from harness.scenario.matrix import ALLOWED, known
from harness.scenario.model import KeepModel, ScenarioModel
from harness.scenario.terms import Terms
from harness.source import DataPath, Source
from harness.source.problems import unknown


class Keeps:
    """Binds the exceptions of one file. `wide` are the fleet's, bound already."""

    def __init__(
        self, source: Source, model: ScenarioModel, terms: Terms, wide: Sequence[Keep], problems: list[Problem]
    ) -> None:
        self._source, self._terms, self._wide, self._problems = source, terms, wide, problems
        self._entries = model.expect.keep
        self._used: set[int] = set()

    def check(self, access: AccessBinder, today: date) -> None:
        for index, keep in enumerate(self._entries):
            at: DataPath = ("expect", "keep", index)
            if keep.until < today:
                message = "this exception has expired"
                self._problems.append(self._source.problem((*at, "until"), message, keep.until.isoformat()))
            if keep.system != "any":
                access.system(keep.system, (*at, "system"), also=("any",))
            for field in keep.when:
                if not known(field):
                    where = (*at, "when", field)
                    self._problems.append(unknown(self._source, where, "field in `when`", field, ALLOWED, key=True))

    def of(self, scenario: str, text: Callable[[str], str]) -> tuple[Keep, ...]:
        """Those that hold in one case, the scenario's own first; `text` tells a field of the case as written."""
        made = []
        for index, keep in enumerate(self._entries):
            if all(text(field) == value for field, value in keep.when.items()):
                self._used.add(index)
                made.append(self._keep(index, keep))
        for wide in self._wide:
            holds = all(text(field) == value for field, value in wide.when.items())
            if holds and fnmatchcase(scenario, wide.scenario):
                made.append(wide)
        return tuple(made)

    def unused(self) -> None:
        """Complains about the file's own exceptions whose `when` holds in none of its cases: never to be tried."""
        for index in set(range(len(self._entries))) - self._used:
            at = ("expect", "keep", index, "when")
            self._problems.append(self._source.problem(at, "this holds in no case of the file", key=True))

    def _keep(self, index: int, keep: KeepModel) -> Keep:
        raw = self._source.data["expect"]["keep"][index]
        return Keep(
            system="any" if keep.system == "any" else self._terms.system(keep.system),
            kind=keep.kind,
            name=self._terms.name(keep.system, keep.kind, keep.name),
            reason=keep.reason,
            owner=keep.owner,
            until=keep.until,
            when=keep.when or NOTHING,
            where=f"{self._source.file}:{self._source.line(raw)}",
        )
