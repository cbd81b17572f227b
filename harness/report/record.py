"""A run as records of its ledger, and back: what report.html and the rest are made from, with nothing left out.

An observation is cited by the hash of its own record. Mappings keep their order, because results.json shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.evidence.plain import Reader, plain
from harness.model import CaseResult, Deselected, RunResult
from harness.report.about import About

CASE, RUN = "case", "run"


@dataclass(frozen=True, slots=True)
class Share:
    """What one process of a run told: all of it, or a worker's part. `deselected` is the whole run's."""

    result: RunResult
    about: About
    deselected: tuple[Deselected, ...]


def records(share: Share) -> Iterator[dict[str, Any]]:
    """One record per case, then one for the rest: no line of a large run grows without bounds."""
    for case in share.result.cases:
        yield {"type": CASE, "told": plain(case)}
    rest = replace(share.result, cases=())
    yield {"type": RUN, "told": plain(rest), "about": plain(share.about), "deselected": plain(share.deselected)}


def share(found: Sequence[Mapping[str, Any]], hashes: Sequence[str]) -> Share | None:
    """The share that the records of one ledger tell; None: the process ended before it could. `hashes` are those of
    the records' lines. Raises ValueError for records of another version of this program, or that are none."""
    seen = {name: record for name, record in zip(hashes, found, strict=True) if record.get("type") == "observation"}
    last = next((record for record in reversed(found) if record.get("type") == RUN), None)
    if last is None:
        return None
    read = Reader(seen)
    # A process may have ended while it told, and the next one told all of it.
    since = max((n for n, record in enumerate(found) if record.get("type") == "resume"), default=0)
    try:
        cases = tuple(read.value(CaseResult, record["told"]) for record in found[since:] if record.get("type") == CASE)
        rest: RunResult = read.value(RunResult, last["told"])
        about: About = read.value(About, last["about"])
        deselected: tuple[Deselected, ...] = read.value(tuple[Deselected, ...], last["deselected"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not told by this version of exitproof: {type(error).__name__}: {error}") from None
    return Share(replace(rest, cases=cases), about, deselected)
