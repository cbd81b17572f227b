"""PostgreSQL put to the self-test: every probe qualifies, and a reader that lost one right is blind there alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import fixtures.fleet.postgresql as module
from fixtures.fleet.postgresql import Cluster, NotInstalled, psql, running
from harness import fleet, scenario
from harness.model import SECOND, Kind, Vantage
from harness.qualification import Standing
from harness.session import selftest
from harness.session.drill import Naming
from tests.real.conftest import cannot
from tests.real.drills import secrets_in

pytestmark = pytest.mark.real

GUARDED = "planted could not be tried: guard.may_grant"
HOME = Path(module.__file__).parent


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    try:
        with running(tmp_path_factory.mktemp("cluster")) as cluster:
            yield cluster
    except NotInstalled as why:
        cannot(str(why))


def put_to_the_test(cluster: Cluster, folder: Path) -> selftest.Written:
    file = HOME / "fleet.yaml"
    stories = scenario.discover([HOME / "scenarios"])
    loaded = scenario.load_files(stories, fleet.shape(file, cluster.env), datetime.now(UTC).date())
    return selftest.run(str(file), cluster.env, loaded, folder / "reports" / "self", Naming.new(), 10 * SECOND)


def roles(cluster: Cluster) -> str:
    return psql(cluster, "SELECT rolname, rolcanlogin FROM pg_roles WHERE oid >= 16384 ORDER BY 1", "postgres").stdout


def unfit(written: selftest.Written) -> dict[tuple[str, Kind, Vantage], str]:
    probes = written.probed.probes
    return {(p.system, p.kind, p.vantage): p.why for p in probes if p.standing is not Standing.QUALIFIED}


def test_every_probe_qualifies_and_the_server_is_as_it_was(postgresql: Cluster, tmp_path: Path) -> None:
    before = roles(postgresql)
    written = put_to_the_test(postgresql, tmp_path)
    assert not [place for place in unfit(written) if place[0] == "postgresql"]
    assert len([p for p in written.probed.probes if p.system == "postgresql"]) == 11
    assert {why.partition(" allows no ")[0] for why in unfit(written).values()} == {GUARDED}  # in the second system
    assert written.probed.cleanup.complete
    assert written.probed.changed == ()
    assert written.code == 6
    assert roles(postgresql) == before
    assert not secrets_in(written.folder, [v for k, v in postgresql.env.items() if "PASSWORD" in k or "READER" in k])


def test_a_reader_that_lost_a_right_is_blind_and_told_which(postgresql: Cluster, tmp_path: Path) -> None:
    psql(postgresql, "REVOKE pg_read_all_stats FROM drill_reader", "postgres")
    try:
        written = put_to_the_test(postgresql, tmp_path)
    finally:
        psql(postgresql, "GRANT pg_read_all_stats TO drill_reader", "postgres")
    hidden = "sessions of others are hidden from the reader: it needs pg_read_all_stats"
    why = f"unknown where planted demands present: {hidden}"
    assert {place: told for place, told in unfit(written).items() if not told.startswith(GUARDED)} == {
        ("postgresql", Kind.SESSION, Vantage.ADMIN): why
    }
    assert written.code == 6
