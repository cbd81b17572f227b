"""A domain controller that dies in mid-run, a reader that loses a right: inconclusive, and cleaned up afterwards."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fixtures.fleet.samba import BASE, Samba, restart
from harness.model import CaseResult, Kind, Outcome, Subject, Vantage, Verdict
from harness.wire.ad import DACL, OWNER, Domain, sid_of
from harness.wire.ad_descriptor import Descriptor
from harness.wire.ldap_entry import SHOW_RECYCLED
from tests.real.drills import Drilled, drill
from tests.real.test_samba import FLEET, SCENARIOS, as_, served

pytestmark = pytest.mark.real

PATIENCE_S = 120
PEOPLE = f"OU=People,OU=Drill,{BASE}"
DELETED_OBJECTS = f"CN=Deleted Objects,{BASE}"


class Mishap:
    """Does harm once the leaver's account is gone, and undoes it as soon as the run begins to clean up."""

    def __init__(self, samba: Samba, folder: Path, harm: Callable[[], None], undo: Callable[[], None]) -> None:
        self._samba, self._journal = samba, folder / "journal.jsonl"
        self._harm, self._undo = harm, undo
        self.done: list[str] = []
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Mishap:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(PATIENCE_S)

    def _run(self) -> None:
        with as_(self._samba, "Administrator") as admin:
            self._await(lambda: self._gone(admin))
        self._harm()
        self.done.append("harm")
        self._await(lambda: '"op":"revoke"' in self._journal.read_text().replace(" ", ""))
        self._undo()
        self.done.append("undone")

    def _gone(self, admin: Domain) -> bool:
        """The connector has deleted somebody: before its cleanup a run deletes nobody itself."""
        found = admin.search("(isDeleted=TRUE)", ("sAMAccountName",), "", SHOW_RECYCLED).value
        return any((each.text("sAMAccountName") or "").startswith("zz-ad-") for each in found)

    def _await(self, there: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not there():
            assert time.monotonic() < deadline, "it never came"
            time.sleep(0.02)


def ran(samba: Samba, folder: Path, harm: Callable[[], None], undo: Callable[[], None]) -> Drilled:
    """The story that passes otherwise, with a mishap in its midst."""
    text = FLEET.read_text()
    timing = next(line for line in text.splitlines() if line.startswith("timing:"))
    fleet = folder / "fleet.yaml"
    fleet.write_text(text.replace(timing, "timing: {settle: 3s, within: 8s, poll: 2s}"))
    with Mishap(samba, folder / "run", harm, undo) as mishap:
        drilled = drill(fleet, [SCENARIOS / "ad-deleted-clean.yaml"], samba.env, folder / "run")
    assert mishap.done == ["harm", "undone"]
    return drilled


@pytest.fixture
def samba() -> Iterator[Samba]:
    with served() as started:
        yield started


def inconclusive(result: CaseResult, *causes: str) -> None:
    assert result.claimed == "success", result.claim_detail
    assert result.verdict is Verdict.INCONCLUSIVE, result.reason
    by_admin = [f for f in result.findings if f.vantage is Vantage.ADMIN and f.subject is Subject.LEAVER]
    assert {Kind.ACCOUNT, Kind.GROUP, Kind.DELEGATION, Kind.OWNERSHIP} <= {f.kind for f in by_admin}
    assert {f.outcome for f in by_admin} == {Outcome.INCONCLUSIVE}
    for found in by_admin:
        assert any(cause in found.reason for cause in causes), found.reason


def nobody_is_left(samba: Samba, drilled: Drilled) -> None:
    assert drilled.run.cleanup.complete, drilled.run.cleanup.leftovers
    with as_(samba, "Administrator") as admin:
        left = admin.search("(name=*)", ("name",), f"OU=Drill,{BASE}").value
    standing = {"Drill", "People", "Left", "Things", "drill-team", "drill-division", "drill-company"}
    assert {each.text("name") for each in left} == standing


def test_a_domain_controller_that_dies_as_the_leaver_goes_makes_nothing_clean(samba: Samba, tmp_path: Path) -> None:
    def die() -> None:
        assert samba.daemon is not None
        samba.daemon.kill()
        samba.daemon.stop()

    drilled = ran(samba, tmp_path, die, lambda: restart(samba))
    inconclusive(drilled.case("ad-deleted-clean"), "connection was refused", "connection was lost", "closed before")
    nobody_is_left(samba, drilled)


def test_a_reader_that_may_no_longer_see_deleted_objects_makes_nothing_clean(samba: Samba, tmp_path: Path) -> None:
    """A moved account and a deleted one look alike to it."""
    with as_(samba, "Administrator") as admin, taken(admin) as (harm, undo):
        drilled = ran(samba, tmp_path, harm, undo)
    inconclusive(drilled.case("ad-deleted-clean"), "neither the account nor its tombstone can be seen")
    nobody_is_left(samba, drilled)


@contextmanager
def taken(admin: Domain) -> Iterator[tuple[Callable[[], None], Callable[[], None]]]:
    """How to take the reader's entry on Deleted Objects away, and how to give it back."""
    reader = sid_of(admin.search("(sAMAccountName=exitproof-reader)").value[0])
    me = sid_of(admin.search("(sAMAccountName=Administrator)").value[0])
    assert reader
    assert me
    # As in Windows, nobody reads these permissions before they take the ownership.
    admin.set_descriptor(DELETED_OBJECTS, Descriptor(me, None, None), OWNER, SHOW_RECYCLED)
    was = admin.descriptor(DELETED_OBJECTS, SHOW_RECYCLED)
    mine = [ace for ace in was.dacl or () if ace.sid == reader]
    assert mine
    yield (
        lambda: _set(admin, was.without(*mine)),
        lambda: _set(admin, was),
    )


def _set(admin: Domain, wanted: Descriptor) -> None:
    admin.set_descriptor(DELETED_OBJECTS, wanted, DACL, SHOW_RECYCLED)
