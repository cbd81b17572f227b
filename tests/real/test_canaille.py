"""canaille as the connector: what a lock and a deletion in the hub leave downstream, also when that hangs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

import fixtures.fleet.canaille as module
from fixtures.fleet.canaille import Hub, NotInstalled, running
from harness.model import SECOND, Kind, Outcome, Vantage
from tests.real.conftest import cannot
from tests.real.drills import Drilled, drill, finding, measured, secrets_in
from tests.real.facts import Clean, Fact, holds, passes

pytestmark = pytest.mark.real

HOME = Path(module.__file__).parent
FLEET = HOME / "fleet.yaml"
SCENARIOS = HOME / "scenarios"
HANGING = "deleted-while-downstream-hangs"  # alone: the line hangs for everybody

FACTS = [
    Fact(
        "canaille/locked/account",
        "a lock in the hub sets `active: false` downstream within the request",
        *("locked", "branch", Kind.ACCOUNT, None, Outcome.REVOKED),
        reason="record remains",
    ),
    Fact(
        "canaille/locked/group",
        "a locked user stays in its groups downstream",
        *("locked", "branch", Kind.GROUP, "finance-all"),
    ),
    Fact(
        "canaille/locked/hub-group",
        "a locked user stays in its groups in the hub",
        *("locked", "hub", Kind.GROUP, "finance-all"),
    ),
    Fact(
        "canaille/last-member/account",
        "a user that is deleted in the hub is deleted downstream",
        *("deleted-last-member", "branch", Kind.ACCOUNT, None, Outcome.REVOKED),
    ),
    Fact(
        "canaille/last-member/group",
        "a group whose last member was deleted is not pushed any more, and keeps the dangling member downstream",
        *("deleted-last-member", "branch", Kind.GROUP, "project-x"),
    ),
    Fact(
        "canaille/hanging/account",
        "a deletion in the hub while the downstream hangs leaves the user active there, and nothing tries again: "
        "somebody who is hired again under the name lands on the old account",
        *(HANGING, "branch", Kind.ACCOUNT, None),
    ),
    Fact(
        "canaille/hanging/group",
        "and with it on all its groups",
        *(HANGING, "branch", Kind.GROUP, "finance-all"),
    ),
]
CLEAN = [
    Clean(
        "canaille/deleted-among-others",
        "deleted in the hub while its group has other members",
        "deleted-among-others",
    )
]
STORIES = sorted({fact.case for fact in FACTS} | {clean.case for clean in CLEAN})
Drills = dict[str, Drilled]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    with ExitStack() as stack:
        try:
            found = stack.enter_context(running(tmp_path_factory.mktemp("canaille")))
        except NotInstalled as why:
            cannot(str(why))
        yield found


@pytest.fixture(scope="module")
def drills(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Drills:
    """By story."""
    together = [name for name in STORIES if name != HANGING]
    found: Drills = {}
    for names in (together, [HANGING]):
        stories = [SCENARIOS / f"{name}.yaml" for name in names]
        found |= dict.fromkeys(names, drill(FLEET, stories, hub.env, tmp_path_factory.mktemp("drill")))
    return found


def test_every_story_is_drilled() -> None:
    assert {path.stem for path in SCENARIOS.glob("*.yaml")} == set(STORIES)


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.id)
def test_fact(drills: Drills, fact: Fact) -> None:
    holds(fact, drills[fact.case])


@pytest.mark.parametrize("clean", CLEAN, ids=lambda clean: clean.id)
def test_clean(drills: Drills, clean: Clean) -> None:
    passes(clean, drills[clean.case])
    for kind in (Kind.ACCOUNT, Kind.GROUP):
        measured(finding(drills[clean.case].case(clean.case), "branch", kind))


def test_the_hub_answers_that_it_is_done_after_it_waited_in_vain(drills: Drills) -> None:
    result = drills[HANGING].case(HANGING)
    assert result.claimed == "success"
    assert result.t0_basis == "answered"
    sent = next(at for at, text in result.events if text.startswith("delete through"))
    assert result.t0 is not None
    assert result.t0 - sent >= 9 * SECOND  # twice five seconds: the user, then the group
    in_hub = [f.outcome for f in result.findings if f.system == "hub" and f.kind is Kind.ACCOUNT]
    assert in_hub == [Outcome.REVOKED, Outcome.INTACT]  # gone, and back as it was demanded


def test_a_rehire_is_another_person_in_the_hub_and_the_same_downstream(drills: Drills) -> None:
    accounts = [f for f in drills[HANGING].case(HANGING).findings if f.kind is Kind.ACCOUNT]
    assert len({f.grant_id for f in accounts if f.system == "hub"}) == 2
    assert len({f.grant_id for f in accounts if f.system == "branch"}) == 1


def test_bystanders_are_intact_and_only_groups_without_members_stay(drills: Drills, hub: Hub) -> None:
    for drilled in {id(each): each for each in drills.values()}.values():
        changed = [f for f in drilled.run.bystanders if f.outcome is not Outcome.INTACT]
        assert not changed, [(f.system, f.kind, f.name, f.reason) for f in changed]
        assert drilled.run.cleanup.complete
        assert all(f.vantage is Vantage.ADMIN for f in drilled.run.bystanders)
    assert [user["userName"] for user in _all(hub.url, hub.token, "Users")] == ["keeper"]
    assert [group["displayName"] for group in _all(hub.url, hub.token, "Groups")] == ["finance-all"]
    down = hub.downstream
    assert [user["userName"] for user in _all(down.url, down.token, "Users")] == ["keeper"]
    # The hub does not push the end of a group that has no members either: these are its own litter.
    left = {group["displayName"]: len(group.get("members") or ()) for group in _all(down.url, down.token, "Groups")}
    assert left == {"finance-all": 1, "project-x": 0, "project-x-control-1": 0, "project-x-control-2": 0}


def test_no_secret_is_in_the_run_folder(drills: Drills, hub: Hub) -> None:
    for name in ("locked", HANGING):
        assert secrets_in(drills[name].folder, [hub.token, hub.push]) == []
    assert secrets_in(drills["locked"].folder, ["zz-leaver-"])  # the search does find


def _all(url: str, token: str, resource: str) -> list[dict[str, Any]]:
    answer = requests.get(f"{url}/{resource}", headers={"Authorization": f"Bearer {token}"}, timeout=10)
    answer.raise_for_status()
    found: list[dict[str, Any]] = answer.json()["Resources"]
    return found
