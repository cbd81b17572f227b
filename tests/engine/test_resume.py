"""A run that dies at any record of its journal and is resumed: the same verdicts, no event twice, nothing left."""

from __future__ import annotations

import pytest

from harness.model import SECOND, Demand, Event, Kind, ObjectSpec, Outcome, Step, Subject, Vantage, Verdict
from harness.ports import Person
from tests.engine.interrupted import Ended, told
from tests.engine.memory import MemoryConnector
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


def unheard(made: Ended, until: int) -> set[str]:
    """Leave events that were handed over before a record, and not answered."""
    events = [r for r in made.journal.records[:until] if r["op"] == "event" and r["step"] == "leave"]
    states = {state: {r["event_id"] for r in events if r["state"] == state} for state in ("sent", "answered")}
    return states["sent"] - states["answered"]


def test_an_event_in_doubt_is_never_sent_twice_and_nothing_passes_that_was_not_seen() -> None:
    expected, unsure = undisturbed(), 0
    for at, kept in DEATHS:
        made = world()
        made.live(CASES, at, kept=kept)
        run = made.again(CASES)
        assert run is not None
        assert len(made.connector.fired) == len(set(made.connector.fired)) <= 3, (at, kept, made.connector.fired)
        changed = {key: outcome for key, outcome in told(run).items() if outcome is not expected[key]}
        assert set(changed.values()) <= {Outcome.INCONCLUSIVE}, (at, kept, changed)
        assert bool(changed) == bool(unheard(made, at + kept)) or spent(made, at, kept=kept), (at, kept, changed)
        unsure += bool(changed)
        assert made.left() == (["mail team-inbox"] if run.cleanup.leftovers else []), (at, kept)
    assert unsure >= 4  # each leave event, sent or not, whose answer nobody heard


def test_without_a_key_what_needs_a_secret_is_inconclusive_and_says_so() -> None:
    expected = undisturbed(idempotent=True)
    admin = {key: outcome for key, outcome in expected.items() if Vantage.ADMIN in key}
    lost = 0
    for at, kept in DEATHS[::3]:
        made = world(idempotent=True, key=False)
        made.live(CASES, at, kept=kept)
        run = made.again(CASES)
        assert run is not None
        assert told(run, Vantage.ADMIN) == admin, (at, kept)
        for finding in (f for r in run.cases for f in r.findings if f.vantage is Vantage.LEAVER):
            if finding.outcome is not Outcome.REVOKED:
                assert finding.outcome is Outcome.INCONCLUSIVE
                assert "secret" in finding.reason or "before an answer came" in finding.reason, (at, kept, finding)
                lost += 1
        assert made.left() == (["mail team-inbox"] if run.cleanup.leftovers else []), (at, kept)
    assert lost


def residual(connector: MemoryConnector, event: Event, person: Person) -> None:
    """Forgets the mail system, and the licences."""
    for name, account in person.accounts.items():
        user = connector.systems[name].users.get(account.id)
        if user and name != "mail":
            user.active = False
            user.rows.pop(Kind.GROUP, None)
            user.rows.pop(Kind.CREDENTIAL, None)


def test_what_remains_is_found_wherever_the_run_was_cut() -> None:
    def broken() -> Ended:
        made = world(idempotent=True)
        made.connector.acts["terminate"] = [residual]
        return made

    first = broken()
    run = first.live(CASES)
    assert run is not None
    expected = told(run)
    assert Outcome.RESIDUAL in expected.values()
    for at in range(0, len(first.journal.records), 4):
        made = broken()
        made.live(CASES, at, kept=bool(at % 8))
        again = made.again(CASES)
        assert again is not None
        assert told(again) == expected | spent(made, at, kept=bool(at % 8)), at


def test_a_process_that_dies_again_and_again_gets_there() -> None:
    case = CASES[1]
    expected = {key: outcome for key, outcome in undisturbed(idempotent=True).items() if key[0] == case.id}
    made = world(idempotent=True)
    assert made.live([case], 45) is None
    run = None
    while run is None:
        run = made.again([case], at=len(made.journal.records) + 7, kept=bool(made.died % 2))
    assert made.died > 5
    assert told(run) == expected, run.cases
    assert len(made.connector.effective) == 1
    assert not made.left()
    assert len(run.notes) == made.died
    assert all(note.startswith("interrupted: no process of this run was there from") for note in run.notes)


def test_a_deadline_in_a_gap_is_inconclusive_and_the_gap_is_told() -> None:
    case = CASES[1]
    whole = world(idempotent=True)
    whole.live([case])
    left = next(n for n, r in enumerate(whole.journal.records) if r["op"] == "checkpoint" and r["stage"] == "left")
    made = world(idempotent=True)
    made.live([case], left, kept=True)
    run = made.again([case], after=3600 * SECOND)
    assert run is not None
    assert {f.outcome for f in run.cases[0].findings if f.subject is Subject.LEAVER} == {Outcome.INCONCLUSIVE}
    gap = next(note for note in run.cases[0].notes if note.startswith("interrupted: nobody looked from"))
    finding = run.cases[0].findings[0]
    assert "after the deadline" in finding.reason
    assert any(gap.removeprefix("interrupted: ") in note for note in finding.notes), finding


def test_a_rehire_killed_at_any_record_is_the_same_rehire() -> None:
    def come_back(connector: MemoryConnector, event: Event, person: Person) -> None:
        for name, account in person.accounts.items():
            connector.systems[name].users[account.id].active = True

    back = Demand((entitlement("crm", "account"),), gone="old")
    steps = (Step(replay=True), Step("rejoin", set={"department": "Sales"}, demand=back))
    case = make_case(
        "rehire", access=(entitlement("crm", "license", "pro"),), then=steps, attributes={"department": "A"}
    )

    def made_new() -> Ended:
        made = Ended("crm", idempotent=True)
        made.connector.acts["rejoin"] = [come_back]
        return made

    whole = made_new()
    run = whole.live([case])
    assert run is not None
    assert run.verdict is Verdict.PASS, [(f.name, f.outcome, f.reason) for f in run.cases[0].findings]
    for at in range(len(whole.journal.records)):
        for kept in (False, True):
            made = made_new()
            made.live([case], at, kept=kept)
            again = made.again([case])
            assert again is not None
            where = (at, kept, made.journal.records[at])
            changed = {key for key, outcome in told(again).items() if outcome is not told(run)[key]}
            if changed:  # one sign-in less than it takes: its answer nobody heard, and a case has only three
                assert kept, where
                assert made.journal.records[at]["op"] == "use", where
                assert {(key[-1], told(again)[key]) for key in changed} == {("login", Outcome.INCONCLUSIVE)}, where
            assert len(made.connector.effective) == 2, where
            assert not made.left(), where


def test_what_has_nothing_to_do_for_days_waits_without_a_process() -> None:
    day = 86_400 * SECOND
    case = make_case("long", access=(entitlement("crm", "license", "pro"),), hold=(5 * SECOND, day, 30 * day))
    short = make_case("short", access=(entitlement("crm", "group", "all"),))
    whole = world(idempotent=True)
    run = whole.live([case, short])
    assert run is not None
    made = world(idempotent=True, leaves=True)
    left = made.live([case, short])
    began = made.kernel.now()
    assert left is None
    assert made.until - began > day - 60 * SECOND
    assert {r["case"] for r in made.journal.records if r["op"] == "done"} == {"short"}
    assert made.left(), "whoever is watched for a month must still be there"
    assert made.again([case, short], after=made.until - began) is None
    assert made.until - made.kernel.now() > 28 * day
    done = made.again([case, short], after=made.until - made.kernel.now())
    assert done is not None
    assert told(done) == told(run)
    assert len(made.connector.effective) == 2
    assert not made.left()
    assert all(note.startswith("left waiting for its next look from") for note in done.notes), done.notes
    assert not any("nobody looked" in note for result in done.cases for note in result.notes)
