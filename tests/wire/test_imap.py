"""IMAP: what is no answer is unknown, only a closed set of answers refuses, and a goodbye is no lost connection."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from harness.systems.imap_look import swept
from harness.wire.call import Unknown
from harness.wire.dialogue import Heard
from harness.wire.imap import Session
from harness.wire.imap_syntax import Malformed, Status, acl, listed, myrights, parse, prefixes, quoted, status
from tests.wire.talker import WHO, imap, talking, wire

NAMESPACE = b'* NAMESPACE (("" "/")) (("shared/" "/")) NIL\r\n%s OK done\r\n'
LIST = b'* LIST () "/" INBOX\r\n* LIST (\\Noselect) "/" Old\r\n* LIST () "/" shared/ada/INBOX\r\n%s OK done\r\n'
ACL = b"* ACL INBOX ada lr #boss a\r\n%s OK done\r\n"
WHOLE = {"NAMESPACE": NAMESPACE, "LIST": LIST, "GETACL": ACL}


def sweep(**changed: bytes) -> Any:
    with talking(imap({**WHOLE, **changed})) as talker:
        return wire(talker, 0.5)[0].visit("GETACL", WHO, swept).value


def test_a_sweep_takes_the_accounts_own_mailboxes_and_their_acls() -> None:
    assert sweep() == {"INBOX": {"ada": "lr", "#boss": "a"}}


@pytest.mark.parametrize(
    ("verb", "answer", "why"),
    [
        ("GETACL", b"%s OK done\r\n", "0 ACL responses"),
        ("GETACL", b"* ACL Other ada lr\r\n%s OK done\r\n", "another mailbox"),
        ("GETACL", b"* ACL INBOX ada\r\n%s OK done\r\n", "without rights"),
        ("GETACL", b"* ACL INBOX ada LR!\r\n%s OK done\r\n", "rights that are none"),
        ("GETACL", b"* ACL INBOX ada l ada r\r\n%s OK done\r\n", "twice"),
        ("GETACL", b"%s NO [NOPERM] no\r\n", "NOPERM"),
        ("GETACL", b"%s BAD what\r\n", "BAD"),
        ("GETACL", b"* BYE for today\r\n", "BYE for today"),
        ("GETACL", b"<html>\r\n", "no IMAP response"),
        ("GETACL", b'* ACL INBOX (ada "lr"\r\n%s OK done\r\n', "does not end"),
        ("GETACL", b"%s MAYBE\r\n", "without a status"),
        ("LIST", b"%s NO busy\r\n", "NO busy"),
        ("LIST", b'* LIST "/" INBOX\r\n%s OK done\r\n', "a LIST response that is none"),
        ("NAMESPACE", b"* NAMESPACE NIL\r\n%s OK done\r\n", "a NAMESPACE response that is none"),
        ("AUTH", b"%s NO [AUTHENTICATIONFAILED] no\r\n", "refused: NO [AUTHENTICATIONFAILED]"),
        ("AUTH", b"%s NO [UNAVAILABLE] later\r\n", "UNAVAILABLE"),
        ("AUTH", b"%s NO no\r\n", "answered NO no"),
    ],
)
def test_what_is_no_whole_answer_is_unknown(verb: str, answer: bytes, why: str) -> None:
    with pytest.raises(Unknown) as told:
        sweep(**{verb: answer})
    assert why in told.value.reason
    assert told.value.evidence


def test_names_may_come_as_literals_and_with_quotes() -> None:
    listing = b'* LIST () "/" {9}\r\nSales "A"\r\n%s OK done\r\n'
    answer = b'* ACL "Sales \\"A\\"" "o\'leary" lr\r\n%s OK done\r\n'
    assert sweep(LIST=listing, GETACL=answer) == {'Sales "A"': {"o'leary": "lr"}}


def test_only_a_closed_set_of_answers_is_a_refusal() -> None:
    def refused(said: Status) -> Heard[str]:
        return Heard(said.code)

    for code in ("AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED"):
        with talking(imap({"AUTH": b"%s NO [" + code.encode() + b"] no\r\n"})) as talker:
            assert wire(talker)[0].visit("LOGIN", WHO, lambda _: Heard("in"), refused=refused).value == code
    for answer in (b"%s NO no\r\n", b"%s NO [PRIVACYREQUIRED] no\r\n", b"%s BAD no\r\n", b"* BYE no\r\n"):
        with talking(imap({"AUTH": answer})) as talker, pytest.raises(Unknown):
            wire(talker)[0].visit("LOGIN", WHO, lambda _: Heard("in"), refused=refused)


def test_a_busy_server_is_asked_again_and_a_refusal_is_not() -> None:
    for answer, tries in ((b"%s NO [UNAVAILABLE] later\r\n", 2), (b"%s NO [AUTHENTICATIONFAILED] no\r\n", 1)):
        with talking(imap({"AUTH": answer})) as talker, pytest.raises(Unknown):
            wire(talker)[0].visit("NOOP", WHO, lambda session: Heard(session.ok("NOOP")))
        assert sum(b"AUTHENTICATE" in line for line in talker.heard) == tries


def test_a_greeting_that_lets_nobody_in_is_unknown() -> None:
    for greeting in (b"* BYE full\r\n", b"* PREAUTH hello\r\n", b"SSH-2.0\r\n", b"* LIST\r\n"):
        with talking(imap({}), greeting) as talker, pytest.raises(Unknown):
            wire(talker)[0].visit("NOOP", WHO, lambda session: Heard(session.ok("NOOP")))


def test_a_server_that_drips_cannot_hold_a_thread() -> None:
    def drip(line: bytes) -> bytes | None:
        time.sleep(0.2)
        return b"* OK still here\r\n"

    with talking(drip) as talker:
        began = time.monotonic()
        with pytest.raises(Unknown):
            wire(talker, 0.3)[0].visit("NOOP", WHO, lambda session: Heard(session.ok("NOOP")), look=False)
        assert time.monotonic() - began < 3


def test_the_password_is_in_no_evidence() -> None:
    with talking(imap(WHOLE)) as talker:
        asked, world = wire(talker)
        asked.visit("GETACL", WHO, swept)
    text = json.dumps(world.documents())
    assert WHO.password not in text
    assert WHO.response().decode() not in text
    assert WHO.response() in talker.heard


# --- sessions that stay open ------------------------------------------------------------------------


def kept(said: bytes | None) -> str:
    """What becomes of an open session that is asked something and answered with this."""
    lets_in = imap({})
    with talking(lambda line: said if b"NOOP" in line else lets_in(line)) as talker:
        asked, _ = wire(talker, 0.5)
        session = asked.keep(WHO, lambda _: Heard(None)).value
        try:
            return asked.on(session, "NOOP", WHO, _noop, Heard).value
        finally:
            session.close()


def _noop(session: Session) -> Heard[str]:
    return Heard(session.ask("NOOP").status.word)


def test_a_goodbye_ends_a_session_and_a_lost_connection_tells_nothing() -> None:
    assert "BYE see you" in kept(b"* BYE see you\r\n")
    for said in (None, b"", b"nonsense\r\n"):
        with pytest.raises(Unknown):
            kept(said)


def test_a_goodbye_that_came_in_between_is_remembered() -> None:
    def check(session: Session) -> Heard[None]:
        session.ok("CHECK")
        return Heard(None)

    with talking(imap({"CHECK": b"%s OK done\r\n* BYE idle for too long\r\n"})) as talker:
        asked, _ = wire(talker, 0.5)
        session = asked.keep(WHO, check).value
        deadline = time.monotonic() + 2
        while not session._stream.waiting():
            assert time.monotonic() < deadline
        for _ in range(2):
            assert "idle for too long" in asked.on(session, "NOOP", WHO, _noop, Heard).value
        session.close()
    assert not [line for line in talker.heard if b"NOOP" in line]


# --- shapes -----------------------------------------------------------------------------------------


def test_words_are_written_so_that_they_are_read_again() -> None:
    for word in ("INBOX", "o'leary", 'a "b"', "a\\b", "NIL", "", "a b", "x(y)", "{3}"):
        assert parse([quoted(word).encode()]) == [word]
    for word in ("ä", "a\r\nb", "\0"):
        with pytest.raises(Malformed):
            quoted(word)


def test_statuses() -> None:
    assert status("NO [NOPERM] not yours") == Status("NO", "NOPERM", "not yours")
    assert status("OK [READ-ONLY]") == Status("OK", "READ-ONLY", "")
    assert status("LIST () NIL x") is None


@pytest.mark.parametrize("line", [b"(a", b"a)", b'"a', b"a {3", b"\xff"])
def test_what_is_no_imap(line: bytes) -> None:
    with pytest.raises(Malformed):
        parse([line])


def test_shapes_of_responses() -> None:
    assert listed(parse([b'LIST (\\NonExistent) "." a.b'])) == listed(["LIST", ["\\nonexistent"], ".", "a.b"])
    assert acl(parse([b"ACL inbox"]), "INBOX") == {}
    assert myrights(parse([b'MYRIGHTS x ""']), "x") == ""
    assert prefixes(parse([b'NAMESPACE (("" "/")("me." ".")) NIL (("all/" "/"))'])) == (("", "me."), (("all/", "/"),))
