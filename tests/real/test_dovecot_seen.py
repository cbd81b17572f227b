"""What the harness says of Dovecot is so: mail leaves the house, an open session shares, a reader reads nothing."""

from __future__ import annotations

import contextlib
import imaplib
import smtplib
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures.fleet.dovecot import Dovecot, NotInstalled, running
from fixtures.fleet.dovecot.conf import READER, WRITER
from fixtures.fleet.dovecot.host import Host
from fixtures.fleet.dovecot.server import deliver
from harness import fleet
from harness.model import Account, Entitlement, Kind, Listing, ListState, Presence
from harness.ports import Person
from harness.systems.imap import Imap
from harness.testing.bench import Bench, identity, person
from harness.testing.scene import timeless
from tests.real.conftest import cannot
from tests.real.test_dovecot import BOSS, FLEET, told

pytestmark = pytest.mark.real


@pytest.fixture
def dovecot() -> Iterator[Dovecot]:
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(running())
        except NotInstalled as why:
            cannot(str(why))
        yield server


def system(server: Dovecot, file: Path = FLEET) -> Imap:
    """The fleet file's system."""
    bench = Bench()
    made = fleet.load(file, server.env, lambda _name, _limits: bench.tools).systems["dovecot"].system
    assert isinstance(made, Imap)
    return made


@pytest.fixture
def mail(dovecot: Dovecot) -> Iterator[Imap]:
    made = system(dovecot)
    yield made
    made.close()


def joined(mail: Imap, key: str = "leaver", n: int = 1) -> Person:
    who = person(identity(key, n))
    return replace(who, account=mail.create(who))


def outside(server: Dovecot, to: str, subject: str) -> bool:
    """Whether the message left the house for this address."""
    texts = [file.read_text() for file in server.outbox.glob("*.eml")]
    return any(f"To: {to}\n" in text and f"Subject: {subject}\n" in text for text in texts)


def test_a_locked_accounts_redirect_goes_on_sending_mail_outside(dovecot: Dovecot, mail: Imap) -> None:
    who = joined(mail)
    mail.grant(who, Entitlement("dovecot", Kind.FORWARDING, "out", to="robin@elsewhere.example"), None)
    deliver(dovecot, who.identity.email, "before")
    assert outside(dovecot, "robin@elsewhere.example", "before")
    Host(dovecot.home).lock(who.identity.username)
    await_refusal(mail, who)
    deliver(dovecot, who.identity.email, "locked")
    assert outside(dovecot, "robin@elsewhere.example", "locked")


def test_a_colleagues_rule_goes_on_sending_mail_to_who_is_gone(dovecot: Dovecot, mail: Imap) -> None:
    who = joined(mail)
    mail.grant(who, Entitlement("dovecot", Kind.FORWARDING, BOSS, direction="in"), None)
    Host(dovecot.home).terminate(who.identity.username)
    await_refusal(mail, who)
    deliver(dovecot, "drill-boss@drill.example.test", "secret")
    assert outside(dovecot, who.identity.email, "secret")
    with pytest.raises(smtplib.SMTPRecipientsRefused, match=r"5\.1\.1"):  # its own redirect is idle
        deliver(dovecot, who.identity.email, "to nobody")


def await_refusal(mail: Imap, who: Person) -> int:
    """How often a sign-in still worked before it was refused."""
    worked, deadline = 0, time.monotonic() + 5
    while (used := mail.login(who)).presence is not Presence.ABSENT:
        assert used.presence is Presence.PRESENT, used.reason
        assert time.monotonic() < deadline
        worked += 1
        time.sleep(0.05)
    assert "AUTHENTICATIONFAILED" in used.reason
    return worked


def test_a_sign_in_works_for_the_rest_of_the_second(dovecot: Dovecot, mail: Imap) -> None:
    """The file is read again once a second at most: the worst of a few tries must show it."""
    most = 0
    for n in range(1, 4):
        who = joined(mail, n=n)
        assert mail.login(who).presence is Presence.PRESENT  # in this second the file has been read
        Host(dovecot.home).terminate(who.identity.username)
        assert not mail.round().find(who).accounts  # the line is gone
        most = max(most, await_refusal(mail, who))
    assert most > 0


def test_an_open_session_lets_others_into_the_boss_mailbox(dovecot: Dovecot, mail: Imap) -> None:
    who = joined(mail)
    mail.grant(who, Entitlement("dovecot", Kind.DELEGATION, BOSS, right="administer"), None)
    session = signed_in(dovecot, who.identity.username, who.identity.password.reveal())
    Host(dovecot.home).terminate(who.identity.username)
    await_refusal(mail, who)
    assert session.setacl(f"shared/{BOSS}", "somebody-else", "lr")[0] == "OK"
    session.logout()
    boss = signed_in(dovecot, "drill-boss", dovecot.passwords["drill-boss"])
    assert b"somebody-else lr" in b" ".join(boss.getacl("INBOX")[1])
    boss.logout()


def signed_in(server: Dovecot, name: str, password: str) -> imaplib.IMAP4:
    session = imaplib.IMAP4("127.0.0.1", server.ports.imap)
    session.login(name, password)
    return session


def test_an_open_session_outlives_the_server(dovecot: Dovecot) -> None:
    """No goodbye, and no end: only the processes that serve sessions know of them."""
    session = signed_in(dovecot, "drill-boss", dovecot.passwords["drill-boss"])
    session.select("INBOX", readonly=True)
    dovecot.daemon.process.terminate()
    assert dovecot.daemon.process.wait(10) == 0
    assert session.fetch("1", "(BODY.PEEK[])")[0] == "OK"
    session.logout()


# --- TLS ---------------------------------------------------------------------------------------------


def test_tls_with_a_certificate_that_is_trusted_and_one_that_is_not(dovecot: Dovecot, tmp_path: Path) -> None:
    text = FLEET.read_text()
    line = 'sieve: "${env:DOVECOT_SIEVE}"\n'
    assert line in text
    seen = []
    for name, trusted in (("trusted", f"\n    ca: {dovecot.home}/tls.crt\n"), ("untrusted", "\n")):
        file = tmp_path / f"{name}.yaml"
        file.write_text(text.replace(line, f"{line}    starttls: true{trusted}"))
        made = system(dovecot, file)
        who = person(identity("nobody", 1))
        seen.append((made.check(), made.round().find(who).state))
        if name == "trusted":
            there = made.round().look(replace(who, account=Account("dovecot", "drill-boss")))
            assert [each.state for each in there.listings] == [ListState.COMPLETE] * 4  # ManageSieve as well
    assert seen[0] == ([], ListState.COMPLETE)
    assert "the certificate is not trusted" in seen[1][0][0]
    assert seen[1][1] is ListState.UNKNOWN


# --- least privilege --------------------------------------------------------------------------------


def test_the_reader_sees_all_that_the_writer_sees_and_reads_no_message(dovecot: Dovecot, mail: Imap) -> None:
    who = joined(mail)
    for wanted in (
        Entitlement("dovecot", Kind.DELEGATION, BOSS, right="read"),
        Entitlement("dovecot", Kind.DELEGATION, "drill-team/INBOX", right="administer"),
        Entitlement("dovecot", Kind.FORWARDING, "out", to="robin@elsewhere.example"),
        Entitlement("dovecot", Kind.FORWARDING, BOSS, direction="in"),
        Entitlement("dovecot", Kind.ROLE, "master"),
    ):
        mail.grant(who, wanted, None)
    text = FLEET.read_text()
    assert text.count("username: drill-reader") == 1
    by_reader = mail.round().look(who)
    looks = replace_reader(mail, WRITER, dovecot.passwords[WRITER])
    assert timeless(by_reader) == timeless(looks.round().look(who))
    assert sum(len(each.rows) for each in by_reader.listings) == 6
    session = imaplib.IMAP4("127.0.0.1", dovecot.ports.imap)
    session.authenticate("PLAIN", lambda _: f"drill-boss\0{READER}\0{dovecot.passwords[READER]}".encode())
    refused, why = session.select("INBOX", readonly=True)
    assert (refused, b"NOPERM" in b" ".join(filter(None, why))) == ("NO", True)
    session.logout()


def replace_reader(mail: Imap, name: str, password: str) -> Imap:
    """The same system, read by somebody else."""
    mail._looks = replace(mail._looks, reader=replace(mail._looks.reader, name=name, password=password))
    return mail


def test_rights_in_other_capitals_count_and_give_nothing(dovecot: Dovecot, mail: Imap) -> None:
    who = joined(mail)
    boss = signed_in(dovecot, "drill-boss", dovecot.passwords["drill-boss"])
    assert boss.setacl("INBOX", who.identity.username.upper(), "lr")[0] == "OK"
    boss.logout()
    (row,) = delegations(mail, who).rows
    assert (row.name, row.note) == (f"{BOSS}#read", f"written {who.identity.username.upper()}")
    mine = signed_in(dovecot, who.identity.username, who.identity.password.reveal())
    assert mine.select(f"shared/{BOSS}", readonly=True)[0] == "NO"
    mine.logout()


def test_a_mailbox_that_is_hidden_from_the_reader_makes_the_sweep_unknown(dovecot: Dovecot, mail: Imap) -> None:
    """LIST leaves out what the reader has no `l` right on, and says nothing; the disk tells."""
    who = joined(mail)
    boss = signed_in(dovecot, "drill-boss", dovecot.passwords["drill-boss"])
    assert boss.create("Hidden")[0] == "OK"
    assert boss.setacl("Hidden", who.identity.username, "lr")[0] == "OK"
    boss.logout()
    assert delegations(mail, who).state is ListState.COMPLETE
    rights = dovecot.home / "rights"
    rights.write_text(rights.read_text().replace(f"* user={READER}", f"INBOX user={READER}"))
    deadline = time.monotonic() + 5
    while (found := delegations(mail, who)).state is ListState.COMPLETE:
        assert found.rows, "what is hidden was taken for gone"
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert found.reason == "the reader does not see drill-boss/Hidden, which is on the disk"


def delegations(mail: Imap, who: Person) -> Listing:
    return next(each for each in mail.round().look(who).listings if each.kind is Kind.DELEGATION)


def test_the_host_program_says_whose_an_account_is(dovecot: Dovecot, mail: Imap) -> None:
    """Somebody else of the same name: the account is theirs, and neither judged nor removed."""
    who = joined(mail)
    host = Host(dovecot.home)
    with host._edited(host.users) as lines:
        lines[who.identity.username][3] = "ext-somebody-else"
    look = mail.round().look(who)
    assert look.account.mistaken
    assert all(each.rows == () for each in look.listings)
    with pytest.raises(Exception, match="another identity"):
        mail.remove(who)
    assert who.identity.username in {each["name"] for each in told(dovecot)["accounts"]}
