"""System `aws-identity-center`: the users of one IAM Identity Center store, their groups and account assignments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from harness.adapter import SystemAdapter, SystemConfig
from harness.model import Account, Entitlement, Floor, Grant, Kind, Made, ObjectSpec
from harness.ports import Declaration, KindTraits, Person, Tools, WriteFailed
from harness.systems.aws_identity_center_look import CenterSurvey, account, assignment_id
from harness.systems.aws_identity_center_write import Writer
from harness.wire.aws import Aws
from harness.wire.aws_clients import keys_of
from harness.wire.aws_leaver import reachable
from harness.wire.survey import SurveyRound
from harness.wire.writing import account_of, written

_NONE = "Identity Center has none"
WITHOUT = {
    Kind.MAILBOX: _NONE,
    Kind.DELEGATION: _NONE,
    Kind.FORWARDING: _NONE,
    Kind.CONSENT: _NONE,
    Kind.OWNERSHIP: "users own nothing here",
    Kind.SHARE: _NONE,
}
NOT_LISTABLE = {
    Kind.LICENSE: "assignments of applications are not read",
    Kind.CREDENTIAL: "passwords and tokens have no API",
    Kind.SESSION: "no API; sessions of a role outlive sign-out, up to the permission set's duration",
    Kind.DEVICE: "MFA devices have no public API",
}


class AwsIdentityCenterConfig(SystemConfig):
    type: Literal["aws-identity-center"]
    instance: str = Field(description="ARN of the Identity Center instance")
    identity_store: str = Field(description="id of its identity store: d-…")
    url: str | None = Field(default=None, description="an endpoint for every service, instead of AWS's own")
    region: str = "us-east-1"
    status: bool = Field(default=True, description="read `UserStatus`; false: a record is an account that can be used")
    groups: Literal["both", "user"] = Field(default="both", description="the sides that memberships are read from")
    assignments: Literal["both", "user"] = Field(default="both", description="the sides that assignments are read from")
    page_size: int = Field(default=100, ge=1, le=100)

    def declared(self) -> Mapping[Kind, KindTraits]:
        plain = KindTraits(True, grantable=True, revocable=True)
        return {Kind.GROUP: replace(plain, finds_objects=True, creates_objects=True), Kind.ROLE: plain}

    def able(self) -> frozenset[str]:
        return frozenset({"create"})

    def addresses(self) -> tuple[str, ...]:
        return (self.url or f"https://identitystore.{self.region}.amazonaws.com",)


class AwsIdentityCenter:
    """Implements `ports.System` and `ports.Provisions`."""

    def __init__(self, name: str, config: AwsIdentityCenterConfig, reader: Aws, writer: Aws) -> None:
        self.name = name
        self._config = config
        self._reader, self._writer_aws = reader, writer
        both = (config.groups == "both", config.assignments == "both")
        self._survey = CenterSurvey(name, reader, config.identity_store, config.instance, config.status, *both)
        self._writer = Writer(writer, config.identity_store, config.instance)

    def declaration(self) -> Declaration:
        config = self._config
        return Declaration(
            type="aws-identity-center",
            url=config.addresses()[0],
            reader=f"access key {keys_of(config.reader_auth, 'reader').id}",
            independent=config.independent,
            owner=config.owner,
            kinds=config.declared(),
            without=WITHOUT | config.without,
            not_listable=NOT_LISTABLE | config.not_listable,
            floor=Floor.DELETED,
            scopes=scopes(config),
        )

    def round(self) -> SurveyRound:
        return SurveyRound(self._survey)

    def close(self) -> None:
        """Closes every pooled connection."""
        self._reader.close()
        self._writer_aws.close()

    def check(self) -> list[str]:
        """One cheap authorised read of each of the two services."""
        config = self._config
        reasons = (
            reachable(self._reader, "identitystore", "ListGroups", IdentityStoreId=config.identity_store, MaxResults=1),
            reachable(self._reader, "sso-admin", "ListPermissionSets", InstanceArn=config.instance, MaxResults=1),
        )
        return [f"{self.name}: {reason}" for reason in reasons if reason]

    # --- Provisions ---------------------------------------------------------------------------

    def create(self, person: Person) -> Account:
        with written():
            made = self._writer.create_user(_user(person))
        return account(self.name, made, person.identity.username)

    def remove(self, person: Person) -> None:
        """By the UserId, memberships and assignments first: they would be left behind."""
        with written():
            self._writer.delete_user(account_of(person).id)

    def grant(self, person: Person, entitlement: Entitlement, made: Made | None) -> Grant:
        user = account_of(person).id
        with written():
            if entitlement.kind is Kind.GROUP:
                group = made.id if made is not None else self._writer.group(entitlement.name)
                if group is None:
                    raise WriteFailed(f"there is no group {entitlement.name!r}")
                self._writer.enter(group, user)
                return Grant(entitlement, group, object_id=group, vars={"id": group})
            if entitlement.kind is Kind.ROLE:
                arn, where = self._assignment(entitlement.name)
                held = assignment_id(where, arn)
                self._writer.assign(arn, where, user)
                return Grant(entitlement, held, vars={"id": held})
        raise WriteFailed(f"the harness gives no {entitlement.kind} here")

    def revoke(self, person: Person, grant: Grant) -> None:
        user = account_of(person).id
        with written():
            if grant.entitlement.kind is Kind.GROUP:
                group = grant.id or self._writer.group(grant.entitlement.name)
                if group is not None:
                    self._writer.leave(group, user)
            elif grant.entitlement.kind is Kind.ROLE:
                arn, where = self._assignment(grant.entitlement.name)
                self._writer.unassign(arn, where, user)
            else:
                raise WriteFailed(f"the harness takes no {grant.entitlement.kind} here")

    def find_object(self, spec: ObjectSpec, owner: Person | None) -> Made | None:  # noqa: ARG002
        with written():
            found = self._writer.group(_only_group(spec))
        return None if found is None else Made(spec, found, created=False, vars={"id": found})

    def create_object(self, spec: ObjectSpec, owner: Person | None) -> Made:  # noqa: ARG002
        with written():
            made = self._writer.create_group(_only_group(spec))
        return Made(spec, made, created=True, vars={"id": made})

    def remove_object(self, made: Made) -> None:
        if not made.created:
            raise WriteFailed(f"the group {made.spec.name!r} was found, not made: not removed")
        with written():
            self._writer.delete_group(made.id)

    def _assignment(self, name: str) -> tuple[str, str]:
        """`PERMISSION-SET@ACCOUNT`, the permission set by name or by ARN."""
        which, mark, where = name.rpartition("@")
        if not mark or not where.isdigit():
            raise WriteFailed(f"{name!r} is not `PERMISSION-SET@ACCOUNT-ID`")
        arn = which if which.startswith("arn:") else self._writer.permission_set(which)
        if arn is None:
            raise WriteFailed(f"there is no permission set {which!r}")
        return arn, where


def _user(person: Person) -> dict[str, Any]:
    who = person.identity
    return {
        "UserName": who.username,
        "DisplayName": f"{who.given_name} {who.family_name}",
        "Name": {"GivenName": who.given_name, "FamilyName": who.family_name},
        "Emails": [{"Value": who.email, "Type": "work", "Primary": True}],
    }


def _only_group(spec: ObjectSpec) -> str:
    if spec.kind is not Kind.GROUP:
        raise WriteFailed(f"Identity Center has groups as objects, no {spec.kind}")
    return spec.name


def scopes(config: AwsIdentityCenterConfig) -> tuple[str, ...]:
    """The actions that the reader needs, and no others."""
    people = ["GetUserId", "DescribeUser", "ListGroupMembershipsForMember", "ListGroups"]
    people += ["ListGroupMemberships"] if config.groups == "both" else []
    sso = ["ListAccountAssignmentsForPrincipal", "ListPermissionSets", "DescribePermissionSet"]
    swept = ["ListAccountsForProvisionedPermissionSet", "ListAccountAssignments"]
    sso += swept if config.assignments == "both" else []
    return (*(f"identitystore:{one}" for one in people), *(f"sso:{one}" for one in sso))


def build(
    name: str, config: AwsIdentityCenterConfig, tools: Tools, *, timeout_s: float = 30.0, attempts: int = 4
) -> AwsIdentityCenter:
    """The system with its own connections. Raises `ImportError` without botocore, `ValueError` without access keys."""
    tools = replace(tools, limits=config.limits.limits())
    reader = Aws(
        tools, keys_of(config.reader_auth, "reader"), region=config.region, url=config.url, timeout_s=timeout_s,
        attempts=attempts, page_size=config.page_size,
    )  # fmt: skip
    return AwsIdentityCenter(name, config, reader, reader.signed_by(keys_of(config.writer_auth, "writer")))


ADAPTER = SystemAdapter("aws-identity-center", "the users of AWS IAM Identity Center", AwsIdentityCenterConfig, build)
