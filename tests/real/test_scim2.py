"""scim2-server: what a disabled and a deleted user keep, and who leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

import fixtures.fleet.scim2 as module
from fixtures.fleet.scim2 import NotInstalled, Scim2, running
from harness.model import Kind, Outcome, Presence
from tests.real.conftest import cannot
from tests.real.drills import Drilled, drill, finding, measured
from tests.real.facts import Clean, Fact, holds, passes

pytestmark = pytest.mark.real

HOME = Path(module.__file__).parent
FLEET = HOME / "fleet.yaml"
SCENARIOS = HOME / "scenarios"

FACTS = [
    Fact(
        "scim2/deactivated/account",
        "a user with `active: false` cannot be used, and its record remains",
        *("deactivated", "roster", Kind.ACCOUNT, None, Outcome.REVOKED),
        reason="record remains",
    ),
    Fact(
        "scim2/deactivated/group",
        "`active: false` leaves the user in its groups",
        *("deactivated", "roster", Kind.GROUP, "finance-all"),
    ),
    Fact(
        "scim2/deactivated/role",
        "`active: false` leaves the user's roles",
        *("deactivated", "roster", Kind.ROLE, "approver"),
    ),
    Fact(
        "scim2/deactivated/license",
        "`active: false` leaves the user's entitlements",
        *("deactivated", "roster", Kind.LICENSE, "sales-pro"),
    ),
    Fact(
        "scim2/deleted/group",
        "a deleted user stays in the members of its groups",
        *("deleted", "roster", Kind.GROUP, "finance-all"),
    ),
]
CLEAN = [Clean("scim2/terminated", "disabled, and taken out of every group", "terminated")]
STORIES = sorted({fact.case for fact in FACTS} | {clean.case for clean in CLEAN})


@pytest.fixture(scope="module")
def server() -> Iterator[Scim2]:
    with ExitStack() as stack:
        try:
            found = stack.enter_context(running())
        except NotInstalled as why:
            cannot(str(why))
        yield found


@pytest.fixture(scope="module")
def drilled(server: Scim2, tmp_path_factory: pytest.TempPathFactory) -> Drilled:
    stories = [SCENARIOS / f"{name}.yaml" for name in STORIES]
    return drill(FLEET, stories, server.env, tmp_path_factory.mktemp("scim2"))


def test_every_story_is_drilled() -> None:
    assert {path.stem for path in SCENARIOS.glob("*.yaml")} == set(STORIES)


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.id)
def test_fact(drilled: Drilled, fact: Fact) -> None:
    holds(fact, drilled)


@pytest.mark.parametrize("clean", CLEAN, ids=lambda clean: clean.id)
def test_clean(drilled: Drilled, clean: Clean) -> None:
    passes(clean, drilled)


def test_a_deleted_user_is_gone_although_a_group_lists_it(drilled: Drilled) -> None:
    result = drilled.case("deleted")
    account = finding(result, "roster", Kind.ACCOUNT)
    assert account.outcome is Outcome.REVOKED, account.reason
    measured(account)
    group = finding(result, "roster", Kind.GROUP)
    assert {look.presence for look in group.observations} == {Presence.PRESENT}
    assert group.observations[-1].checkpoint == "the end"
    assert result.claimed == "success"


def test_bystanders_are_intact_and_nobody_is_left(drilled: Drilled, server: Scim2) -> None:
    assert {f.outcome for f in drilled.run.bystanders} == {Outcome.INTACT}
    assert drilled.run.cleanup.complete
    headers = {"Authorization": f"Bearer {server.token}"}
    for path in ("/Users", "/Groups"):
        assert requests.get(server.url + path, headers=headers, timeout=10).json()["totalResults"] == 0
