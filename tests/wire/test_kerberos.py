"""Signing in with a cached ticket: which end of a program means what, what is left on disk, what evidence keeps."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.model import Secret
from harness.testing.bench import Bench
from harness.wire.call import Unknown
from harness.wire.kerberos import PROGRAMS, Tickets
from harness.wire.ldap_link import Address

PASSWORD = Secret("pw-anna-Kx8!vQ2s")
TICKET = Secret(base64.b64encode(b"a ticket").decode())
CACHE = "${KRB5CCNAME#FILE:}"
Programs = Callable[..., None]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """Programs of these names that do what a shell line says; the others succeed."""
    place = tmp_path / "bin"
    place.mkdir()
    for name in ("sh", "cat", "sleep"):
        (place / name).symlink_to(f"/bin/{name}")
    monkeypatch.setenv("PATH", str(place))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()

    def write(**lines: str) -> None:
        for name in PROGRAMS:
            file = place / name
            file.write_text(f"#!/bin/sh\n{lines.get(name, 'exit 0')}\n")
            file.chmod(0o755)

    return write


def tickets(bench: Bench, timeout_s: float = 10, address: Address | None = None, **more: Any) -> Tickets:
    return Tickets(
        address or Address.of("ldap://127.0.0.1"), "ldap/127.0.0.1", bench.tools, timeout_s=timeout_s, **more
    )


def test_a_missing_program_is_told_with_what_installs_it(programs: Programs, tmp_path: Path) -> None:
    programs()
    (tmp_path / "bin" / "kvno").unlink()
    with pytest.raises(ValueError, match=r"^kvno not installed.*libsasl2-modules-gssapi-mit"):
        tickets(Bench())


def test_a_configuration_that_is_not_there_is_told(programs: Programs, tmp_path: Path) -> None:
    programs()
    with pytest.raises(ValueError, match=r"no krb5\.conf"):
        tickets(Bench(), config=str(tmp_path / "krb5.conf"))


def test_a_ticket_is_got_with_the_password_and_leaves_nothing_on_disk(programs: Programs, tmp_path: Path) -> None:
    programs(kinit=f'read -r word; [ "$1" = anna@X ] && echo "$word" > {CACHE}', kvno=f"echo {{}} >> {CACHE}")
    bench = Bench()
    ticket = tickets(bench).obtain("anna@X", PASSWORD).value
    assert base64.b64decode(ticket.reveal()).decode() == f"{PASSWORD.reveal()}\n{{}}\n"
    assert list((tmp_path / "tmp").iterdir()) == []
    assert ticket.reveal() not in bench.evidence()
    assert PASSWORD.reveal() not in bench.evidence()
    assert bench.vault.scrub(ticket.reveal()) != ticket.reveal()  # and nobody else may write it down


@pytest.mark.parametrize("program", ["kinit", "kvno"])
def test_no_ticket_is_an_error_that_says_why(programs: Programs, program: str) -> None:
    programs(**{program: "echo 'no such principal' >&2; exit 1"})
    with pytest.raises(Unknown, match=f"^{program}: no such principal$"):
        tickets(Bench()).obtain("anna@X", PASSWORD)


def test_a_sign_in_that_works_uses_the_ticket_and_nothing_else(programs: Programs) -> None:
    programs(ldapsearch=f'[ "$(cat {CACHE})" = "a ticket" ] || exit 3; [ -z "$LDAPRC$KRB5_CONFIG" ] || exit 4')
    assert tickets(Bench()).sign_in(TICKET).value.works


def test_only_invalid_credentials_are_a_refusal(programs: Programs) -> None:
    programs(ldapsearch="echo 'Invalid credentials (49)' >&2; exit 49")
    told = tickets(Bench()).sign_in(TICKET).value
    assert not told.works
    assert told.message == "Invalid credentials (49)"


@pytest.mark.parametrize("code", [1, 2, 51, 52, 254, 255])
def test_any_other_end_is_unknown(programs: Programs, code: int) -> None:
    """A ticket that has run out, a mechanism that is not there, a server that is not: none of them is a refusal."""
    programs(ldapsearch=f"echo 'Local error (-2)' >&2; echo 'Ticket expired' >&2; exit {code}")
    with pytest.raises(Unknown, match=r"Local error \(-2\); Ticket expired$"):
        tickets(Bench()).sign_in(TICKET)


def test_no_answer_in_time_is_unknown(programs: Programs) -> None:
    programs(ldapsearch="sleep 5")
    with pytest.raises(Unknown, match="no answer in time"):
        tickets(Bench(), timeout_s=0.2).sign_in(TICKET)


@pytest.mark.parametrize(
    ("url", "starttls", "words"),
    [
        ("ldap://dc.example.test", False, "-Y GSSAPI -LLL -H ldap://dc.example.test:389"),
        ("ldaps://dc.example.test", False, "-Y GSSAPI -O maxssf=0 -LLL -H ldaps://dc.example.test:636"),
        ("ldap://dc.example.test", True, "-Y GSSAPI -ZZ -O maxssf=0 -LLL -H ldap://dc.example.test:389"),
    ],
)
def test_the_connection_is_secured_as_the_systems_own(programs: Programs, url: str, starttls: bool, words: str) -> None:
    programs(ldapsearch='echo "$* with $LDAPTLS_CACERT" >&2; exit 49')
    one = tickets(Bench(), address=Address.of(url, starttls=starttls, ca="/ca.pem"))
    told = one.sign_in(TICKET).value.message
    assert words in told
    assert told.endswith("with /ca.pem")
