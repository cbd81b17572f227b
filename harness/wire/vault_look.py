"""What an OpenBao or HashiCorp Vault server says of one identity: its entity, and all that hangs on it or its name."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.model import Account, Kind, Presence, Row
from harness.ports import Person
from harness.wire.call import Unknown
from harness.wire.once import Once
from harness.wire.survey import GONE, Asking, Reader, Record, Rows
from harness.wire.vault_api import one
from harness.wire.vault_groups import ENTITY_SIDE, GROUP_SIDE, Group, above, listed
from harness.wire.vault_sweep import Mount, VaultSweep, word

_LOGINS = "auth/"  # an account's id that begins so is a login without an entity


@dataclass(frozen=True, slots=True)
class Belongings:
    """An entity's id (None: it has none), its tokens by accessor, its secret-ids with their `mount/role`."""

    entity: str | None
    tokens: tuple[str, ...]
    secret_ids: tuple[tuple[str, str], ...]


class VaultSurvey:
    """Implements `Survey`."""

    def __init__(self, name: str, sweep: VaultSweep, kinds: Collection[Kind]) -> None:
        self.name = name
        self._sweep = sweep
        self._kinds = frozenset(kinds)

    def readers(self) -> Mapping[Kind, Reader]:
        found: Mapping[Kind, Reader] = {
            Kind.GROUP: self._groups,
            Kind.ROLE: self._policies,
            Kind.SESSION: self._tokens,
            Kind.CREDENTIAL: self._credentials,
        }
        return {kind: read for kind, read in found.items() if kind in self._kinds}

    def removable(self, person: Person) -> Belongings:
        """What cleanup may remove, which is only what still is this identity's. Raises `Unknown`."""
        asking = Asking(Once())
        record = self.record(asking, person)
        entity = _entity(record)
        tokens = tuple(row.id for row in self._tokens(asking, person, record).rows)
        secrets = tuple((role, row.id) for role, row in self._secret_ids(asking, person))
        return Belongings(None if entity is None else str(entity["id"]), tokens, secrets)

    def check(self) -> list[str]:
        """What only a reader with its policy may do: the methods, and the list of all tokens."""
        try:
            self._sweep.mounts(Asking(Once()), "userpass")
            self._sweep.accessors(Asking(Once()))
        except Unknown as error:
            return [f"{self.name}: {error.reason}"]
        return []

    # --- the account ------------------------------------------------------------------------------

    def find(self, asking: Asking, person: Person) -> Sequence[Account]:
        """The entity of this name, the entities that an alias of this name or address leads to, and a login of this
        name that leads to none yet: the first use of it would make one."""
        wanted = person.identity.username
        found: dict[str, Account] = {}
        path = f"/identity/entity/name/{one(wanted)}"
        named = self._sweep.data(asking, path)
        if named is not None:
            if not _same(named.get("name"), wanted):
                raise Unknown("asked for one entity by name, was answered another")
            found[word(named, "id", "the entity")] = self._account(word(named, "id", "the entity"))
        names = {wanted.casefold(), person.identity.email.casefold()}
        tied: set[tuple[str, str]] = set()
        for alias in self._sweep.aliases(asking).values():
            tied.add((alias["mount_accessor"], alias["name"].casefold()))
            if alias["name"].casefold() in names:
                found.setdefault(alias["canonical_id"], self._account(alias["canonical_id"]))
        for mount, key in self._sweep.logins(asking, (wanted,)):
            if (mount.accessor, key.casefold()) not in tied:
                found[login_id(mount.path, key)] = self._account(login_id(mount.path, key))
        return tuple(found.values())

    def _account(self, id: str) -> Account:
        return Account(self.name, id, {"id": id})

    def record(self, asking: Asking, person: Person) -> Record:
        assert person.account is not None  # noqa: S101  the round saw to it
        mine = person.account.id
        path = f"/{mine}" if mine.startswith(_LOGINS) else f"/identity/entity/id/{one(mine)}"
        data = self._sweep.data(asking, path)
        if data is None:
            return Record(Presence.ABSENT, False, "no such record (404)")
        if mine.startswith(_LOGINS):
            return Record(Presence.PRESENT, True, "a login without an entity", by_name=True, data={"login": mine})
        if data.get("id") != mine:
            raise Unknown("the entity carries another `id` than the one that was asked for")
        carried = set(_identifiers(data))
        known = {name.casefold() for name in names_of(person)}
        if carried and not carried & known:
            why = "the entity carries no name of this identity any more"
            return Record(Presence.UNKNOWN, True, why, mistaken=True)
        disabled = data.get("disabled")
        if disabled is True:
            return Record(Presence.ABSENT, True, "record remains: the entity is disabled", data=data)
        if disabled is False:
            return Record(Presence.PRESENT, True, "", data=data)
        why = "the entity has no `disabled`"
        if disabled is not None:
            why = f"the entity's `disabled` is {json.dumps(disabled)[:40]}, neither true nor false"
        return Record(Presence.UNKNOWN, True, why, data=data)

    # --- groups and policies ----------------------------------------------------------------------

    def _groups(self, asking: Asking, person: Person, record: Record) -> Rows:
        mine = self._memberships(asking, person, record)
        entity = _entity(record)
        shown = frozenset() if entity is None else frozenset(listed(entity, "group_ids"))
        rows = []
        for key in (*mine, *sorted(shown - mine.keys())):
            group, through = mine.get(key, (Group(key, key), ""))
            views = tuple(v for v, there in ((ENTITY_SIDE, key in shown), (GROUP_SIDE, key in mine)) if there)
            note = f"through the group {through}" if through else ""
            rows.append(Row(key, group.name, note=note, views=views))
        views = (GROUP_SIDE,) if entity is None else (ENTITY_SIDE, GROUP_SIDE)
        return Rows(tuple(rows), views=views)

    def _policies(self, asking: Asking, person: Person, record: Record) -> Rows:
        """On the entity itself, through its groups, and on its logins."""
        entity = _entity(record)
        rows = [] if entity is None else [Row(p, p, by_name=True) for p in listed(entity, "policies")]
        for group, _ in self._memberships(asking, person, record).values():
            rows += [Row(f"{group.id}/{p}", f"{p} through {group.name}") for p in group.policies]
        for mount, key in self._sweep.logins(asking, _logins_of(person)):
            login = login_id(mount.path, key)
            data = self._sweep.data(asking, f"/{login}")
            policies = () if data is None else listed(data, "token_policies")
            rows += [Row(f"{login}/{p}", f"{p} through {mount.path}/{key}", by_name=True) for p in policies]
        gone = entity is None and not rows
        return GONE if gone else Rows(tuple(rows))

    def _memberships(self, asking: Asking, person: Person, record: Record) -> dict[str, tuple[Group, str]]:
        """Every group that has the account as a member, and those that have such a group, however far up."""
        assert person.account is not None  # noqa: S101  the round saw to it
        record.known()
        return above(person.account.id, self._sweep.groups(asking))

    # --- tokens -----------------------------------------------------------------------------------

    def _tokens(self, asking: Asking, person: Person, record: Record) -> Rows:
        """Every token that the entity, or a login of this name, got or made; and those that this run made and nothing
        ties to anybody any more: an orphan has no entity."""
        assert person.account is not None  # noqa: S101  the round saw to it
        record.known()
        logins = {f"auth/{mount.path}/login/{key}" for mount, key in self._login_names(asking, person)}
        ours = {grant.id for grant in person.grants if grant.entitlement.kind is Kind.SESSION}
        rows = []
        for accessor, token in self._sweep.tokens(asking).items():
            path = word(token, "path", "a token", empty=True)
            entity = word(token, "entity_id", "a token", empty=True)
            by_login = path.casefold() in logins
            if entity != person.account.id and not by_login and accessor not in ours:
                continue
            note = "" if entity == person.account.id or by_login else "found by its own id"
            name = path if "/login" in path else word(token, "display_name", "a token", empty=True)
            rows.append(Row(accessor, name or path, note=note))
        return Rows(tuple(rows))

    # --- logins, aliases, secret-ids --------------------------------------------------------------

    def _credentials(self, asking: Asking, person: Person, record: Record) -> Rows:
        assert person.account is not None  # noqa: S101  the round saw to it
        record.known()
        rows = [
            Row(login_id(mount.path, key), f"{mount.path}/{key}", by_name=True)
            for mount, key in self._sweep.logins(asking, _logins_of(person))
        ]
        for key, alias in self._sweep.aliases(asking).items():
            if alias["canonical_id"] == person.account.id:
                rows.append(Row(key, f"alias {_mount(alias)}/{alias['name']}"))
        rows += [row for _, row in self._secret_ids(asking, person)]
        return Rows(tuple(rows))

    def _secret_ids(self, asking: Asking, person: Person) -> Iterator[tuple[str, Row]]:
        """Those that are marked with one of the identity's names, and those that this run made; with their role."""
        ours = {grant.id for grant in person.grants if grant.entitlement.kind is Kind.CREDENTIAL}
        known = {name.casefold() for name in names_of(person)}
        for accessor, (role, data) in self._sweep.secret_ids(asking).items():
            marks = data.get("metadata") or {}
            if not isinstance(marks, Mapping):
                raise Unknown("a secret-id's `metadata` is not a JSON object")
            if {mark.casefold() for mark in marks.values() if isinstance(mark, str)} & known:
                yield role, Row(accessor, role)
            elif accessor in ours:
                yield role, Row(accessor, role, note="found by its own id")

    def _login_names(self, asking: Asking, person: Person) -> Iterator[tuple[Mount, str]]:
        """What a login of this identity is or was called, whether it is still there or not. The server writes the names
        of logins small, however they were given."""
        for mount in self._sweep.mounts(asking, "userpass"):
            for name in _logins_of(person):
                yield mount, name.casefold()


def login_id(mount: str, key: str) -> str:
    """What stands for a login, which has no id but its name: its path."""
    return f"{_LOGINS}{mount}/users/{key}"


def names_of(person: Person) -> tuple[str, ...]:
    """All that tells this identity from every other."""
    who = person.identity
    found = (who.username, who.email, who.external_id, *who.was.values(), *person.identifiers.values())
    return tuple(dict.fromkeys(name for name in found if name))


def _logins_of(person: Person) -> tuple[str, ...]:
    was = person.identity.was.get("username")
    return (person.identity.username,) if not was else (person.identity.username, was)


def _identifiers(entity: Mapping[str, Any]) -> Iterator[str]:
    """The names that stand in an entity's record, but for one that the server made up itself."""
    name, aliases, marks = entity.get("name"), entity.get("aliases") or (), entity.get("metadata") or {}
    if isinstance(name, str) and not name.startswith("entity_"):
        yield name.casefold()
    if not isinstance(aliases, Sequence) or not isinstance(marks, Mapping):
        raise Unknown("the entity's `aliases` or `metadata` cannot be read")
    yield from (a["name"].casefold() for a in aliases if isinstance(a, Mapping) and isinstance(a.get("name"), str))
    yield from (mark.casefold() for mark in marks.values() if isinstance(mark, str))


def _entity(record: Record) -> Mapping[str, Any] | None:
    """The entity's record; None where it is gone, or where there is only a login."""
    data: Mapping[str, Any] | None = record.known()
    return None if data is None or "login" in data else data


def _mount(alias: Mapping[str, Any]) -> str:
    path = alias.get("mount_path")
    return path.removeprefix("auth/").strip("/") if isinstance(path, str) else str(alias["mount_accessor"])


def _same(left: Any, right: str) -> bool:
    return isinstance(left, str) and left.casefold() == right.casefold()
