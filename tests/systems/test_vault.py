"""The system `vault` against a real OpenBao: what its reader may see, and what it does not do to others."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import requests

import fixtures.fleet.vault as module
from fixtures.fleet.vault import NotInstalled, Prepared, running
from harness.config import Ref
from harness.model import Entitlement, Kind, Presence, Row
from harness.ports import Person, WriteFailed
from harness.systems.vault import Vault, VaultConfig, build
from harness.testing.bench import Bench, identity, person
from harness.testing.scene import listing, timeless, unknowns
from tests.docs.markdown import page
from tests.real.conftest import cannot

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def server() -> Iterator[Prepared]:
    with ExitStack() as stack:
        try:
            found = stack.enter_context(running())
        except NotInstalled as why:
            cannot(str(why))
        yield found


@pytest.fixture
def bench() -> Bench:
    return Bench()


def vault(server: Prepared, bench: Bench, reader: str, **more: object) -> Vault:
    tokens = {"reader": reader, "writer": server.bao.token}
    auth = {side: {"auth": {"header": {"X-Vault-Token": Ref(t, "${env:T}")}}} for side, t in tokens.items()}
    given = {"type": "vault", "owner": "o", "url": server.bao.url, "policies": ["drill-maker"], **auth, **more}
    return build("bao", VaultConfig.model_validate(given), bench.tools, patience_s=1, attempts=2)


@pytest.fixture
def mine(server: Prepared, bench: Bench) -> Iterator[Vault]:
    system = vault(server, bench, server.reader)
    yield system
    system.close()


def joined(system: Vault, key: str, n: int, *wanted: tuple[Kind, str]) -> Person:
    newcomer = person(identity(key, n))
    account = system.create(newcomer)
    newcomer = replace(newcomer, account=account)
    grants = tuple(system.grant(newcomer, Entitlement("bao", kind, name), None) for kind, name in wanted)
    return replace(newcomer, grants=grants)


def admin(server: Prepared, method: str, path: str, **body: object) -> requests.Response:
    headers = {"X-Vault-Token": server.bao.token}
    answer = requests.request(method, server.bao.url + path, json=body or None, headers=headers, timeout=10)
    answer.raise_for_status()
    return answer


def names(system: Vault, who: Person, kind: Kind) -> dict[str, str]:
    found = listing(system.round().look(who), kind)
    assert found is not None
    return {row.name: row.note for row in found.rows}


EVERYTHING = (
    (Kind.GROUP, "drill-engineers"),
    (Kind.ROLE, "drill-auditor"),
    (Kind.SESSION, "login"),
    (Kind.SESSION, "child"),
    (Kind.SESSION, "orphan"),
    (Kind.CREDENTIAL, "drill-app"),
    (Kind.CREDENTIAL, "drill-idle"),
)


def test_the_reader_sees_all_that_root_sees(server: Prepared, bench: Bench, mine: Vault) -> None:
    who = joined(mine, "least", 1, *EVERYTHING)
    root = vault(server, bench, server.bao.token)
    seen = mine.round().look(who)
    assert not unknowns(seen)
    assert timeless(seen) == timeless(root.round().look(who))
    assert mine.round().find(who).accounts == root.round().find(who).accounts
    assert mine.login(who).presence is Presence.PRESENT
    assert mine.check() == []
    mine.remove(who)
    root.close()


def test_the_page_has_the_policy_that_the_reader_has() -> None:
    (block,) = (b for b in page("docs/systems/vault.md").blocks if b.info == ("hcl",))
    assert block.text == (Path(module.__file__).parent / "reader.hcl").read_text()


@pytest.mark.parametrize(
    ("path", "blind"),
    [
        ('path "auth/token/accessors"', {Kind.SESSION}),
        ('path "identity/group/id/+"', {Kind.GROUP, Kind.ROLE}),
        ('path "auth/+/role/+/secret-id"', {Kind.CREDENTIAL}),
        ('path "identity/entity/id/+"', {Kind.GROUP, Kind.ROLE, Kind.SESSION, Kind.CREDENTIAL}),
    ],
)
def test_each_line_of_the_policy_is_needed(
    server: Prepared, bench: Bench, mine: Vault, path: str, blind: set[Kind]
) -> None:
    who = joined(mine, "lines", 2, (Kind.CREDENTIAL, "drill-app"))
    whole = (Path(module.__file__).parent / "reader.hcl").read_text()
    lines = [line for line in whole.splitlines() if not line.startswith(path + " ")]
    assert len(lines) == len(whole.splitlines()) - 1
    admin(server, "PUT", "/sys/policies/acl/drill-less", policy="\n".join(lines))
    made = admin(server, "POST", "/auth/token/create", policies=["drill-less"], no_default_policy=True).json()
    less = vault(server, bench, made["auth"]["client_token"])
    look = less.round().look(who)
    assert {one.kind for one in look.listings if one.state == "unknown"} == blind
    assert {"403" in one.reason for one in look.listings if one.kind in blind} == {True}
    less.close()
    mine.remove(who)


def test_an_ignored_mount_is_told(server: Prepared, bench: Bench) -> None:
    system = vault(server, bench, server.reader, mounts=["userpass", "nowhere"])
    assert system.check() == ["bao: there is no auth method nowhere"]
    system.close()


def test_six_at_once_are_six(server: Prepared, mine: Vault) -> None:
    """Members are written as one list: without the lock two of six were left."""
    people = [joined(mine, "many", n) for n in range(10, 16)]
    wanted = Entitlement("bao", Kind.GROUP, "drill-engineers")
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda who: mine.grant(who, wanted, None), people))
    for who in people:
        assert set(names(mine, who, Kind.GROUP)) == {"drill-engineers", "drill-branch", "drill-everyone"}
        mine.remove(who)


def test_a_login_without_an_entity_is_an_account(server: Prepared, mine: Vault) -> None:
    who = person(identity("bare", 20))
    admin(server, "POST", f"/auth/contractors/users/{who.identity.username}", password="pw-of-somebody-else")
    (found,) = mine.round().find(who).accounts
    assert found.id == f"auth/contractors/users/{who.identity.username}"
    look = mine.round().look(replace(who, account=found))
    assert not unknowns(look)
    assert look.account.presence is Presence.PRESENT
    assert look.account.by_name
    admin(server, "DELETE", f"/{found.id}")
    assert mine.round().look(replace(who, account=found)).account.presence is Presence.ABSENT
    assert mine.round().find(who).accounts == ()


def test_an_account_of_another_name_by_alias_is_found(server: Prepared, mine: Vault) -> None:
    who = joined(mine, "twice", 21)
    mount = admin(server, "GET", "/sys/auth").json()["data"]["sso/"]["accessor"]
    other = admin(server, "POST", "/identity/entity", name="somebody", policies=["drill-read"]).json()["data"]["id"]
    alias = {"name": who.identity.email.upper(), "canonical_id": other, "mount_accessor": mount}
    admin(server, "POST", "/identity/entity-alias", **alias)
    assert who.account is not None
    assert {account.id for account in mine.round().find(who).accounts} == {who.account.id, other}
    found = next(a for a in mine.round().find(who).accounts if a.id == other)
    policies = names(mine, replace(who, account=found), Kind.ROLE)
    assert list(policies) == ["drill-read", "drill-maker through userpass/zz-twice-21"]
    for entity in (who.account.id, other):
        admin(server, "DELETE", f"/identity/entity/id/{entity}")
    admin(server, "DELETE", f"/auth/userpass/users/{who.identity.username}")


def test_an_entity_that_is_somebody_elses_by_now_is_not_removed(server: Prepared, mine: Vault) -> None:
    who = joined(mine, "moved", 22)
    assert who.account is not None
    entity = f"/identity/entity/id/{who.account.id}"
    for alias in admin(server, "GET", entity).json()["data"]["aliases"]:
        admin(server, "DELETE", f"/identity/entity-alias/id/{alias['id']}")
    admin(server, "POST", entity, name="another-person", metadata={"external_id": "e-9"})
    look = mine.round().look(who)
    assert look.account.mistaken
    assert all(one.state == "unknown" for one in look.listings)
    with pytest.raises(WriteFailed, match="carries no name of this identity"):
        mine.remove(who)
    admin(server, "DELETE", entity)
    admin(server, "DELETE", f"/auth/userpass/users/{who.identity.username}")


def test_a_secret_id_without_a_mark_is_known_by_its_own_id(server: Prepared, mine: Vault) -> None:
    who = joined(mine, "plain", 23)
    path = "/auth/machines/role/drill-robot/secret-id"
    marked = admin(server, "POST", path, metadata=f'{{"who": "{who.identity.email}"}}').json()["data"]
    plain = admin(server, "POST", path).json()["data"]
    rows = {row.id for row in _rows(mine, who)}
    assert marked["secret_id_accessor"] in rows  # in another mount than the one that grants are made in
    assert plain["secret_id_accessor"] not in rows  # somebody's, and the server does not say whose
    mine.remove(who)
    found = requests.get(
        server.bao.url + path, params={"list": "true"}, headers={"X-Vault-Token": server.bao.token}, timeout=10
    ).json()
    assert found["data"]["keys"] == [plain["secret_id_accessor"]]  # what was the person's went with the account


def _rows(system: Vault, who: Person) -> tuple[Row, ...]:
    found = listing(system.round().look(who), Kind.CREDENTIAL)
    assert found is not None
    return found.rows


def test_a_grant_that_is_none_is_refused(mine: Vault) -> None:
    who = joined(mine, "wrong", 24)
    for kind, name, why in (
        (Kind.SESSION, "cookie", "login, child, orphan"),
        (Kind.GROUP, "nowhere", "create_missing"),
        (Kind.CREDENTIAL, "nobody", "no AppRole"),
        (Kind.LICENSE, "pro", "license"),
    ):
        with pytest.raises(WriteFailed, match=why):
            mine.grant(who, Entitlement("bao", kind, name), None)
    mine.remove(who)
