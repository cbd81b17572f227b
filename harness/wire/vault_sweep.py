"""All that an OpenBao or Vault server lists, whoever it belongs to: asked once a round, and whole or `Unknown`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from harness.wire.call import Unknown
from harness.wire.once import Once
from harness.wire.survey import Asking
from harness.wire.vault_api import Data, VaultApi, one
from harness.wire.vault_groups import Group, listed, read_group


@dataclass(frozen=True, slots=True)
class Mount:
    """An auth method: where it is, what it is, and what its aliases name it by."""

    path: str
    type: str
    accessor: str


class VaultSweep:
    """`mounts`: the auth methods that logins and secret-ids are looked for in, None: all."""

    def __init__(self, api: VaultApi, mounts: Sequence[str] | None = None) -> None:
        self.api = api
        self._mounts = None if mounts is None else frozenset(mount.strip("/") for mount in mounts)

    def logins(self, asking: Asking, names: Sequence[str]) -> Iterator[tuple[Mount, str]]:
        wanted = {name.casefold() for name in names}
        for mount in self.mounts(asking, "userpass"):
            for key in self._keys(asking, f"/auth/{mount.path}/users"):
                if key.casefold() in wanted:
                    yield mount, key

    def groups(self, asking: Asking) -> Iterator[Group]:
        for key in self._keys(asking, "/identity/group/id"):
            data = self.data(asking, f"/identity/group/id/{one(key)}")
            if data is not None:  # else it was removed between the two requests
                yield read_group(key, data)

    def tokens(self, asking: Asking) -> dict[str, Data]:
        """Every token of the server, by accessor."""
        found = {}
        for accessor in self.accessors(asking):
            token = asking(("token", accessor), partial(self.api.token, accessor))
            if token is None:
                continue  # it ended between the two requests
            if token.get("accessor") != accessor:
                raise Unknown("asked for one token by its accessor, was answered another")
            found[accessor] = token
        return found

    def accessors(self, asking: Asking) -> tuple[str, ...]:
        """Every token's. The list must show the one that it was asked with."""
        accessors = self._keys(asking, "/auth/token/accessors")
        own = self.data(asking, "/auth/token/lookup-self", private=True)
        if own is None:
            raise Unknown("the reader's own token is not known here")
        if word(own, "accessor", "the reader's own token", empty=True) not in {
            "",
            *accessors,
        }:  # a batch token has none
            raise Unknown("the list of accessors does not show the reader's own: it is not whole")
        return accessors

    def secret_ids(self, asking: Asking) -> dict[str, tuple[str, Data]]:
        """Every secret-id of every role of every AppRole mount."""
        found = {}
        for mount in self.mounts(asking, "approle"):
            base = f"/auth/{mount.path}/role"
            for role in self._keys(asking, base):
                below = f"{base}/{one(role)}"
                for accessor in self._keys(asking, f"{below}/secret-id", "does not exist"):
                    data = asking(("secret-id", below, accessor), partial(self.api.secret_id, below, accessor))
                    if data is None:
                        continue  # it was destroyed between the two requests
                    if data.get("secret_id_accessor") != accessor:
                        raise Unknown("asked for one secret-id by its accessor, was answered another")
                    found[accessor] = (f"{mount.path}/{role}", data)
        return found

    def aliases(self, asking: Asking) -> Mapping[str, Data]:
        """Every alias of the server: which name of which auth method leads to which entity."""
        found: Mapping[str, Data] = asking(("aliases",), lambda: self.api.infos("/identity/entity-alias/id"))
        for alias in found.values():
            for key in ("name", "canonical_id", "mount_accessor"):
                word(alias, key, "an alias")
        return found

    def mounts(self, asking: Asking, type: str) -> tuple[Mount, ...]:
        """The auth methods of this type. Raises `Unknown` also where one that the fleet file names is not there."""
        data = self.data(asking, "/sys/auth")
        if not data:
            raise Unknown("the server tells of no auth method")
        found = {}
        for path, about in data.items():
            if not isinstance(about, Mapping):
                raise Unknown("an auth method is not a JSON object")
            kind, accessor = (word(about, key, "an auth method") for key in ("type", "accessor"))
            found[path.strip("/")] = Mount(path.strip("/"), kind, accessor)
        if self._mounts is not None and (lost := self._mounts - found.keys()):
            raise Unknown(f"there is no auth method {', '.join(sorted(lost))}")
        mine = (m for m in found.values() if self._mounts is None or m.path in self._mounts)
        return tuple(mount for mount in mine if mount.type == type)

    def locked(self, mount: str, name: str) -> bool:
        """Whether this login is locked out just now. Raises `Unknown`."""
        asking = Asking(Once())
        accessors = {one.accessor for one in self.mounts(asking, "userpass") if one.path == mount}
        data = self.data(asking, "/sys/locked-users") or {}
        for namespace in _records(data, "by_namespace"):
            for about in _records(namespace, "mount_accessors"):
                if about.get("mount_accessor") in accessors:
                    found = listed(about, "alias_identifiers")
                    return name.casefold() in {each.casefold() for each in found}
        return False

    # --- asked once a round -----------------------------------------------------------------------

    def data(self, asking: Asking, path: str, *, private: bool = False) -> Data | None:
        return asking(("data", path), lambda: self.api.data(path, private=private))

    def _keys(self, asking: Asking, path: str, gone: str = "") -> tuple[str, ...]:
        return asking(("keys", path), lambda: self.api.keys(path, gone))


def word(data: Mapping[str, Any], key: str, what: str, *, empty: bool = False) -> str:
    found = data.get(key)
    if not isinstance(found, str) or not (found or empty):
        raise Unknown(f"{what} has no `{key}`")
    return found


def _records(data: Data, key: str) -> Sequence[Data]:
    found = data.get(key)
    if not isinstance(found, list) or not all(isinstance(each, Mapping) for each in found):
        raise Unknown(f"the answer's `{key}` is no list of records")
    return found
