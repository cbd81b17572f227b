"""What is made up is made of the fleet's own words, within its guard, and of what its scenarios are known to mean."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness import scenario
from harness.explore.document import document
from harness.explore.story import Joining, Leaving, Piece, Step, Story
from harness.explore.words import TRAPS, Vocabulary, vocabulary
from harness.fleet import FleetInfo
from harness.model import BadInput
from harness.ports import Guard
from harness.session.attempts import Attempts
from harness.source import parse
from tests.explore.worlds import nobody, shape, words
from tests.scenario.worlds import but, staging

PLAIN = "title: T\nleave: {via: hr-feed, event: terminate}\n"


def told(*texts: str, fleet: FleetInfo | None = None) -> Vocabulary:
    of = fleet or shape()
    models = [scenario.parse(parse("a.yaml", text.encode())) for text in texts]
    with Attempts(of, nobody) as attempts:
        return vocabulary(of, models, attempts.loads)


def names(of: Vocabulary, system: str, kind: str) -> list[str]:
    return [piece.name for piece in of.pieces.get((system, kind), ())]


def test_the_embedded_fleet_can_say_every_kind_of_every_system() -> None:
    """All but what nobody can give, and mailboxes, which come with the account."""
    given = {
        (name, str(kind)) for name, info in shape().systems.items() for kind, t in info.kinds.items() if t.grantable
    }
    assert set(words().pieces) == given | {(name, "account") for name in shape().systems}


def test_only_events_after_which_nothing_may_remain_end_a_story() -> None:
    """`suspend`, `move` and the identity provider's events keep something on purpose."""
    assert {(leave.via, leave.event, leave.account) for leave in words().leaves} == {
        ("hr-feed", "terminate", "disabled"),
        ("hr-feed", "delete", "removed"),
    }
    assert words().leaves[0] == Leaving("hr-feed", "terminate")


@pytest.mark.parametrize(
    "more",
    [
        "expect: {has: {crm: [account]}}",
        "expect: {gone: old}",
        "expect: {keep: [{system: crm, kind: group, reason: r, owner: o, until: 2099-12-31}]}",
        "systems: [crm]",
        "matrix: {leave.event: [terminate, delete]}",
    ],
)
def test_a_scenario_that_keeps_something_shows_no_way_to_leave(more: str) -> None:
    with pytest.raises(BadInput, match="no scenario here fires an event after which everything must be gone"):
        told(PLAIN + more)


def test_a_join_that_every_scenario_of_an_event_has_is_never_left_out() -> None:
    """The event may need what the join was answered."""
    joined = PLAIN + "join: {via: hr-feed, within: 2m}\n"
    (leave,) = told(joined).leaves
    assert told(joined).joins[leave] == (Joining("hr-feed", within="2m"),)
    assert told(joined, PLAIN).joins[leave] == (None, Joining("hr-feed", within="2m"))


def test_steps_with_expectations_follow_only_the_event_that_they_were_written_for() -> None:
    back = "then: [{event: rejoin, expect: {gone: old}}]\n"
    made = told(PLAIN + back, PLAIN.replace("terminate", "delete"))
    expecting = {leave.event: [s for (s,) in made.then[leave] if s.expect] for leave in made.leaves}
    assert expecting == {"terminate": [Step("rejoin", expect="{gone: old}")], "delete": []}


def test_events_that_the_connector_does_not_have_are_left_out() -> None:
    made = told(PLAIN, fleet=staging())  # its hr-feed: join, terminate, delete, sync
    (leave,) = made.leaves
    assert {step.event for life in made.before[leave] for step in life} == {"sync"}
    assert {step.event for (step,) in made.then[leave]} == {"sync", "replay", "", "terminate"}


def test_nothing_is_said_that_the_guard_does_not_allow() -> None:
    made = told(PLAIN + "access: {crm: [{license: sales-pro}]}\n", fleet=staging())
    assert names(made, "crm", "license") == ["sales-pro"]
    assert names(made, "directory", "group") == ["finance-all"]  # a name of the fleet, by the globs of its guard
    assert names(made, "crm", "credential") == list(TRAPS)  # of any name
    guard = Guard("u-{{ n }}", "example.test", 9, {"crm": {"license": ("sales-basic", "sales-*")}})
    made = told(PLAIN + "access: {crm: [{license: invoicing}]}\n", fleet=but(guard=guard))
    assert {kind for _, kind in made.pieces} == {"account", "license"}
    assert names(made, "crm", "license") == ["sales-basic"]


def test_names_with_traps_are_tried_only_where_a_name_is_free() -> None:
    assert set(TRAPS) <= set(names(words(), "code", "ownership"))
    assert set(TRAPS) <= set(names(words(), "directory", "group"))  # it makes missing groups
    assert not set(TRAPS) & set(names(words(), "crm", "license"))
    assert names(words(), "code", "ownership")[0] not in TRAPS  # the plain ones come first


def test_a_fleet_that_lacks_what_a_scenario_needs_takes_no_word_of_it() -> None:
    other = PLAIN + "needs: [payroll]\naccess: {payroll: [account]}\nidentity: {department: Payroll}\n"
    assert "Payroll" not in told(PLAIN, other).attributes.get("department", ())


def test_rights_are_pieces_of_their_own_and_are_written_together() -> None:
    box = "objects: {inbox: {system: mail, kind: mailbox}}\n"
    made = told(PLAIN + box + "access: {mail: [{delegation: {on: inbox, rights: [read, send-as]}}]}\n")
    pieces = made.pieces["mail", "delegation"]
    assert [piece.right for piece in pieces] == ["read", "send-as"]
    assert "[{delegation: {on: inbox, rights: [read, send-as]}}]" in document(Story(made.leaves[0], pieces), "T")


def test_a_fleet_with_names_of_its_own_keeps_the_words_of_the_scenarios(tmp_path: Path) -> None:
    """What is written runs on other fleets too."""
    renamed = replace(shape(), names={"directory/group/finance-all": "00g1ab7", "sales-tool": "crm"})
    made = told(PLAIN + "access: {sales-tool: [{license: sales-pro}]}\n", fleet=renamed)
    assert Piece("sales-tool", "license", "sales-pro") in made.pieces["sales-tool", "license"]
    assert "finance-all" in names(made, "directory", "group")
    assert "00g1ab7" not in names(made, "directory", "group")
