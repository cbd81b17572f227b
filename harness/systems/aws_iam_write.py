"""Changes to IAM users: what can be given and taken back, and the order in which a user can be deleted at all."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from collections.abc import Mapping
from hashlib import sha1
from typing import Any

from harness.model import NOTHING, SECOND, Account, Instant, Secret
from harness.systems.aws_iam_look import PASSWORD, SORTS
from harness.wire.aws import Aws
from harness.wire.aws_errors import NO_ENTITY
from harness.wire.call import Unknown
from harness.wire.dialogue import Told

# Whatever signs may ask this, even where it is denied: an inline policy that allows it gives nothing.
HARMLESS = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:GetCallerIdentity", "Resource": "*"}]}
)


class Writer:
    """Every method raises `Unknown` when the change did not happen as asked."""

    def __init__(self, aws: Aws, sorts: tuple[str, ...]) -> None:
        self.aws = aws
        self._sorts = sorts

    # --- users ----------------------------------------------------------------------------------

    def name_of(self, user: Account) -> str | None:
        """What the user is called now; None: there is no such user. Most were never renamed: that is tried first."""
        name = user.vars.get("name")
        if isinstance(name, str):
            told = self.aws.ask("iam", "GetUser", {"UserName": name}, gone=NO_ENTITY)
            if told.value is not None and _part(told, "GetUser", "User", "UserId")["UserId"] == user.id:
                return name
        users = self._list("ListUsers", "Users", "UserId", params=NOTHING)
        return next((str(one["UserName"]) for one in users if one["UserId"] == user.id), None)

    def create_user(self, name: str, path: str, tags: Mapping[str, str]) -> Mapping[str, Any]:
        given = [{"Key": key, "Value": value} for key, value in tags.items()]
        return self._made("CreateUser", "User", "UserId", {"UserName": name, "Path": path, "Tags": given})

    def set_password(self, name: str, password: Secret) -> None:
        unseen = {"Password": password.reveal()}
        self._do("CreateLoginProfile", {"UserName": name, "PasswordResetRequired": False}, unseen=unseen, private=True)

    def delete_user(self, name: str) -> None:
        """IAM deletes only a user that has nothing left (DeleteConflict): so all of it goes first, in order."""
        user = {"UserName": name}
        for group in self._list("ListGroupsForUser", "Groups", "GroupId", params=user):
            self.leave(group["GroupName"], name)
        for policy in self._list("ListAttachedUserPolicies", "AttachedPolicies", "PolicyArn", params=user):
            self._do("DetachUserPolicy", user | {"PolicyArn": policy["PolicyArn"]}, gone=True)
        for inline in self._list("ListUserPolicies", "PolicyNames", params=user):
            self._do("DeleteUserPolicy", user | {"PolicyName": inline}, gone=True)
        for sort in self._sorts:
            for held in self._ids(sort, name):
                self.remove_credential(sort, name, held)
        for device in self._list("ListMFADevices", "MFADevices", "SerialNumber", params=user):
            self.remove_device(name, device["SerialNumber"])
        self._do("DeleteUser", user, gone=True)

    # --- groups and policies --------------------------------------------------------------------

    def group(self, name: str) -> str | None:
        """The GroupId of the group of this name; None: certainly none."""
        told = self.aws.ask("iam", "GetGroup", {"GroupName": name}, gone=NO_ENTITY)
        return None if told.value is None else str(_part(told, "GetGroup", "Group", "GroupId")["GroupId"])

    def create_group(self, name: str, path: str) -> str:
        return str(self._made("CreateGroup", "Group", "GroupId", {"GroupName": name, "Path": path})["GroupId"])

    def delete_group(self, name: str) -> None:
        self._do("DeleteGroup", {"GroupName": name}, gone=True)

    def enter(self, group: str, user: str) -> None:
        self._do("AddUserToGroup", {"GroupName": group, "UserName": user}, private=True)

    def leave(self, group: str, user: str) -> None:
        self._do("RemoveUserFromGroup", {"GroupName": group, "UserName": user}, gone=True)

    def policy(self, name: str) -> str | None:
        """The ARN of a managed policy by its name, the account's own before those of AWS; an ARN is one already."""
        if name.startswith("arn:"):
            return name
        own = self._list("ListPolicies", "Policies", "Arn", params={"Scope": "Local"})
        found = next((str(policy["Arn"]) for policy in own if policy.get("PolicyName") == name), None)
        if found is not None:
            return found
        arn = f"arn:aws:iam::aws:policy/{name}"
        return None if self.aws.ask("iam", "GetPolicy", {"PolicyArn": arn}, gone=NO_ENTITY).value is None else arn

    def attach(self, user: str, arn: str) -> None:
        self._do("AttachUserPolicy", {"UserName": user, "PolicyArn": arn}, private=True)

    def detach(self, user: str, arn: str) -> None:
        self._do("DetachUserPolicy", {"UserName": user, "PolicyArn": arn}, gone=True)

    def put_inline(self, user: str, name: str) -> None:
        given = {"UserName": user, "PolicyName": name, "PolicyDocument": HARMLESS}
        self._do("PutUserPolicy", given, private=True)

    def drop_inline(self, user: str, name: str) -> None:
        self._do("DeleteUserPolicy", {"UserName": user, "PolicyName": name}, gone=True)

    # --- credentials and devices ----------------------------------------------------------------

    def access_key(self, user: str) -> tuple[str, Secret]:
        made = self._made("CreateAccessKey", "AccessKey", "AccessKeyId", {"UserName": user}, private=True)
        if not isinstance(made.get("SecretAccessKey"), str):
            raise Unknown("CreateAccessKey: the answer has no `SecretAccessKey`", in_doubt=True)
        return made["AccessKeyId"], self.aws.learn(made["SecretAccessKey"])

    def ssh_key(self, user: str) -> str:
        given = {"UserName": user, "SSHPublicKeyBody": _nobodys_key()}
        return str(self._made("UploadSSHPublicKey", "SSHPublicKey", "SSHPublicKeyId", given)["SSHPublicKeyId"])

    def service_specific(self, user: str, service: str) -> str:
        given = {"UserName": user, "ServiceName": service}
        kept = ("ServiceSpecificCredential", "ServiceSpecificCredentialId")
        made = self._made("CreateServiceSpecificCredential", *kept, given, private=True)
        for key in ("ServicePassword", "ServiceCredentialSecret"):
            if isinstance(made.get(key), str):
                self.aws.learn(made[key])
        return str(made["ServiceSpecificCredentialId"])

    def remove_credential(self, sort: str, user: str, id: str) -> None:
        if sort == PASSWORD:
            self._do("DeleteLoginProfile", {"UserName": user}, gone=True)
        else:
            self._do(SORTS[sort].remove, {"UserName": user, SORTS[sort].id: id}, gone=True)

    def create_device(self, name: str) -> tuple[str, bytes]:
        """A virtual MFA device that nobody has yet, and its seed."""
        given = {"VirtualMFADeviceName": name}
        made = self._made("CreateVirtualMFADevice", "VirtualMFADevice", "SerialNumber", given, private=True)
        seed = made.get("Base32StringSeed")
        if not isinstance(seed, bytes):
            raise Unknown("CreateVirtualMFADevice: the answer has no seed", in_doubt=True)
        self.aws.learn(seed.decode("ascii", "replace"))
        return made["SerialNumber"], seed

    def assign_device(self, user: str, serial: str, seed: bytes) -> None:
        """Two codes in a row prove the device (RFC 6238): those of the last window and of this one."""
        now = self.aws.now()
        codes = {"AuthenticationCode1": totp(seed, now - 30 * SECOND), "AuthenticationCode2": totp(seed, now)}
        self._do("EnableMFADevice", {"UserName": user, "SerialNumber": serial}, unseen=codes, private=True)

    def remove_device(self, user: str | None, serial: str) -> None:
        """Takes it from its user, if there is one still; a virtual one is deleted, because it would stay otherwise."""
        if user is not None:
            self._do("DeactivateMFADevice", {"UserName": user, "SerialNumber": serial}, gone=True)
        if ":mfa/" in serial:
            self._do("DeleteVirtualMFADevice", {"SerialNumber": serial}, gone=True)

    # --- asking ---------------------------------------------------------------------------------

    def _ids(self, sort: str, user: str) -> list[str]:
        if sort == PASSWORD:
            return [PASSWORD]  # deleting none is as good
        how = SORTS[sort]
        got = self.aws.all("iam", how.operation, how.items, (how.id,), {"UserName": user}, marked=how.marked)
        return [str(item[how.id]) for item in got.value or ()]

    def _list(self, operation: str, items: str, *ids: str, params: Mapping[str, Any]) -> tuple[Any, ...]:
        return self.aws.all("iam", operation, items, ids, params).value or ()

    def _do(
        self,
        operation: str,
        params: Mapping[str, Any],
        *,
        unseen: Mapping[str, Any] = NOTHING,
        gone: bool = False,
        private: bool = False,
    ) -> None:
        """One change; with `gone`, "there is no such thing" is as good as done."""
        declared = NO_ENTITY if gone else None
        self.aws.ask("iam", operation, params, unseen=unseen, gone=declared, look=False, private=private)

    def _made(
        self, operation: str, item: str, id: str, params: Mapping[str, Any], *, private: bool = False
    ) -> Mapping[str, Any]:
        return _part(self.aws.ask("iam", operation, params, look=False, private=private), operation, item, id)


def totp(seed: bytes, at: Instant) -> str:
    """The six digits of RFC 6238 for a seed in Base32."""
    window = (at // SECOND // 30).to_bytes(8, "big")
    digest = hmac.new(base64.b32decode(seed + b"=" * (-len(seed) % 8)), window, sha1).digest()
    at_byte = digest[-1] & 15
    return f"{(int.from_bytes(digest[at_byte : at_byte + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06}"


def _nobodys_key() -> str:
    """An RSA public key (RFC 4253 §6.6) of which nobody has the private half: it opens nothing, to anybody."""
    modulus = secrets.randbits(2048) | (1 << 2047) | 1
    parts = (b"ssh-rsa", b"\x01\x00\x01", b"\x00" + modulus.to_bytes(256, "big"))
    return "ssh-rsa " + base64.b64encode(b"".join(len(p).to_bytes(4, "big") + p for p in parts)).decode()


def _part(told: Told[Mapping[str, Any] | None], operation: str, item: str, id: str) -> Mapping[str, Any]:
    made = (told.value or {}).get(item)
    if isinstance(made, Mapping) and isinstance(made.get(id), str) and made[id]:
        return made
    raise Unknown(
        f"{operation}: the answer has no `{item}.{id}`",
        evidence=told.evidence, sent=told.sent, answered=told.answered, in_doubt=True,
    )  # fmt: skip
