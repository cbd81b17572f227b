"""Giant answers, long lists, nasty characters: they change no verdict."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from harness.model import Entitlement, Kind, Outcome, Presence
from harness.testing.faults import Fault, Given, Trouble
from tests.verdicts.directory import Directory
from tests.verdicts.planted import at, edit, status
from tests.verdicts.shop import Shop
from tests.verdicts.stage import Behind, staged

WORLDS: dict[str, Callable[[], Behind]] = {"http": Shop, "scim": Directory}
both = pytest.mark.parametrize("world", WORLDS)
LICENSE = (Entitlement("shop", Kind.LICENSE, "sales-pro"),)


class Everybodys(Shop):
    """Its list of shares knows no filter: whose each one is stands in it."""

    def described(self, url: str) -> dict[str, Any]:
        made = super().described(url)
        listed = made["kinds"]["share"]["list"]
        del listed["params"], listed["match"]
        listed["where"] = {"user": "{{ account.id }}"}
        return made


def test_ten_thousand_items_are_read_to_the_last() -> None:
    """One list of all people's shares, the leaver's at its end."""
    shop = Everybodys()
    shop.shares_at_once = True
    shop.shares = [{"id": f"m-{n}", "user": n + 1_000_000, "what": f"many-{n}"} for n in range(10_000)]
    access = (Entitlement("shop", Kind.SHARE, "ledger"),)
    for works in (True, False):
        with staged(shop) as stage:
            stage.deeds = [shop.disable, shop.strip] if works else [shop.disable]
            told = stage.drill(access=access)
        assert told.one(Kind.SHARE).outcome is (Outcome.REVOKED if works else Outcome.RESIDUAL), told
        assert told.case.cleanup.complete


def test_a_thousand_rows_that_appear_are_each_told() -> None:
    shop = Shop()
    shop.shares_at_once = True
    with staged(shop) as stage:

        def heap(account: str) -> None:
            shop.disable(account)
            shop.shares += [{"id": f"m-{n}", "user": int(account), "what": f"many-{n}"} for n in range(1_000)]

        stage.deeds = [heap]
        told = stage.drill(access=(Entitlement("shop", Kind.SHARE, "ledger"),))
    shares = [f for f in told.findings() if f.kind is Kind.SHARE]
    assert len(shares) == 1_001
    assert {f.outcome for f in shares} == {Outcome.RESIDUAL}


def test_a_giant_answer_is_unknown() -> None:
    huge = b'{"items": [], "total": 0, "next": null, "pad": "' + b"x" * (33 << 20) + b'"}'

    def spoil(given: Given, trouble: Trouble) -> None:
        given.body = huge

    with staged(Shop()) as stage:
        stage.deeds = [
            stage.behind.disable,
            lambda account: stage.front.plant(Fault("giant", "any", spoil), at("users", account, "seats")),
        ]
        told = stage.drill(access=LICENSE)
    assert told.one(Kind.LICENSE).outcome is Outcome.INCONCLUSIVE, told
    assert "larger than" in told.one(Kind.LICENSE).reason


NASTY = (
    "<img src=x onerror=alert(1)>",
    "\u202egnp.exe\u2066",
    '"}],"items":[],"total":0,"x":[{"y":"',
    "{{ identity.password }}",
    "a\x00b\r\nSet-Cookie: x=1",
    "\ud800",
    "=cmd|' /C calc'!A0",
    "0",
    "null",
    "é" * 5_000,
)


@pytest.mark.parametrize("name", NASTY, ids=range(len(NASTY)))
def test_nasty_names_change_no_verdict(name: str) -> None:
    """Of a row that was there, of the account, of other people, and in the words of an error."""
    with staged(Shop()) as stage:
        shop: Any = stage.behind
        shop.store.add(name, "x")
        shop.shares.append({"id": name, "user": name, "what": name})

        def smear(account: str) -> None:
            shop.disable(account)
            shop.store.users[int(account)]["display"] = name
            shop.store.seats[int(account)][0]["plan"] = name
            stage.front.plant(status(500, {"error": name}), at("shares"))

        stage.deeds = [smear]
        access = (*LICENSE, Entitlement("shop", Kind.SHARE, "ledger"), Entitlement("shop", Kind.GROUP, "owners"))
        told = stage.drill(access=access)
    assert told.one(Kind.LICENSE).outcome is Outcome.RESIDUAL, told
    assert told.one(Kind.GROUP).outcome is Outcome.RESIDUAL, told
    assert told.one(Kind.SHARE).outcome is Outcome.INCONCLUSIVE, told
    assert told.case.cleanup.complete
    assert json.dumps([f.reason for f in told.findings()])


@pytest.mark.parametrize("value", ["False", 0, "", [], {"a": 1}, "inactive"], ids=repr)
@both
def test_a_state_in_no_closed_set_is_unknown(world: str, value: Any) -> None:
    with staged(WORLDS[world]()) as stage:
        odd = edit(lambda body: body.update(active=value))
        stage.deeds = [stage.behind.strip, lambda account: stage.front.plant(odd, stage.behind.is_record)]
        told = stage.drill()
    assert told.one(Kind.ACCOUNT).outcome is Outcome.INCONCLUSIVE, told
    looks = [o for o in told.one(Kind.ACCOUNT).observations if o.phase != "baseline"]
    assert {o.presence for o in looks} == {Presence.UNKNOWN}
