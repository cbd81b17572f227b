"""The contract suite fails on adapters that break it: an instrument counts only after it was seen failing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from harness.model import Found, Grant, ListState, Look, Presence
from harness.ports import Person, Round, Tools, WriteFailed
from harness.systems.http import HttpSystem
from harness.systems.http_config import HttpConfig
from harness.testing.bench import Bench
from harness.testing.contract import Contract, Stage
from harness.testing.faults import FAULTS
from harness.testing.proxy import FaultProxy
from harness.wire.call import Call
from tests.contract.http_store import READER
from tests.contract.http_world import HttpWorld, config

Retell = Callable[["Broken", Look], Look]
FAULT = {fault.name: fault for fault in FAULTS}


class Broken(HttpSystem):
    """An adapter that tells its looks otherwise, and keeps more of them than it should."""

    retell: Retell = staticmethod(lambda _, look: look)
    trusting = False
    strict = False
    looks = 0
    tools: Tools

    def round(self) -> Round:
        return Retold(self, super().round())

    def revoke(self, person: Person, grant: Grant) -> None:
        listings = super().round().look(person).listings
        if self.strict and not any(row.id == grant.id for found in listings for row in found.rows):
            raise WriteFailed("there is nothing to revoke")
        super().revoke(person, grant)


class Retold:
    def __init__(self, system: Broken, real: Round) -> None:
        self._system, self._real = system, real

    def find(self, person: Person) -> Found:
        found = self._real.find(person)
        return replace(found, state=ListState.COMPLETE) if self._system.trusting else found

    def look(self, person: Person) -> Look:
        return self._system.retell(self._system, self._real.look(person))


def absent_by_default(_: Broken, look: Look) -> Look:
    """The defect that this project exists to end: who could not look has seen nothing."""
    account = look.account
    if account.presence is Presence.UNKNOWN:
        account = replace(account, presence=Presence.ABSENT)
    return replace(look, account=account, listings=tuple(replace(x, state=ListState.COMPLETE) for x in look.listings))


def present_by_default(_: Broken, look: Look) -> Look:
    account = replace(look.account, presence=Presence.PRESENT)
    return replace(look, account=account)


def one_reason(_: Broken, look: Look) -> Look:
    return replace(look, listings=tuple(replace(found, reason="it failed") for found in look.listings))


def no_evidence(_: Broken, look: Look) -> Look:
    return replace(look, account=replace(look.account, evidence=()))


def first_rows(_: Broken, look: Look) -> Look:
    return replace(look, listings=tuple(replace(found, rows=found.rows[:2]) for found in look.listings))


def writing(system: Broken, look: Look) -> Look:
    system._writer.send(Call("PUT", "/groups/sales/members/41", frozenset({204})))
    return look


def fickle(system: Broken, look: Look) -> Look:
    system.looks += 1
    return first_rows(system, look) if system.looks % 2 else look


def leaking(system: Broken, look: Look) -> Look:
    system.tools.record({"request": {"authorization": READER}})
    return look


class BrokenWorld(HttpWorld):
    def __init__(self, words: Callable[[dict[str, Any]], object], traits: dict[str, Any]) -> None:
        super().__init__()
        self._words, self._traits = words, traits

    def build(self, url: str, tools: Tools, timeout_s: float) -> Broken:
        described = config(url)
        self._words(described)
        made = HttpConfig.model_validate(described)
        system = Broken("small", made, tools, timeout_s=timeout_s, patience_s=5, attempts=2)
        system.tools = tools
        for name, trait in self._traits.items():
            setattr(system, name, trait)
        return system


@contextmanager
def stage(words: Callable[[dict[str, Any]], object] = lambda _: None, **traits: Any) -> Iterator[Stage]:
    bench = Bench()
    with BrokenWorld(words, traits) as world, FaultProxy(world.upstream, world.shape) as proxy:
        system = world.build(proxy.url, bench.tools, 10.0)
        try:
            yield Stage(world=world, proxy=proxy, bench=bench, system=system)
        finally:
            system.close()


def unpaged(words: dict[str, Any]) -> None:
    for key in ("page", "total"):
        del words["kinds"]["credential"]["list"][key]


def untotalled(words: dict[str, Any]) -> None:
    del words["kinds"]["credential"]["list"]["total"]
    del words["kinds"]["license"]["list"]["total"]


SUITE = Contract()


@pytest.mark.parametrize(
    ("broken", "check"),
    [
        (stage(words=unpaged), SUITE.test_planted_is_present),
        (stage(retell=first_rows), SUITE.test_items_on_the_last_page_are_present),
        (stage(retell=present_by_default), SUITE.test_a_removed_account_is_absent),
        (stage(retell=first_rows), SUITE.test_revoked_is_absent_and_the_rest_stays),
        (stage(retell=one_reason), SUITE.test_each_fault_has_a_reason_of_its_own),
        (stage(retell=writing), SUITE.test_a_look_writes_nothing),
        (stage(retell=fickle), SUITE.test_two_looks_agree),
        (stage(retell=no_evidence), SUITE.test_every_look_cites_its_evidence),
        (stage(retell=leaking), SUITE.test_no_secret_is_in_the_evidence),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_breaks_the_contract_is_seen(broken: Any, check: Callable[[Stage], None]) -> None:
    with broken as made, pytest.raises(AssertionError):
        check(made)


def test_a_second_revoke_that_fails_is_seen() -> None:
    with stage(strict=True) as made, pytest.raises(WriteFailed):
        SUITE.test_cleanup_twice_is_cleanup_once_and_spares_the_bystander(made)


@pytest.mark.parametrize("name", [name for name in FAULT if name != "filter-ignored"])
def test_absent_by_default_is_seen_at_every_fault(name: str) -> None:
    with stage(retell=absent_by_default) as made, pytest.raises(AssertionError):
        SUITE.test_a_fault_is_unknown_never_absent(made, FAULT[name])


@pytest.mark.parametrize("name", ["401", "500", "filter-ignored"])
def test_a_find_that_trusts_everything_is_seen(name: str) -> None:
    with stage(trusting=True) as made, pytest.raises(AssertionError):
        SUITE.test_a_search_that_fails_finds_nothing_out(made, FAULT[name])


def test_a_list_without_totals_is_seen_at_a_short_page() -> None:
    with stage(words=untotalled) as made, pytest.raises(AssertionError, match="absent"):
        SUITE.test_a_fault_is_unknown_never_absent(made, FAULT["short-page"])


def test_the_leavers_vantage_must_be_refused_once_it_is_taken_back() -> None:
    def lax(words: dict[str, Any]) -> None:
        words["kinds"]["credential"]["use"] |= {"works": [200, 401], "refused": [403]}

    with stage(words=lax) as made, pytest.raises(AssertionError):
        SUITE.test_the_leavers_own_credential(made)
