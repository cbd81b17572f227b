"""The connector `active-directory` against a real domain: what it sends, what it claims, and what it does not touch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures.fleet.samba import BASE, Samba
from harness.config import Ref
from harness.connectors.active_directory import AdConnector, AdConnectorConfig, build
from harness.model import Claim, Event, Identity, Secret
from harness.testing.bench import Bench, identity, person
from harness.wire.ad import DISABLED, Domain, number
from harness.wire.extra import need
from harness.wire.ldap_entry import Entry
from tests.real.test_samba import as_, served

pytestmark = pytest.mark.real

LEFT = f"OU=Left,OU=Drill,{BASE}"


@pytest.fixture(scope="module")
def samba() -> Iterator[Samba]:
    with served() as started:
        yield started


@pytest.fixture
def admin(samba: Samba) -> Iterator[Domain]:
    with as_(samba, "Administrator") as domain:
        yield domain


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def connector(samba: Samba, bench: Bench) -> Iterator[AdConnector]:
    basic = {
        "username": r"DRILL\exitproof-connector",
        "password": Ref(samba.passwords["exitproof-connector"], "${env:P}"),
    }
    told = {"type": "active-directory", "owner": "team@example.test", "url": samba.url, "auth": {"basic": basic}}
    config = AdConnectorConfig.model_validate({**told, "people": f"OU=People,OU=Drill,{BASE}", "left": LEFT})
    made = build("ad-admin", config, bench.tools)
    yield made
    made.close()


def event(name: str, id: str = "") -> Event:
    return Event(id or f"event-{name}", name, 0)


def user(admin: Domain, name: str) -> Entry | None:
    found = admin.search(f"(sAMAccountName={name})", ("userAccountControl", "memberOf", "cn", "sn", "name")).value
    return found[0] if found else None


def who(key: str, **more: str) -> Identity:
    return replace(identity(key, 1), **more)  # type: ignore[arg-type]


def test_a_life(connector: AdConnector, admin: Domain, bench: Bench) -> None:
    anna = person(who("anna"))
    name = anna.identity.username
    assert connector.fire(event("join"), anna).claim is Claim.SUCCESS
    made = user(admin, name)
    assert made is not None
    assert number(made, "userAccountControl") == 0x200
    group = admin.search("(sAMAccountName=drill-team)").value[0].dn
    admin.wire.modify(group, [("add", "member", [made.dn])])

    married = replace(anna, identity=who("anna", family_name="O'Neill, Jr. (new)", username="zz-oneill-1"))
    married = replace(married, identity=replace(married.identity, was={"username": name}))
    assert connector.fire(event("rename"), married).claim is Claim.SUCCESS
    renamed = user(admin, "zz-oneill-1")
    assert renamed is not None
    assert renamed.text("sn") == "O'Neill, Jr. (new)"
    assert user(admin, name) is None

    assert connector.fire(event("terminate"), married).claim is Claim.SUCCESS
    gone = user(admin, "zz-oneill-1")
    assert gone is not None
    assert (number(gone, "userAccountControl") or 0) & DISABLED
    assert gone.dn.endswith(LEFT)
    assert not gone.texts("memberOf")
    assert connector.fire(event("enable"), married).claim is Claim.SUCCESS
    back = user(admin, "zz-oneill-1")
    assert back is not None
    assert number(back, "userAccountControl") == 0x200
    assert connector.fire(event("delete"), married).claim is Claim.SUCCESS
    assert user(admin, "zz-oneill-1") is None
    secret = anna.identity.password.reveal()
    assert secret not in bench.evidence()
    assert secret.encode("utf-16-le").hex() not in bench.evidence()


def test_a_replay_sends_the_same_again_and_looks_nothing_up(
    connector: AdConnector, admin: Domain, bench: Bench
) -> None:
    ben = person(who("ben"))
    connector.fire(event("join"), ben)
    first = connector.fire(event("delete", "one"), ben)
    bench.exchanges.kept.clear()
    again = connector.fire(event("delete", "one"), ben)
    assert (first.claim, again.claim) == (Claim.SUCCESS, Claim.SUCCESS)
    assert [e["method"] for e in bench.exchanges.kept] == ["DELETE"]
    assert first.vars == again.vars


def test_who_is_not_there_is_an_error_and_nothing_is_sent(connector: AdConnector, bench: Bench) -> None:
    answer = connector.fire(event("disable"), person(who("nobody")))
    assert answer.claim is Claim.ERROR
    assert "0 users are called 'zz-nobody-1'" in answer.detail
    assert {e["method"] for e in bench.exchanges.kept} == {"SEARCH"}


def test_what_the_domain_refuses_is_an_error(connector: AdConnector, admin: Domain) -> None:
    twin = person(who("twin"))
    assert connector.fire(event("join", "1"), twin).claim is Claim.SUCCESS
    refused = connector.fire(event("join", "2"), twin)
    assert refused.claim is Claim.ERROR
    assert "68" in refused.detail or "already" in refused.detail
    connector.fire(event("delete"), twin)


def test_no_answer_is_no_claim(bench: Bench, tmp_path: Path) -> None:
    told = {"type": "active-directory", "owner": "team@example.test", "url": "ldap://127.0.0.1:9", "people": "OU=x"}
    config = AdConnectorConfig.model_validate(
        {**told, "auth": {"basic": {"username": "x", "password": Ref("y", "${env:P}")}}}
    )
    answer = build("ad-admin", config, bench.tools).fire(event("disable"), person(who("anna")))
    assert answer.claim is Claim.NONE
    assert not answer.in_doubt  # nothing had left
    assert "refused" in answer.detail


def test_an_open_session_of_a_disabled_account_still_resets_a_password(
    samba: Samba, connector: AdConnector, admin: Domain
) -> None:
    """Why an open connection counts: its rights are those of the moment it was opened, whatever happened since."""
    clerk, victim = person(who("clerk")), person(who("victim"))
    for one in (clerk, victim):
        connector.fire(event("join", one.identity.key), one)
    target = user(admin, victim.identity.username)
    assert target is not None
    admin.wire.modify(
        "CN=Account Operators,CN=Builtin," + BASE,
        [("add", "member", [f"CN={clerk.identity.username},OU=People,OU=Drill,{BASE}"])],
    )
    ldap3 = need("ldap3", "ldap")
    server = ldap3.Server(samba.address, get_info=ldap3.NONE)
    session = ldap3.Connection(
        server, f"DRILL\\{clerk.identity.username}", clerk.identity.password.reveal(), auto_bind=True, check_names=False
    )
    try:
        assert connector.fire(event("disable", "off"), clerk).claim is Claim.SUCCESS
        assert not admin.sign_in(f"DRILL\\{clerk.identity.username}", clerk.identity.password).value.works
        fresh = Secret("Other-Pw-77!x")
        change = {"unicodePwd": [(ldap3.MODIFY_REPLACE, [f'"{fresh.reveal()}"'.encode("utf-16-le")])]}
        assert session.modify(target.dn, change), session.result
        assert admin.sign_in(f"DRILL\\{victim.identity.username}", fresh).value.works
    finally:
        session.unbind()
    for one in (clerk, victim):
        connector.fire(event("delete", f"{one.identity.key}-gone"), one)
