"""What a SCIM service says about one identity: the account by id, groups from both sides, roles and licences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

from harness.model import (
    Account,
    AccountSight,
    Found,
    Instant,
    Kind,
    Listing,
    ListState,
    Look,
    Presence,
    Row,
)
from harness.ports import Person
from harness.wire import scim
from harness.wire.call import Unknown
from harness.wire.scim_client import Resources
from harness.wire.scim_naming import ATTRIBUTES, Looks, Naming

# The two places that show a membership; each must show a control's before its silence counts.
USER_SIDE, GROUP_SIDE = "the user's side", "the groups' side"

# A member that no service has: in the form of a UUID, because some refuse a filter on anything else.
_NOBODY = "00000000-0000-4000-8000-000000000000"


@dataclass(slots=True)
class _Side:
    """One side of the group memberships; `bounds` are when it was asked and answered, and its exchanges."""

    state: ListState = ListState.COMPLETE
    rows: dict[str, Row] = field(default_factory=dict)
    reason: str = ""
    bounds: tuple[Instant, Instant, tuple[str, ...]] = (0, 0, ())

    def only(self, state: ListState, reason: str) -> _Side:
        """No rows, and why."""
        return _Side(state, {}, reason, self.bounds)


@dataclass(slots=True)
class _Seen:
    """The record of one round, and what bounds it."""

    sight: AccountSight
    data: Mapping[str, Any] | None = None
    blind: str = ""  # why the record tells nothing; "" with `data` None: it is gone


class ScimRound:
    """Implements `ports.Round`."""

    def __init__(self, looks: Looks) -> None:
        self._looks = looks
        self._client = looks.client
        self._lock = Lock()
        self._filter_proof: str | None = None  # "" = the filter selects; else why that is not known

    def find(self, person: Person) -> Found:
        asked = self._looks.naming(person).asked
        found: dict[str, Account] = {}
        evidence: tuple[str, ...] = ()
        sent = answered = 0
        try:
            for attribute in self._looks.find:
                if attribute not in asked:
                    continue
                got = self._having(attribute, asked[attribute])
                evidence += got.evidence
                sent, answered = sent or got.sent, got.answered
                for item in got.items:
                    kept = {k: item[k] for k in ("id", "userName", "externalId") if isinstance(item.get(k), str)}
                    found.setdefault(item["id"], Account(self._looks.system, item["id"], kept))
        except Unknown as error:
            return Found(ListState.UNKNOWN, (), error.reason, error.sent, error.answered, evidence + error.evidence)
        return Found(ListState.COMPLETE, tuple(found.values()), "", sent, answered, evidence)

    def look(self, person: Person) -> Look:
        account = person.account
        if account is None:
            raise ValueError("a look needs an account")
        seen = self._record(account, self._looks.naming(person))
        listings = [self._values(kind, seen) for kind in self._looks.kinds if kind in ATTRIBUTES]
        if Kind.GROUP in self._looks.kinds:
            listings.insert(0, self._groups(account.id, seen))
        strangers: tuple[str, ...] = ()
        if self._looks.search:
            seen, strangers = self._strangers(person, account, seen)
        return Look(seen.sight, tuple(listings), strangers)

    # --- the account --------------------------------------------------------------------------

    def _record(self, account: Account, naming: Naming) -> _Seen:
        try:
            got = self._client.user(account.id)
        except Unknown as error:
            sight = AccountSight(Presence.UNKNOWN, True, error.reason, error.sent, error.answered, error.evidence)
            return _Seen(sight, None, error.reason)
        bounds = (got.sent, got.answered, got.evidence)
        if got.data is None:
            return _Seen(AccountSight(Presence.ABSENT, False, "no such record (404)", *bounds))
        if reason := self._looks.mistaken(account.id, got.data, naming):
            return _Seen(AccountSight(Presence.UNKNOWN, True, reason, *bounds, mistaken=True), None, reason)
        presence, reason = scim.active(got.data)
        by_name = not naming.carried(got.data)
        return _Seen(AccountSight(presence, True, reason, *bounds, by_name=by_name), got.data)

    def _strangers(self, person: Person, account: Account, seen: _Seen) -> tuple[_Seen, tuple[str, ...]]:
        asked = self._looks.naming(person).asked
        attribute = "externalId" if "externalId" in asked else "userName"
        mine = {account.id, *(former.id for former in person.former)}
        try:
            got = self._having(attribute, asked[attribute])
        except Unknown as error:
            if seen.sight.presence is not Presence.ABSENT:
                return seen, ()
            s = seen.sight
            reason = f"other accounts could not be looked for: {error.reason}"
            sight = AccountSight(
                Presence.UNKNOWN, s.record, reason, s.sent, error.answered, s.evidence + error.evidence
            )
            return _Seen(sight, seen.data, seen.blind), ()
        return seen, tuple(item["id"] for item in got.items if item["id"] not in mine)

    def _having(self, attribute: str, value: str) -> Resources:
        """The users with this value; one that has another shows that the filter was ignored."""
        got = self._client.all("/Users", ("filter", scim.eq(attribute, value)))
        for item in got.items:
            if not scim.same(attribute, item.get(attribute), value):
                raise Unknown(
                    f"the filter was ignored: asked for one {attribute}, was answered a user with another",
                    evidence=got.evidence, sent=got.sent, answered=got.answered,
                )  # fmt: skip
        return got

    # --- what the record lists ----------------------------------------------------------------

    def _values(self, kind: Kind, seen: _Seen) -> Listing:
        s = seen.sight
        bounds = (s.sent, s.answered, s.evidence)
        if seen.blind:
            return Listing(kind, ListState.UNKNOWN, (), seen.blind, *bounds)
        if seen.data is None:
            return Listing(kind, ListState.GONE_WITH_ACCOUNT, (), "the record is gone", *bounds)
        attribute = ATTRIBUTES[kind]
        try:
            found = scim.values(seen.data, attribute)
        except scim.Malformed as error:
            return Listing(kind, ListState.UNKNOWN, (), str(error), *bounds)
        if found is None:
            return Listing(kind, ListState.OMITTED, (), f"`{attribute}` is left out", *bounds)
        rows = tuple(Row(item["value"], item["value"], by_name=True) for item in found)
        return Listing(kind, ListState.COMPLETE, rows, "", *bounds)

    # --- groups, from both sides --------------------------------------------------------------

    def _groups(self, account_id: str, seen: _Seen) -> Listing:
        s = seen.sight
        if s.mistaken:
            return Listing(Kind.GROUP, ListState.UNKNOWN, (), seen.blind, s.sent, s.answered, s.evidence)
        sides = self._looks.sides
        user = self._user_side(seen) if sides != "group" else None
        if user is not None and sides == "user":
            return Listing(Kind.GROUP, user.state, tuple(user.rows.values()), user.reason, *user.bounds)
        group = self._group_side(account_id)
        rows = _both(user, group)
        state, reason = self._joined(user, group)
        views = self._views(account_id, user) if user is not None else ()
        sent, answered, evidence = group.bounds
        if user is not None:
            sent, answered = min(sent or user.bounds[0], user.bounds[0]), max(answered, user.bounds[1])
            evidence = user.bounds[2] + evidence
        return Listing(Kind.GROUP, state, rows, reason, sent, answered, evidence, views=views)

    def _views(self, account_id: str, user: _Side) -> tuple[str, ...]:
        """Where a membership would be seen. The user's side counts if it ever showed one of this account's, and as
        long as there is a record: many services do not fill it at all."""
        with self._lock:
            showing = self._looks.showing
            if user.rows:
                showing.add(account_id)
            own = account_id in showing and user.state in (ListState.COMPLETE, ListState.OMITTED)
        return (USER_SIDE, GROUP_SIDE) if own else (GROUP_SIDE,)

    def _joined(self, user: _Side | None, group: _Side) -> tuple[ListState, str]:
        """Both sides must be whole to say that something is not there. A user's side that is left out, or gone with
        the user, says nothing: members can outlive their user, so then the groups' side decides alone."""
        if group.state is not ListState.COMPLETE:
            return group.state, f"the groups' side: {group.reason}"
        if user is not None and user.state is ListState.UNKNOWN:
            return user.state, f"the user's side: {user.reason}"
        with self._lock:
            looks = self._looks
            looks.filter_found = looks.filter_found or bool(group.rows)
            direct = {row.id for row in user.rows.values() if not row.note} if user else set()
            looks.only_user_side = looks.only_user_side or bool(direct - group.rows.keys())
            if looks.only_user_side and not looks.filter_found:
                return ListState.UNKNOWN, (
                    f"the filter on `{looks.member_filter}` has found no membership of anybody, although "
                    "`User.groups` shows some: it is not understood (see `groups` and `member_filter`)"
                )
        return ListState.COMPLETE, ""

    def _user_side(self, seen: _Seen) -> _Side:
        s = seen.sight
        side = _Side(bounds=(s.sent, s.answered, s.evidence))
        if seen.blind:
            return side.only(ListState.UNKNOWN, seen.blind)
        if seen.data is None:
            return side.only(ListState.GONE_WITH_ACCOUNT, "the record is gone")
        try:
            found = scim.values(seen.data, "groups")
        except scim.Malformed as error:
            return side.only(ListState.UNKNOWN, str(error))
        if found is None:
            return side.only(ListState.OMITTED, "`groups` is left out")
        for item in found:
            display = item.get("display")
            name = display if isinstance(display, str) and display else item["value"]
            note = "through another group" if item.get("type") == "indirect" else ""
            side.rows[item["value"]] = Row(item["value"], name, note=note)
        return side

    def _group_side(self, account_id: str) -> _Side:
        try:
            got = self._client.all("/Groups", ("filter", scim.eq(self._looks.member_filter, account_id)))
        except Unknown as error:
            side = _Side(bounds=(error.sent, error.answered, error.evidence))
            return side.only(ListState.UNKNOWN, error.reason)
        side = _Side(bounds=(got.sent, got.answered, got.evidence))
        unproven = False
        for item in got.items:
            name, members = item.get("displayName"), item.get("members")
            if not isinstance(name, str) or not name:
                return side.only(ListState.UNKNOWN, "a group has no `displayName`")
            if isinstance(members, list) and members:
                if not any(isinstance(m, Mapping) and m.get("value") == account_id for m in members):
                    why = "the filter was ignored: a group came that does not list this member"
                    return side.only(ListState.UNKNOWN, why)
            else:
                unproven = True  # a service need not return members at all: Entra never reads them
            side.rows[item["id"]] = Row(item["id"], name)
        if unproven and (why := self._filter_selects()):
            return side.only(ListState.UNKNOWN, why)
        return side

    def _filter_selects(self) -> str:
        """Asked once in a round: a member that cannot be must be in no group."""
        with self._lock:
            if self._filter_proof is None:
                try:
                    total, _ = self._client.count("/Groups", ("filter", scim.eq(self._looks.member_filter, _NOBODY)))
                    self._filter_proof = (
                        "the filter was ignored: a member that cannot be is in a group" if total else ""
                    )
                except Unknown as error:
                    self._filter_proof = f"whether the filter is applied could not be told: {error.reason}"
            return self._filter_proof


def _both(user: _Side | None, group: _Side) -> tuple[Row, ...]:
    """Either side present is present; each row tells which sides showed it."""
    if user is None:
        return tuple(group.rows.values())
    made: dict[str, Row] = {}
    for key, row in {**user.rows, **group.rows}.items():
        views = tuple(view for view, side in ((USER_SIDE, user), (GROUP_SIDE, group)) if key in side.rows)
        made[key] = replace(row, views=views)
    return tuple(made.values())
