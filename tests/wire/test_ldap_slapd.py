"""The LDAP wire against a real slapd: pages, limits, rights, changes in doubt, sign-ins of others, TLS."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fixtures.fleet.cache import NotInstalled
from fixtures.fleet.openldap import OpenLdap, running
from fixtures.fleet.openldap.prepare import admin
from fixtures.fleet.openldap.settings import PLAIN
from harness.model import Secret
from harness.testing.bench import Bench
from harness.testing.tcp import TcpRelay
from harness.wire.auth import Auth, Basic
from harness.wire.call import Unknown
from harness.wire.ldap import LdapWire
from harness.wire.ldap_entry import Search
from harness.wire.ldap_link import Address
from harness.wire.ldap_names import all_of, below, equals
from tests.real.conftest import cannot

pytestmark = pytest.mark.real

PEOPLE = f"ou=people,{PLAIN}"
MANY = 25


def certificate(folder: Path) -> tuple[Path, Path]:
    cert, key = folder / "cert.pem", folder / "key.pem"
    line = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=drill -addext subjectAltName=IP:127.0.0.1"
    subprocess.run([*line.split(), "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    return cert, key


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenLdap]:
    folder = tmp_path_factory.mktemp("slapd")
    try:
        with running(folder, certificate(folder)) as one:
            with admin(one, PLAIN) as asked:
                for n in range(MANY):
                    entry = {"objectClass": "inetOrgPerson", "uid": f"staff-{n}", "cn": f"Staff {n}", "sn": "Staff"}
                    assert asked.add(f"uid=staff-{n},{PEOPLE}", attributes=entry)
            yield one
    except NotInstalled as why:
        cannot(str(why))


@pytest.fixture
def bench() -> Bench:
    return Bench()


@contextmanager
def asking(server: OpenLdap, bench: Bench, who: str = "writer", **how: object) -> Iterator[LdapWire]:
    given = {"timeout_s": 5.0, "page_size": 10, **how}
    address = given.pop("address", None) or Address.of(server.url)
    secret = Secret(str(given.pop("password", server.passwords[who])))
    auth = Auth(basic=Basic(username=f"cn={who},ou=services,{PLAIN}", password=secret))
    wire = LdapWire(address, auth, bench.tools, **given)  # type: ignore[arg-type]
    try:
        yield wire
    finally:
        wire.close()


# --- looks ----------------------------------------------------------------------------------------


def test_a_list_over_several_pages_is_whole(server: OpenLdap, bench: Bench) -> None:
    with asking(server, bench, "reader") as wire:
        told = wire.search(Search(PEOPLE, equals("sn", "staff"), attributes=("uid",)))
    assert {one.text("uid") for one in told.value} == {f"staff-{n}" for n in range(MANY)}
    assert len(told.evidence) == 3
    assert {kept["method"] for kept in bench.exchanges.kept} == {"SEARCH"}
    assert bench.exchanges.kept[0]["url"] == f"{server.url}/{PEOPLE}"


def test_the_servers_limit_in_the_midst_of_a_list_is_unknown(server: OpenLdap, bench: Bench) -> None:
    """Once the reader has no exception from it any more."""
    with admin(server, "cn=config") as config:
        database = "olcDatabase={1}mdb,cn=config"
        before = _limits(config, database)
        config.modify(database, {"olcLimits": [("MODIFY_REPLACE", [])], "olcSizeLimit": [("MODIFY_REPLACE", ["12"])]})
        assert config.result["result"] == 0, config.result
        try:
            with asking(server, bench, "reader") as wire, pytest.raises(Unknown) as caught:
                wire.search(Search(PEOPLE))
        finally:
            config.modify(
                database, {"olcLimits": [("MODIFY_REPLACE", before)], "olcSizeLimit": [("MODIFY_REPLACE", [])]}
            )
            assert config.result["result"] == 0, config.result
    assert "cut the list at its size limit (sizeLimitExceeded, 4)" in caught.value.reason
    assert len(caught.value.evidence) == 2  # the page that came, and the one that did not


def _limits(config: object, database: str) -> list[bytes]:
    config.search(database, "(objectClass=*)", "BASE", attributes=["olcLimits"])  # type: ignore[attr-defined]
    found: list[bytes] = config.response[0]["raw_attributes"]["olcLimits"]  # type: ignore[attr-defined]
    assert found
    return found


def test_what_is_not_there_and_what_cannot_be_read(server: OpenLdap, bench: Bench) -> None:
    with asking(server, bench, "reader") as wire:
        assert wire.read(f"uid=nobody,{PEOPLE}").value is None
        found = wire.read(f"uid=staff-3,{PEOPLE}", ("*", "entryUUID")).value
        assert found is not None
        assert found.text("sn") == "Staff"
        assert found.text("entryUUID")
        assert found.texts("description") == ()
        assert "userPassword" not in found
        with pytest.raises(Unknown, match="noSuchObject"):
            wire.search(Search("ou=elsewhere,dc=test"))
        assert wire.who_am_i().value == f"dn:cn=reader,ou=services,{PLAIN}"


def test_a_wrong_credential_is_unknown_and_never_stored(server: OpenLdap, bench: Bench) -> None:
    with asking(server, bench, "reader", password="not-the-password") as wire, pytest.raises(Unknown) as caught:
        wire.search(Search(PEOPLE))
    assert caught.value.reason.startswith(f"signing in as cn=reader,ou=services,{PLAIN}: the credential was refused")
    assert caught.value.status == 49
    assert not caught.value.in_doubt
    assert "not-the-password" not in bench.evidence()


def test_many_threads_at_once(server: OpenLdap, bench: Bench) -> None:
    found: list[int] = []
    with asking(server, bench, "reader") as wire:
        ask = Search(PEOPLE, equals("sn", "staff"))
        threads = [threading.Thread(target=lambda: found.append(len(wire.search(ask).value))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert found == [MANY] * 8


def test_an_idle_connection_that_died_is_not_used_again(server: OpenLdap, bench: Bench) -> None:
    with asking(server, bench, attempts=1) as wire:
        wire.who_am_i()
        server.die()
        server.revive()
        assert wire.add(f"uid=after,{PEOPLE}", {"objectClass": ["account"], "uid": ["after"]}).value == 0
        assert wire.delete(f"uid=after,{PEOPLE}").value == 0


# --- changes --------------------------------------------------------------------------------------

ODD = "O'Hara, Zoë (*) \\ #1 <+>; "


def test_a_person_with_an_awkward_name(server: OpenLdap, bench: Bench) -> None:
    dn = below(("cn", ODD), PEOPLE)
    entry = {"objectClass": ["inetOrgPerson"], "cn": [ODD], "sn": [ODD], "uid": ["odd"], "userPassword": ["pw-1"]}
    with asking(server, bench) as wire:
        wire.add(dn, entry)
        (found,) = wire.search(Search(PEOPLE, all_of(equals("sn", ODD), equals("uid", "odd")))).value
        assert found.text("sn") == ODD.rstrip() or found.text("sn") == ODD
        with pytest.raises(Unknown, match="requires attribute 'cn'") as broken:
            wire.rename(found.dn, "uid=odd")
        assert not broken.value.in_doubt
        wire.rename(found.dn, "uid=odd", f"ou=leavers,{PLAIN}", keep=True)
        wire.modify(f"uid=odd,ou=leavers,{PLAIN}", [("replace", "title", ["x"]), ("replace", "userPassword", ["pw-2"])])
        assert wire.delete(f"uid=odd,ou=leavers,{PLAIN}").value == 0
        assert wire.delete(f"uid=odd,ou=leavers,{PLAIN}", accept=(32,)).value == 32
        with pytest.raises(Unknown) as caught:
            wire.delete(f"uid=odd,ou=leavers,{PLAIN}")
    assert not caught.value.in_doubt
    assert [kept["method"] for kept in bench.exchanges.kept] == ["ADD", "SEARCH", "MODDN", "MODDN", "MODIFY"] + [
        "DELETE"
    ] * 3
    assert "pw-1" not in bench.evidence()
    assert "pw-2" not in bench.evidence()


def test_a_change_whose_answer_was_lost_is_in_doubt_and_not_sent_twice(server: OpenLdap, bench: Bench) -> None:
    with TcpRelay(("127.0.0.1", server.port)) as relay:
        address = Address(relay.host, relay.port)
        with asking(server, bench, address=address, timeout_s=0.5) as wire:
            wire.who_am_i()
            relay.plant("silence")
            with pytest.raises(Unknown) as caught:
                wire.add(f"uid=doubt,{PEOPLE}", {"objectClass": ["account"], "uid": ["doubt"]})
            assert caught.value.in_doubt
            assert "no answer within 0.5 s" in caught.value.reason
            relay.plant("refused")
            with pytest.raises(Unknown) as caught:
                wire.delete(f"uid=doubt,{PEOPLE}")
            assert not caught.value.in_doubt  # nothing was sent: no connection
    assert [kept["method"] for kept in bench.exchanges.kept] == ["WHOAMI", "ADD", "DELETE"]
    with asking(server, bench) as wire:
        assert wire.delete(f"uid=doubt,{PEOPLE}").value == 0  # it had happened indeed


# --- as somebody else -----------------------------------------------------------------------------


def test_signing_in_as_somebody_and_staying(server: OpenLdap, bench: Bench) -> None:
    dn, secret = f"uid=guest,{PEOPLE}", Secret("guest-pw-1")
    with asking(server, bench) as wire:
        wire.add(
            dn, {"objectClass": ["account", "simpleSecurityObject"], "uid": ["guest"], "userPassword": ["guest-pw-1"]}
        )
        assert wire.bind_as(dn, secret).value.works
        refused = wire.bind_as(dn, Secret("something-else")).value
        assert (refused.works, refused.code) == (False, 49)
        with pytest.raises(Unknown, match="the credential was refused"):
            wire.bind_as(dn, Secret("something-else"), refused=())
        with pytest.raises(Unknown, match="no password"):
            wire.bind_as(dn, Secret(""))  # a server would welcome it as nobody
        held = wire.hold(dn, secret).value
        assert held.who_am_i().value == f"dn:{dn}"
        assert held.sees(dn).value is not None
        assert held.sees(f"uid=staff-1,{PEOPLE}").value is None  # this server denies what may not be seen
        wire.delete(dn)
        assert not wire.bind_as(dn, secret).value.works
        assert held.who_am_i().value == f"dn:{dn}"  # the open connection outlives its entry
        held.close()
        with pytest.raises(Unknown, match="the connection is closed"):
            held.who_am_i()
        with pytest.raises(Unknown, match="signing in"):
            wire.hold(dn, secret)
    assert "guest-pw-1" not in bench.evidence()


# --- TLS --------------------------------------------------------------------------------------------


def test_tls_is_demanded_and_the_certificate_checked(server: OpenLdap, bench: Bench, tmp_path: Path) -> None:
    assert server.tls is not None
    trusted = Address.of(server.url, starttls=True, ca=str(server.tls[0]))
    with asking(server, bench, "reader", address=trusted) as wire:
        assert wire.who_am_i().value.startswith("dn:")
    for address, why in (
        (Address.of(server.url, starttls=True), "certificate is not trusted"),
        (Address.of(server.url.replace("127.0.0.1", "localhost"), starttls=True, ca=trusted.ca), "not trusted"),
        (Address.of(server.url, starttls=True, ca=str(tmp_path / "missing.pem")), "cannot be read"),
        (Address.of(server.url.replace("ldap:", "ldaps:"), ca=trusted.ca), "TLS"),  # this port speaks no TLS at once
    ):
        with asking(server, bench, "reader", address=address, timeout_s=2.0) as wire, pytest.raises(Unknown) as caught:
            wire.who_am_i()
        assert why in caught.value.reason or "the connection was lost" in caught.value.reason, caught.value.reason


@pytest.mark.parametrize("url", ["http://127.0.0.1", "ldap://", "127.0.0.1:389", "ldap://host/dc=test"])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(ValueError, match="not an address"):
        Address.of(url)


def test_addresses() -> None:
    assert (Address.of("ldaps://dc.test").port, Address.of("ldap://dc.test").port) == (636, 389)
    assert Address.of("ldap://[::1]:3890").url == "ldap://[::1]:3890"
    with pytest.raises(ValueError, match="secured already"):
        Address.of("ldaps://dc.test", starttls=True)
