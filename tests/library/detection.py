"""Makes docs/detection.md from an examination of the bundled stories: `python -m tests.library.detection`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.commands.examination import SEEDS
from harness.examine import Examination, Row, Trial, examine
from harness.examine.page import seconds
from harness.session.virtual import planted
from tests.library.drilled import FILES

PAGE = Path(__file__).parents[2] / "docs/detection.md"

INTRODUCTION = """# What the bundled stories detect

<!-- Written by `make docs` from `exitproof examine`; tests make a part of it again and compare. -->

A check that has never failed proves little. So every defect of the [sandbox](connector-engineers.md#the-sandbox) was
planted, one at a time, and every one of the [bundled stories](scenarios.md) was run against it; and all of them were
run against a connector that does nothing wrong. Where a defect must show is declared with it, before any run; a
finding elsewhere does not count. No story names a defect.

**{detected} of {planted} planted defects are seen** by at least one of {stories} stories. **{alarms} false alarms** in
{trials} trials of the correct connector, {cases} cases each; a seed varies latency, order, page size, how late readers
see changes, names, and what other people do meanwhile.

```console
$ exitproof examine                              # makes all of it again: a matrix as HTML and as JSON
$ exitproof examine my-scenarios --defect realistic
```

Times are of virtual time, where every deadline is {within}: from the leave event to the look that shows it. What comes
back or is taken from a bystander can be seen before the deadline; what remains may still go until then. The JSON has a
schema: `exitproof schema detection`.
"""

LEGEND = """## Defect by defect

*Where*: system and kind at which it must show; `claim` is what the connector says of itself. *Seen by*: how many
stories.
"""


def page(made: Examination) -> str:
    """Markdown: the counts, a row for each defect, and for each story which defects it alone sees."""
    cases = made.trials[0].cases if made.trials else 0
    counts = {"detected": len(made.counted) - len(made.missed), "planted": len(made.counted)}
    told = {"alarms": made.alarms, "trials": len(made.trials), "stories": len(made.stories), "cases": cases}
    unseen = [row for row in made.rows if row.unseen]
    parts = [
        INTRODUCTION.format(**counts, **told, within=seconds(made.within_ms)),
        LEGEND,
        _table(("defect", "where", "seen by", "soonest by", "vantage", "after"), map(_defect, made.counted)),
        *(["## What cannot show on this fleet\n", _table(("defect", "why"), map(_unseen, unseen))] if unseen else []),
        "## Story by story\n",
        _table(("story", "sees", "alone"), (_story(made, story) for story in made.stories)),
        "## The correct connector\n",
        _table(("seed", *_heads(made), "false alarms"), map(_trial, made.trials)),
    ]
    return "\n".join(parts)


def _defect(row: Row) -> Sequence[str]:
    where = ", ".join(f"`{place}`" for place in row.shows)
    named = f"[{row.id}]({row.source})"
    if not row.found_by:
        return (named, where, "**none**", "–", "–", "–")
    cell = row.fastest or row.found_by[0]
    first = cell.first
    soonest = (first.vantage, seconds(first.after_ms)) if first else ("claim", "–")
    return (named, where, str(len(row.found_by)), _link(cell.story), *soonest)


def row_line(row: Row) -> str:
    """A defect as the page tells it."""
    return _line(_defect(row))


def trial_line(trial: Trial) -> str:
    return _line(_trial(trial))


def _unseen(row: Row) -> Sequence[str]:
    return (f"[{row.id}]({row.source})", row.unseen)


def _story(made: Examination, story: str) -> Sequence[str]:
    seen = [row for row in made.counted if any(cell.story == story for cell in row.found_by)]
    alone = [row.id for row in seen if len(row.found_by) == 1]
    return (_link(story), str(len(seen)), ", ".join(f"`{each}`" for each in alone) or "–")


def _heads(made: Examination) -> Sequence[str]:
    return tuple(made.trials[0].conditions) if made.trials else ()


def _trial(trial: Trial) -> Sequence[str]:
    return (str(trial.seed), *(f"`{value}`" for value in trial.conditions.values()), str(len(trial.alarms)))


def _link(story: str) -> str:
    return f"[{story}](scenarios.md#{''.join(letter for letter in story if letter.isalnum() or letter in '-_')})"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "".join(f"{_line(cells)}\n" for cells in (head, ["---"] * len(head), *rows))


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def examined() -> Examination:
    """All of it, on every core."""
    return examine(FILES, planted(), SEEDS)


if __name__ == "__main__":
    PAGE.write_text(page(examined()), "utf-8")
