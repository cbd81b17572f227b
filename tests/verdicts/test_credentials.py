"""The leaver's own credential: only a declared refusal counts, and only while a control's own one works."""

from __future__ import annotations

from typing import Any

import pytest

from harness.model import Entitlement, Kind, Outcome, Vantage
from harness.testing.faults import Fault
from tests.verdicts.planted import at, status
from tests.verdicts.shop import Shop
from tests.verdicts.stage import Stage, staged


class Throttling(Shop):
    """403 is among the refusals that its fleet file declares."""

    def described(self, url: str) -> dict[str, Any]:
        made = super().described(url)
        made["kinds"]["credential"]["use"]["refused"] = [401, 403]
        del made["account"]["login"], made["kinds"]["credential"]["list"]
        return made


TOKEN = (Entitlement("shop", Kind.CREDENTIAL, "api"),)


def token_of(stage: Stage, account: str) -> str:
    shop: Any = stage.behind
    return str(shop.store.tokens[int(account)][0]["token"])


@pytest.mark.parametrize("headers", [{"Retry_After": "30"}, {"X_RateLimit_Remaining": "0"}], ids=["retry", "spent"])
def test_a_credential_that_is_told_to_wait_is_not_refused(headers: dict[str, str]) -> None:
    """GitHub answers 403 to a good token that asks too often; each token has limits of its own."""
    with staged(Throttling(exercised=True)) as stage:
        stage.deeds = [
            stage.behind.disable,
            lambda account: stage.front.plant(status(403, None, **headers), at("me"), bearer=token_of(stage, account)),
        ]
        told = stage.drill(access=TOKEN)
    found = told.one(Kind.CREDENTIAL, vantage=Vantage.LEAVER)
    assert found.outcome is Outcome.INCONCLUSIVE, told
    assert "rate limited" in found.reason


def test_a_credential_refused_by_a_declared_answer_is_revoked() -> None:
    with staged(Throttling(exercised=True)) as stage:
        stage.deeds = [
            stage.behind.disable,
            lambda account: stage.front.plant(status(403), at("me"), bearer=token_of(stage, account)),
        ]
        told = stage.drill(access=TOKEN)
    assert told.one(Kind.CREDENTIAL, vantage=Vantage.LEAVER).outcome is Outcome.REVOKED, told


@pytest.mark.parametrize("fault", [status(401), status(403), status(500), status(404)], ids=lambda f: f.name)
def test_a_door_that_is_shut_for_everybody_says_nothing_of_a_key(fault: Fault) -> None:
    with staged(Throttling(exercised=True)) as stage:
        stage.deeds = [stage.behind.disable, lambda _: stage.front.plant(fault, at("me"))]
        told = stage.drill(access=TOKEN)
    assert told.one(Kind.CREDENTIAL, vantage=Vantage.LEAVER).outcome is Outcome.INCONCLUSIVE, told


@pytest.mark.parametrize("code", [302, 429], ids=str)
def test_a_redirect_or_a_wait_is_no_refusal_whatever_is_declared(code: int) -> None:
    """The leaver's key is sent to a login page, or told to come later; the controls' works."""

    class Declaring(Throttling):
        def described(self, url: str) -> dict[str, Any]:
            made = super().described(url)
            made["kinds"]["credential"]["use"]["refused"] = [401, code]
            return made

    with staged(Declaring(exercised=True)) as stage:
        stage.deeds = [
            stage.behind.disable,
            lambda account: stage.front.plant(
                status(code, None, Location="/login"), at("me"), bearer=token_of(stage, account)
            ),
        ]
        told = stage.drill(access=TOKEN)
    assert told.one(Kind.CREDENTIAL, vantage=Vantage.LEAVER).outcome is Outcome.INCONCLUSIVE, told
