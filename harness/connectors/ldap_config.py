"""The keys of the connector `ldap`: how it finds an entry, and what each of its events does to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, model_validator

from harness.adapter import ConnectorConfig
from harness.config import Config
from harness.wire.event import EventOptions
from harness.wire.ldap_link import Address
from harness.wire.ldap_names import NotADn, parsed
from harness.wire.template import JsonField, TemplateField

Word = Literal["create", "lock", "unlock", "leave-groups", "rename", "move", "delete"]
Values = dict[str, JsonField]


class Move(Config):
    """Puts the entry below another one."""

    move: str


class Modify(Config):
    """Changes attributes: of the entry itself, or of the one that `modify` names."""

    modify: TemplateField | None = None
    add: Values = Field(default_factory=dict)
    delete: Values = Field(default_factory=dict, description="an empty list takes every value")
    replace: Values = Field(default_factory=dict)

    @model_validator(mode="after")
    def _something(self) -> Modify:
        if not (self.add or self.delete or self.replace):
            raise ValueError("nothing to change: give `add`, `delete` or `replace`")
        return self


Step = Word | Move | Modify


class LdapEvent(EventOptions):
    """What an event does, in order."""

    do: list[Step] = Field(min_length=1)


# Sending these twice does what sending them once does.
_SAME_AGAIN = frozenset(("lock", "unlock", "leave-groups", "delete"))
STANDARD: Mapping[str, tuple[Step, ...]] = {
    "join": ("create",),
    "rejoin": ("create",),
    "rename": ("rename",),
    "disable": ("lock",),
    "enable": ("unlock",),
    "remove-from-groups": ("leave-groups",),
    "terminate": ("lock", "leave-groups"),
    "delete": ("delete",),
}


class LdapConnectorConfig(ConnectorConfig):
    type: Literal["ldap"]
    url: str
    starttls: bool = False
    ca: str | None = None
    base: str
    people: str | None = Field(default=None, description="where `create` makes entries; default: `base`")
    leavers: str | None = Field(default=None, description="where `move` puts them; without it there is no such event")
    object_classes: list[str] = Field(default=["inetOrgPerson"], min_length=1)
    rdn: str = "uid"
    attributes: dict[str, JsonField | None] = Field(
        default_factory=dict, description="attributes of a new entry, as templates; null leaves a default one out"
    )
    find: dict[str, TemplateField] = Field(
        default_factory=dict, description="attribute -> template; default: uid is `identity.username`"
    )
    link: Literal["search", "dn"] = Field(
        default="search", description="`dn`: goes on using the name that the entry had when it joined"
    )
    lock: dict[str, list[str]] = Field(
        default={"pwdAccountLockedTime": ["000001010000Z"]}, description="attributes that lock an entry"
    )
    members: dict[str, Literal["dn", "name"]] = Field(
        default={"member": "dn", "uniqueMember": "dn", "memberUid": "name"},
        description="the attributes that `leave-groups` empties",
    )
    placeholder: str | None = Field(default=None, description="the member of a group that would have none")
    events: dict[str, LdapEvent] = Field(default_factory=dict, description="besides the standard ones, or instead")

    @model_validator(mode="after")
    def _names(self) -> LdapConnectorConfig:
        self.address()
        for key in ("base", "people", "leavers", "placeholder"):
            found = getattr(self, key)
            if found is not None and not _named(found):
                raise ValueError(f"`{key}` is not a distinguished name: {found}")
        moving = [name for name, event in self.events.items() if "move" in event.do]
        if moving and self.leavers is None:
            raise ValueError(f"the event `{moving[0]}` moves: where to? say `leavers`, or `move: DN`")
        return self

    def address(self) -> Address:
        """Raises `ValueError`."""
        return Address.of(self.url, starttls=self.starttls, ca=self.ca)

    def all_events(self) -> dict[str, LdapEvent]:
        given = {name: LdapEvent(do=list(steps), idempotent=_same_again(steps)) for name, steps in STANDARD.items()}
        if self.leavers is not None:
            given["move"] = LdapEvent(do=["move"])
        return given | self.events

    def event_names(self) -> frozenset[str]:
        return frozenset(self.all_events())


def _same_again(steps: tuple[Step, ...]) -> bool:
    return all(step in _SAME_AGAIN for step in steps)


def _named(dn: str) -> bool:
    try:
        return bool(parsed(dn))
    except NotADn:
        return False
