"""selftest.html: which probes are qualified and which are not, in the look of the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.qualification import Demand, Probe, Standing
from harness.report.document import encoded
from harness.report.html import Frame
from harness.report.show import count

LOOKS = {
    Standing.QUALIFIED: "pass",
    Standing.UNPROVEN: "unseen",
    Standing.BLIND: "inconclusive",
    Standing.LYING: "fail",
}
MEANING = {
    Standing.QUALIFIED: "it saw what was planted, not what was taken away, and nothing while it was broken",
    Standing.UNPROVEN: "something could not be tried: nothing is known of it",
    Standing.BLIND: "it did not see what was there, or still saw what was not: its passes do not count",
    Standing.LYING: "it said absent of what was there: its passes do not count, and whoever wrote it must know",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One demand on one probe; `look` names the icon."""

    look: str
    word: str
    reason: str


@dataclass(frozen=True, slots=True)
class Line:
    probe: Probe
    look: str
    cells: tuple[Cell, ...]  # in the order of demands


def selftest_page(document: Mapping[str, Any], probes: Sequence[Probe], signing_key: str) -> str:
    """The same self-test gives the same bytes. `document` is selftest.json."""
    counts = Counter(probe.standing for probe in probes)
    verdict, headline, detail = answer(counts, document)
    order = (Standing.LYING, Standing.BLIND, Standing.UNPROVEN, Standing.QUALIFIED)
    lines = [Line(probe, LOOKS[probe.standing], _cells(probe)) for probe in probes]
    return Frame(str(document["run"]["id"]), encoded(document), signing_key, "selftest.json").fill(
        "selftest.html.j2",
        told=document,
        verdict=verdict,
        headline=headline,
        detail=detail,
        chips=[(LOOKS[one], counts[one], one.value) for one in order if counts[one]],
        lines=lines,
        unfit=[line for line in lines if line.probe.standing is not Standing.QUALIFIED],
        demands=[(demand.value, demand.wants.value) for demand in Demand],
        meaning=[(LOOKS[one], one.value, MEANING[one]) for one in order],
        signing_key=signing_key,
    )


def answer(counts: Mapping[Standing, int], document: Mapping[str, Any]) -> tuple[str, str, str]:
    """Verdict word, the answer, and the sentence below it."""
    whole = count(sum(counts.values()), "probe")
    if lying := counts.get(Standing.LYING, 0):
        return (
            "fail",
            f"No: {lying} of {whole} said absent of what was there.",
            MEANING[Standing.LYING].capitalize() + ".",
        )
    if blind := counts.get(Standing.BLIND, 0):
        verb = "is" if blind == 1 else "are"
        return "inconclusive", f"No: {blind} of {whole} {verb} blind.", "Later runs of this fleet pass nothing there."
    if unproven := counts.get(Standing.UNPROVEN, 0):
        return (
            "inconclusive",
            f"Not all: {unproven} of {whole} could not be tried.",
            MEANING[Standing.UNPROVEN].capitalize() + ".",
        )
    if document["faults"]:
        return "inconclusive", "Not proven.", "The harness itself failed on the way."
    if document["cleanup"]["leftovers"] or document["inventory"]["changed"]:
        return "inconclusive", "Yes, but something is left.", "The fleet is not as it was before."
    return "pass", f"Yes: all {whole}.", "And the fleet is as it was before, byte for byte in its own inventory."


def _cells(probe: Probe) -> tuple[Cell, ...]:
    tried = {trial.demand: trial for trial in probe.trials}
    made = []
    for demand in Demand:
        trial = tried.get(demand)
        if trial is None:
            made.append(Cell("none", "–", ""))
        elif trial.seen is None:
            made.append(Cell("unseen", "not tried", trial.reason))
        else:
            made.append(
                Cell("pass" if trial.met else "fail" if trial.lied else "inconclusive", trial.seen.value, trial.reason)
            )
    return tuple(made)
