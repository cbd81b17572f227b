"""The keys of `type: ldap`: where people and groups are, which attributes say what, and what a new entry looks like."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Literal

from pydantic import Field, model_validator

from harness.adapter import SystemConfig
from harness.config import Config, KindField
from harness.model import Kind, Touches
from harness.ports import KindTraits
from harness.wire.ldap_link import Address
from harness.wire.ldap_names import NotADn, inside, parsed
from harness.wire.template import JsonField

Value = Literal["dn", "name"]

# RFC 4519, 4524 and 2307. `seeAlso` ties an object (a second account, a device) to the person that it belongs to.
MEMBERS: Mapping[str, Value] = {"member": "dn", "uniqueMember": "dn", "memberUid": "name"}
REFERENCES = {
    "roleOccupant": Kind.ROLE,
    "owner": Kind.OWNERSHIP,
    "manager": Kind.OWNERSHIP,
    "seeAlso": Kind.OWNERSHIP,
    "secretary": Kind.DELEGATION,
}
CLASSES = {
    Kind.GROUP: "groupOfNames",
    Kind.ROLE: "organizationalRole",
    Kind.OWNERSHIP: "device",
    Kind.DELEGATION: "inetOrgPerson",
}


class NewObject(Config):
    """What is made for a scenario's object whose name fits `names`."""

    kind: KindField
    names: str = "*"
    object_class: str
    below: str | None = Field(default=None, description="default: `groups`")


class LdapConfig(SystemConfig):
    type: Literal["ldap"]
    url: str = Field(description="ldap://host:port, or ldaps://")
    starttls: bool = False
    ca: str | None = Field(default=None, description="a file of certificates to trust; default: the machine's")
    base: str = Field(description="where everything is looked for")
    people: str | None = Field(default=None, description="where new accounts are made; default: `base`")
    groups: str | None = Field(default=None, description="where new groups and other objects are made; default: `base`")
    object_classes: list[str] = Field(default=["inetOrgPerson"], min_length=1, description="of a new account")
    rdn: str = Field(default="uid", description="the attribute that names a new account below `people`")
    attributes: dict[str, JsonField | None] = Field(
        default_factory=dict, description="attributes of a new account, as templates; null leaves a default one out"
    )
    name: str = Field(default="uid", description="the attribute that holds the user name")
    external: str | None = Field(default="employeeNumber", description="the attribute that holds `external_id`")
    id: str = Field(default="entryUUID", description="the server's immutable id (389 DS: nsUniqueId)")
    locked: dict[str, list[str]] = Field(
        default={"pwdAccountLockedTime": ["000001010000Z"]},
        description="attribute -> values with which an account cannot be used",
    )
    unlocked: dict[str, list[str]] = Field(
        default_factory=dict, description="attribute -> values with which it can; without the attribute it can as well"
    )
    refused: list[int] = Field(default=[49], min_length=1, description="result codes that mean a refused sign-in")
    members: dict[str, Value] = Field(
        default_factory=lambda: dict(MEMBERS), description="attributes of groups: they name an entry, or a user name"
    )
    entry_side: str | None = Field(default="memberOf", description="the entry's own list of its groups; null: none")
    references: dict[str, KindField] = Field(
        default_factory=lambda: dict(REFERENCES), description="attributes of other entries that name the account"
    )
    own: dict[str, KindField] = Field(
        default={"secretary": Kind.DELEGATION}, description="attributes of the account that name somebody else"
    )
    new: list[NewObject] = Field(default_factory=list, description="what is made for objects; the first that fits")
    placeholder: str | None = Field(default=None, description="the member of a group that has none")
    connections: str | None = Field(
        default=None, description="where open connections are listed: `cn=Connections,cn=Monitor`"
    )
    page_size: int = Field(default=500, ge=1, le=10_000)

    @model_validator(mode="after")
    def _names(self) -> LdapConfig:
        self.address()
        for key in ("base", "people", "groups", "placeholder"):
            found = getattr(self, key)
            if found is not None and not _named(found, self.base if key in ("people", "groups") else ""):
                raise ValueError(f"`{key}` is not a distinguished name below `base`: {found}")
        wrong = sorted({str(kind) for kind in (*self.references.values(), *self.own.values())} - _REFERABLE)
        if wrong:
            raise ValueError(f"references may be {', '.join(sorted(_REFERABLE))}, not {', '.join(wrong)}")
        return self

    def address(self) -> Address:
        """Raises `ValueError`."""
        return Address.of(self.url, starttls=self.starttls, ca=self.ca)

    def declared(self) -> Mapping[Kind, KindTraits]:
        objects = KindTraits(True, {}, True, True, creates_objects=True, finds_objects=True)
        kinds = {Kind.GROUP} if self.members else set()
        kinds |= {*self.references.values(), *self.own.values()}
        made = {kind: objects for kind in Kind if kind in kinds}
        # An open connection: asking "Who am I?" on it changes nothing.
        made[Kind.SESSION] = KindTraits(self.connections is not None, {"": Touches.NOTHING}, True, True)
        return {kind: traits for kind, traits in made.items() if kind not in {*self.without, *self.not_listable}}

    def able(self) -> frozenset[str]:
        return frozenset({"create", "login"} | ({"search"} if self.external else set()))

    def object_class(self, kind: Kind, name: str) -> tuple[str, str]:
        """The class of a new object, and below which entry it is made."""
        below = self.groups or self.base
        for new in self.new:
            if new.kind is kind and fnmatchcase(name, new.names):
                return new.object_class, new.below or below
        return CLASSES[kind], below

    @property
    def nobody(self) -> str:
        return self.placeholder or f"cn=nobody,{self.base}"


_REFERABLE = {str(kind) for kind in CLASSES} - {str(Kind.GROUP)}


def _named(dn: str, base: str) -> bool:
    try:
        return bool(parsed(dn)) and inside(dn, base)
    except NotADn:
        return False
