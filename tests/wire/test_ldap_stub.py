"""The LDAP wire against servers that are broken, limited, elsewhere, or Active Directory: whole, or unknown."""

from __future__ import annotations

import pytest

from harness.testing.bench import Bench
from harness.wire.auth import Auth
from harness.wire.call import Unknown
from harness.wire.ldap import LdapWire
from harness.wire.ldap_entry import Search
from tests.wire.ldap_stub import Heard, Reply, Script, Stub, cookie, entry, ranged, reference, result, stub

BASE = "dc=test"
END = (result(0), cookie(b""))
ALL = Search(BASE)


def wire(server: Stub, bench: Bench | None = None, timeout_s: float = 5.0) -> LdapWire:
    return LdapWire(server.address, Auth(none=True), (bench or Bench()).tools, timeout_s=timeout_s, page_size=2)


def refused(script: Script, search: Search = ALL, timeout_s: float = 5.0) -> Unknown:
    with stub(script) as server:
        asked = wire(server, timeout_s=timeout_s)
        with pytest.raises(Unknown) as caught:
            asked.search(search)
        asked.close()
    return caught.value


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (1, "could not carry it out (operationsError, 1)"),
        (3, "stopped at its time limit (timeLimitExceeded, 3)"),
        (4, "cut the list at its size limit (sizeLimitExceeded, 4)"),
        (10, "refers to another server (referral, 10)"),
        (11, "limit of its administrator (adminLimitExceeded, 11)"),
        (12, "does not know a control"),
        (32, "no such entry, or the credential may not see it (noSuchObject, 32)"),
        (50, "the reader may not look (insufficientAccessRights, 50)"),
        (51, "the server is busy (busy, 51)"),
        (52, "the server is unavailable (unavailable, 52)"),
        (53, "unwilling"),
        (80, "the server failed (other, 80)"),
        (123, "a result that LDAP does not know (123)"),
    ],
)
def test_every_result_but_success_is_unknown(code: int, reason: str) -> None:
    """Also after entries came: a list that was cut is no list."""
    done = result(code, referral="ldap://other" if code == 10 else "")
    found = refused(lambda _: [entry("cn=a,dc=test", cn=["a"]), (done, cookie(b""))])
    assert reason in found.reason
    assert found.status == code
    assert len(found.evidence) == (3 if code in (51, 52) else 1)  # these may do better a moment later


def test_the_servers_own_words_are_told_and_cannot_break_the_line() -> None:
    found = refused(lambda _: [(result(53, message="not\nnow" + "!" * 200), cookie(b""))])
    assert ": not now!!!" in found.reason
    assert len(found.reason) < 250


def test_all_pages_in_order() -> None:
    def script(heard: Heard) -> Reply:
        last = heard.cookie == b"p2"
        return [entry(f"cn={heard.n},dc=test", cn=["x"]), (result(0), cookie(b"" if last else f"p{heard.n}".encode()))]

    bench = Bench()
    with stub(script) as server:
        asked = wire(server, bench)
        told = asked.search(ALL)
        asked.close()
    assert [one.dn for one in told.value] == ["cn=1,dc=test", "cn=2,dc=test", "cn=3,dc=test"]
    assert len(told.evidence) == 3
    assert '"page": 3' in bench.exchanges.kept[-1]["request"]["body"]
    assert 0 < told.sent <= told.answered


def test_a_list_that_breaks_on_its_second_page_is_no_list_and_cites_the_first() -> None:
    found = refused(lambda h: [(result(4 if h.cookie else 0), cookie(b"more"))])
    assert "size limit" in found.reason
    assert len(found.evidence) == 2


def test_a_server_that_says_nothing_of_pages_is_not_believed() -> None:
    assert "does not answer in pages" in refused(lambda _: [entry("cn=a,dc=test"), result(0)]).reason


def test_where_there_are_no_pages_success_is_enough() -> None:
    with stub(lambda h: [entry("cn=a,dc=test"), result(0 if h.cookie is None else 12)]) as server:
        asked = wire(server)
        assert len(asked.search(Search(BASE, paged=False)).value) == 1
        asked.close()


def test_pages_that_loop_are_noticed() -> None:
    found = refused(lambda _: [entry("cn=a,dc=test"), (result(0), cookie(b"again"))])
    assert "an entry came twice" in found.reason


def test_a_search_reference_makes_it_incomplete_unless_it_was_declared() -> None:
    def script(_: Heard) -> Reply:
        return [entry("cn=a,dc=test"), reference("ldap://dns.test/DC=DomainDnsZones,DC=test"), END]

    assert "lies on another server: ldap://dns.test" in refused(script).reason
    with stub(script) as server:
        asked = wire(server)
        assert len(asked.search(Search(BASE, elsewhere=("ldap://dns.test/dc=domaindnszones",))).value) == 1
        asked.close()


@pytest.mark.parametrize(("reply", "reason"), [([b"noise"], "not LDAP"), ([], "no answer within 0.3 s")])
def test_noise_and_silence(reply: Reply, reason: str) -> None:
    # noise may look like the beginning of a long message: then it is the deadline that ends it
    assert reason in (found := refused(lambda _: reply, timeout_s=0.3)).reason or "no answer within" in found.reason


def test_a_name_that_is_no_text_is_unknown() -> None:
    assert "not UTF-8" in refused(lambda _: [(entry("cn=a,dc=test").replace(b"cn=a", b"cn=\xff"), b""), END]).reason


# --- base-scope reads -----------------------------------------------------------------------------


@pytest.mark.parametrize("code", [0, 32, 34, 50])
def test_only_no_such_object_means_not_there(code: int) -> None:
    with stub(lambda _: [result(code)]) as server:
        asked = wire(server)
        if code == 32:
            assert asked.read("cn=a,dc=test").value is None
        else:  # success without the entry as well: it is there, and hidden
            with pytest.raises(Unknown) as caught:
                asked.read("cn=a,dc=test")
            assert code or "0 entries came" in caught.value.reason
        asked.close()


# --- ranges of values (Active Directory) ------------------------------------------------------------


def _members(low: int, high: int) -> list[str]:
    return [f"cn={n}" for n in range(low, high + 1)]


def _ranges(heard: Heard) -> Reply:
    group = "cn=g,dc=test"
    wanted = heard.attributes[0]
    if heard.cookie is not None:
        return [ranged(group, "member;range=0-2", _members(0, 2)), END]
    if wanted == "member;range=3-*":
        return [ranged(group, "member;range=3-5", _members(3, 5)), result(0)]
    if wanted == "member;range=6-*":
        return [ranged(group, "member;range=6-*", _members(6, 6)), result(0)]
    return [result(53)]


def test_ranges_of_values_are_read_to_their_end() -> None:
    with stub(_ranges) as server:
        asked = wire(server)
        told = asked.search(ALL)
        asked.close()
    assert told.value[0].texts("member") == tuple(_members(0, 6))
    assert "member;range=0-2" not in told.value[0]
    assert len(told.evidence) == 3


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        ([result(0)], "could not be read beyond 3 values"),
        ([ranged("cn=g,dc=test", "member;range=4-*", ["cn=x"]), result(0)], "could not be read beyond 3 values"),
        ([ranged("cn=g,dc=test", "member;range=3-9", ["cn=x"]), result(0)], "4 values where 10 were announced"),
        ([entry("cn=g,dc=test", member=[]), result(0)], "could not be read beyond 3 values"),
        ([result(32)], "noSuchObject"),
        ([ranged("cn=g,dc=test", "member;range=x-y", ["cn=x"]), result(0)], "a range that cannot be read"),
    ],
)
def test_a_range_that_does_not_go_on_is_unknown(rest: Reply, reason: str) -> None:
    assert reason in refused(lambda h: _ranges(h) if h.cookie is not None else rest).reason
