"""moto, an emulator of AWS: what ten ways to offboard leave behind there, and who leaves nothing behind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

import fixtures.fleet.moto as module
from fixtures.fleet.moto import Moto, NotInstalled, running
from harness.model import Kind, Outcome, Subject, Vantage, Verdict
from tests.real.conftest import cannot
from tests.real.drills import Drilled, drill, finding, measured, secrets_in
from tests.real.facts import Clean, Fact, holds, passes

pytestmark = pytest.mark.real

HOME = Path(module.__file__).parent
FLEET = HOME / "fleet.yaml"
SCENARIOS = HOME / "scenarios"
ALONE = {"second-user"}  # leaves somebody behind whom only this story knows: on a server of its own

CONFLICT, LOCKED = "deleted-with-policies", "locked"
FACTS = [
    Fact("moto/delete-conflict-account", "moto: DeleteUser of a user with policies is a DeleteConflict: the user stays",
         CONFLICT, "aws_iam", Kind.ACCOUNT, None),
    Fact("moto/delete-conflict-policy", "moto: … and its managed policy", CONFLICT, "aws_iam", Kind.ROLE, "drill-read"),
    Fact("moto/delete-conflict-inline", "moto: … its inline policy", CONFLICT, "aws_iam", Kind.ROLE,
         "inline/drill-own"),
    Fact("moto/delete-conflict-group", "moto: … its group", CONFLICT, "aws_iam", Kind.GROUP, "drill-platform"),
    Fact("moto/delete-conflict-password", "moto: … its password", CONFLICT, "aws_iam", Kind.CREDENTIAL,
         "console-password"),
    Fact("moto/delete-conflict-ssh-key", "moto: … its SSH key", CONFLICT, "aws_iam", Kind.CREDENTIAL, "ssh-public-key"),
    Fact("moto/delete-conflict-device", "moto: … its MFA device", CONFLICT, "aws_iam", Kind.DEVICE, "phone"),
    Fact("moto/delete-conflict-key-works", "moto: … and its access key, which works", CONFLICT, "aws_iam",
         Kind.CREDENTIAL, "access-key", vantage=Vantage.LEAVER, reason="works"),
    Fact("moto/virtual-mfa-survives", "moto: a virtual MFA device survives its user, assigned to nobody", "stripped",
         "aws_iam", Kind.DEVICE, "phone", reason="assigned to nobody"),
    Fact("moto/inactive-key-works", "moto, and not AWS: an access key that is `Inactive` still authenticates",
         "keys-deactivated", "aws_iam", Kind.CREDENTIAL, "access-key", vantage=Vantage.LEAVER, reason="works"),
    Fact("moto/keys-only-password", "moto: deactivated keys leave the password of the console", "keys-deactivated",
         "aws_iam", Kind.CREDENTIAL, "console-password"),
    Fact("moto/keys-only-account", "moto: … so the account can still be used", "keys-deactivated", "aws_iam",
         Kind.ACCOUNT, None),
    Fact("moto/console-only-key", "moto: a deleted login profile leaves the access key, which works", "console-closed",
         "aws_iam", Kind.CREDENTIAL, "access-key", vantage=Vantage.LEAVER, reason="works"),
    Fact("moto/console-only-ssh-key", "moto: … and the SSH key", "console-closed", "aws_iam", Kind.CREDENTIAL,
         "ssh-public-key"),
    Fact("moto/console-only-account", "moto: … so the account can still be used", "console-closed", "aws_iam",
         Kind.ACCOUNT, None),
    Fact("moto/locked-policy", "moto: a user without password and keys keeps its policies", LOCKED, "aws_iam",
         Kind.ROLE, "drill-read"),
    Fact("moto/locked-group", "moto: … its groups", LOCKED, "aws_iam", Kind.GROUP, "drill-support"),
    Fact("moto/locked-device", "moto: … and its MFA device", LOCKED, "aws_iam", Kind.DEVICE, "phone"),
    Fact("moto/renamed-old-name", "moto: a renamed user is not found by its old name, and stays", "renamed-old-name",
         "aws_iam", Kind.ACCOUNT, None),
    Fact("moto/center-dead-membership", "moto: `Identity Center`'s DeleteUser leaves the membership of the dead id",
         "center-deleted", "aws_center", Kind.GROUP, "drill-admins"),
    Fact("moto/center-dead-assignment", "moto: … and its account assignment", "center-deleted", "aws_center",
         Kind.ROLE, "drill-read@123456789012"),
    Fact("moto/center-dead-through-group", "moto: … and what the dead id has through the group", "center-deleted",
         "aws_center", Kind.ROLE, "drill-deploy@123456789012 through drill-admins"),
    Fact("moto/center-rehire-dead-assignment", "moto: a rehire under the same userName leaves the dead id's assignment",
         "center-rehired", "aws_center", Kind.ROLE, "drill-read@123456789012"),
]  # fmt: skip
CLEAN = [
    Clean("moto/purged", "moto: everything taken away in order, and the user deleted", "purged"),
    Clean("moto/renamed-new-name", "moto: a renamed user purged by its name of today", "renamed-new-name"),
    Clean(
        "moto/rehired",
        "moto: a rehire under the same name has a new UserId and nothing of the old",
        "rehired-same-name",
    ),
    Clean("moto/center-purged", "moto: memberships, assignments, then the `Identity Center` user", "center-purged"),
]


@pytest.fixture(scope="module")
def moto() -> Iterator[Moto]:
    try:
        with running() as server:
            yield server
    except NotInstalled as why:
        cannot(str(why))


@pytest.fixture(scope="module")
def drilled(moto: Moto, tmp_path_factory: pytest.TempPathFactory) -> Drilled:
    """Every story in one drill."""
    stories = [path for path in sorted(SCENARIOS.glob("*.yaml")) if path.stem not in ALONE]
    return drill(FLEET, stories, moto.env, tmp_path_factory.mktemp("moto"))


@pytest.mark.parametrize("fact", FACTS, ids=[fact.id for fact in FACTS])
def test_fact(drilled: Drilled, fact: Fact) -> None:
    holds(fact, drilled)


@pytest.mark.parametrize("clean", CLEAN, ids=[clean.id for clean in CLEAN])
def test_clean(drilled: Drilled, clean: Clean) -> None:
    passes(clean, drilled)


def test_every_story_is_told() -> None:
    told = {fact.case for fact in FACTS} | {clean.case for clean in CLEAN} | ALONE
    assert told == {path.stem for path in SCENARIOS.glob("*.yaml")}


def test_a_refused_deletion_is_the_connectors_claim_and_decides_nothing(drilled: Drilled) -> None:
    conflict = drilled.case(CONFLICT)
    assert conflict.claimed == "error"
    assert "DeleteConflict" in conflict.claim_detail
    assert drilled.case("renamed-old-name").claimed == "error"
    assert drilled.case("stripped").claimed == "success"


def test_a_user_without_a_usable_credential_is_disabled_and_its_record_remains(drilled: Drilled) -> None:
    account = finding(drilled.case(LOCKED), "aws_iam", Kind.ACCOUNT)
    assert account.outcome is Outcome.REVOKED, account.reason
    assert "no usable access-key" in account.reason
    measured(account)


def test_an_inactive_key_is_absent_for_the_admin_whatever_moto_makes_of_it(drilled: Drilled) -> None:
    key = finding(drilled.case("keys-deactivated"), "aws_iam", Kind.CREDENTIAL, "access-key")
    assert key.outcome is Outcome.REVOKED, key.reason
    assert "record remains (Inactive)" in key.reason
    measured(key)


def test_a_refused_key_is_measured_beside_a_controls(drilled: Drilled) -> None:
    key = finding(drilled.case("purged"), "aws_iam", Kind.CREDENTIAL, "access-key", Vantage.LEAVER)
    assert "InvalidClientTokenId" in key.reason
    assert [look for look in key.observations if look.control.startswith("bystander-")]


def test_a_rehire_is_somebody_else(drilled: Drilled) -> None:
    for case, system in (("rehired-same-name", "aws_iam"), ("center-rehired", "aws_center")):
        accounts = [f for f in drilled.case(case).findings if (f.system, f.kind) == (system, Kind.ACCOUNT)]
        assert [f.outcome for f in accounts] == [Outcome.REVOKED, Outcome.INTACT]
        assert len({f.grant_id for f in accounts}) == 2


def test_bystanders_are_intact_and_the_server_is_as_it_was(drilled: Drilled, moto: Moto) -> None:
    assert drilled.run.bystanders
    assert {(f.subject, f.outcome) for f in drilled.run.bystanders} == {(Subject.BYSTANDER, Outcome.INTACT)}
    assert drilled.run.cleanup.complete
    iam, people, sso = (client(moto, service) for service in ("iam", "identitystore", "sso-admin"))
    store, instance = moto.env["MOTO_STORE"], moto.env["MOTO_INSTANCE"]
    assert {user["UserName"] for user in iam.list_users()["Users"]} == {"exitproof-admin", "exitproof-reader"}
    assert iam.list_groups()["Groups"] == []
    assert iam.list_virtual_mfa_devices()["VirtualMFADevices"] == []
    assert people.list_users(IdentityStoreId=store)["Users"] == []
    (group,) = people.list_groups(IdentityStoreId=store)["Groups"]
    assert people.list_group_memberships(IdentityStoreId=store, GroupId=group["GroupId"])["GroupMemberships"] == []
    for arn in sso.list_permission_sets(InstanceArn=instance)["PermissionSets"]:
        where = {"InstanceArn": instance, "AccountId": moto.env["MOTO_ACCOUNT"], "PermissionSetArn": arn}
        assert {one["PrincipalType"] for one in sso.list_account_assignments(**where)["AccountAssignments"]} <= {
            "GROUP"
        }


def client(moto: Moto, service: str) -> Any:
    return boto3.client(
        service, endpoint_url=moto.url, region_name="us-east-1",
        aws_access_key_id=moto.env["MOTO_ADMIN_ID"], aws_secret_access_key=moto.env["MOTO_ADMIN_SECRET"],
    )  # fmt: skip


def test_no_secret_is_in_the_run_folder(drilled: Drilled, moto: Moto) -> None:
    people = [result.identity for result in drilled.run.cases]
    secrets = [moto.env["MOTO_ADMIN_SECRET"], moto.env["MOTO_READER_SECRET"]]
    secrets += [who.password.reveal() for who in people if who is not None]
    assert secrets_in(drilled.folder, secrets) == []
    assert secrets_in(drilled.folder, [str(people[0].username if people[0] else "")])  # the search does find
    assert secrets_in(drilled.folder, ["SecretAccessKey", "Base32StringSeed", "AuthenticationCode"]) == []


# --- on servers of their own ------------------------------------------------------------------------


KILL = "import os, signal; os.kill({pid}, signal.SIGKILL)"


def alone(story: str, folder: Path, event: str = "") -> Drilled:
    """One story on a server of its own, with another event; `kill-server` ends the server."""
    with running() as moto:
        fleet_file, story_file = folder / "fleet.yaml", folder / f"{story}.yaml"
        argv = f'["${{env:MOTO_PYTHON}}", "-c", "{KILL.format(pid=moto.daemon.process.pid)}"]'
        kill = f"    events:\n      kill-server: {{argv: {argv}}}\n"
        text = FLEET.read_text().replace("    events:\n", kill, 1)
        # A server that is gone is asked in vain again and again: not for long.
        fleet_file.write_text(text.replace("within: 15s", "within: 3s") if event == "kill-server" else text)
        text = (SCENARIOS / f"{story}.yaml").read_text()
        story_file.write_text(re.sub(r"event: [\w-]+, reason", f"event: {event}, reason", text) if event else text)
        return drill(fleet_file, [story_file], moto.env, folder / "run")


def test_a_second_user_of_the_same_person_is_found_by_its_tag(tmp_path: Path) -> None:
    case = alone("second-user", tmp_path).case("second-user")
    accounts = [f for f in case.findings if f.kind is Kind.ACCOUNT]
    assert [f.outcome for f in accounts] == [Outcome.REVOKED, Outcome.RESIDUAL]
    assert "appeared after leaving" in accounts[1].reason
    assert accounts[0].grant_id != accounts[1].grant_id


def test_a_reader_that_loses_its_rights_as_the_leaver_goes_makes_nothing_clean(tmp_path: Path) -> None:
    """The story that passes otherwise."""
    case = alone("purged", tmp_path, "blind-reader").case("purged")
    assert case.claimed == "success", case.claim_detail
    assert case.verdict is Verdict.INCONCLUSIVE
    by_admin = [f for f in case.findings if f.vantage is Vantage.ADMIN]
    assert {f.outcome for f in by_admin} == {Outcome.INCONCLUSIVE}
    assert all("is denied to this key" in f.reason for f in by_admin), [f.reason for f in by_admin]
    assert not case.cleanup.complete  # it could not be looked at: nobody may say that it is clean


def test_a_server_that_dies_as_the_leaver_goes_makes_nothing_clean(tmp_path: Path) -> None:
    """moto keeps its state in memory: with it ends all that could be cleaned up, and nobody can say so."""
    case = alone("keys-deactivated", tmp_path, "kill-server").case("keys-deactivated")
    assert case.verdict is Verdict.INCONCLUSIVE
    assert {f.outcome for f in case.findings} == {Outcome.INCONCLUSIVE}
    assert all("no connection" in f.reason for f in case.findings), [f.reason for f in case.findings]
    assert not case.cleanup.complete
