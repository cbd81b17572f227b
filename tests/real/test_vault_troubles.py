"""As the leaver goes, the reader loses its rights or the server ends: nothing is clean, and cleanup is complete."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
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

pytestmark = pytest.mark.real

LAST = '{put: "/sys/leases/revoke-prefix/auth/userpass/login/{{ identity.username }}"}\n      revoke-as-listed'
PATIENCE_S = 120.0


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


@contextmanager
def as_soon_as(folder: Path, written: str, act: Callable[[], None]) -> Iterator[None]:
    """Acts as soon as the run has written such a line into its journal."""
    over = threading.Event()
    failed: list[BaseException] = []

    def watch() -> None:
        began = time.monotonic()
        while not over.wait(0.02) and time.monotonic() - began < PATIENCE_S:
            journal = folder / "journal.jsonl"
            if journal.exists() and re.search(written, journal.read_text()):
                break
        try:
            act()
        except BaseException as error:  # noqa: BLE001  told by the test's own thread
            failed.append(error)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    assert not failed, failed


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

    with as_soon_as(tmp_path / "run", r'"identity":"leaver-.*"op":"(revoke|remove)"', mend):
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
        gone = as_soon_as(run, r'"identity":"leaver-.*"op":"event".*"state":"answered"', lasting.stop)
        back = as_soon_as(run, r'"identity":"leaver-.*"op":"(revoke|remove)"', lasting.again)
        with gone, back:
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
