"""detection.html: which story found which defect, how soon and from which vantage, in the look of the report."""

from __future__ import annotations

from dataclasses import dataclass

from harness.examine.model import Cell, Examination, Row, plain
from harness.report.document import encoded
from harness.report.html import Frame
from harness.report.show import count


@dataclass(frozen=True, slots=True)
class Mark:
    """One cell as a person sees it: `look` names the icon, `word` says it, `detail` stands beside it."""

    look: str
    word: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    row: Row
    look: str
    word: str
    marks: tuple[Mark, ...]  # in the order of the stories


def detection_page(made: Examination) -> str:
    """The same examination gives the same bytes."""
    look, headline, detail = answer(made)
    return Frame("detection", encoded(plain(made)), "", "detection.json").fill(
        "detection.html.j2",
        made=made,
        verdict=look,
        headline=headline,
        detail=detail,
        stories=[(number, story) for number, story in enumerate(made.stories, 1)],
        lines=[_line(row) for row in made.rows],
        meaning=MEANING,
        within=seconds(made.within_ms),
        seconds=seconds,
    )


MEANING = (
    ("pass", "seen", "a finding fails where the defect must show, or the connector's false claim is told"),
    ("inconclusive", "other", "something fails or is undecided, but not where the defect must show: it does not count"),
    ("none", "no", "the story passes: it does not meet this defect"),
)


def answer(made: Examination) -> tuple[str, str, str]:
    """Verdict word, the answer to whether the stories could have seen it, and the sentence below."""
    planted, missed = len(made.counted), len(made.missed)
    tried = f"{count(made.alarms, 'false alarm')} in {count(len(made.trials), 'trial')} of the correct connector."
    if missed:
        names = ", ".join(row.id for row in made.missed)
        return (
            "fail",
            f"No: of {count(planted, 'planted defect')}, {missed} {'is' if missed == 1 else 'are'} seen by no story.",
            f"Missed: {names}. {tried}",
        )
    if made.alarms:
        return "fail", f"{_all(planted).capitalize()} seen, and what is right is blamed as well.", tried
    return "pass", f"Yes: {_all(planted)} seen.", tried


def _all(planted: int) -> str:
    return "the planted defect is" if planted == 1 else f"all {planted} planted defects are"


def seconds(milliseconds: int | None) -> str:
    return "–" if milliseconds is None else f"{milliseconds / 1000:.1f} s"


def _line(row: Row) -> Line:
    if row.unseen:
        look, word = "unseen", "cannot show"
    elif row.detected:
        look, word = "pass", "detected"
    else:
        look, word = "fail", "missed"
    return Line(row, look, word, tuple(_mark(cell) for cell in row.cells))


def _mark(cell: Cell) -> Mark:
    if cell.detected:
        first = cell.first
        return Mark("pass", "seen", seconds(first.after_ms) if first else "claim")
    if cell.verdict != "pass":
        return Mark("inconclusive", "other", cell.verdict)
    return Mark("none", "no")
