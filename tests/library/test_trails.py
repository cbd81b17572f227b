"""A story that wants every removal in the systems' own trails: where there is no trail, and where it cannot be read."""

from __future__ import annotations

from harness.model import Finding, Outcome, RunResult, Vantage
from harness.session.virtual import Ground, load, rehearse
from tests.library.drilled import FILES

STORY = "terminate/on-the-record"


def run(*lacking: str) -> RunResult:
    return rehearse(load(file for file in FILES if file.id == STORY).cases, Ground(lacking=lacking))


def found(made: RunResult, system: str) -> list[Finding]:
    (case,) = made.cases
    return [f for f in case.findings if f.system == system and f.vantage is Vantage.ADMIN]


def test_what_stands_in_the_trail_is_cited_and_a_system_without_one_is_told() -> None:
    made = run()
    for system in ("crm", "mail", "code"):
        assert all(any(note.startswith("trail: ") and " by hr-connector" in note for note in f.notes)
                   for f in found(made, system))  # fmt: skip
    without = found(made, "directory")
    assert {f.outcome for f in without} == {Outcome.REVOKED}
    assert all("the system keeps no trail that could be asked" in f.notes for f in without)


def test_a_trail_that_cannot_be_read_proves_nothing() -> None:
    made = run("crm.audit:read")
    assert {f.outcome for f in found(made, "crm")} == {Outcome.INCONCLUSIVE}
    assert all("trail could not be read" in f.reason for f in found(made, "crm"))
    assert {f.outcome for f in found(made, "mail")} == {Outcome.REVOKED}
