"""The laws of a round: when a look may say `absent`, and every way in which it may not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import measure
from harness.measure import Seen, Witness
from harness.model import AccountSight, Kind, Listing, ListState, Look, Presence, Row, Used

ABSENT, PRESENT, UNKNOWN = Presence.ABSENT, Presence.PRESENT, Presence.UNKNOWN
KIND = Kind.LICENSE
MINE, THEIRS = Row("s-91", "sales-pro"), Row("s-7", "sales-pro")
THERE = AccountSight(PRESENT, True, sent=10, answered=20, evidence=("account",))
DELETED = replace(THERE, presence=ABSENT, record=False, reason="404")
DISABLED = replace(THERE, presence=ABSENT, reason="")
FILLED = Listing(KIND, ListState.COMPLETE, (MINE,), sent=30, answered=40, evidence=("list",))
EMPTY = replace(FILLED, rows=())


def look(*lists: Listing, account: AccountSight = THERE) -> Look:
    return Look(account, lists)


def control(listing: Listing | None = None, *, account: AccountSight = THERE, holds: str = "s-7") -> Witness:
    lists = (listing or replace(FILLED, rows=(THEIRS,)),)
    return Witness("bystander-1", Look(account, lists), frozenset({(KIND, holds)}))


LIVING = control()
DEAD = {
    "no control at all": [],
    "its list is empty": [control(EMPTY)],
    "its list could not be read": [control(replace(FILLED, state=ListState.UNKNOWN, rows=(THEIRS,), reason="403"))],
    "its list went with its account": [control(replace(EMPTY, state=ListState.GONE_WITH_ACCOUNT))],
    "its field is left out": [control(replace(EMPTY, state=ListState.OMITTED))],
    "its grant is blocked": [control(replace(FILLED, rows=(replace(THEIRS, presence=ABSENT),)))],
    "its grant is in no closed set": [control(replace(FILLED, rows=(replace(THEIRS, presence=UNKNOWN),)))],
    "it shows a grant that it never held": [control(holds="s-8")],
    "it was seen with another kind": [control(replace(FILLED, kind=Kind.GROUP, rows=(THEIRS,)))],
    "it lists the kind twice": [Witness("b", look(replace(FILLED, rows=(THEIRS,)), EMPTY), frozenset({(KIND, "s-7")}))],
}


def grant(
    seen: Look,
    witnesses: list[Witness],
    *,
    filled_before: bool = True,
    vanished_before: frozenset[str] = frozenset(),
    below: str = "",
) -> Seen:
    return measure.grant(
        seen, KIND, "s-91", witnesses, filled_before=filled_before, vanished_before=vanished_before, below=below
    )


# --- absent only beside a living control --------------------------------------------------------


def test_not_in_a_complete_list_beside_a_living_control_is_absent_and_names_it() -> None:
    seen = grant(look(EMPTY), [LIVING])
    assert (seen.presence, seen.control) == (ABSENT, "bystander-1")
    assert (seen.sent, seen.answered, seen.evidence) == (30, 40, ("list",))


@pytest.mark.parametrize("witnesses", DEAD.values(), ids=DEAD)
@pytest.mark.parametrize("state", [ListState.COMPLETE, ListState.GONE_WITH_ACCOUNT, ListState.OMITTED])
def test_without_a_living_control_it_is_unknown(state: ListState, witnesses: list[Witness]) -> None:
    seen = grant(look(replace(EMPTY, state=state), account=DELETED), witnesses)
    assert (seen.presence, seen.control, seen.with_account) == (UNKNOWN, "", False)
    assert "control" in seen.reason


def test_one_living_control_among_dead_ones_is_enough() -> None:
    seen = grant(look(EMPTY), [*(w for ws in DEAD.values() for w in ws), replace(LIVING, key="bystander-2")])
    assert (seen.presence, seen.control) == (ABSENT, "bystander-2")


def test_the_reason_tells_what_the_control_was_answered() -> None:
    assert "(403)" in grant(look(EMPTY), DEAD["its list could not be read"]).reason


def test_nobody_is_a_control_of_themselves() -> None:
    """A leaver with one grant left would else prove that the other is gone."""
    own = look(replace(FILLED, rows=(THEIRS,)))
    assert grant(own, [Witness("leaver-1", own, frozenset({(KIND, "s-7")}))]).presence is UNKNOWN


# --- present needs no control -------------------------------------------------------------------


@pytest.mark.parametrize("state", ListState)
@pytest.mark.parametrize("witnesses", [[], [LIVING]])
def test_a_row_is_present_in_whatever_list_it_is_seen(state: ListState, witnesses: list[Witness]) -> None:
    seen = grant(look(replace(FILLED, state=state), account=DELETED), witnesses)
    assert (seen.presence, seen.control) == (PRESENT, "")


def test_a_row_present_in_a_list_that_failed_takes_its_times_from_the_same_look() -> None:
    seen = grant(look(replace(FILLED, state=ListState.UNKNOWN, sent=0, answered=0)), [])
    assert (seen.presence, seen.sent, seen.answered) == (PRESENT, 10, 20)


def test_the_same_name_under_another_id_is_another_grant() -> None:
    assert grant(look(replace(FILLED, rows=(replace(MINE, id="s-92"),))), [LIVING]).presence is ABSENT


@pytest.mark.parametrize(
    ("rows", "presence"),
    [
        ((ABSENT, PRESENT), PRESENT),
        ((ABSENT, UNKNOWN), UNKNOWN),
        ((UNKNOWN, ABSENT), UNKNOWN),
        ((UNKNOWN, PRESENT), PRESENT),
        ((ABSENT, ABSENT), ABSENT),
    ],
)
def test_of_rows_with_one_id_the_one_that_speaks_for_access_wins(
    rows: tuple[Presence, ...], presence: Presence
) -> None:
    listing = replace(FILLED, rows=tuple(replace(MINE, presence=p) for p in rows))
    assert grant(look(listing), [LIVING]).presence is presence


def test_a_kind_that_is_listed_twice_is_absent_from_neither() -> None:
    assert grant(look(EMPTY, FILLED), [LIVING]).presence is PRESENT
    assert grant(look(EMPTY, replace(EMPTY, state=ListState.UNKNOWN)), [LIVING]).presence is UNKNOWN


# --- unknown stays unknown ----------------------------------------------------------------------


def test_an_unknown_list_is_never_absent_and_keeps_its_reason() -> None:
    seen = grant(look(replace(EMPTY, state=ListState.UNKNOWN, reason="timeout")), [LIVING])
    assert (seen.presence, seen.reason) == (UNKNOWN, "timeout")


def test_a_kind_that_the_look_does_not_list_is_unknown() -> None:
    assert grant(look(replace(FILLED, kind=Kind.GROUP)), [LIVING]).presence is UNKNOWN


def test_a_row_in_no_closed_set_is_unknown_and_a_blocked_one_absent() -> None:
    odd = replace(MINE, presence=UNKNOWN, note="state 'limbo'")
    seen = grant(look(replace(FILLED, rows=(odd,))), [LIVING])
    assert (seen.presence, seen.reason) == (UNKNOWN, "state 'limbo'")
    blocked = replace(MINE, presence=ABSENT, note="revoked")
    seen = grant(look(replace(FILLED, rows=(blocked,))), [LIVING])
    assert (seen.presence, seen.reason) == (ABSENT, "revoked")


# --- gone with the account ----------------------------------------------------------------------

GONE_WITH = replace(EMPTY, state=ListState.GONE_WITH_ACCOUNT, reason="404 from the list")


def test_gone_with_the_account_needs_the_account_absent_in_the_same_look() -> None:
    seen = grant(look(GONE_WITH, account=DELETED), [LIVING])
    assert (seen.presence, seen.with_account, seen.control) == (ABSENT, True, "bystander-1")
    for sight in (THERE, replace(THERE, presence=UNKNOWN, record=False)):
        seen = grant(look(GONE_WITH, account=sight), [LIVING])
        assert (seen.presence, seen.with_account) == (UNKNOWN, False)
        assert "404 from the list" in seen.reason


def test_gone_with_the_account_is_bounded_and_evidenced_by_both_readings() -> None:
    """A list may answer 404 before the account goes: only the later answer of the two proves the absence."""
    seen = grant(look(GONE_WITH, account=replace(DELETED, sent=50, answered=60)), [LIVING])
    assert (seen.sent, seen.answered, set(seen.evidence)) == (30, 60, {"list", "account"})


# --- a multi-valued field left out --------------------------------------------------------------

OMITTED = replace(EMPTY, state=ListState.OMITTED)


def test_a_field_left_out_is_empty_only_where_the_baseline_had_it_filled() -> None:
    assert grant(look(OMITTED), [LIVING], filled_before=True).presence is ABSENT
    assert grant(look(OMITTED), [LIVING], filled_before=False).presence is UNKNOWN


# --- rows that vanish between two requests ------------------------------------------------------


@pytest.mark.parametrize("before", [frozenset[str](), frozenset({"g-1"})], ids=["just now", "in the last round too"])
def test_a_row_that_vanished_never_settles_an_absence_by_itself(before: frozenset[str]) -> None:
    seen = grant(look(replace(EMPTY, vanished=frozenset({"g-1"}))), [LIVING], below="g-1", vanished_before=before)
    assert seen.presence is UNKNOWN
    assert "between two requests" in seen.reason


def test_once_the_row_is_no_longer_listed_the_grant_below_it_is_absent() -> None:
    assert grant(look(EMPTY), [LIVING], below="g-1", vanished_before=frozenset({"g-1"})).presence is ABSENT


def test_another_row_that_vanished_says_nothing_of_this_one() -> None:
    gone = replace(EMPTY, vanished=frozenset({"g-2"}))
    assert grant(look(gone), [LIVING], below="g-1").presence is ABSENT
    assert grant(look(gone), [LIVING], below="").presence is UNKNOWN  # nobody knows where it was


# --- the account --------------------------------------------------------------------------------


def test_a_disabled_record_is_absent_and_the_record_is_noted() -> None:
    seen = measure.account(look(account=DISABLED), [LIVING], removed=False)
    assert (seen.presence, seen.reason, seen.control) == (ABSENT, "record remains", "bystander-1")


def test_where_removal_is_demanded_a_disabled_record_is_still_there() -> None:
    seen = measure.account(look(account=DISABLED), [LIVING], removed=True)
    assert (seen.presence, "record remains" in seen.reason) == (PRESENT, True)
    assert measure.account(look(account=DELETED), [LIVING], removed=True).presence is ABSENT


@pytest.mark.parametrize("removed", [True, False])
@pytest.mark.parametrize("sight", [DELETED, replace(THERE, presence=UNKNOWN, reason="403")], ids=["gone", "unknown"])
def test_an_account_is_absent_only_while_a_controls_account_is_present(sight: AccountSight, removed: bool) -> None:
    seen = measure.account(look(account=DELETED), [control(account=sight)], removed=removed)
    assert (seen.presence, seen.control) == (UNKNOWN, "")
    assert measure.account(look(account=DELETED), [], removed=removed).presence is UNKNOWN


@pytest.mark.parametrize("presence", [PRESENT, UNKNOWN])
def test_what_is_not_absent_is_passed_on_as_it_was_read(presence: Presence) -> None:
    sight = replace(THERE, presence=presence, reason="as read")
    assert measure.account(look(account=sight), [], removed=True) == Seen(presence, "as read", "", 10, 20, ("account",))


# --- the leaver's vantage -----------------------------------------------------------------------

REFUSED = Used(ABSENT, "401", sent=1, answered=2, evidence=("use",))


def test_refused_counts_only_beside_a_control_whose_own_credential_worked() -> None:
    works, blind = Used(PRESENT), Used(UNKNOWN, "429")
    assert measure.use(REFUSED, [("b-1", blind), ("b-2", works)]) == Seen(ABSENT, "401", "b-2", 1, 2, ("use",))
    for others in ([], [("b-1", blind)], [("b-1", Used(ABSENT))], [("b-1", blind), ("b-2", REFUSED)]):
        seen = measure.use(REFUSED, others)
        assert (seen.presence, seen.control) == (UNKNOWN, "")
        assert not seen.reason.endswith(": ")


@pytest.mark.parametrize("presence", [PRESENT, UNKNOWN])
def test_a_use_that_was_not_refused_needs_no_control(presence: Presence) -> None:
    used = replace(REFUSED, presence=presence)
    assert measure.use(used, [("b-1", Used(PRESENT))]) == measure.use(used, [])
    assert measure.use(used, []).presence is presence


# --- for any round whatever ---------------------------------------------------------------------

presences = st.sampled_from(Presence)
states = st.sampled_from(ListState)
rows = st.lists(st.builds(Row, st.sampled_from(["s-91", "s-7"]), st.just("x"), presences), max_size=3).map(tuple)
vanished = st.frozensets(st.sampled_from(["", "g-1", "g-2"]), max_size=2)
listings = st.builds(Listing, st.sampled_from([KIND, Kind.GROUP]), states, rows, vanished=vanished)
looks = st.builds(Look, st.builds(AccountSight, presences, st.booleans()), st.lists(listings, max_size=2).map(tuple))
held = st.frozensets(st.just((KIND, "s-7")))
witnesses_ = st.lists(st.builds(Witness, st.sampled_from(["b-1", "b-2"]), looks, held), max_size=3)


@given(looks, witnesses_, st.booleans(), vanished, st.sampled_from(["", "g-1"]))
def test_absent_implies_every_law_of_the_round(
    seen: Look, witnesses: list[Witness], filled: bool, before: frozenset[str], below: str
) -> None:
    found = grant(seen, witnesses, filled_before=filled, vanished_before=before, below=below)
    mine = [each for each in seen.listings if each.kind is KIND]
    if any(row.id == "s-91" and row.presence is PRESENT for each in mine for row in each.rows):
        assert found.presence is PRESENT
    if found.presence is not ABSENT:
        assert found.control == ""
        return
    [listing] = mine
    assert listing.state is not ListState.UNKNOWN
    assert not listing.vanished & {below}
    assert listing.state is not ListState.GONE_WITH_ACCOUNT or seen.account.presence is ABSENT
    assert listing.state is not ListState.OMITTED or filled
    assert all(row.presence is ABSENT for row in listing.rows if row.id == "s-91")
    living = [
        w.key
        for w in witnesses
        for other in w.look.listings
        if other.kind is KIND and other.state is ListState.COMPLETE
        if any(row.presence is PRESENT and (KIND, row.id) in w.holds for row in other.rows)
    ]
    assert found.control in living


@given(looks, witnesses_, st.booleans())
def test_an_account_is_absent_only_by_the_same_law(seen: Look, witnesses: list[Witness], removed: bool) -> None:
    found = measure.account(seen, witnesses, removed=removed)
    if found.presence is ABSENT:
        assert seen.account.presence is ABSENT
        assert not (removed and seen.account.record)
        assert found.control in {w.key for w in witnesses if w.look.account.presence is PRESENT}
