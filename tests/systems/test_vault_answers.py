"""The system `vault` over made-up answers: what the real server of these tests cannot be made to say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import responses

from harness.config import Ref
from harness.model import Account, Entitlement, Grant, Kind, ListState, Presence, Secret
from harness.ports import Person
from harness.systems.vault import Vault, VaultConfig, build
from harness.testing.bench import Bench, identity, person
from harness.testing.scene import listing

BASE = "http://vault.example.test/v1"
ENTITY = "e-1"
EMPTY: dict[str, Any] = {"errors": []}
DENIED: dict[str, Any] = {"errors": ["permission denied"]}
Answers = dict[str, tuple[int, Any]]


@pytest.fixture
def mocked() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as made:
        yield made


@pytest.fixture
def who() -> Person:
    return replace(person(identity("leaver", 1)), account=Account("vault", ENTITY))


def vault(bench: Bench | None = None, **more: Any) -> Vault:
    auth = {"header": {"X-Vault-Token": Ref("hvs.reader-token", "${env:T}")}}
    config = VaultConfig.model_validate({"type": "vault", "owner": "o", "url": BASE, "auth": auth, **more})
    return build("vault", config, (bench or Bench()).tools, patience_s=0.2, attempts=1)


def data(**fields: Any) -> tuple[int, Any]:
    return 200, {"data": fields}


def world(who: Person) -> Answers:
    """A server with this one person, without groups and AppRoles; the reader's is the only token."""
    record = {"id": ENTITY, "name": who.identity.username, "disabled": False, "policies": [], "group_ids": []}
    alias = {
        "name": who.identity.username,
        "canonical_id": ENTITY,
        "mount_accessor": "up1",
        "mount_path": "auth/userpass/",
    }
    return {
        "GET /sys/auth": data(**{"userpass/": {"type": "userpass", "accessor": "up1"}}),
        f"GET /identity/entity/id/{ENTITY}": data(**record),
        "GET /identity/entity-alias/id": data(keys=["a-1"], key_info={"a-1": alias}),
        "GET /identity/group/id": (404, EMPTY),
        "GET /auth/userpass/users": data(keys=[who.identity.username]),
        f"GET /auth/userpass/users/{who.identity.username}": data(token_policies=None),
        "GET /auth/token/accessors": data(keys=["own"]),
        "GET /auth/token/lookup-self": data(accessor="own"),
        "POST /auth/token/lookup-accessor": data(
            accessor="own", path="auth/token/create", entity_id="", display_name="x"
        ),
    }


def serve(mocked: responses.RequestsMock, answers: Answers) -> None:
    for key, (status, body) in answers.items():
        method, path = key.split(" ", 1)
        kind = "text/html" if isinstance(body, str) else "application/json"
        if isinstance(body, str):
            mocked.add(method, BASE + path, body=body, status=status, content_type=kind)
        else:
            mocked.add(method, BASE + path, json=body, status=status)


def state(system: Vault, who: Person, kind: Kind) -> tuple[ListState, str]:
    found = listing(system.round().look(who), kind)
    assert found is not None
    return found.state, found.reason


def test_the_made_up_server_is_seen_whole(mocked: responses.RequestsMock, who: Person) -> None:
    serve(mocked, world(who))
    look = vault().round().look(who)
    assert look.account.presence is Presence.PRESENT
    assert {one.state for one in look.listings} == {ListState.COMPLETE}
    names = {row.name for one in look.listings for row in one.rows}
    assert names == {f"userpass/{who.identity.username}", f"alias userpass/{who.identity.username}"}


def test_a_namespace_goes_with_every_request(mocked: responses.RequestsMock, who: Person) -> None:
    path = f"POST /auth/userpass/login/{who.identity.username}"
    serve(mocked, world(who) | {path: (400, {"errors": ["invalid username or password"]})})
    system = vault(namespace="team-a")
    system.round().look(who)
    assert system.login(who).presence is Presence.ABSENT
    sent = {call.request.headers.get("X-Vault-Namespace") for call in mocked.calls}
    assert sent == {"team-a"}
    last = mocked.calls[-1].request
    assert "X-Vault-Token" not in last.headers  # the leaver's own sign-in carries nobody's token


@pytest.mark.parametrize(
    ("key", "answer", "kinds", "why"),
    [
        ("GET /identity/entity-alias/id", data(keys=["a-1"], key_info={}), {"credential"}, "key_info"),
        ("GET /identity/entity-alias/id", (404, {"errors": ["no handler for route"]}), {"credential"}, "no handler"),
        ("GET /identity/group/id", data(keys=[]), {"group", "role"}, "says with 404"),
        ("GET /identity/group/id", data(keys=["g", "g"]), {"group", "role"}, "twice"),
        ("GET /auth/token/accessors", (404, EMPTY), {"session"}, "not whole"),
        ("POST /auth/token/lookup-accessor", data(accessor="another"), {"session"}, "was answered another"),
        ("POST /auth/token/lookup-accessor", data(accessor="own", path="x"), {"session"}, "entity_id"),
        ("GET /sys/auth", data(), {"role", "session", "credential"}, "no auth method"),
    ],
)
def test_what_cannot_be_concluded_from_is_unknown(
    mocked: responses.RequestsMock, who: Person, key: str, answer: tuple[int, Any], kinds: set[str], why: str
) -> None:
    serve(mocked, world(who) | {key: answer})
    look = vault().round().look(who)
    blind = {str(one.kind): one.reason for one in look.listings if one.state is ListState.UNKNOWN}
    assert set(blind) == kinds
    assert all(why in reason for reason in blind.values()), blind


def test_a_reader_with_a_batch_token_is_in_no_list(mocked: responses.RequestsMock, who: Person) -> None:
    lookup = {"accessor": "other", "path": "auth/token/create", "entity_id": "e-2", "display_name": "x"}
    serve(
        mocked,
        world(who)
        | {
            "GET /auth/token/lookup-self": data(accessor=""),
            "GET /auth/token/accessors": data(keys=["other"]),
            "POST /auth/token/lookup-accessor": data(**lookup),
        },
    )
    assert state(vault(), who, Kind.SESSION) == (ListState.COMPLETE, "")


@pytest.mark.parametrize(
    ("login", "locked", "presence", "why"),
    [
        ((400, {"errors": ["invalid username or password"]}), (403, DENIED), Presence.ABSENT, "refused (400)"),
        ((400, {"errors": ["missing password"]}), (403, DENIED), Presence.UNKNOWN, "malformed"),
        ((403, DENIED), (403, DENIED), Presence.UNKNOWN, "may not look"),  # who is locked out could not be asked
        ((403, DENIED), data(by_namespace=[]), Presence.ABSENT, "refused (403)"),
        ((403, DENIED), data(by_namespace=[{"mount_accessors": None}]), Presence.UNKNOWN, "mount_accessors"),
        ((403, {"errors": ["blocked by policy"]}), data(by_namespace=[]), Presence.UNKNOWN, "not allowed"),
        ((403, "<html>firewall</html>"), data(by_namespace=[]), Presence.UNKNOWN, "HTML"),
        ((200, {"auth": {"mfa_requirement": {}}}), (403, DENIED), Presence.UNKNOWN, "further factor"),
        ((503, {"errors": ["sealed"]}), (403, DENIED), Presence.UNKNOWN, "unavailable"),
    ],
)
def test_only_declared_words_are_a_refusal(
    mocked: responses.RequestsMock,
    who: Person,
    login: tuple[int, Any],
    locked: tuple[int, Any],
    presence: Presence,
    why: str,
) -> None:
    path = f"POST /auth/userpass/login/{who.identity.username}"
    serve(mocked, world(who) | {path: login, "GET /sys/locked-users": locked})
    used = vault().login(who)
    assert used.presence is presence
    assert why in used.reason
    assert 0 < used.sent <= used.answered


def test_who_is_locked_out_elsewhere_is_not_locked_out_here(mocked: responses.RequestsMock, who: Person) -> None:
    name = who.identity.username
    here = {"mount_accessor": "up1", "alias_identifiers": ["somebody"]}
    there = {"mount_accessor": "up2", "alias_identifiers": [name]}
    told = data(by_namespace=[{"mount_accessors": [there, here]}])
    serve(mocked, world(who) | {f"POST /auth/userpass/login/{name}": (403, DENIED), "GET /sys/locked-users": told})
    assert vault().login(who).presence is Presence.ABSENT


def test_a_sign_in_that_cannot_be_signed_out_is_told(mocked: responses.RequestsMock, who: Person) -> None:
    bench = Bench()
    path = f"POST /auth/userpass/login/{who.identity.username}"
    given = (200, {"auth": {"client_token": "hvs.the-leavers-own", "accessor": "x"}})
    serve(mocked, world(who) | {path: given, "POST /auth/token/revoke-self": (500, {"errors": ["x"]})})
    used = vault(bench).login(who)
    assert used.presence is Presence.PRESENT
    assert used.reason == "works (200), but could not be signed out: the server failed (500)"
    assert len(used.evidence) == 2
    assert "hvs.the-leavers-own" not in bench.evidence()


def test_a_firewall_refuses_no_token(mocked: responses.RequestsMock, who: Person) -> None:
    grant = Grant(Entitlement("vault", Kind.SESSION, "login"), "acc", secret=Secret("hvs.token-of-the-leaver"))
    mocked.get(f"{BASE}/auth/token/lookup-self", json={"message": "denied by the gateway"}, status=403)
    mocked.get(f"{BASE}/auth/token/lookup-self", json=DENIED, status=403)
    system = vault()
    assert system.use(who, grant, "").presence is Presence.UNKNOWN
    assert system.use(who, grant, "").presence is Presence.ABSENT
    assert mocked.calls[0].request.headers["X-Vault-Token"] == "hvs.token-of-the-leaver"


@pytest.mark.parametrize(
    ("disabled", "presence"),
    [(False, Presence.PRESENT), (True, Presence.ABSENT), (None, Presence.UNKNOWN), ("true", Presence.UNKNOWN)],
)
def test_only_true_and_false_are_a_state(
    mocked: responses.RequestsMock, who: Person, disabled: Any, presence: Presence
) -> None:
    record = {"id": ENTITY, "name": who.identity.username, "disabled": disabled, "policies": [], "group_ids": []}
    serve(mocked, world(who) | {f"GET /identity/entity/id/{ENTITY}": data(**record)})
    seen = vault().round().look(who).account
    assert seen.presence is presence
    assert seen.record


def test_an_entity_of_another_id_is_not_this_one(mocked: responses.RequestsMock, who: Person) -> None:
    serve(mocked, world(who) | {f"GET /identity/entity/id/{ENTITY}": data(id="e-2", disabled=True)})
    look = vault().round().look(who)
    assert look.account.presence is Presence.UNKNOWN
    assert "another `id`" in look.account.reason
    assert {one.state for one in look.listings} == {ListState.UNKNOWN}
