"""How access is given and taken at a Synapse: by the admin API where it can, acting as the user where it cannot."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from harness.model import Account, Duration, Entitlement, Grant, Kind, Secret
from harness.ports import Person, WriteFailed
from harness.systems.matrix_look import ADMIN, CREATE, LEVELLED, POWER, link_id, power_id, pusher_id
from harness.wire.synapse import ADMIN as API
from harness.wire.synapse import CLIENT, Api, at
from harness.wire.writing import account_of

NAME = re.compile(r"[a-z0-9._=/+-]+")  # spec.matrix.org, "User Identifiers"
LEVELS = {"moderator": 50, "admin": 100}


@dataclass(slots=True)
class Writer:
    """With the writer's credential. Raises `WriteFailed`, or `Unknown`, which its caller turns into one."""

    api: Api
    server: str
    create_missing: bool
    room_version: str | None
    tokens_last: Duration
    _lock: Lock = field(default_factory=Lock)  # power levels are read, changed and written as a whole
    _me: str = ""

    # --- the account --------------------------------------------------------------------------

    def create(self, id: str, person: Person) -> dict[str, Any]:
        """PUT would change an account that is there already, so it must not be there."""
        who = person.identity
        if not NAME.fullmatch(who.username):
            raise WriteFailed(
                f"a Matrix user name holds only a-z, 0-9 and ._=/+- (no capitals, no apostrophe): "
                f"{who.username!r} cannot be one"
            )
        if self.api.user(id).value is not None:
            raise WriteFailed(f"{id} is there already: Synapse never forgets a user")
        body = {"password": who.password.reveal(), "displayname": f"{who.given_name} {who.family_name}"}
        made = self.api.change("PUT", f"{API}/v2/users/{at(id)}", body)
        return {"id": id, "created": made.get("creation_ts")}

    def remove(self, id: str) -> None:
        """All that Synapse can do to an account. The record, and the name with it, remain for ever."""
        self.api.change("POST", f"{API}/v1/deactivate/{at(id)}", {"erase": True}, gone=True)

    # --- rooms ----------------------------------------------------------------------------------

    def alias_of(self, name: str) -> str:
        return f"#{name}:{self.server}"

    def find_room(self, name: str) -> str | None:
        return self.api.alias(self.alias_of(name)).value

    def make_room(self, name: str) -> str:
        body: dict[str, Any] = {"name": name, "room_alias_name": name, "preset": "private_chat"}
        if self.room_version is not None:
            body["room_version"] = self.room_version
        made = self.api.change("POST", f"{CLIENT}/createRoom", body)
        return _text(made, "room_id")

    def remove_room(self, id: str) -> None:
        """With its addresses, and everybody out of it."""
        self.api.change("DELETE", f"{API}/v1/rooms/{at(id)}", {"purge": True, "force_purge": True}, gone=True)

    def _room(self, wanted: Entitlement, room: str | None) -> str:
        found = room or self.find_room(wanted.name)
        if found is None:
            raise WriteFailed(f"there is no room {self.alias_of(wanted.name)}")
        return found

    # --- giving ---------------------------------------------------------------------------------

    def give(self, person: Person, wanted: Entitlement, room: str | None) -> Grant:
        giving: Mapping[Kind, Callable[[Person, Entitlement, str | None], Grant]] = {
            Kind.GROUP: self._join,
            Kind.ROLE: self._empower,
            Kind.CREDENTIAL: self._mint,
            Kind.SESSION: self._sign_in,
            Kind.FORWARDING: self._push,
            Kind.CONSENT: self._link,
            Kind.OWNERSHIP: self._name,
            Kind.SHARE: self._upload,
        }
        if wanted.kind not in giving:
            raise WriteFailed(f"Matrix has no {wanted.kind}")
        return giving[wanted.kind](person, wanted, room)

    def _join(self, person: Person, wanted: Entitlement, room: str | None) -> Grant:
        """By the admin, who must be in the room and may invite."""
        room = self._room(wanted, room)
        self.api.change("POST", f"{API}/v1/join/{at(room)}", {"user_id": account_of(person).id})
        return Grant(wanted, room, object_id=room)

    def _empower(self, person: Person, wanted: Entitlement, room: str | None) -> Grant:
        user = account_of(person).id
        if wanted.name == ADMIN:
            self.api.change("PUT", f"{API}/v1/users/{at(user)}/admin", {"admin": True})
            return Grant(wanted, ADMIN, object_id=ADMIN)
        room, power = self._room(wanted, room), _power(wanted)
        with self._lock:
            levels = self._levels(room)
            users = {**levels.get("users", {}), user: power}
            if wanted.sole:  # the writer steps down, so that nobody else is left who could manage the room
                if self._version(room) not in LEVELLED:
                    raise WriteFailed(
                        "who made this room is above all levels for ever: set `room_version` to 11 or less"
                    )
                users.pop(self._own(), None)
            self._set_levels(room, {**levels, "users": users})
        return Grant(wanted, power_id(room, power), object_id=room)

    def _mint(self, person: Person, wanted: Entitlement, room: str | None) -> Grant:  # noqa: ARG002
        return Grant(wanted, secret=Secret(self.api.mint(account_of(person).id, self.tokens_last)))

    def _sign_in(self, person: Person, wanted: Entitlement, room: str | None) -> Grant:  # noqa: ARG002
        device, token = self.api.sign_in(account_of(person).id, person.identity.password, wanted.name)
        return Grant(wanted, device, secret=Secret(token))

    def _push(self, person: Person, wanted: Entitlement, room: str | None) -> Grant:  # noqa: ARG002
        """A pusher lives as long as the token that made it, so that token is kept."""
        if wanted.to is None:
            raise WriteFailed("a pusher needs an address to notify: write it as `to`")
        app, key = wanted.name, f"{wanted.name}-{person.identity.username}"
        token = self.api.mint(account_of(person).id, self.tokens_last)
        body: dict[str, Any] = {"kind": "http", "app_id": app, "pushkey": key, "data": {"url": wanted.to}, "lang": "en"}
        body |= {"app_display_name": app, "device_display_name": app, "append": False}
        self.api.change("POST", f"{CLIENT}/pushers/set", body, token=token)
        return Grant(wanted, pusher_id(app, key), vars={"app": app, "key": key}, secret=Secret(token))

    def _link(self, person: Person, wanted: Entitlement, room: str | None) -> Grant:  # noqa: ARG002
        user = account_of(person).id
        link = {"auth_provider": wanted.name, "external_id": person.identity.external_id}
        links = [each for each in self._links(user) if each["auth_provider"] != wanted.name]
        self.api.change("PUT", f"{API}/v2/users/{at(user)}", {"external_ids": [*links, link]})
        return Grant(wanted, link_id(link))

    def _name(self, person: Person, wanted: Entitlement, room: str | None) -> Grant:
        """An address of the room that the user gives it, and may move to another room."""
        room = self._room(wanted, room)
        alias = self.alias_of(f"{wanted.name}-{person.identity.username}")
        with self.api.acting(account_of(person).id) as token:
            self.api.change("PUT", f"{CLIENT}/directory/room/{at(alias)}", {"room_id": room}, token=token)
        return Grant(wanted, alias, object_id=room)

    def _upload(self, person: Person, wanted: Entitlement, room: str | None) -> Grant:  # noqa: ARG002
        with self.api.acting(account_of(person).id) as token:
            path = f"/_matrix/media/v3/upload?filename={at(wanted.name)}"
            made = self.api.change("POST", path, b"made by a drill\n", token=token)
        return Grant(wanted, _text(made, "content_uri").rpartition("/")[2])

    # --- taking back ----------------------------------------------------------------------------

    def take(self, person: Person, grant: Grant) -> None:
        """Again is as good as once."""
        account = account_of(person)
        taking: Mapping[Kind, Callable[[Account, Grant], None]] = {
            Kind.GROUP: self._leave,
            Kind.ROLE: self._disempower,
            Kind.CREDENTIAL: self._end,
            Kind.SESSION: self._close,
            Kind.FORWARDING: self._unpush,
            Kind.CONSENT: self._unlink,
            Kind.OWNERSHIP: self._unname,
            Kind.SHARE: self._delete,
        }
        if grant.entitlement.kind not in taking:
            raise WriteFailed(f"Matrix has no {grant.entitlement.kind}")
        taking[grant.entitlement.kind](account, grant)

    def _leave(self, account: Account, grant: Grant) -> None:
        room = grant.id or self._room(grant.entitlement, None)
        if room in self.api.joined(account.id).value:
            with self.api.acting(account.id) as token:
                self.api.change("POST", f"{CLIENT}/rooms/{at(room)}/leave", token=token)

    def _disempower(self, account: Account, grant: Grant) -> None:
        """By the writer if it has more power in the room. Where it stepped down, the leaver's own power is used to end
        it: invited once more by the writer, it gives it up and leaves."""
        if grant.entitlement.name == ADMIN:
            self.api.change("PUT", f"{API}/v1/users/{at(account.id)}/admin", {"admin": False}, gone=True)
            return
        room = grant.object_id or self._room(grant.entitlement, None)
        with self._lock:
            levels = self._levels(room)
            users = dict(levels.get("users", {}))
            if users.pop(account.id, None) is None:
                return
            fresh = {**levels, "users": users}
            if self._version(room) not in LEVELLED or self._own() in users:
                self._set_levels(room, fresh)
                return
            with self.api.acting(account.id) as token:
                if room in self.api.joined(account.id).value:
                    self._set_levels(room, fresh, token)
                    return
                self.api.change("POST", f"{CLIENT}/rooms/{at(room)}/invite", {"user_id": account.id})
                self.api.change("POST", f"{CLIENT}/join/{at(room)}", token=token)
                self._set_levels(room, fresh, token)
                self.api.change("POST", f"{CLIENT}/rooms/{at(room)}/leave", token=token)

    def _end(self, account: Account, grant: Grant) -> None:  # noqa: ARG002
        if grant.secret is None:
            raise WriteFailed("the token is not known any more, and in no list: it ends by itself (`tokens_last`)")
        self.api.sign_out(grant.secret.reveal())

    def _close(self, account: Account, grant: Grant) -> None:
        if grant.id is None:
            raise WriteFailed("the session's device id is not known")
        self.api.change("DELETE", f"{API}/v2/users/{at(account.id)}/devices/{at(grant.id)}", gone=True)

    def _unpush(self, account: Account, grant: Grant) -> None:
        key = f"{grant.entitlement.name}-{account.id[1:].partition(':')[0]}"
        body = {"kind": None, "app_id": grant.entitlement.name, "pushkey": key}
        with self.api.acting(account.id) as token:
            self.api.change("POST", f"{CLIENT}/pushers/set", body, token=token)
        if grant.secret is not None:
            self.api.sign_out(grant.secret.reveal())

    def _unlink(self, account: Account, grant: Grant) -> None:
        links = self._links(account.id)
        kept = [each for each in links if link_id(each) != grant.id]
        if kept != links:
            self.api.change("PUT", f"{API}/v2/users/{at(account.id)}", {"external_ids": kept})

    def _unname(self, account: Account, grant: Grant) -> None:
        alias = grant.id or self.alias_of(f"{grant.entitlement.name}-{account.id[1:].partition(':')[0]}")
        self.api.change("DELETE", f"{CLIENT}/directory/room/{at(alias)}", gone=True)

    def _delete(self, account: Account, grant: Grant) -> None:  # noqa: ARG002
        if grant.id is None:
            raise WriteFailed("the file's media id is not known")
        self.api.change("DELETE", f"{API}/v1/media/{at(self.server)}/{at(grant.id)}", gone=True)

    # --- what is there ----------------------------------------------------------------------------

    def _links(self, id: str) -> list[dict[str, str]]:
        data = self.api.user(id).value or {}
        keys = ("auth_provider", "external_id")
        return [{key: each[key] for key in keys} for each in data.get("external_ids", [])]

    def _levels(self, room: str) -> dict[str, Any]:
        event = self.api.state(room, POWER).value
        return {} if event is None else dict(event["content"])

    def _set_levels(self, room: str, content: Mapping[str, Any], token: str | None = None) -> None:
        self.api.change("PUT", f"{CLIENT}/rooms/{at(room)}/state/{POWER}", content, token=token)

    def _version(self, room: str) -> str:
        event = self.api.state(room, CREATE).value
        return str(event["content"].get("room_version", "1")) if event is not None else ""

    def _own(self) -> str:
        self._me = self._me or self.api.whoami().value
        return self._me


def _power(wanted: Entitlement) -> int:
    right = wanted.right or ""
    if right in LEVELS:
        return LEVELS[right]
    if not right.isdigit() or int(right) < 1:
        allowed = ", ".join(LEVELS)
        raise WriteFailed(
            f"a role in a room needs a `right`: a power level above 0, or one of {allowed}; not {right!r}"
        )
    return int(right)


def _text(made: Mapping[str, Any], key: str) -> str:
    found = made.get(key)
    if not isinstance(found, str) or not found:
        raise WriteFailed(f"the answer has no `{key}`", in_doubt=True)
    return found
