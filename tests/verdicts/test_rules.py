"""The two answers that are read with care: each passes by its rule, and by nothing less than the whole of it."""

from __future__ import annotations

from typing import Any

import pytest

from harness.model import Entitlement, Kind, Outcome, Verdict
from harness.session.drill import exit_code
from harness.testing.faults import Asked, Fault
from tests.verdicts.directory import Directory
from tests.verdicts.front import segments
from tests.verdicts.planted import at, edit, ending, sometimes, status
from tests.verdicts.shop import Shop
from tests.verdicts.stage import Stage, Told, staged

LICENSE = (Entitlement("shop", Kind.LICENSE, "sales-pro"),)


def unseen(told: Told, kind: Kind, words: str) -> None:
    finding = told.one(kind)
    assert finding.outcome is Outcome.INCONCLUSIVE, told
    assert words in finding.reason, finding.reason
    assert told.case.verdict is Verdict.INCONCLUSIVE, told
    assert exit_code(told.run) == 6


class DeclaringShop(Shop):
    """`rules` replaces what its licences' list declares."""

    def __init__(self, **rules: Any) -> None:
        super().__init__()
        self.rules = rules

    def described(self, url: str) -> dict[str, Any]:
        made = super().described(url)
        listed = made["kinds"]["license"]["list"]
        listed.pop("gone_with")
        listed |= self.rules
        return made


# --- 404 below a deleted account -------------------------------------------------------------------


def test_lists_that_are_gone_with_a_deleted_account_pass_by_the_rule() -> None:
    with staged(DeclaringShop(gone_with="account")) as stage:
        stage.deeds = [stage.behind.delete]
        told = stage.drill(access=LICENSE)
    assert told.case.verdict is Verdict.PASS, told
    assert told.one(Kind.LICENSE).reason == "gone with the account"


def test_the_rule_must_be_declared() -> None:
    with staged(DeclaringShop()) as stage:
        stage.deeds = [stage.behind.delete]
        unseen(stage.drill(access=LICENSE), Kind.LICENSE, "not found (404)")


def test_the_account_must_be_read_absent_in_the_same_round() -> None:
    """The lists answer 404 although the account is there, is out of sight, or belongs to somebody else by now."""

    def there(_: Stage) -> Fault | None:
        return None

    def hidden(_: Stage) -> Fault | None:
        return status(403)

    def recycled(_: Stage) -> Fault | None:
        return edit(lambda body: body.update(login="somebody-else", active=False))

    for fault, words in ((there, "was not seen absent"), (hidden, "was not seen absent"), (recycled, "another")):
        with staged(DeclaringShop(gone_with="account")) as stage:

            def planted(account: str, stage: Stage = stage, fault: Any = fault) -> None:
                stage.front.plant(status(404), at("users", account, "seats"))
                made = fault(stage)
                if made is not None:
                    stage.front.plant(made, at("users", account))

            stage.deeds = [planted]
            told = stage.drill(access=LICENSE)
        finding = told.one(Kind.LICENSE)
        assert finding.outcome is Outcome.INCONCLUSIVE, told
        assert words in finding.reason
        assert told.case.verdict is not Verdict.PASS


def test_an_account_absent_in_other_rounds_than_its_lists_does_not_count() -> None:
    """The record is not found in every second round only; its lists never are."""
    with staged(DeclaringShop(gone_with="account")) as stage:
        turns = iter(range(10_000))

        def planted(account: str) -> None:
            stage.front.plant(sometimes(status(404), lambda: next(turns) % 2 == 1), at("users", account))
            stage.front.plant(status(404), at("users", account, "seats"))

        stage.deeds = [planted]
        told = stage.drill(access=LICENSE)
    looks = told.one(Kind.LICENSE).observations
    assert {"not found", "gone with the account"} <= {reason for o in looks for reason in REASONS if reason in o.reason}
    assert told.one(Kind.ACCOUNT).verdict is not Verdict.PASS, told
    assert told.case.verdict is not Verdict.PASS


REASONS = ("not found", "gone with the account")


def test_the_same_list_must_work_for_a_control() -> None:
    with staged(DeclaringShop(gone_with="account")) as stage:
        stage.deeds = [
            stage.behind.delete,
            lambda _: stage.front.plant(status(404), ending("seats")),
        ]
        unseen(stage.drill(access=LICENSE), Kind.LICENSE, "neither was any control")


def test_a_control_must_show_its_access_and_not_just_an_answer() -> None:
    with staged(DeclaringShop(gone_with="account")) as stage:
        emptied = edit(lambda body: body.update(items=[], total=0) if "items" in body else None)
        stage.deeds = [
            stage.behind.delete,
            lambda _: stage.front.plant(emptied, ending("seats")),
        ]
        unseen(stage.drill(access=LICENSE), Kind.LICENSE, "neither was any control")


@pytest.mark.parametrize("gone_with", [True, False], ids=["declared", "undeclared"])
def test_what_stood_in_a_deleted_record_is_gone_only_by_the_rule(gone_with: bool) -> None:
    class Records(Shop):
        def described(self, url: str) -> dict[str, Any]:
            made = super().described(url)
            if not gone_with:
                made["kinds"]["role"]["list"].pop("gone_with")
            return made

    with staged(Records()) as stage:
        stage.deeds = [stage.behind.delete]
        told = stage.drill(access=(Entitlement("shop", Kind.ROLE, "approver"),))
    if gone_with:
        assert told.case.verdict is Verdict.PASS, told
    else:
        unseen(told, Kind.ROLE, "not `gone_with: account`")


# --- a multi-valued field left out -------------------------------------------------------------------


ROLE = (Entitlement("shop", Kind.ROLE, "approver"),)
PRO = (Entitlement("directory", Kind.LICENSE, "pro"),)


class OmittingShop(Shop):
    """Leaves `roles` out where there are none, as many APIs do."""

    def __init__(self, *, declared: bool = True) -> None:
        super().__init__()
        self.declared = declared

    def __call__(self, asked: Asked, bearer: str, body: Any) -> tuple[int, Any]:
        status, answer = super().__call__(asked, bearer, body)
        if self.is_record(asked) and asked.method == "GET" and isinstance(answer, dict) and answer.get("roles") == []:
            answer = {key: value for key, value in answer.items() if key != "roles"}
        return status, answer

    def described(self, url: str) -> dict[str, Any]:
        made = super().described(url)
        role = made["kinds"]["role"]
        if self.declared:
            role["list"]["empty"] = "omitted"
        role["grant"] = {"patch": "/users/{{ account.id }}", "json": {"roles": "{{ [name] }}"}}
        role["revoke"] = {"patch": "/users/{{ account.id }}", "json": {"roles": "{{ [] }}"}, "absent_on": [404]}
        return made


def test_the_last_licence_left_out_of_a_scim_user_passes_by_the_rule() -> None:
    with staged(Directory()) as stage:
        stage.deeds = [stage.behind.disable, stage.behind.strip_record]
        told = stage.drill(access=PRO)
    assert told.case.verdict is Verdict.PASS, told
    assert "left out" in told.one(Kind.LICENSE).reason


def test_a_field_left_out_for_the_controls_too_says_nothing() -> None:
    with staged(Directory()) as stage:
        lost = edit(lambda body: body.pop("entitlements", None))
        stage.deeds = [stage.behind.disable, lambda _: stage.front.plant(lost, stage.behind.is_record)]
        unseen(stage.drill(access=PRO), Kind.LICENSE, "neither was any control")


def test_a_field_that_was_not_filled_at_the_baseline_says_nothing() -> None:
    """The service never shows the leaver's licences; whether they went cannot be seen."""
    with staged(Directory()) as stage:
        stage.deeds = [stage.behind.disable]
        leavers = edit(lambda body: body.pop("entitlements", None))
        seen: list[str] = []

        def on_ask(asked: Asked, bearer: str) -> None:
            path = segments(asked)
            if asked.method == "PATCH" and path[0] == "Users" and path[1] not in seen:
                seen.append(path[1])
                if len(seen) == 3:  # two bystanders, and then the leaver
                    stage.front.plant(leavers, at(*path))

        stage.on_ask = on_ask
        told = stage.drill(access=PRO)
    finding = told.one(Kind.LICENSE)
    assert finding.outcome is Outcome.INCONCLUSIVE, told
    assert told.case.verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "undeclared"])
def test_an_api_that_leaves_empty_fields_out_must_say_so(declared: bool) -> None:
    with staged(OmittingShop(declared=declared)) as stage:
        stage.deeds = [stage.behind.disable, stage.behind.strip_record]
        told = stage.drill(access=ROLE)
    if declared:
        assert told.case.verdict is Verdict.PASS, told
    else:
        unseen(told, Kind.ROLE, "has no `roles`")


def test_null_is_no_list_where_empty_fields_are_not_left_out() -> None:
    with staged(Shop()) as stage:
        stage.deeds = [
            stage.behind.disable,
            lambda account: stage.front.plant(edit(lambda body: body.update(roles=None)), at("users", account)),
        ]
        unseen(stage.drill(access=ROLE), Kind.ROLE, "roles")


# --- both sides of a group ---------------------------------------------------------------------------

STAFF = (Entitlement("directory", Kind.GROUP, "staff"),)


def test_groups_that_keep_a_deleted_user_are_seen_from_their_own_side() -> None:
    directory = Directory()
    directory.dangling = True
    with staged(directory) as stage:
        stage.deeds = [stage.behind.delete]
        told = stage.drill(access=STAFF)
    assert told.one(Kind.GROUP).outcome is Outcome.RESIDUAL, told


@pytest.mark.parametrize("deed", ["delete", "disable"])
def test_a_groups_side_that_went_blind_is_no_proof(deed: str) -> None:
    """`Groups?filter=` finds nobody any more; the controls' groups are still shown in their records. What the groups
    list of the leaver, nobody can see."""
    directory = Directory()
    directory.dangling = True
    with staged(directory) as stage:
        blind = edit(lambda body: body.update(Resources=[], totalResults=0))
        own = edit(lambda body: body.pop("groups", None))
        stage.deeds = [
            getattr(stage.behind, deed),
            lambda _: stage.front.plant(blind, stage.behind.is_groups),
            lambda account: stage.front.plant(own, at("Users", account)),
        ]
        told = stage.drill(access=STAFF)
    assert told.one(Kind.GROUP).outcome is Outcome.INCONCLUSIVE, told
    assert told.case.verdict is Verdict.INCONCLUSIVE


def test_a_users_side_that_went_blind_is_no_proof() -> None:
    """The groups say that the leaver is out; the users' records, which said the opposite, show nobody's any more."""
    with staged(Directory()) as stage:
        own = edit(lambda body: body.pop("groups", None))
        stage.deeds = [
            stage.behind.disable,
            lambda _: stage.front.plant(own, stage.behind.is_record),
            lambda account: stage.behind.strip(account),
        ]
        told = stage.drill(access=STAFF)
    assert told.one(Kind.GROUP).outcome is Outcome.INCONCLUSIVE, told
