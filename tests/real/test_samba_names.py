"""Who is who in a real domain: apostrophes, case, second accounts, expired ones, rights in other partitions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from fixtures.fleet.samba import BASE, Samba
from harness.config import Ref
from harness.model import ListState, Presence
from harness.ports import Person
from harness.systems.active_directory import ActiveDirectory, AdConfig, build
from harness.testing.bench import Bench, identity, person
from harness.testing.scene import listing
from harness.wire import ad_rights
from harness.wire.ad import DACL
from tests.real.test_samba import SHARE, as_, served

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def samba() -> Iterator[Samba]:
    with served() as started:
        yield started


@pytest.fixture
def system(samba: Samba) -> Iterator[ActiveDirectory]:
    def basic(who: str) -> object:
        return {"auth": {"basic": {"username": f"DRILL\\{who}", "password": Ref(samba.passwords[who], "${env:P}")}}}

    told = {"type": "active-directory", "url": samba.url, "people": f"OU=People,OU=Drill,{BASE}", "search": True}
    config = AdConfig.model_validate({**told, "reader": basic("exitproof-reader"), "writer": basic("exitproof-writer")})
    made = build("ad", config, Bench().tools)
    yield made
    made.close()


def joined(system: ActiveDirectory, key: str, **more: str) -> Person:
    who = person(replace(identity(key, 1), **more))  # type: ignore[arg-type]
    account = system.create(who)
    return replace(who, account=account, accounts={"ad": account})


def test_an_apostrophe_and_other_letters_in_a_name(system: ActiveDirectory) -> None:
    who = joined(system, "x", username="zz-o'neil", family_name="O'Neil, Jr.", given_name='Zoë "Z"')
    found = system.round().find(who)
    assert [account.id for account in found.accounts] == [who.account.id if who.account else ""]
    assert system.round().look(who).account.presence is Presence.PRESENT
    assert system.login(who).presence is Presence.PRESENT
    system.remove(who)
    assert system.login(who).presence is Presence.ABSENT
    assert system.round().find(who).accounts == ()


def test_a_name_in_another_case_is_the_same_account(system: ActiveDirectory) -> None:
    who = joined(system, "case")
    loud = replace(who, identity=replace(who.identity, username=who.identity.username.upper()))
    assert [account.id for account in system.round().find(loud).accounts] == [who.account.id if who.account else ""]
    system.remove(who)


@pytest.mark.parametrize("name", ["zz-*", "zz-(x)", "zz-\\2a", "*"])
def test_a_name_that_looks_like_a_filter_finds_nobody_else(system: ActiveDirectory, name: str) -> None:
    who = joined(system, "somebody")
    nobody = person(replace(identity("nobody", 1), username=name))
    found = system.round().find(nobody)
    assert (found.state, found.accounts) == (ListState.COMPLETE, ())
    system.remove(who)


def test_a_second_account_of_the_same_person_is_a_stranger(system: ActiveDirectory) -> None:
    first = joined(system, "one", external_id="P-4711")
    assert system.round().look(first).strangers == ()
    second = joined(system, "two", external_id="P-4711")
    assert second.account
    assert system.round().look(first).strangers == (second.account.id,)
    known = replace(first, former=(second.account,))
    assert system.round().look(known).strangers == ()
    system.remove(first)
    system.remove(second)
    assert system.round().look(first).strangers == ()


def test_an_account_that_has_expired_is_absent_and_refused(samba: Samba, system: ActiveDirectory) -> None:
    who = joined(system, "late")
    assert who.account
    with as_(samba, "Administrator") as admin:
        dn = str(who.account.vars["dn"])
        admin.wire.modify(dn, [("replace", "accountExpires", ["116444736000000001"])])
    sight = system.round().look(who).account
    assert (sight.presence, sight.record) == (Presence.ABSENT, True)
    assert "expired" in sight.reason
    refused = system.login(who)
    assert refused.presence is Presence.ABSENT
    assert "701" in refused.reason
    system.remove(who)


def test_a_right_in_another_partition_is_seen_by_the_sweep_of_the_forest(samba: Samba, system: ActiveDirectory) -> None:
    who = joined(system, "forester")
    assert who.account
    place = f"CN=Sites,CN=Configuration,{BASE}"
    with as_(samba, "Administrator") as admin:
        was = admin.descriptor(place)
        admin.set_descriptor(place, was.plus(ad_rights.entry("full-control", str(who.account.vars["sid"]))), DACL)
        try:
            found = listing(system.round().look(who), SHARE)
        finally:
            admin.set_descriptor(place, was, DACL)
    assert found is not None
    assert [row.name for row in found.rows] == ["Sites#full-control"]
    system.remove(who)
