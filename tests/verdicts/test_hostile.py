"""Systems that do odd things while somebody leaves: to controls, to ids, to names, to sizes. None of it is a pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness.model import Entitlement, Kind, Outcome, Verdict
from harness.session.drill import exit_code
from harness.testing.faults import Asked
from tests.verdicts.directory import Directory
from tests.verdicts.front import segments
from tests.verdicts.planted import at, edit, ending
from tests.verdicts.shop import Shop
from tests.verdicts.stage import Behind, Deed, Stage, Told, staged

WORLDS: dict[str, Callable[[], Behind]] = {"http": Shop, "scim": Directory}
both = pytest.mark.parametrize("world", WORLDS)
LICENSE = (Entitlement("shop", Kind.LICENSE, "sales-pro"),)


def controls(stage: Stage) -> list[str]:
    """The account ids of the run's bystanders."""
    assert stage.run_ is not None
    found = [party.current(stage.behind.name) for party in stage.run_.pools.parties]
    return [account.id for account in found if account is not None]


def each(stage: Stage, deed: Deed) -> None:
    for account in controls(stage):
        deed(account)


def lost(told: Told) -> set[Outcome]:
    return {f.outcome for f in told.run.bystanders}


# --- controls ------------------------------------------------------------------------------------------


@both
def test_one_control_less_is_collateral_and_the_other_still_proves(world: str) -> None:
    with staged(WORLDS[world]()) as stage:
        stage.deeds = [stage.behind.disable, stage.behind.strip, lambda _: stage.behind.delete(controls(stage)[0])]
        told = stage.drill()
    assert {f.outcome for f in told.findings()} == {Outcome.REVOKED}, told
    assert Outcome.COLLATERAL in lost(told)
    assert told.case.verdict is Verdict.FAIL
    assert exit_code(told.run) == 1


@both
@pytest.mark.parametrize("deed", ["delete", "strip"])
def test_what_everybody_lost_proves_nothing(world: str, deed: str) -> None:
    """The connector takes from all what it should take from one: nobody is left to prove that the reader can see."""
    with staged(WORLDS[world]()) as stage:
        stage.deeds = [lambda account: [getattr(stage.behind, deed)(a) for a in (account, *controls(stage))]]
        told = stage.drill()
    gone = [f for f in told.findings() if deed == "delete" or f.kind is not Kind.ACCOUNT]
    assert {f.outcome for f in gone} == {Outcome.INCONCLUSIVE}, told
    assert all("control" in f.reason for f in gone), told
    assert Outcome.INTACT not in {f.outcome for f in told.run.bystanders if deed == "delete"}
    assert told.case.verdict is not Verdict.PASS
    assert told.run.verdict is not Verdict.PASS


@both
def test_a_control_that_goes_at_last_leaves_earlier_rounds_as_they_were(world: str) -> None:
    """Both controls vanish between the watch and the end of hold: what was seen gone was not seen to stay so."""
    with staged(WORLDS[world]()) as stage:
        stage.deeds = [
            stage.behind.disable,
            stage.behind.strip,
            lambda _: stage.later(1_500_000, lambda: each(stage, stage.behind.delete)),
        ]
        told = stage.drill(hold=(3_000_000,))
    assert {f.outcome for f in told.findings()} == {Outcome.INCONCLUSIVE}, told
    assert told.case.verdict is not Verdict.PASS


# --- ids and names ---------------------------------------------------------------------------------------


def rename_http(stage: Stage, account: str) -> None:
    stage.behind.store.users[int(account)] |= {"login": "somebody-else", "active": False}  # type: ignore[attr-defined]


def rename_scim(stage: Stage, account: str) -> None:
    stage.behind.users[account] |= {  # type: ignore[attr-defined]
        "userName": "somebody-else",
        "externalId": "x-else",
        "emails": [{"value": "somebody@else.example.test"}],
        "active": False,
    }


RENAME = {"http": rename_http, "scim": rename_scim}


@both
def test_an_id_given_to_another_person_is_neither_gone_nor_touched(world: str) -> None:
    with staged(WORLDS[world]()) as stage:
        stage.heals = True
        stage.deeds = [lambda account: RENAME[world](stage, account)]
        writes: list[Asked] = []
        stage.on_ask = lambda asked, _: writes.append(asked) if stage.t0 and asked.method != "GET" else None
        told = stage.drill()
        mine = [w for w in writes if stage.leaver in w.path]
        groups = [w for w in writes if segments(w)[0] == "Groups"]
    assert told.one(Kind.ACCOUNT).outcome is Outcome.INCONCLUSIVE, told
    assert "another identity" in told.one(Kind.ACCOUNT).reason
    assert told.case.verdict is not Verdict.PASS
    assert not mine, "what belongs to somebody else by now was changed"
    assert len(groups) <= 6, "only the two bystanders leave their three groups"
    assert not told.case.cleanup.complete


def test_a_scim_record_that_lost_its_names_is_nobodys() -> None:
    """It carried identifiers at the baseline; an empty one of the same id proves nothing of the leaver."""
    with staged(Directory()) as stage:
        bare = edit(lambda body: [body.pop(name, None) for name in ("userName", "externalId", "emails")])
        stage.deeds = [stage.behind.disable, lambda account: stage.front.plant(bare, at("Users", account))]
        told = stage.drill(access=(Entitlement("directory", Kind.ROLE, "approver"),))
    assert told.one(Kind.ACCOUNT).outcome is Outcome.INCONCLUSIVE, told


@both
def test_an_account_made_again_under_the_same_name_is_residual(world: str) -> None:
    with staged(WORLDS[world]()) as stage:

        def again(account: str) -> None:
            behind: Any = stage.behind
            if world == "http":
                login = behind.store.users[int(account)]["login"]
                behind.delete(account)
                behind.store.add(login, "x")
            else:
                body = dict(behind.users[account], id=None, roles=[], entitlements=[])
                behind.delete(account)
                behind._add(body)

        stage.deeds = [again]
        told = stage.drill()
    accounts = {f.outcome for f in told.findings() if f.kind is Kind.ACCOUNT}
    assert accounts == {Outcome.REVOKED, Outcome.RESIDUAL}, told
    assert told.case.verdict is Verdict.FAIL
    assert told.case.cleanup.complete, "it carries the run's own name: it goes with the rest"
    fresh = next(f.grant_id for f in told.findings() if f.outcome is Outcome.RESIDUAL and f.kind is Kind.ACCOUNT)
    ops = [record["op"] for record in stage.journal.records if record.get("id") == fresh]
    assert ops[0] == "adopt", "what is removed stands in the journal before"


@both
def test_a_row_that_is_renamed_is_still_the_same_grant(world: str) -> None:
    with staged(WORLDS[world]()) as stage:
        behind: Any = stage.behind

        def relabel(account: str) -> None:
            behind.disable(account)
            behind.strip_record(account)
            if world == "http":
                behind.store.seats[int(account)][0]["plan"] = "archive"
            else:
                behind.groups["g-staff"]["displayName"] = "archive"

        stage.deeds = [relabel]
        kind = Kind.LICENSE if world == "http" else Kind.GROUP
        told = stage.drill(access=tuple(e for e in behind.access if e.kind is kind)[:1])
    found = told.one(kind)
    assert (found.outcome, found.name) == (Outcome.RESIDUAL, behind.access[0].name), told


def test_the_same_name_under_a_new_id_is_a_new_grant_that_remains() -> None:
    with staged(Shop()) as stage:

        def renew(account: str) -> None:
            shop: Any = stage.behind
            shop.disable(account)
            shop.store.seats[int(account)] = [{"id": shop.store.number(), "plan": "sales-pro"}]

        stage.deeds = [renew]
        told = stage.drill(access=LICENSE)
    seats = [f for f in told.findings() if f.kind is Kind.LICENSE]
    assert [f.outcome for f in seats] == [Outcome.REVOKED, Outcome.RESIDUAL], told
    assert len({f.grant_id for f in seats}) == 2
    assert told.case.verdict is Verdict.FAIL
    assert told.case.cleanup.complete


def test_the_leavers_rows_in_somebody_elses_list_do_not_count_as_gone() -> None:
    """A cache that forgets the path answers with the list of a user who has none: the leaver's own is not there."""
    with staged(Shop()) as stage:
        other = edit(lambda body: body.update(items=[{"id": 999, "plan": "other", "user": "x"}], total=1, next=None))
        stage.deeds = [stage.behind.disable, lambda _: stage.front.plant(other, ending("seats"))]
        told = stage.drill(access=LICENSE)
    first = next(f for f in told.findings() if f.name == "sales-pro")
    assert first.outcome is Outcome.INCONCLUSIVE, told
    assert told.case.verdict is not Verdict.PASS
