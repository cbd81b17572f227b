"""PostgreSQL that dies, or shuts its reader out, as somebody leaves: nothing is clean, the cause is named, and cleanup
is complete once it is back."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

import fixtures.fleet.postgresql as module
from fixtures.fleet.postgresql import Cluster, NotInstalled, psql, running, stop
from fixtures.fleet.postgresql.server import again
from harness.model import CaseResult, Kind, Outcome, Vantage, Verdict
from tests.real.conftest import cannot
from tests.real.drills import Drilled, drill

pytestmark = pytest.mark.real

HOME = Path(module.__file__).parent
LAST = 'DROP ROLE :"who";\n'
GONE = "offboarded"  # the story that passes otherwise


@dataclass(frozen=True)
class Trouble:
    """`sql` is done by the script that offboards, `undo` when cleanup has begun. `reason` is what findings of `kinds`
    must say; of all others nothing may be claimed that a sound server would not show."""

    sql: str
    undo: str
    reason: str
    kinds: frozenset[Kind]


EVERY = frozenset({Kind.ACCOUNT, Kind.GROUP, Kind.SHARE, Kind.OWNERSHIP, Kind.SESSION})
OBJECTS = frozenset({Kind.SHARE, Kind.OWNERSHIP})
TROUBLES = {
    "reader-locked": Trouble(
        "ALTER ROLE drill_reader NOLOGIN;"
        " SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'drill_reader' \\g /dev/null",
        "ALTER ROLE drill_reader LOGIN",
        'role "drill_reader" is not permitted to log in',
        EVERY,
    ),
    "statistics-taken": Trouble(
        "REVOKE pg_read_all_stats FROM drill_reader;",
        "GRANT pg_read_all_stats TO drill_reader",
        "it needs pg_read_all_stats",
        frozenset({Kind.SESSION}),
    ),
    "database-closed": Trouble(
        "REVOKE CONNECT ON DATABASE drill_hr FROM drill_reader;",
        "GRANT CONNECT ON DATABASE drill_hr TO drill_reader",
        "the reader may not connect to drill_hr",
        OBJECTS,
    ),
    # The server's own limit on what a reader may have at once: what was open goes on, nothing more is let in.
    "connection-limit": Trouble(
        "ALTER ROLE drill_reader CONNECTION LIMIT 0;",
        "ALTER ROLE drill_reader CONNECTION LIMIT -1",
        'too many connections for role "drill_reader"',
        OBJECTS,
    ),
}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Of its own: it is stopped in the middle."""
    try:
        with running(tmp_path_factory.mktemp("cluster")) as made:
            yield made
    except NotInstalled as why:
        cannot(str(why))


@pytest.mark.parametrize("name", TROUBLES)
def test_a_reader_that_is_shut_out_makes_nothing_clean(cluster: Cluster, tmp_path: Path, name: str) -> None:
    trouble = TROUBLES[name]
    with when_cleaning(tmp_path / "run", lambda: psql(cluster, trouble.undo)):
        case = troubled(cluster, tmp_path, trouble.sql).case(GONE)
    unsettled(case, trouble.kinds, trouble.reason)


def test_a_server_that_dies_makes_nothing_clean(cluster: Cluster, tmp_path: Path) -> None:
    left = tmp_path / "left"
    with when(left.exists, lambda: stop(cluster)), when_cleaning(tmp_path / "run", lambda: again(cluster)):
        case = troubled(cluster, tmp_path, f"\\! touch {left}").case(GONE)
    unsettled(case, EVERY, "Connection refused")
    used = [f for f in case.findings if f.vantage is Vantage.LEAVER]
    assert used
    # The server ended every session as it went: that proves nothing about the leaver's, because no control's goes on.
    assert {f.outcome for f in used} == {Outcome.INCONCLUSIVE}, [(f.kind, f.outcome, f.reason) for f in used]


def unsettled(case: CaseResult, kinds: frozenset[Kind], reason: str) -> None:
    assert case.claimed == "success", case.claim_detail
    assert case.verdict is Verdict.INCONCLUSIVE
    by_admin = [f for f in case.findings if f.vantage is Vantage.ADMIN]
    blind = [f for f in by_admin if f.kind in kinds]
    assert {f.kind for f in blind} == kinds
    assert {f.outcome for f in blind} == {Outcome.INCONCLUSIVE}, [(f.kind, f.outcome, f.reason) for f in blind]
    assert all(reason in f.reason for f in blind), [f.reason for f in blind]
    assert {f.outcome for f in by_admin if f.kind not in kinds} <= {Outcome.REVOKED, Outcome.INCONCLUSIVE}
    assert case.cleanup.complete, case.cleanup.leftovers


def troubled(cluster: Cluster, folder: Path, more: str) -> Drilled:
    """The story that passes otherwise, with one line more in the DBA's script."""
    text = (HOME / "fleet.yaml").read_text()
    begin, offboard = text.split("      offboard:", 1)
    assert LAST in offboard
    assert "within: 12s" in begin
    longer = f"{LAST}          {more}\n"
    changed = begin + "      offboard:" + offboard.replace(LAST, longer, 1)
    fleet_file = folder / "fleet.yaml"
    fleet_file.write_text(changed.replace("within: 12s", "within: 3s"))
    made = drill(fleet_file, [HOME / "scenarios" / f"{GONE}.yaml"], cluster.env, folder / "run")
    assert made.run.cleanup.complete, made.run.cleanup.leftovers
    left = "SELECT rolname FROM pg_roles WHERE rolname LIKE '%zz-%'"
    assert psql(cluster, left).stdout == ""
    return made


@contextmanager
def when_cleaning(folder: Path, act: Callable[[], object]) -> Iterator[None]:
    """Acts once as soon as the journal tells that something is being taken back."""
    journal = folder / "journal.jsonl"

    def begun() -> bool:
        lines = journal.read_text().splitlines() if journal.exists() else []
        return any(json.loads(line).get("op") in ("revoke", "remove") for line in lines if line.endswith("}"))

    with when(begun, act):
        yield


@contextmanager
def when(true: Callable[[], bool], act: Callable[[], object]) -> Iterator[None]:
    """Acts once, beside the test, as soon as it is true; the test fails if that never came."""
    over = threading.Event()
    done: list[object] = []

    def wait() -> None:
        while not over.is_set():
            if true():
                done.append(act())
                return
            time.sleep(0.02)

    thread = threading.Thread(target=wait)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    assert done, "what the test waits for never happened"
