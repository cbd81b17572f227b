"""ManageSieve and Sieve: scripts are read whole or not at all, and their redirects by a parser, never by a search."""

from __future__ import annotations

import pytest

from harness.model import Presence
from harness.systems.imap_host import Script
from harness.systems.imap_look import collected, plain, sent
from harness.wire.call import Unknown
from harness.wire.dialogue import Heard
from harness.wire.sieve import Scripts
from harness.wire.sieve_script import NotUnderstood, Outlets, outlets, redirecting
from tests.wire.talker import WHO, sieve_wire, talking

GREETING = b'"IMPLEMENTATION" "x"\r\n"SASL" "PLAIN"\r\nOK\r\n'
WHOLE = {
    "AUTHENTICATE": b"OK\r\n",
    "LISTSCRIPTS": b'"main" ACTIVE\r\n{3}\r\nold\r\nOK\r\n',
    "GETSCRIPT": b'{18}\r\nredirect "a@b.c";\n\r\nOK\r\n',
    "LOGOUT": b"OK\r\n",
}


def scripts(**changed: bytes) -> list[Script]:
    answers = {**WHOLE, **changed}

    def answer(line: bytes) -> bytes | None:
        return answers.get(line.split(b" ")[0].decode(), b"NO\r\n")

    with talking(answer, changed.get("GREETING", GREETING)) as talker:
        return list(sieve_wire(talker, 0.5)[0].visit("GETSCRIPT", WHO, collected).value)


def test_scripts_come_with_their_text() -> None:
    text = 'redirect "a@b.c";\n'
    assert scripts() == [Script("main", True, text), Script("old", False, text)]
    assert scripts(LISTSCRIPTS=b"OK\r\n") == []


@pytest.mark.parametrize(
    ("verb", "answer", "why"),
    [
        ("GREETING", b"BYE\r\n", "ended the conversation"),
        ("GREETING", b"* OK IMAP\r\n", "no ManageSieve"),
        ("AUTHENTICATE", b'NO "Authentication failed."\r\n', "Authentication failed"),
        ("LISTSCRIPTS", b'"a" ACTIVE\r\n"b" ACTIVE\r\nOK\r\n', "two active"),
        ("LISTSCRIPTS", b'"a"\r\n"a"\r\nOK\r\n', "twice"),
        ("LISTSCRIPTS", b'"a" INACTIVE\r\nOK\r\n', "names no script"),
        ("LISTSCRIPTS", b'NO (TRYLATER) "busy"\r\n', "TRYLATER"),
        ("LISTSCRIPTS", b'"a\r\nOK\r\n', "no ManageSieve"),
        ("GETSCRIPT", b"OK\r\n", "something else than one script"),
        ("GETSCRIPT", b'"a"\r\n"b"\r\nOK\r\n', "something else than one script"),
        ("GETSCRIPT", b"{99}\r\nshort\r\n", "nothing came"),
        ("GETSCRIPT", b'NO (NONEXISTENT) "gone"\r\n', "NONEXISTENT"),
        ("GETSCRIPT", b"{2}\r\n\xff\xfe\r\nOK\r\n", "no text"),
    ],
)
def test_what_is_no_whole_answer_is_unknown(verb: str, answer: bytes, why: str) -> None:
    with pytest.raises(Unknown) as told:
        scripts(**{verb: answer})
    assert why in told.value.reason


def test_a_script_that_is_not_there_is_as_good_as_deleted() -> None:
    def delete(code: bytes) -> None:
        def answer(line: bytes) -> bytes | None:
            return code if line.startswith(b"DELETESCRIPT") else b"OK\r\n"

        def work(one: Scripts) -> Heard[None]:
            one.delete("main")
            return Heard(None)

        with talking(answer, GREETING) as talker:
            sieve_wire(talker)[0].visit("DELETESCRIPT", WHO, work, look=False)

    delete(b"NO (NONEXISTENT)\r\n")
    with pytest.raises(Unknown, match="ACTIVE"):
        delete(b"NO (ACTIVE)\r\n")


# --- scripts ----------------------------------------------------------------------------------------

LONG = """require ["copy", "fileinto"]; # redirect "comment@no.example";
/* redirect "comment@no.example"; */
if anyof (header :contains ["Subject", "X"] "a\\"redirect", not size :over 100K) {
  redirect :copy "in-a-block@yes.example"; stop;
} elsif false { redirect "never@yes.example"; }
else { vacation :days 7 text:
redirect "text@no.example";
..
.
; }
include :personal "other";
"""


def test_every_redirect_counts_and_no_word_about_one() -> None:
    assert outlets(LONG) == Outlets(frozenset({"in-a-block@yes.example", "never@yes.example"}), frozenset({"other"}))
    assert outlets("") == outlets("keep;") == Outlets(frozenset(), frozenset())


def test_what_is_written_is_read_again() -> None:
    there = ["robin@elsewhere.example", "o'leary@drill.example.test", '"a b"@c.example']
    assert outlets(redirecting(there)).addresses == set(there)


@pytest.mark.parametrize(
    "script",
    [
        'redirect "a@b.c"', "redirect;", 'redirect "${to}";', 'redirect "nobody";', 'redirect :list "x:y";',
        'redirect ["a@b.c", "d@e.f"];', "if true {", "}", 'include :global "x";', 'pipe "program";', '"',
        "if (true, {}", "if " * 80 + "true;", "ä;", "fileinto [keep];", "text:\nno end",
    ],
)  # fmt: skip
def test_a_script_that_is_not_understood_tells_nothing(script: str) -> None:
    with pytest.raises(NotUnderstood):
        outlets(script)


def test_only_what_runs_sends_mail_on() -> None:
    main = Script("main", True, 'include "more"; redirect "a@x.example";')
    more = Script("more", False, 'redirect "b@x.example";')
    idle = Script("idle", False, 'redirect "a@x.example"; redirect "c@x.example";')
    broken = Script("broken", False, "{")
    told = {address: presence for address, presence, _ in sent([main, more, idle, broken])}
    assert told == {
        "a@x.example": Presence.PRESENT,
        "b@x.example": Presence.PRESENT,
        "c@x.example": Presence.ABSENT,
    }
    with pytest.raises(Unknown, match="not understood"):
        sent([Script("main", True, "{")])
    with pytest.raises(Unknown, match="is not there"):
        sent([main])


def test_addresses_are_compared_without_capitals_and_detail() -> None:
    assert plain("Ada+lists@Drill.Example.Test") == plain("<ada@drill.example.test>") == "ada@drill.example.test"
