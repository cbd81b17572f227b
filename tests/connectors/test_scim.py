"""The connector `scim` against the real scim2-server, in each dialect: what is sent, and what it then claims."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from harness.connectors.scim import ADAPTER, ScimConnector, ScimConnectorConfig
from harness.evidence.exchanges import Exchanges
from harness.model import Claim, Event, Identity
from harness.ports import Connector
from tests.scim_server import TOKEN, Server, auth, identity, person, serving, tools

pytestmark = pytest.mark.real

GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def build(server: Server, **more: Any) -> tuple[ScimConnector, Exchanges]:
    config = {"type": "scim", "url": server.url, "owner": "iam", "auth": auth(), **more}
    made_with, kept, _ = tools()
    made = ADAPTER.build("idp", ScimConnectorConfig.model_validate(config), made_with)
    assert isinstance(made, ScimConnector)
    return made, kept


def event(name: str, id: str = "ev-1") -> Event:
    return Event(id, name, 1)


def sent(kept: Exchanges, evidence: tuple[str, ...]) -> list[tuple[str, str, Any]]:
    """Method, path and body of each request, in order."""
    found = []
    for name in evidence:
        exchange = kept.get(name)
        body = exchange["request"]["body"]
        path = str(exchange["url"]).split("/v2", 1)[1].split("?")[0]
        found.append((str(exchange["method"]), path, json.loads(body) if body else None))
    return found


def member(server: Server, user: str, name: str) -> str:
    made = server("POST", "/Groups", {"schemas": [GROUP], "displayName": name, "members": [{"value": user}]})
    return str(made["id"])


def join(connector: ScimConnector, who: Identity) -> str:
    receipt = connector.fire(event("join", f"join-{who.username}"), person(who))
    assert receipt.claim is Claim.SUCCESS, receipt.detail
    return str(receipt.vars["id"])


def test_it_is_a_connector_and_says_what_it_can(server: Server) -> None:
    connector, _ = build(server, events={"terminate": {"returns_within": "30s"}})
    assert isinstance(connector, Connector)
    assert connector.events()["terminate"].returns_within == 30_000_000
    assert "delete" in connector.events()


DIALECTS: tuple[dict[str, str], ...] = ({}, {"dialect": "entra"}, {"dialect": "entra-compliant"}, {"dialect": "okta"})
CUSTOM = {"dialect": "okta", "okta_app": "custom"}


@pytest.mark.parametrize("more", [*DIALECTS, CUSTOM])
def test_join_terminate_activate(server: Server, more: dict[str, str]) -> None:
    connector, kept = build(server, **more)
    who = identity(1, "jta-" + "-".join(more.values()))
    user = join(connector, who)
    assert server("GET", f"/Users/{user}")["active"] is True
    receipt = connector.fire(event("terminate"), person(who))
    assert receipt.claim is Claim.SUCCESS
    assert receipt.answered is not None
    assert receipt.sent <= receipt.answered
    assert server("GET", f"/Users/{user}")["active"] is False
    wanted = "PUT" if "okta_app" in more else "PATCH"
    assert [m for m, _, _ in sent(kept, receipt.evidence) if m != "GET"] == [wanted]
    assert connector.fire(event("activate", "ev-2"), person(who)).claim is Claim.SUCCESS
    assert server("GET", f"/Users/{user}")["active"] is True


def test_entra_looks_by_filter_then_patches_a_word(server: Server) -> None:
    connector, kept = build(server, dialect="entra")
    who = identity(1, "entra-shape")
    user = join(connector, who)
    requests = sent(kept, connector.fire(event("deactivate"), person(who)).evidence)
    assert [(m, p) for m, p, _ in requests] == [("GET", "/Users"), ("PATCH", f"/Users/{user}")]
    assert requests[1][2]["Operations"] == [{"op": "Replace", "path": "active", "value": "False"}]


def test_a_replay_sends_the_same_bytes_and_asks_nothing(server: Server) -> None:
    connector, kept = build(server, dialect="okta", okta_app="custom")
    who = identity(1, "replayed")
    user = join(connector, who)
    first = connector.fire(event("deactivate"), person(who))
    server("PUT", f"/Users/{user}", {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "changed"})
    again = connector.fire(event("deactivate"), person(who))
    assert again.claim is Claim.SUCCESS
    assert [each for each in sent(kept, first.evidence) if each[0] == "PUT"] == sent(kept, again.evidence)
    assert again.vars == first.vars


def test_delete_leaves_the_member_behind(server: Server) -> None:
    connector, _ = build(server)
    who = identity(1, "deleted")
    user = join(connector, who)
    group = member(server, user, "left-behind")
    assert connector.fire(event("delete"), person(who)).claim is Claim.SUCCESS
    server("GET", f"/Users/{user}", status=404)
    assert server.members(group) == [user]
    # A replay meets 404: already gone is done.
    assert connector.fire(event("delete"), person(who)).claim is Claim.SUCCESS


def test_rfc_terminate_disables_and_leaves_the_groups(server: Server) -> None:
    connector, _ = build(server)
    who = identity(1, "rfc-leaver")
    user = join(connector, who)
    group = member(server, user, "rfc-group")
    assert connector.fire(event("terminate"), person(who)).claim is Claim.SUCCESS
    assert server.members(group) == []
    assert server("GET", f"/Users/{user}")["active"] is False


def test_entra_member_removal_is_refused_by_a_strict_server_and_says_so(server: Server) -> None:
    connector, kept = build(server, dialect="entra", groups=["entra-group"])
    who = identity(1, "entra-groups")
    user = join(connector, who)
    group = member(server, user, "entra-group")
    receipt = connector.fire(event("remove-from-groups"), person(who))
    assert receipt.claim is Claim.ERROR
    assert "400" in receipt.detail
    assert not receipt.in_doubt
    assert server.members(group) == [user]
    urls = [str(kept.get(name)["url"]) for name in receipt.evidence]
    assert all("excludedAttributes=members" in url for url in urls if url.split("?")[0].endswith("/Groups"))


@pytest.mark.parametrize(
    "more", [{"dialect": "entra-compliant"}, {"dialect": "okta"}, {"dialect": "okta", "okta_app": "custom"}]
)
def test_members_are_removed_and_others_stay(server: Server, more: dict[str, str]) -> None:
    name = "members-" + "-".join(more.values())
    connector, _ = build(server, **more)
    who = identity(1, name)
    user, other = join(connector, who), join(connector, identity(2, name + "-other"))
    group = member(server, user, name)
    server(
        "PATCH",
        f"/Groups/{group}",
        {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "add", "path": "members", "value": [{"value": other}]}],
        },
    )
    receipt = connector.fire(event("remove-from-groups"), person(who))
    assert receipt.claim is Claim.SUCCESS, receipt.detail
    assert server.members(group) == [other]


def test_okta_sends_nothing_on_suspend_and_has_no_delete(server: Server) -> None:
    connector, _ = build(server, dialect="okta")
    who = identity(1, "suspended")
    user = join(connector, who)
    receipt = connector.fire(event("suspend"), person(who))
    assert (receipt.claim, receipt.evidence, receipt.in_doubt) == (Claim.NONE, (), False)
    assert server("GET", f"/Users/{user}")["active"] is True
    assert "delete" not in connector.events()
    with pytest.raises(ValidationError, match="Okta never sends DELETE"):
        build(server, dialect="okta", events={"delete": {}})


def test_nobody_of_that_name_is_an_error_and_nothing_is_sent(server: Server) -> None:
    connector, kept = build(server)
    receipt = connector.fire(event("terminate"), person(identity(1, "nobody")))
    assert receipt.claim is Claim.ERROR
    assert "knows no user" in receipt.detail
    assert [m for m, _, _ in sent(kept, receipt.evidence)] == ["GET"]


def test_no_secret_in_evidence(server: Server) -> None:
    connector, kept = build(server)
    join(connector, identity(1, "secretive"))
    assert TOKEN not in "".join(json.dumps(kept.get(name)) for name in kept)


def test_a_refused_connection_is_not_in_doubt() -> None:
    config = {"type": "scim", "url": "http://127.0.0.1:9", "owner": "iam", "auth": auth()}
    connector = ADAPTER.build("idp", ScimConnectorConfig.model_validate(config), tools()[0])
    receipt = connector.fire(event("terminate"), person(identity()))
    assert not receipt.in_doubt
    assert receipt.claim is Claim.ERROR


def test_a_service_without_filters_is_read_whole(server: Server) -> None:
    """The user is chosen from the list, and so are its groups; no request carries a filter."""
    connector, kept = build(server, filters=False)
    who, other = identity(1, "whole-one"), identity(2, "whole-two")
    user, stays = join(connector, who), join(connector, other)
    group = str(server("POST", "/Groups", {"schemas": [GROUP], "displayName": "whole"})["id"])
    members = [{"value": user}, {"value": stays}]
    server("PUT", f"/Groups/{group}", {"schemas": [GROUP], "displayName": "whole", "members": members})
    receipt = connector.fire(event("terminate"), person(who))
    assert receipt.claim is Claim.SUCCESS, receipt.detail
    assert server.members(group) == [stays]
    assert server("GET", f"/Users/{user}")["active"] is False
    asked = [str(kept.get(name)["url"]) for name in receipt.evidence]
    assert not [url for url in asked if "filter" in url or "count" in url]
    unknown = connector.fire(event("delete", "ev-2"), person(identity(3, "whole-none")))
    assert unknown.claim is Claim.ERROR
    assert "knows no user" in unknown.detail


def test_attributes_of_a_new_user_are_the_fleet_files(server: Server) -> None:
    given = {
        "externalId": None,
        "name.formatted": "{{ identity.given_name }} F.",
        "emails": [{"value": "{{ identity.email }}"}],
    }
    connector, _ = build(server, attributes=given)
    made = server("GET", f"/Users/{join(connector, identity(4, 'with-attributes'))}")
    assert "externalId" not in made
    assert made["name"] == {"formatted": "Lea F.", "familyName": "Ver", "givenName": "Lea"}
    assert made["emails"] == [{"value": "with-attributes@drill.example.test"}]
