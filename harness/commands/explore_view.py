"""The progress of an exploration on a terminal, and its summary."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from harness.session.exploring import Exploration


class Shown:
    """A few lines that are rewritten in place; nothing of the kind where stderr is no terminal. What is said stays;
    where it is `quiet`, on stderr."""

    def __init__(self, *, quiet: bool) -> None:
        self._console = Console(stderr=True)
        self._said = self._console if quiet else Console(soft_wrap=True)
        self._going: Exploration | None = None
        self._live: Live | None = None

    def say(self, line: str) -> None:
        to = self._live.console if self._live is not None else self._said
        to.print(Text(line), soft_wrap=True)

    def update(self, going: Exploration) -> None:
        self._going = going

    def _table(self) -> Table:
        return table(self._going) if self._going is not None else Table.grid()

    def __enter__(self) -> Shown:
        if self._console.is_terminal:
            self._live = Live(console=self._console, get_renderable=self._table, refresh_per_second=4, transient=True)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


def table(going: Exploration) -> Table:
    search = going.search
    made = Table.grid(padding=(0, 2))
    if search is None:
        return made
    many = f" of {search.examples}" if search.examples else ""
    made.add_row("leavers", f"{search.drawn}{many}")
    made.add_row("found", str(len(going.written)))
    if search.target is not None:
        made.add_row("making smaller", Text(f"{search.target} ({search.shrinks} tried)"))
    made.add_row("time left", f"{max(0, int(going.left)) // 60}m {max(0, int(going.left)) % 60:02d}s")
    return made


def summary(going: Exploration, kept: Sequence[Path]) -> Iterator[str]:
    told = going.plain()
    troubles, unsure = going.troubles, going.unsure
    yield (
        f"seed {told['seed']}: {told['leavers']} leavers, {told['tried']} tries in {told['seconds']}s, "
        f"trace {told['trace']}: {told['verdict']}"
    )
    if troubles:
        reason, _ = troubles.most_common(1)[0]
        yield f"{troubles.total()} could not be set up, most often: {reason}"
    for failure, times in unsure.most_common():
        yield f"could not be told in {times} tries: {failure.kind} in {failure.system}"
    still = [path for path, fails in going.earlier.items() if fails]
    if still:
        yield f"{len(still)} found earlier still {'fails' if len(still) == 1 else 'fail'}"
    if going.written:
        yield f"{len(going.written)} found now; run them with: exitproof run {going.wanted.out}"
    for folder in kept:
        yield f"something may be left: exitproof cleanup {folder}"
