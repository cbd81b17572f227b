"""Connector `scim`: plays the identity provider against a SCIM service, in the shapes that real ones send."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal

from pydantic import Field, model_validator

from harness.adapter import ConnectorAdapter, ConnectorConfig
from harness.model import Claim, Event, EventTraits, Progress, Receipt
from harness.ports import Person, Tools
from harness.wire import scim
from harness.wire import scim_dialect as shapes
from harness.wire.auth import Auth
from harness.wire.call import Answer, Call, Unknown
from harness.wire.context import context
from harness.wire.event import EventOptions
from harness.wire.http import HttpWire
from harness.wire.scim_attributes import overlaid
from harness.wire.scim_client import Client
from harness.wire.scim_dialect import Dialect
from harness.wire.template import JsonField

Record = Mapping[str, Any]

_ALWAYS = ("join", "activate", "deactivate", "suspend", "terminate", "remove-from-groups")


class ScimConnectorConfig(ConnectorConfig):
    type: Literal["scim"]
    url: str
    dialect: Literal["rfc", "entra", "entra-compliant", "okta"] = "rfc"
    okta_app: Literal["oin", "custom"] = Field(default="oin", description="`custom`: App Integration Wizard, PUT only")
    groups: list[str] | None = Field(default=None, description="the groups that the IdP manages; default all")
    attributes: dict[str, JsonField | None] = Field(
        default_factory=dict, description="attributes of a new user, as templates; null leaves a default one out"
    )
    filters: bool = Field(
        default=True, description="`false`: the service knows no filter, so a user is looked for in the whole list"
    )
    events: dict[str, EventOptions] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _known(self) -> ScimConnectorConfig:
        if self.okta_app == "custom" and self.dialect != "okta":
            raise ValueError("`okta_app` belongs to `dialect: okta`")
        strange = sorted(set(self.events) - self.event_names())
        if "delete" in strange and self.dialect == "okta":
            raise ValueError("Okta never sends DELETE (it deactivates): there is no event `delete` in its dialect")
        if strange:
            raise ValueError(f"unknown event: {', '.join(strange)} (allowed: {', '.join(sorted(self.event_names()))})")
        return self

    def event_names(self) -> frozenset[str]:
        return frozenset(_ALWAYS if self.dialect == "okta" else (*_ALWAYS, "delete"))


class _Stop(Exception):
    """The identity provider sends nothing more, and why."""


class ScimConnector:
    """Implements `ports.Connector`."""

    def __init__(self, name: str, config: ScimConnectorConfig, send: Callable[[Call], Answer], tools: Tools) -> None:
        self.name = name
        self.owner = config.owner
        self._config = config
        self._send = send
        self._tools = tools
        # By event id, once all were answered: a replay is the same writes with the same bytes.
        self._written: dict[str, _Turn] = {}

    def events(self) -> Mapping[str, EventTraits]:
        given = self._config.events
        default = EventOptions(idempotent=True)
        return {
            name: EventTraits(
                given.get(name, default).idempotent, returns_within=given.get(name, default).returns_within
            )
            for name in sorted(self._config.event_names())
        }

    def fire(self, event: Event, person: Person) -> Receipt:
        began = self._tools.clock.now()
        turn = _Turn(self._config, self._send)
        try:
            before = self._written.get(event.id)
            if before is not None:
                turn.vars = before.vars
                for call in before.calls:
                    turn.write(call)
            else:
                turn.play(event.name, person)
        except _Stop as stop:
            claim = Claim.NONE if stop.args[1:] else Claim.ERROR
            return turn.receipt(claim, began, self._tools.clock.now(), str(stop.args[0]))
        except Unknown as error:
            detail = f"{turn.asked}: {error.reason}"
            if error.status is not None or not turn.writing:
                return turn.receipt(Claim.ERROR, began, error.answered or self._tools.clock.now(), detail)
            return turn.receipt(Claim.NONE, began, None, detail, error.in_doubt or bool(turn.calls[1:]))
        except scim.Malformed as error:
            return turn.receipt(Claim.ERROR, began, self._tools.clock.now(), f"{turn.asked}: {error}")
        self._written.setdefault(event.id, turn)
        if not turn.calls:
            return turn.receipt(Claim.SUCCESS, began, self._tools.clock.now(), "there was nothing to send")
        return turn.receipt(Claim.SUCCESS, began, turn.answered)

    def done(self, event: Event, person: Person) -> tuple[Progress, str]:  # noqa: ARG002
        return Progress.UNKNOWN, "SCIM answers at once: there is nothing to wait for"

    def arrived(self, event: Event, person: Person) -> tuple[bool | None, str]:  # noqa: ARG002
        return None, "SCIM keeps no list of what it was sent"


class _Turn:
    """One event: what is asked first, what is written then, and when."""

    def __init__(self, config: ScimConnectorConfig, send: Callable[[Call], Answer]) -> None:
        self._config = config
        self._dialect = Dialect(config.dialect)
        self._send = send
        self._client = Client(self.note)
        self.calls: list[Call] = []
        self.writing = False
        self.asked = ""
        self.sent = self.answered = 0
        self.evidence: tuple[str, ...] = ()
        self.vars: dict[str, Any] = {}

    def play(self, name: str, person: Person) -> None:
        who = person.identity
        if name == "join":
            self._join(person)
            return
        if name == "suspend" and self._dialect is Dialect.OKTA:
            # Okta's SCIM FAQ: a suspended user keeps the app, and nothing is sent.
            raise _Stop("Okta sends nothing over SCIM when a user is suspended", Claim.NONE)
        user = self._user(who.username)
        if user is None:
            raise _Stop(f"the service knows no user {who.username!r}: nothing was sent")
        self.vars["id"] = id_ = str(user["id"])
        if name == "activate":
            self._set_active(user, True)
        elif name == "delete":
            self.write(self._call("DELETE", scim.at("Users", id_), None, {404}))
        elif name == "remove-from-groups":
            self._leave_groups(id_)
        elif name == "terminate" and self._dialect is Dialect.RFC:
            # No provider to imitate: all that this protocol can do for a leaver without losing the record.
            self._set_active(user, False)
            self._leave_groups(id_)
        else:
            # deactivate, suspend, terminate. Entra disables on unassignment, on `accountEnabled` false and on soft
            # deletion, and deletes only 30 days later; Okta deactivates. Neither takes groups away by that.
            self._set_active(user, False)

    def _join(self, person: Person) -> None:
        who = person.identity
        user = self._user(who.username)
        if user is None:
            body = overlaid(shapes.create(self._dialect, who), self._config.attributes, lambda: context(person))
            answer = self.write(self._call("POST", "/Users", body))
            data = answer.json()
            if not isinstance(data, Mapping) or not isinstance(data.get("id"), str):
                raise scim.Malformed("the answer to the creation has no `id`")
            self.vars["id"] = data["id"]
            return
        # Both link what they find, and enable it.
        self.vars["id"] = str(user["id"])
        self._set_active(user, True)

    def _user(self, username: str) -> Record | None:
        if not self._config.filters:
            found = [u for u in self._whole("/Users") if scim.same("userName", u.get("userName"), username)]
            return found[0] if found else None
        params = shapes.find_user(self._dialect, username)
        found = list(self._listed("/Users", params))
        for item in found:
            if not scim.same("userName", item.get("userName"), username):
                raise scim.Malformed("the filter was ignored: a user of another name came")
        if len(found) > 1:
            raise scim.Malformed(f"{len(found)} users of one name came")
        return found[0] if found else None

    def _set_active(self, user: Record, value: bool) -> None:
        path = scim.at("Users", str(user["id"]))
        if self._dialect is Dialect.OKTA:
            record = self._client.user(str(user["id"])).data
            if record is None:
                raise _Stop("the user went between two requests: nothing was sent")
            if self._config.okta_app == "custom":
                self.write(self._call("PUT", path, shapes.put_active(record, value)))
                return
        self.write(self._call("PATCH", path, shapes.set_active(self._dialect, value)))

    def _leave_groups(self, user_id: str) -> None:
        for group in self._groups_of(user_id):
            group_id = str(group["id"])
            path = scim.at("Groups", group_id)
            if self._dialect is Dialect.OKTA and self._config.okta_app == "custom":
                whole = self._client.get("Groups", group_id).data
                if whole is not None:
                    self.write(self._call("PUT", path, shapes.put_without(whole, user_id)))
                continue
            if self._dialect is Dialect.OKTA:
                self.write(self._call("PATCH", path, shapes.group_name(group_id, str(group.get("displayName")))))
            self.write(self._call("PATCH", path, shapes.remove_member(self._dialect, user_id)))

    def _groups_of(self, user_id: str) -> Iterable[Record]:
        """The groups that this provider would take the user out of. It knows its own memberships; we have to ask."""
        names = self._config.groups
        if not self._config.filters:
            return [
                g
                for g in self._whole("/Groups")
                if _has_member(g, user_id) and (names is None or g.get("displayName") in names)
            ]
        if not self._dialect.microsoft:
            found = self._client.all("/Groups", ("filter", scim.eq("members.value", user_id))).items
            return [g for g in found if names is None or g.get("displayName") in names]
        without = ("excludedAttributes", "members")
        if names is None:
            groups: Iterable[Record] = self._client.all("/Groups", without).items
        else:
            groups = [
                group
                for name in names
                for group in self._listed("/Groups", (without, ("filter", scim.eq("displayName", name))))
                if group.get("displayName") == name
            ]
        return [g for g in groups if self._listed("/Groups", shapes.is_member(str(g["id"]), user_id))]

    def _listed(self, path: str, params: tuple[tuple[str, str], ...]) -> tuple[Record, ...]:
        """One page, as the providers ask for it."""
        answer = self.note(Call("GET", path, frozenset((200,)), params=params, headers={"Accept": scim.MEDIA}))
        return scim.page(answer.json(), 1).items

    def _whole(self, path: str) -> tuple[Record, ...]:
        """Every resource, in one answer: who knows no filter may know no `count` either."""
        answer = self.note(Call("GET", path, frozenset((200,)), headers={"Accept": scim.MEDIA}))
        page = scim.page(answer.json(), 1)
        if len(page.items) != page.total:
            raise scim.Malformed(f"{len(page.items)} of {page.total} came: without a filter the whole list is needed")
        return page.items

    def _call(self, method: str, path: str, body: Any, also: Iterable[int] = ()) -> Call:
        headers = {"Accept": scim.MEDIA}
        if body is not None:
            headers["Content-Type"] = scim.MEDIA
        accept = frozenset((200, 201, 202, 204, *also))
        data = None if body is None else scim.encode(body)
        return Call(method, path, accept, headers=headers, body=data, look=False)

    # --- what happened ------------------------------------------------------------------------

    def note(self, call: Call) -> Answer:
        self.asked = f"{call.method} {call.url}"
        try:
            answer = self._send(call)
        except Unknown as error:
            self.evidence += error.evidence
            raise
        self.evidence += answer.evidence
        return answer

    def write(self, call: Call) -> Answer:
        self.calls.append(call)
        self.writing = True
        try:
            answer = self.note(replace(call, look=False))
        except Unknown as error:
            self.sent = self.sent or error.sent
            raise
        self.sent, self.answered = self.sent or answer.sent, answer.answered
        self.writing = False
        return answer

    def receipt(
        self, claim: Claim, began: int, answered: int | None, detail: str = "", in_doubt: bool = False
    ) -> Receipt:
        sent = self.sent or began
        return Receipt(claim, sent, answered or None, self.vars, detail, in_doubt, self.evidence)


def _has_member(group: Record, user_id: str) -> bool:
    members = group.get("members") or ()
    return any(isinstance(each, Mapping) and each.get("value") == user_id for each in members)


def _build(name: str, config: ScimConnectorConfig, tools: Tools) -> ScimConnector:
    wire = HttpWire(config.url, config.auth or Auth(none=True), tools)
    return ScimConnector(name, config, wire.send, tools)


ADAPTER = ConnectorAdapter("scim", "plays Entra, Okta or a plain SCIM client", ScimConnectorConfig, _build)
