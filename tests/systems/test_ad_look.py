"""What a domain's answers mean: which accounts can be used, which groups count, and what can only be unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from harness.model import Account, Kind, Listing, ListState, Look, Presence
from harness.ports import Person
from harness.systems.active_directory import means as sign_in_means
from harness.systems.ad_look import AdLooks
from harness.testing.bench import identity, person
from harness.testing.scene import listing
from harness.wire import ad_values
from harness.wire.ad import IN_CHAIN, Domain, Root
from harness.wire.ad_descriptor import Descriptor, dump
from harness.wire.dialogue import Told
from harness.wire.ldap import Bound
from harness.wire.ldap_entry import Entry
from harness.wire.survey import SurveyRound

GUIDS = {name: f"00000000-0000-0000-0000-00000000000{n}" for n, name in enumerate(("leaver", "team", "all", "users"))}
SID = "S-1-5-21-1-2-3-1105"


def entry(name: str, **values: str | bytes | list[str]) -> Entry:
    """An object as the wire hands it over."""
    made: dict[str, tuple[bytes, ...]] = {"objectguid": (ad_values.guid_bytes(GUIDS[name]),), "cn": (name.encode(),)}
    for key, value in values.items():
        each = value if isinstance(value, list) else [value]
        made[key.replace("__", "-").lower()] = tuple(v if isinstance(v, bytes) else v.encode() for v in each)
    return Entry(f"CN={name},DC=x", made)


def reference(name: str) -> str:
    return f"<GUID={GUIDS[name]}>;CN={name},DC=x"


def leaver(**values: Any) -> Entry:
    told = {"objectSid": ad_values.sid_bytes(SID), "userAccountControl": "512", "primaryGroupID": "513", **values}
    return entry("leaver", **{key: value for key, value in told.items() if value is not None})


@dataclass
class Stub:
    """Answers what `Domain` would. `objects`: by GUID; `found`: what a filter that holds this word finds."""

    record: Entry | None
    found: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)
    now: str = "20261125000000.0Z"

    def by_guid(self, guid: str, attributes: object = (), *, deleted: bool = False) -> Told[Entry | None]:
        found = self.record if guid == GUIDS["leaver"] else None
        return Told(found, 1, 2, ("read",))

    def root(self) -> Told[Root]:
        return Told(Root("DC=x", ("DC=x",), "CN=Schema", self.now), 1, 2, ("root",))

    def search(self, filter: str, *_: object) -> Told[tuple[Entry, ...]]:
        if filter == "(objectClass=*)":
            raw = dump(Descriptor("S-1-5-18", "S-1-5-18", ()))
            return Told((entry("team", nTSecurityDescriptor=raw),), 1, 2, ("sweep",))
        primary = entry("users", sAMAccountName="Domain Users")
        default = (primary,) if "objectSid" in filter else ()
        found = next((entries for word, entries in self.found.items() if word in filter), default)
        return Told(found, 1, 2, (filter,))


def look(record: Entry | None, found: Mapping[str, tuple[Entry, ...]] | None = None, sid: str = SID) -> Look:
    looks = AdLooks("ad", cast(Domain, Stub(record, found or {})), frozenset(Kind), False, "employeeNumber")
    who: Person = person(identity("leaver", 1), account=Account("ad", GUIDS["leaver"], {"sid": sid}))
    return SurveyRound(looks).look(who)


def groups(seen: Look) -> Listing:
    found = listing(seen, Kind.GROUP)
    assert found is not None
    return found


ENDED = str((1764547200 + 11644473600) * 10_000_000)  # 2025-12-01


@pytest.mark.parametrize(
    ("values", "presence", "reason"),
    [
        ({}, Presence.PRESENT, ""),
        ({"userAccountControl": "514"}, Presence.ABSENT, "disabled, record remains"),
        ({"accountExpires": ENDED}, Presence.ABSENT, "expired, record remains"),
        ({"accountExpires": "0"}, Presence.PRESENT, ""),
        ({"accountExpires": "9223372036854775807"}, Presence.PRESENT, ""),
        ({"accountExpires": "134500000000000000"}, Presence.PRESENT, ""),  # next year
        ({"msDS__User__Account__Control__Computed": "16"}, Presence.PRESENT, "locked for a while"),
        ({"msDS__User__Account__Control__Computed": "8388608"}, Presence.PRESENT, "must be changed"),
        ({"userAccountControl": None}, Presence.UNKNOWN, "userAccountControl is missing"),
        ({"userAccountControl": "x"}, Presence.UNKNOWN, "no number"),
        ({"userAccountControl": ["512", "514"]}, Presence.UNKNOWN, "2 values"),
        ({"objectSid": None}, Presence.UNKNOWN, "objectSid"),
        ({"objectSid": b"\1\1"}, Presence.UNKNOWN, "objectSid"),
    ],
)
def test_what_an_account_can_do(values: dict[str, Any], presence: Presence, reason: str) -> None:
    seen = look(leaver(**values))
    assert seen.account.presence is presence, seen.account.reason
    assert reason in seen.account.reason
    assert seen.account.record


def test_a_tombstone_is_a_removed_account_and_nothing_at_all_is_unknown() -> None:
    gone = look(leaver(isDeleted="TRUE", lastKnownParent="OU=People,DC=x"))
    assert (gone.account.presence, gone.account.record) == (Presence.ABSENT, False)
    assert groups(gone).state is ListState.COMPLETE
    assert groups(gone).rows == ()
    hidden = look(None)
    assert hidden.account.presence is Presence.UNKNOWN
    assert "tombstone" in hidden.account.reason
    assert {found.state for found in hidden.listings} == {ListState.UNKNOWN}


def test_an_id_with_another_sid_is_somebody_else() -> None:
    seen = look(leaver(), sid="S-1-5-21-1-2-3-9999")
    assert seen.account.mistaken
    assert {found.state for found in seen.listings} == {ListState.UNKNOWN}


def test_groups_and_how_they_are_held() -> None:
    found = {IN_CHAIN: (entry("team", sAMAccountName="team"), entry("all", sAMAccountName="everybody"))}
    seen = {row.name: row.note for row in groups(look(leaver(memberOf=reference("team")), found)).rows}
    assert seen == {"team": "", "everybody": "through another group", "Domain Users": "primary group"}


def test_what_only_the_accounts_side_says_counts_as_well() -> None:
    rows = {row.id: row for row in groups(look(leaver(memberOf=reference("team")))).rows}
    assert rows[GUIDS["team"]].note == "only the account's side says so"
    assert rows[GUIDS["team"]].views == ()  # and proves nothing about the groups' side


@pytest.mark.parametrize(
    ("values", "found", "reason"),
    [
        ({"primaryGroupID": None}, {}, "one group would be overlooked"),
        ({}, {"objectSid": ()}, "the primary group S-1-5-21-1-2-3-513 cannot be seen"),
        ({"memberOf": "CN=team,DC=x"}, {}, "does not carry the GUID"),
    ],
)
def test_groups_that_cannot_be_told_are_unknown(values: dict[str, Any], found: dict[str, Any], reason: str) -> None:
    told = groups(look(leaver(**values), found))
    assert told.state is ListState.UNKNOWN
    assert reason in told.reason


@pytest.mark.parametrize(
    ("code", "presence"),
    [("52e", "absent"), ("525", "absent"), ("533", "absent"), ("701", "absent"), ("775", "unknown"),
     ("532", "unknown"), ("773", "unknown"), ("530", "unknown"), ("999", "unknown"), ("", "unknown")],
)  # fmt: skip
def test_only_declared_refusals_of_a_sign_in_are_absent(code: str, presence: str) -> None:
    told, why = sign_in_means(Bound(False, 49, f"AcceptSecurityContext error, data {code}, v1db1" if code else ""))
    assert told == presence
    assert why
    assert sign_in_means(Bound(True, 0))[0] is Presence.PRESENT
