"""Changes to Identity Center: users, groups, memberships, and assignments of permission sets in accounts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.systems.aws_identity_center_look import NO_PRINCIPAL, permission_sets, set_name
from harness.wire.aws import Aws
from harness.wire.aws_errors import NO_USER, Gone
from harness.wire.aws_pending import finish
from harness.wire.call import Unknown

_NO_GROUP = Gone("ResourceNotFoundException", "GROUP")
_NO_MEMBERSHIP = Gone("ResourceNotFoundException", "GROUP_MEMBERSHIP")


class Writer:
    """Every method raises `Unknown` when the change did not happen as asked."""

    def __init__(self, aws: Aws, store: str, instance: str) -> None:
        self._aws = aws
        self._store = {"IdentityStoreId": store}
        self._instance = instance

    def create_user(self, user: Mapping[str, Any]) -> str:
        return self._made("CreateUser", "UserId", user)

    def delete_user(self, user: str) -> None:
        for one in self._memberships("ListGroupMembershipsForMember", {"MemberId": {"UserId": user}}, NO_USER):
            self._drop(one["MembershipId"])
        params = {"InstanceArn": self._instance, "PrincipalId": user, "PrincipalType": "USER"}
        ids = ("AccountId", "PermissionSetArn")
        held = self._aws.all(
            "sso-admin", "ListAccountAssignmentsForPrincipal", "AccountAssignments", ids, params, gone=NO_PRINCIPAL
        )
        for one in held.value or ():
            self.unassign(one["PermissionSetArn"], one["AccountId"], user)
        self._aws.ask("identitystore", "DeleteUser", {**self._store, "UserId": user}, gone=NO_USER, look=False)

    # --- groups ---------------------------------------------------------------------------------

    def group(self, name: str) -> str | None:
        """The id of the group of this name; None: certainly none."""
        asked = {"UniqueAttribute": {"AttributePath": "displayName", "AttributeValue": name}}
        params = {**self._store, "AlternateIdentifier": asked}
        told = self._aws.ask("identitystore", "GetGroupId", params, gone=_NO_GROUP)
        if told.value is None:
            return None
        if not isinstance(told.value.get("GroupId"), str):
            raise Unknown("GetGroupId: the answer has no `GroupId`", evidence=told.evidence)
        return str(told.value["GroupId"])

    def create_group(self, name: str) -> str:
        return self._made("CreateGroup", "GroupId", {"DisplayName": name, "Description": "made by exitproof"})

    def delete_group(self, group: str) -> None:
        self._aws.ask("identitystore", "DeleteGroup", {**self._store, "GroupId": group}, gone=_NO_GROUP, look=False)

    def enter(self, group: str, user: str) -> None:
        self._made("CreateGroupMembership", "MembershipId", {"GroupId": group, "MemberId": {"UserId": user}}, True)

    def leave(self, group: str, user: str) -> None:
        """Every membership of this user in this group, also when there is no such user any more."""
        for one in self._memberships("ListGroupMemberships", {"GroupId": group}, _NO_GROUP):
            if (one.get("MemberId") or {}).get("UserId") == user:
                self._drop(one["MembershipId"])

    # --- account assignments --------------------------------------------------------------------

    def permission_set(self, name: str) -> str | None:
        """The ARN of the permission set of this name; None: certainly none."""
        for arn in permission_sets(self._aws, self._instance).value:
            if set_name(self._aws, self._instance, arn).value == name:
                return str(arn)
        return None

    def assign(self, arn: str, where: str, user: str) -> None:
        params = self._assignment(arn, where, user)
        told = self._aws.ask("sso-admin", "CreateAccountAssignment", params, look=False, private=True)
        status = "AccountAssignmentCreationStatus"
        asked = ("DescribeAccountAssignmentCreationStatus", {"InstanceArn": self._instance})
        finish(self._aws, (told.value or {}).get(status), *asked, "AccountAssignmentCreationRequestId", status)

    def unassign(self, arn: str, where: str, user: str) -> None:
        params = self._assignment(arn, where, user)
        told = self._aws.ask("sso-admin", "DeleteAccountAssignment", params, gone=NO_PRINCIPAL, look=False)
        if told.value is None:
            return
        status = "AccountAssignmentDeletionStatus"
        asked = ("DescribeAccountAssignmentDeletionStatus", {"InstanceArn": self._instance})
        finish(self._aws, told.value.get(status), *asked, "AccountAssignmentDeletionRequestId", status)

    # --- asking ---------------------------------------------------------------------------------

    def _assignment(self, arn: str, where: str, user: str) -> dict[str, str]:
        return {
            "InstanceArn": self._instance, "PermissionSetArn": arn, "TargetId": where, "TargetType": "AWS_ACCOUNT",
            "PrincipalId": user, "PrincipalType": "USER",
        }  # fmt: skip

    def _memberships(self, operation: str, params: Mapping[str, Any], gone: Gone) -> tuple[Any, ...]:
        asked = {**self._store, **params}
        told = self._aws.all("identitystore", operation, "GroupMemberships", ("MembershipId",), asked, gone=gone)
        return told.value or ()

    def _drop(self, membership: str) -> None:
        params = {**self._store, "MembershipId": membership}
        self._aws.ask("identitystore", "DeleteGroupMembership", params, gone=_NO_MEMBERSHIP, look=False)

    def _made(self, operation: str, id: str, params: Mapping[str, Any], private: bool = False) -> str:
        told = self._aws.ask("identitystore", operation, {**self._store, **params}, look=False, private=private)
        made = (told.value or {}).get(id)
        if not isinstance(made, str) or not made:
            raise Unknown(f"{operation}: the answer has no `{id}`", evidence=told.evidence, in_doubt=True)
        return made
