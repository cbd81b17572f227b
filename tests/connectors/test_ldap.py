"""The connector `ldap`: what each event sends to a real slapd, what it claims, and the same event again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from fixtures.fleet.cache import NotInstalled
from fixtures.fleet.openldap import OpenLdap, running
from fixtures.fleet.openldap.prepare import admin
from fixtures.fleet.openldap.settings import PLAIN
from harness.config import Ref
from harness.connectors.ldap import LdapConnector, build
from harness.connectors.ldap_config import LdapConnectorConfig
from harness.model import Claim, Event, Receipt
from harness.ports import Person
from harness.testing.bench import Bench, identity, person
from harness.testing.tcp import TcpRelay
from tests.real.conftest import cannot

pytestmark = pytest.mark.real

PEOPLE, LEAVERS, GROUPS = (f"ou={unit},{PLAIN}" for unit in ("people", "leavers", "groups"))
NOBODY = f"cn=nobody,{PLAIN}"
WHO = identity("anna", 1)
DN = f"uid={WHO.username},{PEOPLE}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenLdap]:
    try:
        with running(tmp_path_factory.mktemp("slapd")) as one:
            yield one
    except NotInstalled as why:
        cannot(str(why))


@pytest.fixture(autouse=True)
def empty(server: OpenLdap) -> Iterator[None]:
    yield
    with admin(server, PLAIN) as root:
        for base in (PEOPLE, LEAVERS, GROUPS):
            root.search(base, "(objectClass=*)", "LEVEL", attributes=["1.1"])
            for entry in root.response:
                assert root.delete(entry["dn"]), root.result


class Tool:
    """A connector, and what it sent."""

    def __init__(self, server: OpenLdap, **more: Any) -> None:
        self.bench = Bench()
        secret = Ref(server.passwords["connector"], "${env:X}")
        auth = {"basic": {"username": f"cn=connector,ou=services,{PLAIN}", "password": secret}}
        given = {"type": "ldap", "owner": "iam", "url": server.url, "base": PLAIN, "people": PEOPLE, "auth": auth}
        config = LdapConnectorConfig.model_validate({**given, **more})
        self.connector: LdapConnector = build("tool", config, self.bench.tools, timeout_s=0.5, attempts=1)

    def fire(self, name: str, who: Person | None = None, number: int = 1) -> Receipt:
        self.bench.exchanges.kept.clear()
        event = Event(f"{name}-{number}", name, 1_700_000_000_000_000)
        return self.connector.fire(event, who or person(WHO))

    @property
    def sent(self) -> list[tuple[str, str]]:
        """Verbs and whole requests of all that was written."""
        kept = self.bench.exchanges.kept
        return [(str(e["method"]), str(e["request"]["body"])) for e in kept if e["method"] != "SEARCH"]

    @property
    def verbs(self) -> list[str]:
        return [str(kept["method"]) for kept in self.bench.exchanges.kept]


@pytest.fixture
def tool(server: OpenLdap) -> Iterator[Tool]:
    made = Tool(server, leavers=LEAVERS)
    yield made
    made.connector.close()


def joined(tool: Tool) -> Receipt:
    receipt = tool.fire("join")
    assert receipt.claim is Claim.SUCCESS, receipt.detail
    return receipt


def entry(server: OpenLdap, dn: str) -> dict[str, list[bytes]] | None:
    with admin(server, PLAIN) as root:
        if not root.search(dn, "(objectClass=*)", "BASE", attributes=["*", "+"]):
            return None
        found: dict[str, list[bytes]] = root.response[0]["raw_attributes"]
        return found


def group(server: OpenLdap, name: str, object_class: str, attribute: str, *members: str) -> str:
    dn = f"cn={name},{GROUPS}"
    more = {"gidNumber": "7"} if object_class == "posixGroup" else {}
    with admin(server, PLAIN) as root:
        assert root.add(dn, attributes={"objectClass": object_class, "cn": name, attribute: list(members), **more})
    return dn


def test_join_makes_an_entry_that_can_sign_in(tool: Tool, server: OpenLdap) -> None:
    receipt = joined(tool)
    assert receipt.vars == {"dn": DN}
    assert 0 < receipt.sent <= (receipt.answered or 0)
    assert receipt.evidence
    found = entry(server, DN)
    assert found is not None
    assert found["employeeNumber"] == [WHO.external_id.encode()]
    assert WHO.password.reveal() not in tool.bench.evidence()


def test_disable_and_enable(tool: Tool, server: OpenLdap) -> None:
    joined(tool)
    assert tool.fire("disable").claim is Claim.SUCCESS
    assert (entry(server, DN) or {}).get("pwdAccountLockedTime") == [b"000001010000Z"]
    assert tool.fire("enable").claim is Claim.SUCCESS
    assert "pwdAccountLockedTime" not in (entry(server, DN) or {})


def test_the_same_event_again_sends_the_same_and_looks_nothing_up(tool: Tool, server: OpenLdap) -> None:
    joined(tool)
    group(server, "team", "groupOfNames", "member", DN, NOBODY)
    first = tool.fire("terminate")
    written = tool.sent
    assert [verb for verb, _ in written] == ["MODIFY", "MODIFY"]
    again = tool.fire("terminate")
    assert (first.claim, again.claim) == (Claim.SUCCESS, Claim.SUCCESS), again.detail
    assert tool.sent == written
    assert "SEARCH" not in tool.verbs
    assert tool.fire("terminate", number=2).claim is Claim.SUCCESS  # another event: asks anew, one group less
    assert len(tool.sent) == 1


def test_delete_twice_is_done(tool: Tool, server: OpenLdap) -> None:
    joined(tool)
    assert tool.fire("delete").claim is Claim.SUCCESS
    assert entry(server, DN) is None
    assert tool.fire("delete").claim is Claim.SUCCESS
    assert tool.fire("delete", number=2).claim is Claim.ERROR  # a new event finds nobody


def test_move_and_rename(tool: Tool, server: OpenLdap) -> None:
    joined(tool)
    moved = tool.fire("move")
    assert moved.vars == {"dn": f"uid={WHO.username},{LEAVERS}"}
    assert entry(server, DN) is None
    assert entry(server, moved.vars["dn"]) is not None
    again = tool.fire("move")
    assert again.claim is Claim.ERROR
    assert "noSuchObject, 32" in again.detail


def test_rename_gives_a_new_name_and_keeps_the_password(server: OpenLdap) -> None:
    tool = Tool(server, rdn="cn", find={"employeeNumber": "{{ identity.external_id }}"})
    assert tool.fire("join").claim is Claim.SUCCESS
    changed = person(identity("anna", 1))
    object.__setattr__(changed.identity, "family_name", "O'Hara, jr.")
    receipt = tool.fire("rename", changed)
    assert receipt.claim is Claim.SUCCESS, receipt.detail
    assert [verb for verb, _ in tool.sent] == ["MODDN", "MODIFY"]
    assert "userPassword" not in tool.sent[1][1]
    found = entry(server, receipt.vars["dn"])
    assert found is not None
    assert found["sn"] == [b"O'Hara, jr."]
    tool.connector.close()


def test_leave_groups_of_every_class(tool: Tool, server: OpenLdap) -> None:
    joined(tool)
    names = group(server, "names", "groupOfNames", "member", DN, NOBODY)
    unique = group(server, "unique", "groupOfUniqueNames", "uniqueMember", DN, NOBODY)
    unix = group(server, "unix", "posixGroup", "memberUid", WHO.username, WHO.username.upper())
    other = group(server, "other", "groupOfNames", "member", NOBODY)
    assert tool.fire("remove-from-groups").claim is Claim.SUCCESS
    assert len(tool.sent) == 3
    left = {dn: entry(server, dn) or {} for dn in (names, unique, unix, other)}
    assert left[names]["member"] == left[unique]["uniqueMember"] == left[other]["member"] == [NOBODY.encode()]
    assert left[unix]["memberUid"] == [WHO.username.upper().encode()]  # letter by letter, as scripts do


@pytest.mark.parametrize("placeholder", [None, NOBODY])
def test_the_last_member(server: OpenLdap, placeholder: str | None) -> None:
    tool = Tool(server, placeholder=placeholder)
    joined(tool)
    team = group(server, "team", "groupOfNames", "member", DN)
    receipt = tool.fire("remove-from-groups")
    if placeholder is None:
        assert receipt.claim is Claim.ERROR
        assert "objectClassViolation, 65" in receipt.detail
        assert (entry(server, team) or {})["member"] == [DN.encode()]
    else:
        assert receipt.claim is Claim.SUCCESS
        assert (entry(server, team) or {})["member"] == [NOBODY.encode()]
    tool.connector.close()


def test_nobody_and_several_are_not_acted_on(tool: Tool, server: OpenLdap) -> None:
    nobody = tool.fire("disable")
    assert nobody.claim is Claim.ERROR
    assert f"no entries with uid={WHO.username}: nothing was sent" in nobody.detail
    joined(tool)
    with admin(server, PLAIN) as root:
        twin = {"objectClass": "inetOrgPerson", "uid": WHO.username, "cn": "twin", "sn": "twin"}
        assert root.add(f"cn=twin,{PEOPLE}", attributes=twin)
    several = tool.fire("disable", number=2)
    assert several.claim is Claim.ERROR
    assert "2 entries" in several.detail
    assert tool.sent == []


def test_a_tool_that_remembers_a_name_acts_on_that_name(server: OpenLdap) -> None:
    tool = Tool(server, link="dn")
    never = tool.fire("disable")
    assert (never.claim, "never met this identity" in never.detail) == (Claim.ERROR, True)
    receipt = joined(tool)
    known = person(WHO, receipts={"join": receipt.vars})
    with admin(server, PLAIN) as root:
        assert root.modify_dn(DN, "uid=renamed")
    assert tool.fire("disable", known, number=2).claim is Claim.ERROR
    assert tool.fire("delete", known).claim is Claim.SUCCESS  # "no such object" reads like done
    assert entry(server, f"uid=renamed,{PEOPLE}") is not None
    tool.connector.close()


def test_an_event_of_ones_own(server: OpenLdap) -> None:
    steps = [
        {"replace": {"description": ["left {{ event.time }}", "by {{ event.id }}"], "title": None}},
        {"modify": "cn=log,ou=groups," + PLAIN, "add": {"memberUid": "{{ identity.username }}"}},
        {"move": LEAVERS},
        "delete",
    ]
    log = group(server, "log", "posixGroup", "memberUid", "nobody")
    tool = Tool(server, events={"archive": {"do": steps, "idempotent": True, "returns_within": "5s"}})
    joined(tool)
    receipt = tool.fire("archive")
    assert receipt.claim is Claim.SUCCESS, receipt.detail
    assert [verb for verb, _ in tool.sent] == ["MODIFY", "MODIFY", "MODDN", "DELETE"]
    assert "left 2023-11-14T22:13:20.000Z" in tool.sent[0][1]
    assert WHO.username.encode() in (entry(server, log) or {})["memberUid"]
    traits = tool.connector.events()
    assert traits["archive"].idempotent
    assert traits["delete"].idempotent
    assert not traits["rename"].idempotent
    assert "move" not in traits  # nobody said where to
    tool.connector.close()


@pytest.mark.parametrize(
    ("fault", "claim", "in_doubt"), [("silence", Claim.NONE, True), ("refused", Claim.ERROR, False)]
)
def test_no_answer(server: OpenLdap, fault: str, claim: Claim, in_doubt: bool) -> None:
    with TcpRelay(("127.0.0.1", server.port)) as relay:
        tool = Tool(server, url=f"ldap://{relay.host}:{relay.port}")
        joined(tool)
        if fault == "silence":  # the search is still answered, the change is not
            relay.plant("silence", 120)
        else:
            relay.plant(fault)
        receipt = tool.fire("disable")
        assert (receipt.claim, receipt.in_doubt) == (claim, in_doubt), receipt.detail
        relay.clear()
        tool.connector.close()


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("url", "ldap://", "not an address"),
        ("leavers", "leavers", "not a distinguished name"),
        ("events", {"away": {"do": ["move"]}}, "where to"),
        ("events", {"away": {"do": [{"add": {}}]}}, "nothing to change"),
        ("events", {"away": {"do": ["vanish"]}}, "vanish|literal"),
    ],
)
def test_a_wrong_fleet_file_is_told(server: OpenLdap, key: str, value: Any, why: str) -> None:
    with pytest.raises((ValidationError, ValueError), match=why):
        Tool(server, **{key: value})


@pytest.mark.parametrize(("base", "told"), [(PLAIN, ""), (f"ou=nowhere,{PLAIN}", "may not be seen")])
def test_check(server: OpenLdap, base: str, told: str) -> None:
    tool = Tool(server, base=base)
    assert told in "".join(tool.connector.check())
    assert bool(told) == bool(tool.connector.check())
    tool.connector.close()
