"""A survey's round: asked once, bounded, cited; whatever fails is UNKNOWN, and nothing else is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from harness.model import Account, Kind, ListState, Presence, Row
from harness.ports import Person
from harness.testing.bench import identity, person
from harness.wire.call import Unknown
from harness.wire.dialogue import Told
from harness.wire.survey import GONE, Asking, Reader, Record, Rows, SurveyRound

LEAVER = person(identity("leaver", 1), account=Account("desk", "7"))
OTHER = person(identity("bystander", 2), account=Account("desk", "8"))


@dataclass
class Desk:
    """A system of one record and two lists; `broken` are the questions that fail."""

    broken: dict[str, Unknown] = field(default_factory=dict)
    data: Any = "record"
    mistaken: bool = False
    asked: list[str] = field(default_factory=list)
    name: str = "desk"

    def _ask(self, what: str, value: Any) -> Told[Any]:
        self.asked.append(what)
        if what in self.broken:
            raise self.broken[what]
        return Told(value, 100 + len(self.asked), 200 + len(self.asked), (f"sha-{what}",))

    def find(self, asking: Asking, person: Person) -> Sequence[Account]:
        return [Account("desk", one) for one in asking("people", lambda: self._ask("people", ["7", "8"]))]

    def record(self, asking: Asking, person: Person) -> Record:
        key = f"record {person.account.id if person.account else ''}"
        data = asking(key, lambda: self._ask(key, self.data))
        if self.mistaken:
            return Record(Presence.UNKNOWN, mistaken=True, reason="somebody else's id", data=data)
        return Record(Presence.PRESENT if data else Presence.ABSENT, record=bool(data), data=data)

    def readers(self) -> Mapping[Kind, Reader]:
        return {Kind.GROUP: self._groups, Kind.ROLE: self._roles}

    def _groups(self, asking: Asking, person: Person, record: Record) -> Rows:
        found = asking("groups", lambda: self._ask("groups", ["all"]))
        return Rows(tuple(Row(one, one) for one in found))

    def _roles(self, asking: Asking, person: Person, record: Record) -> Rows:
        data = record.known()
        return GONE if data is None else Rows((Row("r", "r"),))


def lists(look: Any) -> dict[Kind, ListState]:
    return {one.kind: one.state for one in look.listings}


def test_one_round_asks_the_same_thing_once() -> None:
    desk = Desk()
    shared = SurveyRound(desk)
    shared.look(LEAVER)
    shared.look(OTHER)
    assert desk.asked == ["record 7", "groups", "record 8"]
    SurveyRound(desk).look(LEAVER)
    assert desk.asked[3:] == ["record 7", "groups"]


def test_a_look_is_bounded_and_cites_what_it_rests_on() -> None:
    look = SurveyRound(Desk()).look(LEAVER)
    groups, roles = look.listings
    assert look.account.evidence == ("sha-record 7",)
    assert (groups.evidence, groups.sent, groups.answered) == (("sha-groups",), 102, 202)
    assert (roles.evidence, roles.sent) == (("sha-record 7",), 101)  # read from the record


@pytest.mark.parametrize(
    ("broken", "account", "groups", "roles"),
    [
        ("record 7", Presence.UNKNOWN, ListState.COMPLETE, ListState.UNKNOWN),
        ("groups", Presence.PRESENT, ListState.UNKNOWN, ListState.COMPLETE),
    ],
)
def test_what_fails_is_unknown_with_its_reason_and_nothing_else_is(
    broken: str, account: Presence, groups: ListState, roles: ListState
) -> None:
    desk = Desk({broken: Unknown("it broke", evidence=("sha-error",), sent=5, answered=6)})
    look = SurveyRound(desk).look(LEAVER)
    assert look.account.presence is account
    assert lists(look) == {Kind.GROUP: groups, Kind.ROLE: roles}
    told = [(look.account.reason, look.account.evidence), *((one.reason, one.evidence) for one in look.listings)]
    blind = [one for one in told if one[0]]
    assert {reason for reason, _ in blind} == {"it broke"}
    assert ("it broke", ("sha-error",)) in blind


def test_a_failed_search_finds_nothing_out() -> None:
    found = SurveyRound(Desk({"people": Unknown("refused")})).find(LEAVER)
    assert (found.state, found.accounts, found.reason) == (ListState.UNKNOWN, (), "refused")
    assert len(SurveyRound(Desk()).find(LEAVER).accounts) == 2


def test_a_record_that_is_gone_takes_only_its_own_lists_with_it() -> None:
    look = SurveyRound(Desk(data=None)).look(LEAVER)
    assert look.account.presence is Presence.ABSENT
    assert lists(look) == {Kind.GROUP: ListState.COMPLETE, Kind.ROLE: ListState.GONE_WITH_ACCOUNT}


def test_an_id_that_is_somebody_elses_tells_nothing() -> None:
    look = SurveyRound(Desk(mistaken=True)).look(LEAVER)
    assert look.account.mistaken
    assert set(lists(look).values()) == {ListState.UNKNOWN}


def test_other_accounts_are_strangers_and_a_search_that_fails_takes_the_absence_back() -> None:
    assert SurveyRound(Desk(), lambda asking, person: ["7", "9"]).look(LEAVER).strangers == ("9",)

    def fails(asking: Asking, person: Person) -> Sequence[str]:
        raise Unknown("the index is down")

    look = SurveyRound(Desk(data=None), fails).look(LEAVER)
    assert look.account.presence is Presence.UNKNOWN
    assert "the index is down" in look.account.reason
    assert SurveyRound(Desk(), fails).look(LEAVER).account.presence is Presence.PRESENT
