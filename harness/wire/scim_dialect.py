"""What identity providers really send over SCIM: the body of each operation, per dialect. Pure.

Four dialects. `rfc` is RFC 7644 to the letter. `entra` is what Entra ID sends unless the tenant URL carries the flag
`aadOptscim062020`; `entra-compliant` is with that flag (learn.microsoft.com, "Known issues with SCIM 2.0 protocol
compliance"). `okta` is an integration from Okta's catalogue (OIN); with `okta_app: custom` it is one made with the
App Integration Wizard, which only ever sends PUT (developer.okta.com, "Okta and SCIM Version 2.0").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from harness.model import Identity
from harness.wire import scim

Body = dict[str, Any]


class Dialect(StrEnum):
    RFC = "rfc"
    ENTRA = "entra"
    ENTRA_COMPLIANT = "entra-compliant"
    OKTA = "okta"

    @property
    def microsoft(self) -> bool:
        return self in (Dialect.ENTRA, Dialect.ENTRA_COMPLIANT)


def create(dialect: Dialect, who: Identity) -> Body:
    """The body of `POST /Users`."""
    name = {"givenName": who.given_name, "familyName": who.family_name}
    full = f"{who.given_name} {who.family_name}"
    emails = [{"primary": True, "type": "work", "value": who.email}]
    if dialect.microsoft:
        # "Create User" of Microsoft's page on developing a SCIM endpoint: both schemas, `meta`, an empty `roles`.
        return {
            "schemas": [scim.USER, scim.ENTERPRISE],
            "externalId": who.external_id,
            "userName": who.username,
            "active": True,
            "emails": emails,
            "meta": {"resourceType": "User"},
            "name": {"formatted": full, **name},
            "roles": [],
        }
    if dialect is Dialect.OKTA:
        # Okta's reference, "Create the User". Its sample sends a password too, but only where password push is on.
        return {
            "schemas": [scim.USER],
            "userName": who.username,
            "name": name,
            "emails": emails,
            "displayName": full,
            "locale": "en-US",
            "externalId": who.external_id,
            "groups": [],
            "active": True,
        }
    return {
        "schemas": [scim.USER],
        "userName": who.username,
        "externalId": who.external_id,
        "name": name,
        "displayName": full,
        "emails": emails,
        "active": True,
    }


def set_active(dialect: Dialect, value: bool) -> Body:
    """The body of the PATCH that disables or enables a user."""
    if dialect is Dialect.ENTRA:
        # Microsoft's compatibility page: capitalised operation, and the boolean as a word.
        return scim.patch({"op": "Replace", "path": "active", "value": str(value)})
    if dialect is Dialect.OKTA:
        # Okta's reference, "Update a specific User (PATCH)": no path, the attribute inside the value.
        return scim.patch({"op": "replace", "value": {"active": value}})
    return scim.patch({"op": "replace", "path": "active", "value": value})


def put_active(record: Mapping[str, Any], value: bool) -> Body:
    """Okta's custom app: the whole record as it was read, `id`, `meta` and `groups` included, one attribute changed."""
    return {**record, "active": value}


def remove_member(dialect: Dialect, user_id: str) -> Body:
    """The body of the PATCH that takes a user out of a group."""
    if dialect is Dialect.ENTRA:
        # The compatibility page: the member to remove stands in `value`, which RFC 7644 §3.5.2.2 does not foresee.
        return scim.patch({"op": "Remove", "path": "members", "value": [{"value": user_id}]})
    return scim.patch({"op": "remove", "path": scim.valued("members", user_id)})


def group_name(group_id: str, name: str) -> Body:
    """Okta sends the group's name again with each change of members ("Update a specific Group name")."""
    return scim.patch({"op": "replace", "value": {"id": group_id, "displayName": name}})


def put_without(group: Mapping[str, Any], user_id: str) -> Body:
    """Okta's custom app: the whole group with the other members."""
    members: Sequence[Any] = group.get("members") or ()
    return {**group, "members": [m for m in members if not (isinstance(m, Mapping) and m.get("value") == user_id)]}


def find_user(dialect: Dialect, username: str) -> tuple[tuple[str, str], ...]:
    """The query before an operation. Entra names no page; Okta asks for the first hundred."""
    query = (("filter", scim.eq("userName", username)),)
    return query if dialect.microsoft else (*query, ("startIndex", "1"), ("count", "100"))


def is_member(group_id: str, user_id: str) -> tuple[tuple[str, str], ...]:
    """Entra never reads members: it asks whether a group with this id and this member exists (Microsoft's page,
    "Group provisioning and deprovisioning": requests about references are requests about `members`)."""
    both = f"{scim.eq('id', group_id)} and {scim.eq('members', user_id)}"
    return (("excludedAttributes", "members"), ("filter", both))
