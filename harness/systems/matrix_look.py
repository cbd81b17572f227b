"""What a Synapse says about one identity: the account's state, and every kind of access that it lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from harness.model import Account, Kind, Presence, Row
from harness.ports import Person
from harness.wire.call import Unknown
from harness.wire.survey import GONE, Asking, Reader, Record, Rows
from harness.wire.synapse import Api
from harness.wire.synapse_answers import Json, items, level, mapping, reading, text, truth

ADMIN = "server-admin"
POWER, CREATE = "m.room.power_levels", "m.room.create"
# Up to version 11 a room's creator is a user with a power level like any other; from 12 on (MSC4289) creators stand in
# no list of levels, are above all of them, and stay it for ever.
LEVELLED = frozenset(str(number) for number in range(1, 12))


@dataclass(slots=True)
class Looks:
    """Implements `survey.Survey`. `every_room`: power is looked for in all rooms of the server, not only in those that
    the user ever had to do with."""

    name: str
    api: Api
    server: str
    kinds: frozenset[Kind]
    every_room: bool = False

    def user_id(self, person: Person) -> str:
        return f"@{person.identity.username}:{self.server}"

    # --- the account --------------------------------------------------------------------------

    def find(self, asking: Asking, person: Person) -> Sequence[Account]:
        """By name, whatever its case: ids that are older than today's rules may hold capitals."""
        wanted = self.user_id(person).casefold()
        term = person.identity.username
        users = asking(("users", term), lambda: self.api.users(term))
        return [
            Account(self.name, user["name"], {"id": user["name"], "created": _number(user, "creation_ts") // 1000})
            for user in users
            if user["name"].casefold() == wanted
        ]

    def record(self, asking: Asking, person: Person) -> Record:
        account = account_in(person)
        data = asking(("user", account.id), lambda: self.api.user(account.id))
        if data is None:
            return Record(Presence.ABSENT, record=False, reason="Synapse has no such user (404)")
        created = account.vars.get("created")
        if created is not None and created != _number(data, "creation_ts"):
            reason = "the id belongs to another account: it was created at another time"
            return Record(Presence.UNKNOWN, reason=reason, mistaken=True, data=data)
        presence, reason = reading(lambda: standing(data))
        return Record(presence, reason=reason, data=data)

    def readers(self) -> Mapping[Kind, Reader]:
        every: Mapping[Kind, Reader] = {
            Kind.SHARE: self._media,
            Kind.SESSION: self._sessions,
            Kind.FORWARDING: self._pushers,
            Kind.CONSENT: self._links,
            Kind.GROUP: self._groups,
            Kind.ROLE: self._roles,
            Kind.OWNERSHIP: self._aliases,
        }
        return {kind: reader for kind, reader in every.items() if kind in self.kinds}

    # --- what it holds --------------------------------------------------------------------------

    def _groups(self, asking: Asking, person: Person, seen: Record) -> Rows:
        if seen.known() is None:
            return GONE
        user = account_in(person).id
        joined = asking(("joined", user), lambda: self.api.joined(user))
        return Rows(tuple(Row(room, self._room_name(asking, room)) for room in joined))

    def _roles(self, asking: Asking, person: Person, seen: Record) -> Rows:
        data = seen.known()
        if data is None:
            return GONE
        rows = [Row(ADMIN, ADMIN)] if reading(lambda: truth(data, "admin")) else []
        user = account_in(person).id
        for room in self._rooms(asking, person):
            rows += self._power(asking, room, user)
        return Rows(tuple(rows))

    def _sessions(self, asking: Asking, person: Person, seen: Record) -> Rows:
        if seen.known() is None:
            return GONE
        user = account_in(person).id
        devices = asking(("devices", user), lambda: self.api.devices(user))
        return Rows(tuple(Row(each["device_id"], _word(each, "display_name", each["device_id"])) for each in devices))

    def _pushers(self, asking: Asking, person: Person, seen: Record) -> Rows:
        if seen.known() is None:
            return GONE
        user = account_in(person).id
        return Rows(tuple(_pusher(each) for each in asking(("pushers", user), lambda: self.api.pushers(user))))

    def _links(self, asking: Asking, person: Person, seen: Record) -> Rows:  # noqa: ARG002  read from the record alone
        data = seen.known()
        if data is None:
            return GONE
        found = reading(lambda: items(data, "external_ids", "auth_provider", "external_id"))
        return Rows(tuple(Row(link_id(each), each["auth_provider"]) for each in found))

    def _aliases(self, asking: Asking, person: Person, seen: Record) -> Rows:
        """Synapse tells nobody who made an address, so only those that the run made are asked for, each by itself."""
        if seen.known() is None:
            return GONE
        mine = {g.id: g for g in person.grants if g.entitlement.kind is Kind.OWNERSHIP and g.id is not None}
        rows = []
        for alias in mine:
            room = asking(("alias", alias), lambda alias=alias: self.api.alias(alias))  # type: ignore[misc]
            if room is not None:
                rows.append(Row(alias, alias, note="still leads to its room"))
        return Rows(tuple(rows))

    def _media(self, asking: Asking, person: Person, seen: Record) -> Rows:
        if seen.known() is None:
            return GONE
        user = account_in(person).id
        return Rows(tuple(_file(each) for each in asking(("media", user), lambda: self.api.media(user))))

    # --- rooms ----------------------------------------------------------------------------------

    def _rooms(self, asking: Asking, person: Person) -> Iterable[str]:
        """Where power is looked for; a room that was left is among them: who leaves a room keeps the power in it."""
        user = account_in(person).id
        found: set[str] = set()
        entered = asking(("memberships", user), lambda: self.api.memberships(user))
        found.update(entered)
        found |= {g.object_id for g in person.grants if g.entitlement.kind is Kind.ROLE and g.object_id} - {ADMIN}
        if self.every_room:
            found |= {room["room_id"] for room in asking("rooms", self.api.rooms)}
        return sorted(found)

    def _room(self, asking: Asking, room: str) -> Json | None:
        return asking(("room", room), lambda: self.api.room(room))

    def _room_name(self, asking: Asking, room: str) -> str:
        data = self._room(asking, room)
        return room if data is None else _word(data, "name", _word(data, "canonical_alias", room))

    def _power(self, asking: Asking, room: str, user: str) -> list[Row]:
        data = self._room(asking, room)
        if data is None:
            return []  # deleted from the server, and all rights in it
        name = self._room_name(asking, room)
        levels = asking(("state", room, POWER), lambda: self.api.state(room, POWER))
        if levels is None and not asking(("members", room), lambda: self.api.members(room)):
            return []  # everybody here has left it: Synapse has forgotten its state, and lets nobody in again
        old = reading(lambda: text(data, "version")) in LEVELLED
        creators: frozenset[str] = frozenset()
        if not old or levels is None:
            creators = _creators(asking(("state", room, CREATE), lambda: self.api.state(room, CREATE)), old)
        if user in creators:
            return [Row(f"{room} creator", f"{name}#creator", note="nobody can take this away from a room's creator")]
        if levels is None:
            return []
        held, default = reading(lambda: _levels(levels))
        if held.get(user, default) <= default:
            return []
        note = self._sole(asking, room, user, creators, held, default)
        return [Row(power_id(room, held[user]), f"{name}#{held[user]}", note=note)]

    def _sole(
        self, asking: Asking, room: str, user: str, creators: frozenset[str], held: Mapping[str, int], default: int
    ) -> str:
        members = asking(("members", room), lambda: self.api.members(room)) or ()
        others = [m for m in members if m != user and (m in creators or held.get(m, default) >= held[user])]
        return "" if others else "nobody else in the room has this power"


def standing(data: Json) -> tuple[Presence, str]:
    """Whether the account can be used, from the closed set of its states; raises ValueError for anything else."""
    states = {name: truth(data, name) for name in ("deactivated", "locked", "suspended", "shadow_banned", "erased")}
    if states["deactivated"]:
        erased = " and erased" if states["erased"] else ""
        return Presence.ABSENT, f"deactivated{erased}, the record remains"
    if states["locked"]:
        return Presence.ABSENT, "locked, the record remains"
    if states["suspended"]:
        return Presence.PRESENT, "suspended: it may still sign in, read, and leave rooms"
    if states["shadow_banned"]:
        return Presence.PRESENT, "shadow-banned: it may still sign in and read, and is not told that nobody hears it"
    return Presence.PRESENT, ""


def link_id(link: Json) -> str:
    return f"{link['auth_provider']} {link['external_id']}"


def pusher_id(app: str, key: str) -> str:
    return f"{app} {key}"


def power_id(room: str, power: int) -> str:
    return f"{room} {power}"


def account_in(person: Person) -> Account:
    if person.account is None:
        raise ValueError("a look needs an account")
    return person.account


def _levels(event: Json) -> tuple[Mapping[str, int], int]:
    """Who has which power, and what everybody else has."""
    content = event["content"]
    users = mapping(content, "users") if "users" in content else {}
    return {user: level(value) for user, value in users.items()}, level(content.get("users_default", 0))


def _creators(event: Json | None, old: bool) -> frozenset[str]:
    if event is None:
        raise Unknown("the room has no creation event")
    more = event["content"].get("additional_creators", []) if not old else []
    if not isinstance(more, list):
        raise Unknown("the room's `additional_creators` is no list")
    return frozenset((event["sender"], *more))


def _pusher(each: Json) -> Row:
    to = each["pushkey"]
    if each["kind"] == "http":
        address = urlsplit(reading(lambda: text(mapping(each, "data"), "url")))
        to = f"{address.scheme}://{address.netloc}{address.path}"  # the query may hold somebody's key
    row = Row(pusher_id(each["app_id"], each["pushkey"]), each["app_id"], note=f"notifies {to}")
    if reading(lambda: truth(each, "enabled")):
        return row
    return Row(row.id, row.name, Presence.ABSENT, "switched off")


def _file(each: Json) -> Row:
    media = each["media_id"]
    name = _word(each, "upload_name", media)
    if "quarantined_by" not in each:
        return Row(media, name, Presence.UNKNOWN, "`quarantined_by` is missing")
    by = each["quarantined_by"]
    if by is None:
        return Row(media, name)
    return (
        Row(media, name, Presence.ABSENT, "in quarantine")
        if isinstance(by, str)
        else Row(media, name, Presence.UNKNOWN)
    )


def _word(data: Json, key: str, otherwise: str) -> str:
    """What a thing is called; names are for people, and many have none."""
    found = data.get(key)
    return found if isinstance(found, str) and found else otherwise


def _number(data: Json, key: str) -> int:
    found: Any = data.get(key)
    if isinstance(found, bool) or not isinstance(found, int):
        raise Unknown(f"`{key}` is no number")
    return found
