"""What Identity Center says of one user, by UserId: memberships and account assignments, from both sides of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from harness.model import Account, Kind, Presence, Row
from harness.ports import Person
from harness.wire.aws import Aws
from harness.wire.aws_errors import NO_USER, Gone
from harness.wire.call import Unknown
from harness.wire.dialogue import Told
from harness.wire.survey import GONE, Asking, Reader, Record, Rows

# Each must show a control's before its silence counts.
USER_SIDE, GROUP_SIDE = "the user's side", "the groups' side"
PRINCIPAL_SIDE, ACCOUNT_SIDE = "the user's assignments", "the accounts' assignments"
STATUS = {"ENABLED": Presence.PRESENT, "DISABLED": Presence.ABSENT}
NO_PRINCIPAL = Gone("ResourceNotFoundException")  # sso-admin does not say what it did not find
_ASSIGNMENT = ("AccountId", "PermissionSetArn", "PrincipalType", "PrincipalId")


@dataclass(slots=True)
class CenterSurvey:
    """Implements `wire.survey.Survey`. Memberships and assignments can outlive their user: they are looked for by its
    id also when there is no such user any more."""

    name: str
    aws: Aws
    store: str
    instance: str
    status: bool
    both_groups: bool
    both_assignments: bool

    # --- the account ----------------------------------------------------------------------------

    def find(self, asking: Asking, person: Person) -> Sequence[Account]:
        name = person.identity.username
        told = asking(("name", name), lambda: user_named(self.aws, self.store, name))
        return [] if told is None else [account(self.name, told, name)]

    def record(self, asking: Asking, person: Person) -> Record:
        known = _account(person).id
        params = {"IdentityStoreId": self.store, "UserId": known}
        user = asking(("user", known), lambda: self.aws.ask("identitystore", "DescribeUser", params, gone=NO_USER))
        if user is None:
            return Record(Presence.ABSENT, record=False, reason="there is no user of this id")
        if user.get("UserId") != known:
            return Record(Presence.UNKNOWN, reason="the answer is not the user that was asked for")
        if not self.status:
            return Record(Presence.PRESENT, data=user)
        status = user.get("UserStatus")
        seen = STATUS.get(status, Presence.UNKNOWN) if isinstance(status, str) else Presence.UNKNOWN
        why = "" if seen is not Presence.UNKNOWN else f"`UserStatus` is {status!r}"
        return Record(seen, reason=why, data=user)

    def readers(self) -> Mapping[Kind, Reader]:
        return {Kind.GROUP: self.groups, Kind.ROLE: self.roles}

    # --- groups ---------------------------------------------------------------------------------

    def groups(self, asking: Asking, person: Person, seen: Record) -> Rows:
        gone = seen.known() is None
        names = self._group_names(asking)
        shown, views = self._memberships(asking, _account(person).id, gone)
        if not self.both_groups and gone and not views:
            return GONE
        return Rows(
            tuple(
                Row(group, names.get(group, group), note=_ghost(group, names), views=tuple(v))
                for group, v in shown.items()
            ),
            views=views,
        )

    def _memberships(self, asking: Asking, user: str, gone: bool) -> tuple[dict[str, list[str]], tuple[str, ...]]:
        """Group id -> the sides that show it, and the sides that were seen at all."""
        shown: dict[str, list[str]] = {}
        views: list[str] = []
        own = asking(("memberships", user), lambda: self._of_member(user))
        if own is None and not gone:
            raise Unknown("ListGroupMembershipsForMember does not know the user that DescribeUser knows")
        if own is not None:
            views.append(USER_SIDE)
            for one in own:
                if _member(one) != user:
                    raise Unknown("ListGroupMembershipsForMember: the filter was ignored, somebody else's came")
                shown.setdefault(_text(one, "GroupId"), []).append(USER_SIDE)
        if self.both_groups:
            views.append(GROUP_SIDE)
            for group in self._group_names(asking):
                members = asking(("members", group), partial(self._members, group))
                if any(_member(one) == user for one in members):
                    shown.setdefault(group, []).append(GROUP_SIDE)
        return shown, tuple(views)

    # --- account assignments --------------------------------------------------------------------

    def roles(self, asking: Asking, person: Person, seen: Record) -> Rows:
        """Permission sets in accounts: the user's own, and those that come through a group."""
        gone = seen.known() is None
        user = _account(person).id
        groups, _ = self._memberships(asking, user, gone)
        sets = self._set_names(asking)
        names = self._group_names(asking)
        shown: dict[tuple[str, ...], list[str]] = {}
        views: list[str] = []
        own = asking(("assignments", user), lambda: self._of_principal(user, "USER"))
        if own is None and not gone:
            raise Unknown("ListAccountAssignmentsForPrincipal does not know the user that DescribeUser knows")
        if own is not None:
            views.append(PRINCIPAL_SIDE)
            for group in groups:
                own += asking(("assignments", group), partial(self._of_principal, group, "GROUP")) or ()
            for one in own:
                if _text(one, "PrincipalId") not in {user, *groups}:
                    raise Unknown("ListAccountAssignmentsForPrincipal: the filter was ignored, somebody else's came")
                sides = shown.setdefault(tuple(_text(one, name) for name in _ASSIGNMENT), [])
                if PRINCIPAL_SIDE not in sides:
                    sides.append(PRINCIPAL_SIDE)
        if self.both_assignments:
            views.append(ACCOUNT_SIDE)
            for one in self._everybodys(asking, sets):
                if _text(one, "PrincipalId") in {user, *groups}:
                    shown.setdefault(tuple(_text(one, name) for name in _ASSIGNMENT), []).append(ACCOUNT_SIDE)
        if not views:
            return GONE
        return Rows(tuple(_assigned(key, v, sets, names) for key, v in shown.items()), views=tuple(views))

    def _everybodys(self, asking: Asking, sets: Mapping[str, str]) -> list[Any]:
        found: list[Any] = []
        for arn in sets:
            for where in asking(("accounts", arn), partial(self._accounts, arn)):
                found += asking(("assigned", arn, where), partial(self._assigned_in, arn, where))
        return found

    # --- asking ---------------------------------------------------------------------------------

    def _group_names(self, asking: Asking) -> dict[str, str]:
        params = {"IdentityStoreId": self.store}
        found = asking("groups", lambda: self.aws.all("identitystore", "ListGroups", "Groups", ("GroupId",), params))
        return {group["GroupId"]: _text(group, "DisplayName") for group in found or ()}

    def _set_names(self, asking: Asking) -> dict[str, str]:
        return {
            arn: asking(("set", arn), partial(set_name, self.aws, self.instance, arn)) for arn in self._sets(asking)
        }

    def _sets(self, asking: Asking) -> tuple[str, ...]:
        return asking("sets", lambda: permission_sets(self.aws, self.instance))

    def _of_member(self, user: str) -> Told[Any]:
        params = {"IdentityStoreId": self.store, "MemberId": {"UserId": user}}
        what = ("ListGroupMembershipsForMember", "GroupMemberships", ("MembershipId",))
        return self.aws.all("identitystore", *what, params, gone=NO_USER)

    def _members(self, group: str) -> Told[Any]:
        params = {"IdentityStoreId": self.store, "GroupId": group}
        return self.aws.all("identitystore", "ListGroupMemberships", "GroupMemberships", ("MembershipId",), params)

    def _of_principal(self, principal: str, kind: str) -> Told[Any]:
        params = {"InstanceArn": self.instance, "PrincipalId": principal, "PrincipalType": kind}
        what = ("ListAccountAssignmentsForPrincipal", "AccountAssignments", _ASSIGNMENT)
        return self.aws.all("sso-admin", *what, params, gone=NO_PRINCIPAL)

    def _accounts(self, arn: str) -> Told[Any]:
        params = {"InstanceArn": self.instance, "PermissionSetArn": arn}
        return self.aws.all("sso-admin", "ListAccountsForProvisionedPermissionSet", "AccountIds", (), params)

    def _assigned_in(self, arn: str, where: str) -> Told[Any]:
        params = {"InstanceArn": self.instance, "PermissionSetArn": arn, "AccountId": where}
        return self.aws.all("sso-admin", "ListAccountAssignments", "AccountAssignments", _ASSIGNMENT, params)


def user_named(aws: Aws, store: str, name: str) -> Told[Any]:
    """The UserId of the user of this userName; None: certainly none."""
    asked = {"UniqueAttribute": {"AttributePath": "userName", "AttributeValue": name}}
    params = {"IdentityStoreId": store, "AlternateIdentifier": asked}
    told = aws.ask("identitystore", "GetUserId", params, gone=NO_USER)
    found = None if told.value is None else _text(told.value, "UserId")
    return Told(found, told.sent, told.answered, told.evidence)


def permission_sets(aws: Aws, instance: str) -> Told[Any]:
    return aws.all("sso-admin", "ListPermissionSets", "PermissionSets", (), {"InstanceArn": instance})


def set_name(aws: Aws, instance: str, arn: str) -> Told[Any]:
    params = {"InstanceArn": instance, "PermissionSetArn": arn}
    told = aws.ask("sso-admin", "DescribePermissionSet", params)
    found = (told.value or {}).get("PermissionSet")
    if not isinstance(found, Mapping) or found.get("PermissionSetArn") != arn:
        raise Unknown(
            "DescribePermissionSet: the answer is not the permission set that was asked for", evidence=told.evidence
        )
    return Told(_text(found, "Name"), told.sent, told.answered, told.evidence)


def account(system: str, id: str, name: str) -> Account:
    return Account(system, id, {"id": id, "name": name})


def assignment_id(where: str, arn: str) -> str:
    """An assignment has no id of its own: who has it, which permission set, in which account."""
    return f"{where}/{arn}"


def _assigned(key: tuple[str, ...], views: Sequence[str], sets: Mapping[str, str], groups: Mapping[str, str]) -> Row:
    where, arn, kind, principal = key
    name = f"{sets.get(arn, arn)}@{where}"
    if kind == "USER":
        return Row(assignment_id(where, arn), name, views=tuple(views))
    group = groups.get(principal, principal)
    return Row(f"{principal}/{assignment_id(where, arn)}", f"{name} through {group}", views=tuple(views))


def _account(person: Person) -> Account:
    if person.account is None:
        raise Unknown("the identity has no account here")
    return person.account


def _member(membership: Mapping[str, Any]) -> str:
    member = membership.get("MemberId")
    if not isinstance(member, Mapping):
        raise Unknown("a membership has no `MemberId`")
    return _text(member, "UserId")


def _ghost(group: str, names: Mapping[str, str]) -> str:
    return "" if group in names else "the group itself is not listed"


def _text(item: Mapping[str, Any], name: str) -> str:
    value = item.get(name)
    if not isinstance(value, str) or not value:
        raise Unknown(f"an item has no `{name}`")
    return value
