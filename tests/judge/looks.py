"""How the judge's tests write looks down: one letter each, at a second of the case's time."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from harness.judge import Expects, Question
from harness.model import SECOND, Keep, Kind, Observation, Phase, Presence, Subject, Vantage

DEADLINE = 60 * SECOND
SETTLE = 10 * SECOND
KEEP = Keep("crm", Kind.LICENSE, "*", "retention MB-7", "crm@example.test", date(2099, 1, 1))

_PHASES = {
    "F": Phase.PREFLIGHT,
    "B": Phase.BASELINE,
    "W": Phase.WATCH,
    "C": Phase.CLOSING,
    "S": Phase.STEP,
    "H": Phase.HOLD,
    "X": Phase.CLEANUP,
}
_SEEN = {"+": Presence.PRESENT, "-": Presence.ABSENT, "?": Presence.UNKNOWN}

QUESTION = Question(
    Subject.LEAVER,
    "crm",
    Kind.LICENSE,
    "sales-pro",
    "s-91",
    Vantage.ADMIN,
    deadline=DEADLINE,
    settle=SETTLE,
    owed=("hold",),
)
DEMANDED = replace(QUESTION, expects=Expects.HAS)
BYSTANDER = replace(QUESTION, subject=Subject.BYSTANDER, expects=Expects.INTACT, deadline=None)


def story(text: str) -> list[Observation]:
    """`"B+0 W-5 W?7 H-80"`: phase, what was seen (`+` present, `-` absent beside a living control, `?` unknown, `!`
    absent with every control lost), second. Each look takes one second; a `H` look is at the checkpoint `hold`, a `S`
    look at `step`. Each is its own round, numbered as written."""
    return [look(word, number) for number, word in enumerate(text.split(), 1)]


def look(word: str, number: int = 1) -> Observation:
    phase, sign, sent = _PHASES[word[0]], word[1], int(word[2:]) * SECOND
    seen = _SEEN["-" if sign == "!" else sign]
    return Observation(
        seen,
        phase,
        number,
        sent,
        sent + SECOND,
        reason="503 from the list" if sign == "?" else "",
        checkpoint={Phase.HOLD: "hold", Phase.STEP: "step"}.get(phase, ""),
        control="bystander-1" if sign == "-" else "",
        control_lost=sign == "!",
    )
