"""A scenario file becomes cases in a fleet's own words: every key of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from harness import scenario
from harness.fleet import Timing
from harness.model import SECOND, Demand, Entitlement, Join, Kind, Leave, ObjectSpec, Step, Subject, Within
from harness.ports import Guard, KindTraits
from tests.scenario.worlds import EVERYDAY, TODAY, but, load, one, staging, write

MINUTE = 60 * SECOND
LEAVE = "title: T\nleave: {via: hr-feed, event: terminate}\n"


def test_the_whole_file_becomes_two_cases() -> None:
    loaded = scenario.load([EVERYDAY], staging(), TODAY)
    assert [case.id for case in loaded.cases] == ["everyday[terminate]", "everyday[delete]"]
    case = loaded.cases[0]
    assert case.scenario == "everyday"
    assert case.title == "Everyday leaver"
    assert case.tags == ("pre-release", "quarterly")
    assert case.params == {"leave.event": "terminate"}
    assert case.attributes == {"type": "employee", "department": "Finance"}
    assert case.objects == (ObjectSpec("finance-inbox", "mail", Kind.MAILBOX, Subject.CUSTODIAN),)
    assert case.access == (
        Entitlement("directory", Kind.GROUP, "00g1ab7"),
        Entitlement("directory", Kind.ROLE, "expense-approver"),
        Entitlement("crm", Kind.LICENSE, "sales-pro"),
        Entitlement("crm", Kind.CREDENTIAL, "api-token"),
        Entitlement("crm", Kind.GROUP, "owners", sole=True),
        Entitlement("mail", Kind.DELEGATION, "finance-inbox", on="finance-inbox", right="read"),
        Entitlement("mail", Kind.DELEGATION, "finance-inbox", on="finance-inbox", right="send-as"),
    )
    assert [each.label for each in case.access[-2:]] == ["finance-inbox#read", "finance-inbox#send-as"]
    assert case.join == Join("hr-feed", 5 * MINUTE, "join")
    assert case.before == ()
    assert case.leave == Leave("hr-feed", "terminate", "resignation")
    assert case.then == (Step(event="sync", via="hr-feed"), Step(replay=True), Step(wait=5 * SECOND))
    assert case.account == "disabled"
    assert case.within == Within(15 * MINUTE, {"crm": 40 * MINUTE, "crm.session": 60 * MINUTE})
    assert case.hold == (10 * MINUTE,)
    assert case.settle == 10 * SECOND  # the fleet's
    assert case.poll is None
    (keep,) = case.keep
    assert keep.label == "mail/mailbox/*"
    assert (keep.reason, keep.owner) == ("90-day retention MB-7", "mail-team@example.test")
    assert keep.until == date(2027, 3, 31)
    assert keep.where == f"{EVERYDAY}:21"
    assert case.demand == Demand()
    assert case.controls == ("nist-800-53:PS-4", "soc2:CC6.3")
    assert case.systems is None
    assert loaded.cases[1].leave.event == "delete"
    assert hash(case.access)


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    case = one(tmp_path, LEAVE)
    assert (case.account, case.hold, case.join, case.keep) == ("disabled", (), None, ())
    assert case.within == Within(15 * MINUTE)
    assert (case.story, case.access, case.attributes, case.params) == ("", (), {}, {})


def test_a_rehire_with_an_earlier_life(tmp_path: Path) -> None:
    text = LEAVE + (
        "before: [{event: join, via: hr-feed, set: {family_name: Old}}, {wait: 1m}]\n"
        "then: [{event: join, wait: 2s, expect: {has: {directory: [account]}, gone: old}}]\n"
        "expect: {has: {crm: [{group: owners}]}, gone: old, account: removed, hold: [15m, 24h]}\n"
    )
    case = one(tmp_path, text)
    assert case.before == (Step(event="join", via="hr-feed", set={"family_name": "Old"}), Step(wait=MINUTE))
    account = Entitlement("directory", Kind.ACCOUNT, "account")
    assert case.then == (Step(event="join", via="hr-feed", wait=2 * SECOND, demand=Demand((account,), "old")),)
    assert case.demand == Demand((Entitlement("crm", Kind.GROUP, "owners"),), "old")
    assert case.account == "removed"
    assert case.hold == (15 * MINUTE, 24 * 60 * MINUTE)


def test_leaving_later_or_backdated_and_together(tmp_path: Path) -> None:
    text = "title: T\nleave: {via: hr-feed, event: terminate, effective: %s, together: true, set: {family_name: X}}\n"
    assert one(tmp_path, text % "+2m").leave == Leave(
        "hr-feed", "terminate", effective=2 * MINUTE, together=True, set={"family_name": "X"}
    )
    assert one(tmp_path, text % "-1h").leave.effective == -60 * MINUTE


def test_a_matrix_of_several_dimensions_in_file_order(tmp_path: Path) -> None:
    text = LEAVE + (
        "identity: {department: Sales}\n"
        "matrix: {identity.department: [Sales, IT], leave.event: [terminate, delete], expect.within: [5m]}\n"
    )
    cases = load(tmp_path, text).cases
    assert [case.id for case in cases] == [
        "a[Sales-terminate-5m]",
        "a[Sales-delete-5m]",
        "a[IT-terminate-5m]",
        "a[IT-delete-5m]",
    ]
    assert cases[3].params == {"identity.department": "IT", "leave.event": "delete", "expect.within": "5m"}
    assert cases[3].attributes == {"department": "IT"}
    assert cases[3].within == Within(5 * MINUTE)


def test_an_exception_holds_only_in_the_cases_that_its_when_names(tmp_path: Path) -> None:
    entry = "{system: any, kind: license, reason: r, owner: o, until: 2026-11-22, when: {leave.event: delete}}"
    text = LEAVE + f"expect: {{keep: [{entry}]}}\nmatrix: {{leave.event: [terminate, delete]}}\n"
    terminated, deleted = load(tmp_path, text).cases
    assert terminated.keep == ()
    (keep,) = deleted.keep
    assert (keep.system, keep.name, keep.when) == ("any", "*", {"leave.event": "delete"})


def test_names_of_the_fleet_replace_those_of_the_scenario(tmp_path: Path) -> None:
    names = {"sales": "crm", "hr": "hr-feed", "sales/license/seat": "sales-pro"} | {
        "crm/group/owners": "grp-7",
        "mail/mailbox/inbox": "shared@drill.example.test",
    }
    text = (
        "title: T\nleave: {via: hr, event: terminate}\nneeds: [sales.license, hr.terminate]\nsystems: [sales, mail]\n"
        "objects: {inbox: {system: mail, kind: mailbox}}\n"
        "access: {sales: [{license: seat}, {group: owners}], mail: [{delegation: {on: inbox, right: read}}]}\n"
        "expect: {within: {sales: 5m}, keep: [{system: sales, kind: license, name: seat, reason: r, owner: o, "
        "until: 2030-01-01}]}\n"
    )
    allowed = Guard("x", "y", 9, None)
    case = one(tmp_path, text, but(names=names, guard=allowed, timing=Timing()))
    inbox = "shared@drill.example.test"
    assert case.access == (
        Entitlement("crm", Kind.LICENSE, "sales-pro"),
        Entitlement("crm", Kind.GROUP, "grp-7"),
        Entitlement("mail", Kind.DELEGATION, inbox, on=inbox, right="read"),
    )
    assert case.objects == (ObjectSpec(inbox, "mail", Kind.MAILBOX),)
    assert case.leave.via == "hr-feed"
    assert case.within == Within(15 * MINUTE, {"crm": 5 * MINUTE})
    assert (case.keep[0].system, case.keep[0].name) == ("crm", "sales-pro")
    assert case.systems == ("crm", "mail")


@pytest.mark.parametrize(
    ("need", "reason"),
    [
        ("mail", ""),
        ("mail.delegation", ""),
        ("mail.account", ""),
        ("mail.login", ""),
        ("mail.delegation.grant", ""),
        ("mail.mailbox.object", ""),
        ("crm.credential.use", ""),
        ("hr-feed", ""),
        ("hr-feed.sync", ""),
        ("code", "needs code: the fleet has no system or connector `code`"),
        ("code.share", "needs code.share: the fleet has no system or connector `code`"),
        ("mail.share", "needs mail.share: system `mail` declares no share"),
        ("mail.device", "needs mail.device: system `mail` declares no device (mail has none)"),
        ("mail.session", "needs mail.session: system `mail` declares no session (no API)"),
        ("mail.audit", "needs mail.audit: system `mail` has no `audit`"),
        ("mail.mailbox.grant", "needs mail.mailbox.grant: system `mail` has no `grant` for mailbox"),
        ("mail.delegation.use", "needs mail.delegation.use: system `mail` has no `use` for delegation"),
        ("hr-feed.suspend", "needs hr-feed.suspend: connector `hr-feed` has no event `suspend`"),
    ],
)
def test_what_the_fleet_lacks_deselects_with_its_reason(tmp_path: Path, need: str, reason: str) -> None:
    loaded = load(tmp_path, LEAVE + f"needs: [{need}]\nmatrix: {{leave.event: [terminate, delete]}}\n")
    assert [(each.id, each.reason) for each in loaded.deselected] == (
        [("a[terminate]", reason), ("a[delete]", reason)] if reason else []
    )
    assert len(loaded.cases) == (0 if reason else 2)


def test_a_deselected_scenario_may_speak_of_what_the_fleet_lacks(tmp_path: Path) -> None:
    text = "title: T\nneeds: [code, idp]\nleave: {via: idp, event: deactivate}\naccess: {code: [{credential: key}]}\n"
    (each,) = load(tmp_path, text).deselected
    assert each.reason == (
        "needs code: the fleet has no system or connector `code`; needs idp: the fleet has no system or connector `idp`"
    )


def test_the_fleets_times_replace_the_scenarios(tmp_path: Path) -> None:
    text = LEAVE + "then: [{wait: 5s}, {event: sync, wait: 1m}]\nexpect: {within: {default: 1h, crm: 2h}, hold: 1d}\n"
    timing = Timing(settle=1, within=2, hold=(3,), wait=4, poll=5)
    case = one(tmp_path, text, but(timing=timing))
    assert (case.settle, case.within, case.hold, case.poll) == (1, Within(2), (3,), 5)
    assert [step.wait for step in case.then] == [4, 4]
    assert case.overridden == {
        "within": "1h, crm 2h",
        "hold": "1d",
        "then.0.wait": "5s",
        "then.1.wait": "1m",
    }
    case = one(tmp_path, text, but(timing=Timing(within_by={"mail": 7, "crm": 8})))
    assert case.within == Within(60 * MINUTE, {"crm": 8, "mail": 7})
    assert case.settle is None


def test_access_that_the_connector_gives_needs_no_grant(tmp_path: Path) -> None:
    text = LEAVE + (
        "join: {via: hr-feed}\naccess: {mail: [{mailbox: {name: own, by: join}}], crm: [account]}\n"
        "systems: [mail, crm]\n"
    )
    case = one(tmp_path, text)
    assert case.access == (
        Entitlement("mail", Kind.MAILBOX, "own", by="join"),
        Entitlement("crm", Kind.ACCOUNT, "account"),
    )
    assert case.systems == ("mail", "crm")


def test_forwardings_have_a_direction_and_an_end(tmp_path: Path) -> None:
    mail = replace(staging().systems["mail"], kinds={Kind.FORWARDING: KindTraits(listed=True, grantable=True)})
    shape = but(systems={"mail": mail}, guard=Guard("x", "y", 9, None))
    text = LEAVE + "access: {mail: [{forwarding: {name: rule, to: a@drill.example.test, direction: in}}]}\n"
    assert one(tmp_path, text, shape).access == (
        Entitlement("mail", Kind.FORWARDING, "rule", to="a@drill.example.test", direction="in"),
    )


def test_a_word_that_yaml_1_1_would_turn_into_a_boolean(tmp_path: Path) -> None:
    text = "title: no\nidentity: {shift: on, start: 12:30, badge: '007'}\nleave: {via: hr-feed, event: terminate}\n"
    case = one(tmp_path, text)
    assert (case.title, case.attributes) == ("no", {"shift": "on", "start": "12:30", "badge": "007"})


def test_every_key_of_the_model_is_in_the_schema_with_unknown_ones_refused() -> None:
    import jsonschema

    from harness.source import read

    schema = scenario.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    good = read(EVERYDAY).data
    assert list(validator.iter_errors(good)) == []
    assert list(validator.iter_errors({**good, "titel": "x"})) != []
    assert list(validator.iter_errors({**good, "leave": {"via": "x"}})) != []
    assert list(validator.iter_errors({**good, "identity": {"cost centre": "x"}})) != []
    assert list(validator.iter_errors({**good, "expect": {"within": "5 minutes"}})) != []


def test_files_are_found_below_folders_named_scenarios(tmp_path: Path) -> None:
    for name in ("b", "terminate/a", "terminate/deep/c"):
        write(tmp_path, LEAVE, name)
    (tmp_path / "scenarios" / "notes.yml").write_text("x", encoding="utf-8")
    (tmp_path / "fleet.yaml").write_text("x", encoding="utf-8")
    (tmp_path / "other.yaml").write_text(LEAVE, encoding="utf-8")
    ids = ["b", "terminate/a", "terminate/deep/c"]
    assert [file.id for file in scenario.discover([tmp_path])] == ids
    assert [file.id for file in scenario.discover([tmp_path / "scenarios"])] == ids
    assert [file.id for file in scenario.discover([tmp_path / "scenarios" / "terminate"])] == ids[1:]
    assert [file.id for file in scenario.discover([tmp_path / "scenarios" / "b.yaml"])] == ["b"]
    assert [file.id for file in scenario.discover([tmp_path / "other.yaml"])] == ["other"]
    twice = [tmp_path, tmp_path / "scenarios" / "b.yaml"]
    assert [file.id for file in scenario.discover(twice)] == ids


def test_a_folder_without_scenarios_is_taken_whole_where_that_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("fleet.yaml", "x.yaml", "sub/y.yaml"):
        (tmp_path / name).write_text(LEAVE, encoding="utf-8")
    assert [file.id for file in scenario.discover([tmp_path])] == ["sub/y", "x"]
    assert scenario.discover([tmp_path], anywhere=False) == []
