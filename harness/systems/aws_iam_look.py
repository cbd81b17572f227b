"""What IAM says of one user: found by its UserId in one sweep over all users, then the lists that hang on its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import Any

from harness.model import NOTHING, Account, Kind, ListState, Presence, Row
from harness.ports import Person
from harness.wire.aws import Aws
from harness.wire.aws_errors import NO_ENTITY
from harness.wire.call import Unknown
from harness.wire.dialogue import Told
from harness.wire.survey import GONE, Asking, Reader, Record, Rows

# Two places show a membership, and a virtual device; each must show a control's before its silence counts.
USER_SIDE, GROUP_SIDE, ALL_DEVICES = "the user's side", "the groups' side", "the list of all virtual devices"
INLINE = "inline/"
PASSWORD = "console-password"  # noqa: S105  what it is called, not what it is


@dataclass(frozen=True, slots=True)
class Sort:
    """One sort of credential: how it is listed, which field is its id, how it is removed. `marked`: whether AWS says
    that the list is over (the oldest form of the list of service-specific credentials has no pages)."""

    operation: str
    items: str
    id: str
    remove: str
    marked: bool | None = None


SORTS: Mapping[str, Sort] = {
    "access-key": Sort("ListAccessKeys", "AccessKeyMetadata", "AccessKeyId", "DeleteAccessKey"),
    "ssh-public-key": Sort("ListSSHPublicKeys", "SSHPublicKeys", "SSHPublicKeyId", "DeleteSSHPublicKey"),
    "signing-certificate": Sort(
        "ListSigningCertificates", "Certificates", "CertificateId", "DeleteSigningCertificate"
    ),
    "service-specific": Sort(
        "ListServiceSpecificCredentials", "ServiceSpecificCredentials", "ServiceSpecificCredentialId",
        "DeleteServiceSpecificCredential", marked=False,
    ),
}  # fmt: skip
# The closed set of `Status`; what is in none of them is unknown.
_STATUS = {"Active": Presence.PRESENT, "Inactive": Presence.ABSENT, "Expired": Presence.ABSENT}


@dataclass(slots=True)
class IamSurvey:
    """Implements `wire.survey.Survey`. One sweep tells every user with its groups, policies and tags, whatever it is
    called today. What the sweep does not tell can only be asked by name, and users can be renamed: so the name is the
    one that the sweep has for the UserId, never one that may be somebody else's by now."""

    name: str
    aws: Aws
    sorts: tuple[str, ...]
    both_sides: bool
    tag: str
    _devices: dict[str, set[str]] = field(default_factory=dict)  # UserId -> virtual devices that were once its own
    _lock: Lock = field(default_factory=Lock)

    # --- the account ----------------------------------------------------------------------------

    def find(self, asking: Asking, person: Person) -> Sequence[Account]:
        wanted = person.identity.username.casefold()  # AWS: unique, whatever the case
        return [account(self.name, user) for user in self._users(asking) if user["UserName"].casefold() == wanted]

    def record(self, asking: Asking, person: Person) -> Record:
        """IAM has no disabled flag: a user can be used while it has a credential that can."""
        known = _account(person)
        user = next((user for user in self._users(asking) if user["UserId"] == known.id), None)
        if user is None:
            return Record(Presence.ABSENT, record=False, reason="no user of this account has the id")
        born = known.vars.get("created")
        if born is not None and str(user.get("CreateDate")) != born:
            return Record(
                Presence.UNKNOWN, reason="the id belongs to another user: made at another time", mistaken=True
            )
        rows, failed = self._credentials(asking, user["UserName"])
        if any(row.presence is Presence.PRESENT for row in rows):
            return Record(Presence.PRESENT, data=user)
        if failed is not None:
            return Record(Presence.UNKNOWN, reason=f"whether it can be used: {failed.reason}", data=user)
        if any(row.presence is Presence.UNKNOWN for row in rows):
            return Record(Presence.UNKNOWN, reason="a credential's `Status` is in no closed set", data=user)
        return Record(Presence.ABSENT, reason=f"no usable {', '.join(self.sorts)}", data=user)

    def search(self, asking: Asking, person: Person) -> Sequence[str]:
        """The users that carry this person's tag, whatever they are called."""
        mine = person.identity.external_id
        return [user["UserId"] for user in self._users(asking) if (self.tag, mine) in _tags(user)]

    def readers(self) -> Mapping[Kind, Reader]:
        return {
            Kind.GROUP: self.groups,
            Kind.ROLE: self.roles,
            Kind.CREDENTIAL: self.credentials,
            Kind.DEVICE: self.devices,
        }

    # --- what hangs on it -----------------------------------------------------------------------

    def groups(self, asking: Asking, person: Person, seen: Record) -> Rows:
        user = seen.known()
        if user is None and not self.both_sides:
            return GONE
        everyone = asking("groups", lambda: self._list("ListGroups", "Groups", "GroupId"))
        names = {_text(group, "GroupName"): group["GroupId"] for group in everyone}
        shown: dict[str, tuple[str, list[str]]] = {}
        for mine in _listed(user, "GroupList") if user is not None else ():
            if mine not in names:
                raise Unknown(f"the user's side has the group {mine!r}, the list of groups has not")
            shown[names[mine]] = (mine, [USER_SIDE])
        for name, group in names.items() if self.both_sides else ():
            members = asking(("members", group), partial(self._members, group, name))
            if any(member["UserId"] == _account(person).id for member in members):
                shown.setdefault(group, (name, []))[1].append(GROUP_SIDE)
        views = ((USER_SIDE,) if user is not None else ()) + ((GROUP_SIDE,) if self.both_sides else ())
        return Rows(tuple(_shown_in(shown)), views=views)

    def roles(self, asking: Asking, person: Person, seen: Record) -> Rows:  # noqa: ARG002
        """Policies: managed ones by their ARN, inline ones by their name, because they have no id. IAM refuses to
        delete a user that has any."""
        user = seen.known()
        if user is None:
            return GONE
        rows = [
            Row(_text(policy, "PolicyArn"), _text(policy, "PolicyName"))
            for policy in _listed(user, "AttachedManagedPolicies")
        ]
        inline = [f"{INLINE}{_text(policy, 'PolicyName')}" for policy in _listed(user, "UserPolicyList")]
        return Rows((*rows, *(Row(name, name, by_name=True) for name in inline)))

    def credentials(self, asking: Asking, person: Person, seen: Record) -> Rows:  # noqa: ARG002
        user = seen.known()
        if user is None:
            return GONE
        rows, failed = self._credentials(asking, user["UserName"])
        if failed is not None:
            return Rows(tuple(rows), ListState.UNKNOWN, failed.reason)
        return Rows(tuple(rows))

    def devices(self, asking: Asking, person: Person, seen: Record) -> Rows:
        """A virtual device is a thing of its own: it outlives its assignment, and its user."""
        user = seen.known()
        mine = self._once_of(person)
        shown: dict[str, tuple[str, list[str]]] = {}
        notes: dict[str, str] = {}
        if user is not None:
            name = user["UserName"]
            for device in asking(("devices", name), partial(self._own_devices, name)):
                shown[device["SerialNumber"]] = (_last(device["SerialNumber"]), [USER_SIDE])
        for device in asking("devices", self._virtual):
            serial, owner = device["SerialNumber"], (device.get("User") or {}).get("UserId")
            if owner == _account(person).id:
                self._note(_account(person), serial)
            elif serial not in mine:
                continue
            else:
                notes[serial] = "assigned to another user" if owner else "assigned to nobody"
            shown.setdefault(serial, (_last(serial), []))[1].append(ALL_DEVICES)
        views = (USER_SIDE, ALL_DEVICES) if user is not None else (ALL_DEVICES,)
        return Rows(tuple(_shown_in(shown, notes)), views=views)

    # --- asking ---------------------------------------------------------------------------------

    def _users(self, asking: Asking) -> tuple[Any, ...]:
        only = {"Filter": ["User"]}
        found: tuple[Any, ...] = asking(
            "users", lambda: self._list("GetAccountAuthorizationDetails", "UserDetailList", "UserId", params=only)
        )
        for user in found:
            _text(user, "UserName")
        return found

    def _credentials(self, asking: Asking, user: str) -> tuple[list[Row], Unknown | None]:
        """Every sort; what one could not tell does not hide what the others did."""
        rows: list[Row] = []
        failed: Unknown | None = None
        for sort in self.sorts:
            found = asking.trying((sort, user), partial(self._sort, sort, user))
            if isinstance(found, Unknown):
                failed = failed or found
            else:
                rows += found
        return rows, failed

    def _sort(self, sort: str, user: str) -> Told[list[Row]]:
        if sort == PASSWORD:
            told = self.aws.ask("iam", "GetLoginProfile", {"UserName": user}, gone=NO_ENTITY)
            # A password has no id of its own; a user has one or none.
            rows = [] if told.value is None else [Row(PASSWORD, PASSWORD, by_name=True)]
            if told.value is not None and not isinstance(told.value.get("LoginProfile"), Mapping):
                raise Unknown("GetLoginProfile: the answer has no `LoginProfile`", evidence=told.evidence)
            return Told(rows, told.sent, told.answered, told.evidence)
        how = SORTS[sort]
        listed = self.aws.all("iam", how.operation, how.items, (how.id,), {"UserName": user}, marked=how.marked)
        rows = [_credential(sort, how, item) for item in listed.value or ()]
        return Told(rows, listed.sent, listed.answered, listed.evidence)

    def _list(self, operation: str, items: str, *ids: str, params: Mapping[str, Any] = NOTHING) -> Told[Any]:
        return self.aws.all("iam", operation, items, ids, params)

    def _members(self, group: str, name: str) -> Told[Any]:
        def same(page: Mapping[str, Any]) -> str:
            told = page.get("Group")
            same = isinstance(told, Mapping) and told.get("GroupId") == group
            return "" if same else "the answer is not the group that was asked for"

        return self.aws.all("iam", "GetGroup", "Users", ("UserId",), {"GroupName": name}, check=same)

    def _own_devices(self, user: str) -> Told[Any]:
        return self._list("ListMFADevices", "MFADevices", "SerialNumber", params={"UserName": user})

    def _virtual(self) -> Told[Any]:
        params = {"AssignmentStatus": "Any"}
        return self.aws.all("iam", "ListVirtualMFADevices", "VirtualMFADevices", ("SerialNumber",), params)

    def _once_of(self, person: Person) -> frozenset[str]:
        """Devices that were this person's: of the journal, and those that were seen to be."""
        given = [grant for grant in person.grants if grant.entitlement.kind is Kind.DEVICE]
        known = {str(grant.id or grant.vars.get("id")) for grant in given}
        with self._lock:
            return frozenset(known | self._devices.get(_account(person).id, set()))

    def _note(self, of: Account, serial: str) -> None:
        with self._lock:
            self._devices.setdefault(of.id, set()).add(serial)


def account(system: str, user: Mapping[str, Any]) -> Account:
    """A user as an account: its id, what it is called now, and when it was made."""
    made = {"id": user["UserId"], "name": user["UserName"], "created": str(user.get("CreateDate"))}
    return Account(system, user["UserId"], made)


def _account(person: Person) -> Account:
    if person.account is None:
        raise Unknown("the identity has no account here")
    return person.account


def _credential(sort: str, how: Sort, item: Mapping[str, Any]) -> Row:
    status = item.get("Status")
    presence = _STATUS.get(status, Presence.UNKNOWN) if isinstance(status, str) else Presence.UNKNOWN
    service = item.get("ServiceName")
    name = f"{sort}:{service}" if isinstance(service, str) else sort
    note = f"record remains ({status})" if presence is Presence.ABSENT else ""
    return Row(
        item[how.id], name, presence, note or ("" if presence is Presence.PRESENT else f"`Status` is {status!r}")
    )


def _shown_in(shown: Mapping[str, tuple[str, list[str]]], notes: Mapping[str, str] | None = None) -> list[Row]:
    told = notes or {}
    return [Row(key, name, note=told.get(key, ""), views=tuple(views)) for key, (name, views) in shown.items()]


def _listed(user: Mapping[str, Any], name: str) -> list[Any]:
    value = user.get(name)
    if not isinstance(value, list):
        raise Unknown(f"a user has no list `{name}`")
    return value


def _text(item: Mapping[str, Any], name: str) -> str:
    value = item.get(name)
    if not isinstance(value, str) or not value:
        raise Unknown(f"an item has no `{name}`")
    return value


def _last(serial: str) -> str:
    return serial.rpartition("/")[2]


def _tags(user: Mapping[str, Any]) -> set[tuple[Any, Any]]:
    """Leaving the tags out means none (IAM's reference: a list of at most 50)."""
    return {(tag.get("Key"), tag.get("Value")) for tag in user.get("Tags") or () if isinstance(tag, Mapping)}
