"""A slapd that dies, blinds its reader or cuts its lists while somebody leaves: nothing is clean until it is seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

import fixtures.fleet.openldap as module
from fixtures.fleet.cache import NotInstalled
from fixtures.fleet.openldap import OpenLdap, running
from fixtures.fleet.openldap.prepare import admin
from fixtures.fleet.openldap.settings import PLAIN
from harness.config import Ref
from harness.model import Kind, Outcome, Presence, Subject, Vantage, Verdict
from harness.ports import Tools
from harness.systems.ldap import Ldap, build
from harness.systems.ldap_config import LdapConfig
from harness.testing.bench import Bench
from harness.testing.scene import Peopled, Scene, close, stands, timeless, unknowns
from harness.wire.auth import Auth, Basic
from harness.wire.call import Unknown
from harness.wire.ldap import LdapWire
from harness.wire.ldap_link import Address
from tests.contract.test_ldap import BASE, Slapd
from tests.real.conftest import cannot
from tests.real.drills import drill
from tests.real.trouble import cleaning, left, meanwhile

pytestmark = pytest.mark.real

HOME = Path(module.__file__).parent
STORY = HOME / "scenarios" / "offboarded.yaml"  # it passes where nothing goes wrong
DATABASE = "olcDatabase={1}mdb,cn=config"

Trouble = Callable[[OpenLdap], None]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[OpenLdap]:
    try:
        with running(tmp_path / "slapd") as one:
            yield one
    except NotInstalled as why:
        cannot(str(why))


def set_in(server: OpenLdap, changes: Mapping[str, list[str] | list[bytes]]) -> None:
    with admin(server, "cn=config") as config:
        assert config.modify(DATABASE, {name: [("MODIFY_REPLACE", values)] for name, values in changes.items()})


def have(server: OpenLdap, name: str) -> list[bytes]:
    with admin(server, "cn=config") as config:
        config.search(DATABASE, "(objectClass=*)", "BASE", attributes=[name])
        found: list[bytes] = config.response[0]["raw_attributes"][name]
    assert found
    return found


def kill(server: OpenLdap) -> Trouble:
    server.die()
    return lambda one: one.revive()


def blind(server: OpenLdap) -> Trouble:
    before = have(server, "olcAccess")
    mine = b'by dn.base="cn=reader,ou=services,' + PLAIN.encode() + b'" read'
    set_in(server, {"olcAccess": [rule.replace(mine, b"") for rule in before]})
    assert have(server, "olcAccess") != before
    return lambda one: set_in(one, {"olcAccess": before})


def cut(server: OpenLdap) -> Trouble:
    before = have(server, "olcLimits")
    limit = f'{{0}}dn.exact="cn=reader,ou=services,{PLAIN}" size=1 size.prtotal=1'
    set_in(server, {"olcLimits": [limit]})
    return lambda one: set_in(one, {"olcLimits": before})


@pytest.mark.parametrize(
    ("trouble", "causes"),
    [
        (kill, ("the connection was refused",)),
        (blind, ("noSuchObject", "the reader may be blind", "insufficientAccessRights")),
        (cut, ("cut the list at its size limit (sizeLimitExceeded, 4)",)),
    ],
    ids=["the-daemon-dies", "the-reader-loses-its-rights", "the-list-limit-is-hit"],
)
def test_trouble_in_mid_run_makes_nothing_clean(
    server: OpenLdap, tmp_path: Path, trouble: Callable[[OpenLdap], Trouble], causes: tuple[str, ...]
) -> None:
    folder = tmp_path / "run"
    story = tmp_path / STORY.name
    story.write_text(STORY.read_text().replace("then: [replay]\n", ""))
    fleet_file = tmp_path / "fleet.yaml"
    within = "{default: 8s, openldap.account: 18s, openldap_refint.account: 18s}"
    described = (HOME / "fleet.yaml").read_text()
    assert within in described
    fleet_file.write_text(described.replace(within, "4s"))
    undo: list[Trouble] = []
    with meanwhile(folder, (left, lambda: undo.append(trouble(server))), (cleaning, lambda: undo[0](server))):
        drilled = drill(fleet_file, [story], server.env, folder)
    result = drilled.case("offboarded")
    assert result.claimed == "success", result.claim_detail
    assert result.verdict is Verdict.INCONCLUSIVE
    by_admin = [f for f in result.findings if f.vantage is Vantage.ADMIN and f.system == "openldap"]
    groups = [f for f in by_admin if f.kind is Kind.GROUP]
    assert len(groups) == 5
    assert {f.outcome for f in groups} == {Outcome.INCONCLUSIVE}
    assert all(any(cause in f.reason for cause in causes) for f in groups), [f.reason for f in groups]
    assert result.cleanup.complete, result.cleanup.leftovers
    assert drilled.run.cleanup.complete
    assert {f.subject for f in drilled.run.bystanders} == {Subject.BYSTANDER}
    assert not {f.outcome for f in drilled.run.bystanders} & {Outcome.COLLATERAL, Outcome.MISSING}
    with admin(server, PLAIN) as root:
        for unit in ("people", "leavers"):
            assert root.search(f"ou={unit},{PLAIN}", "(objectClass=*)", "LEVEL") is False


# --- the reader of the fleet file, beside the directory's own root -------------------------------------


class Rooted(Peopled):
    """The same directory, looked at by its root."""

    entitlements = Slapd.entitlements

    def __init__(self, server: OpenLdap) -> None:
        self._slapd = Slapd(server)
        self.made = self._slapd.made  # type: ignore[method-assign]

    def build(self, who: str, tools: Tools, server: OpenLdap) -> Ldap:
        name = f"cn=root,{PLAIN}" if who == "root" else f"cn={who},ou=services,{PLAIN}"
        reader = {"auth": {"basic": {"username": name, "password": Ref(server.passwords[who], "${env:X}")}}}
        writer = {
            "auth": {
                "basic": {
                    "username": f"cn=writer,ou=services,{PLAIN}",
                    "password": Ref(server.passwords["writer"], "${env:X}"),
                }
            }
        }
        given = {**BASE, "url": server.url, "reader": reader, "writer": writer}
        return build("directory", LdapConfig.model_validate(given), tools)


def test_the_reader_sees_all_that_the_root_sees_and_changes_nothing(server: OpenLdap) -> None:
    world, bench = Rooted(server), Bench()
    reader = world.build("reader", bench.tools, server)
    # The monitor shows its connections to the services and nobody else: the root needs no eye there.
    root = world.build("root", bench.tools, server)
    try:
        scene = Scene(world=world, bench=bench, system=reader)
        seen, whole = scene.look(), root.round().look(scene.leaver)
        assert not unknowns(seen), unknowns(seen)
        assert all(stands(seen, grant) is Presence.PRESENT for grant in scene.leaver.grants)
        kinds = [listing.kind for listing in seen.listings]
        assert Kind.SESSION in kinds
        for mine, theirs in zip(seen.listings, whole.listings, strict=True):
            if mine.kind is not Kind.SESSION:
                assert (mine.state, set(mine.rows)) == (theirs.state, set(theirs.rows)), mine.kind
        assert timeless(seen)[0] is timeless(whole)[0] is Presence.PRESENT
    finally:
        close(reader)
        close(root)
    _changes_nothing(server, bench)


def _changes_nothing(server: OpenLdap, bench: Bench) -> None:
    secret = Ref(server.passwords["reader"], "${env:X}")
    auth = Auth.model_validate({"basic": {"username": f"cn=reader,ou=services,{PLAIN}", "password": secret}})
    assert isinstance(auth.basic, Basic)
    wire = LdapWire(Address.of(server.url), auth, bench.tools)
    try:
        with pytest.raises(Unknown, match="insufficientAccessRights"):
            wire.modify(f"cn=engineers,ou=groups,{PLAIN}", [("add", "description", ["x"])])
        found = wire.read(f"cn=writer,ou=services,{PLAIN}", ("*", "+")).value
        assert found is not None
        assert "cn" in found
        assert "userPassword" not in found
    finally:
        wire.close()


def test_the_entitlements_cover_every_kind_that_the_system_declares(server: OpenLdap) -> None:
    system = Rooted(server).build("reader", Bench().tools, server)
    declared = set(system.declaration().kinds)
    close(system)
    assert {e.kind for e in Rooted.entitlements} == declared
