"""Every way in which a reader can fail after the baseline: never a pass, each with words of its own, exit code 6."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import pytest

from harness.model import SECOND, Kind, Outcome, Verdict
from harness.session.drill import exit_code
from harness.testing.faults import FAULTS, Fault, Given, Trouble
from tests.verdicts.directory import Directory
from tests.verdicts.front import anywhere
from tests.verdicts.shop import Shop
from tests.verdicts.stage import Behind, Told, staged


def _body(change: Callable[[dict[str, Any], Trouble], object]) -> Callable[[Given, Trouble], None]:
    def spoil(given: Given, trouble: Trouble) -> None:
        if given.status == 200:
            body = given.json()
            change(body, trouble)
            given.set_json(body)

    return spoil


def _empty(body: dict[str, Any], trouble: Trouble) -> None:
    shape = trouble.shape
    if shape.items in body:
        body[shape.items], body[str(shape.total)] = [], 0
        body.pop("next", None)
    else:
        for name in ("roles", "entitlements", "groups"):
            body.pop(name, None)


def _nobody(given: Given, trouble: Trouble) -> None:
    """What a service answers to a reader that may see nobody: records are not found, lists are empty."""
    if given.status == 200 and trouble.shape.items not in given.json():
        given.status = 404
        given.set_json({"detail": "not found"})
    else:
        _body(_empty)(given, trouble)


OWN = (
    Fault("empty-for-everybody", "collection", _body(_empty)),
    Fault("nobody-is-there", "any", _nobody),
)
WORLDS: dict[str, Callable[[], Behind]] = {"http": Shop, "scim": lambda: Directory(own_groups=False)}
PLACES = {"any": ("everything", "lists", "record"), "record": ("record",)}
ALL = {fault.name: fault for fault in (*FAULTS, *OWN)}
ATTACKS = [(name, place) for name, fault in ALL.items() for place in PLACES.get(fault.place, ("lists",))]
ATTACKS.remove(("timeout", "everything"))
# What the connector does while nobody can see it: nothing of what the reader fails to read, or all of it.
IDLE = {"everything": (), "lists": ("disable", "strip_record"), "record": ("strip",)}
WORK = ("disable", "strip")
# These break each answer that they touch; of the others some spare a list that is short, or empty already.
TOTAL = {fault.name for fault in FAULTS if fault.place in ("any", "record")} | {"items-missing", "404-on-a-collection"}


@cache
def attacked(world: str, fault: str, place: str, deeds: Sequence[str]) -> tuple[Told, frozenset[Kind]]:
    """What was told, and the kinds that were read through the fault."""
    with staged(WORLDS[world]()) as stage:
        behind = stage.behind
        where = {"everything": anywhere, "lists": behind.is_list, "record": behind.is_record}[place]
        if fault == "timeout":  # the only one that takes real time: one attempt, and few rounds
            stage.build = partial(behind.build, timeout_s=0.15, attempts=1)
            stage.front.on_silence = lambda: stage.kernel.sleep(SECOND)
            where = behind.is_record if place == "record" else behind.is_groups
        plans = []
        stage.deeds = [lambda account, deed=deed: getattr(behind, deed)(account) for deed in deeds]  # type: ignore[misc]
        stage.deeds.append(lambda _: plans.append(stage.front.plant(ALL[fault], where)))
        told = stage.drill()
        assert plans[0].hits
        kinds = {"lists": behind.listed, "record": frozenset({Kind.ACCOUNT})}
        if fault == "timeout" and place == "lists":
            kinds["lists"] = frozenset({Kind.GROUP})
        return told, kinds.get(place, frozenset(f.kind for f in told.findings()))


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize(("fault", "place"), ATTACKS, ids=lambda value: value)
def test_access_that_nobody_can_see_is_never_gone(world: str, fault: str, place: str) -> None:
    """The connector leaves just that access alone which the reader fails to read: it remains, and works."""
    told, kinds = attacked(world, fault, place, IDLE[place])
    remains = [f for f in told.findings() if f.kind in kinds]
    assert {f.outcome for f in remains} <= {Outcome.INCONCLUSIVE, Outcome.RESIDUAL}, told
    unseen = [f for f in remains if f.outcome is Outcome.INCONCLUSIVE]
    assert unseen or fault == "filter-ignored", told  # which shows more than was asked for, and so what remains
    assert all(f.reason for f in unseen)
    if fault in TOTAL:
        assert unseen == remains, told
    if fault in TOTAL - {"timeout"}:
        assert told.case.verdict is Verdict.INCONCLUSIVE, told
        assert exit_code(told.run) == 6, told
    assert exit_code(told.run) in (1, 6)


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize(("fault", "place"), ATTACKS, ids=lambda value: value)
def test_work_that_nobody_can_see_is_not_believed(world: str, fault: str, place: str) -> None:
    told, kinds = attacked(world, fault, place, WORK)
    assert told.case.verdict is Verdict.INCONCLUSIVE, told
    assert exit_code(told.run) == 6
    unseen = {f.kind for f in told.findings() if f.outcome is Outcome.INCONCLUSIVE}
    assert unseen, told
    if fault in TOTAL:
        assert unseen >= kinds, told


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("place", ["lists", "record"])
def test_each_fault_has_words_of_its_own(world: str, place: str) -> None:
    reasons: dict[str, str] = {}
    for fault in (name for name, where in ATTACKS if where == place):
        told, kinds = attacked(world, fault, place, WORK if fault == "filter-ignored" else IDLE[place])
        unseen = [f.reason for f in told.findings() if f.kind in kinds and f.outcome is Outcome.INCONCLUSIVE]
        reasons[fault] = unseen[0]
    alike = {(a, b): reasons[a] for a in reasons for b in reasons if a < b and reasons[a] == reasons[b]}
    assert alike.keys() <= TWINS, alike


# What cannot be told apart from outside: null is as good as missing, a page of one item that is short is empty.
TWINS = {
    ("id-missing", "id-null"),
    ("state-missing", "state-null"),
    ("empty-page", "short-page"),
    ("empty-for-everybody", "nobody-is-there"),
}
