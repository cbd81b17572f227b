"""As the leaver goes, the reader loses its rights or the server ends: nothing is clean, and cleanup is complete."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from fixtures.fleet.openbao.lasting import Lasting
from fixtures.fleet.vault import NotInstalled, Prepared, running
from fixtures.fleet.vault.prepare import prepare
from harness.model import CaseResult, Outcome, Vantage, Verdict
from tests.real.conftest import cannot
from tests.real.drills import drill
from tests.real.test_vault import FLEET, HOME, SCENARIOS, server_keys
from tests.real.trouble import cleaning, left, meanwhile

pytestmark = pytest.mark.real

LAST = '{put: "/sys/leases/revoke-prefix/auth/userpass/login/{{ identity.username }}"}\n      revoke-as-listed'


@pytest.fixture
def server() -> Iterator[Prepared]:
    with ExitStack() as stack:
        try:
            found = stack.enter_context(running())
        except NotInstalled as why:
            cannot(str(why))
        yield found


def admin(server: Prepared, method: str, path: str, **body: str) -> None:
    headers = {"X-Vault-Token": server.bao.token}
    requests.request(method, server.bao.url + path, json=body, headers=headers, timeout=10).raise_for_status()


def hasty(folder: Path, trouble: str = "") -> Path:
    """The fleet file with little time; the event that ends everything does this as well."""
    text = FLEET.read_text()
    assert LAST in text
    more = LAST.replace("\n", f"\n        - {trouble}\n", 1) if trouble else LAST
    made = folder / "fleet.yaml"
    made.write_text(text.replace(LAST, more).replace("within: 30s, poll: 5s", "within: 3s, poll: 1s"))
    return made


def test_a_reader_that_loses_its_policy_makes_nothing_clean(server: Prepared, tmp_path: Path) -> None:
    policy = (HOME / "reader.hcl").read_text()
    trouble = '{put: /sys/policies/acl/drill-looker, json: {policy: "path \\"sys/auth\\" { capabilities = [] }"}}'

    def mend() -> None:  # once it cleans up: then everything else was looked at before
        admin(server, "PUT", "/sys/policies/acl/drill-looker", policy=policy)

    with meanwhile(tmp_path / "run", (cleaning, mend)):
        case = drill(hasty(tmp_path, trouble), [SCENARIOS / "nothing-minted.yaml"], server.env, tmp_path / "run").case(
            "nothing-minted"
        )
    inconclusive(case, "403")
    assert case.cleanup.complete, case.cleanup.leftovers


def test_a_server_that_ends_makes_nothing_clean_and_is_cleaned_up_when_it_is_back(tmp_path: Path) -> None:
    """It ends as soon as the leaver has gone, and is back when the run takes back what it made."""
    try:
        lasting = Lasting(tmp_path)
    except NotInstalled as why:
        cannot(str(why))
    try:
        server = Prepared(lasting.bao, prepare(lasting.bao.url, lasting.bao.token))
        run = tmp_path / "run"
        with meanwhile(run, (left, lasting.stop), (cleaning, lasting.again)):
            case = drill(hasty(tmp_path), [SCENARIOS / "nothing-minted.yaml"], server.env, run).case("nothing-minted")
        inconclusive(case, "refused")
        assert case.cleanup.complete, case.cleanup.leftovers
        assert server_keys(server, "/auth/userpass/users") == []
        assert len(server_keys(server, "/auth/token/accessors")) == 2
    finally:
        lasting.stop()


def inconclusive(case: CaseResult, cause: str) -> None:
    assert case.claimed == "success", case.claim_detail
    assert case.verdict is Verdict.INCONCLUSIVE
    by_admin = [f for f in case.findings if f.vantage is Vantage.ADMIN]
    assert len(by_admin) > 5
    assert {f.outcome for f in by_admin} == {Outcome.INCONCLUSIVE}
    assert all(cause in f.reason for f in by_admin), [f.reason for f in by_admin]
