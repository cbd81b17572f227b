"""A run that dies at any record of its journal and is resumed: the same verdicts, no event twice, nothing left."""

from __future__ import annotations

import pytest

from harness.model import SECOND, Kind, ObjectSpec, Outcome, Step, Verdict
from tests.engine.interrupted import Ended, told
from tests.engine.world import entitlement, make_case

SHARED = ObjectSpec("team-inbox", "mail", Kind.GROUP)
CASES = (
    make_case(
        "first",
        access=(
            entitlement("crm", "license", "pro"),
            entitlement("crm", "credential", "api"),
            entitlement("mail", "group", "team-inbox"),
        ),
        objects=(SHARED,),
        then=(Step(event="sync"),),
        hold=(5 * SECOND, 20 * SECOND),
    ),
    make_case("second", access=(entitlement("crm", "group", "all"),)),
)


def world(**more: object) -> Ended:
    made = Ended("crm", "mail", **more)  # type: ignore[arg-type]
    made.connector.acts["sync"] = []
    return made


def length() -> int:
    made = world()
    assert made.live(CASES) is not None
    return len(made.journal.records)


def undisturbed(**more: object) -> dict[tuple[str, ...], Outcome]:
    run = world(**more).live(CASES)
    assert run is not None
    assert run.verdict is Verdict.PASS, [(f.name, f.outcome, f.reason) for r in run.cases for f in r.findings]
    return told(run)


def spent(made: Ended, at: int, *, kept: bool) -> dict[tuple[str, ...], Outcome]:
    """A sign-in that was the last of the three which a case may have refused, and that nobody heard the answer of."""
    last = made.journal.records[at]
    if not kept or last["op"] != "use":
        return {}
    same = [[r["identity"], r["place"]] for r in made.journal.records[: at + 1] if r["op"] == "use"]
    if same.count([last["identity"], last["place"]]) < 3:
        return {}
    case = next(r["case"] for r in made.journal.records if r.get("identity") == last["identity"])
    return {(case, "leaver", last["place"], "account", "account", "leaver", "login"): Outcome.INCONCLUSIVE}


DEATHS = [(at, kept) for at in range(length()) for kept in (False, True)]


@pytest.mark.parametrize("more", [{"idempotent": True}, {"asks": True}], ids=["idempotent", "asked"])
def test_at_every_record_the_verdicts_are_those_of_a_run_that_nobody_killed(more: dict[str, bool]) -> None:
    expected = undisturbed(**more)
    for at, kept in DEATHS:
        made = world(**more)
        assert made.live(CASES, at, kept=kept) is None
        run = made.again(CASES)
        assert run is not None
        where = (at, kept, made.journal.records[at - 1 : at + 1])
        assert told(run) == expected | spent(made, at, kept=kept), (*where, run.cases)
        assert len(made.connector.effective) == len(set(made.connector.effective)) == 3, (*where, made.connector.fired)
        # An object whose making was never answered may be somebody else's: it is told, and not removed.
        doubtful = [text for text in run.cleanup.leftovers if "may have been made" in text]
        assert made.left() == (["mail team-inbox"] if doubtful else []), where
        assert run.cleanup.leftovers == tuple(doubtful), where
        assert all(result.cleanup.complete for result in run.cases), where
