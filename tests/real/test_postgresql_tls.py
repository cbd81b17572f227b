"""PostgreSQL over TLS: looks and logins check the server's certificate as `sslmode` says, or nothing is concluded."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.fleet.postgresql import Cluster, NotInstalled, psql, running
from harness.model import ListState, Presence
from tests.real.conftest import cannot
from tests.real.postgresql_desk import system, working

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A server that speaks TLS, and takes nothing else."""
    if shutil.which("openssl") is None:
        cannot("openssl is not installed: apt-get install openssl")
    try:
        with running(tmp_path_factory.mktemp("cluster")) as made:
            certificate(made.data, "server", "127.0.0.1")
            hba = made.data / "pg_hba.conf"
            hba.write_text("hostssl all all 127.0.0.0/8 scram-sha-256\n")
            psql(made, "ALTER SYSTEM SET ssl = on")
            psql(made, "SELECT pg_reload_conf()")
            yield made
    except NotInstalled as why:
        cannot(str(why))


def certificate(folder: Path, name: str, address: str) -> Path:
    """Signed by itself, for one address; files as the folder's owner has them."""
    made = folder / f"{name}.crt"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=drill"]
    command += ["-addext", f"subjectAltName=IP:{address}", "-keyout", str(folder / f"{name}.key"), "-out", str(made)]
    subprocess.run(command, check=True, capture_output=True)
    owner = folder.stat()
    for path in (made, folder / f"{name}.key"):
        path.chmod(0o600)
        shutil.chown(path, owner.st_uid, owner.st_gid)
    return made


@pytest.mark.parametrize("sslmode", ["prefer", "require", "verify-ca", "verify-full"])
def test_everything_works_over_tls(cluster: Cluster, sslmode: str) -> None:
    root = str(cluster.data / "server.crt") if sslmode.startswith("verify") else None
    with working(cluster, "zz-tls", sslmode=sslmode, sslrootcert=root) as desk:
        assert desk.look().account.presence is Presence.PRESENT
        assert desk.system.login(desk.somebody).presence is Presence.PRESENT
        desk.sql('ALTER ROLE "zz-tls" NOLOGIN')
        assert desk.system.login(desk.somebody).presence is Presence.ABSENT


@pytest.mark.parametrize(
    ("sslmode", "address"), [("disable", ""), ("verify-ca", "127.0.0.1"), ("verify-full", "127.0.0.1")]
)
def test_a_server_that_is_not_the_right_one_tells_nothing(
    cluster: Cluster, tmp_path: Path, sslmode: str, address: str
) -> None:
    root = str(certificate(tmp_path, "another", address)) if address else None
    with working(cluster, "zz-tls", sslmode="require") as desk:
        other = system(cluster, sslmode=sslmode, sslrootcert=root)
        try:
            assert other.round().find(desk.somebody).state is ListState.UNKNOWN
            assert other.round().look(desk.somebody).account.presence is Presence.UNKNOWN
            used = other.login(desk.somebody)
        finally:
            other.close()
        # Without TLS this server refuses everybody, in the words of one who may not log in: only a control can tell.
        assert used.presence is (Presence.ABSENT if sslmode == "disable" else Presence.UNKNOWN)
