"""SQL's own part of the wire: quoting, what a SQLSTATE says, and a login against servers that answer in every way."""

from __future__ import annotations

import re
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.wire.dialogue import Broken
from harness.wire.sql import literal, quoted
from harness.wire.sql_login import Refused, login, verifier
from harness.wire.sql_state import ENDED, REFUSED, again, sentence

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@given(TEXT.filter(bool))
def test_a_quoted_name_is_one_token_that_reads_back(name: str) -> None:
    made = quoted(name)
    assert re.fullmatch(r'"(?:[^"]|"")+"', made)
    assert made[1:-1].replace('""', '"') == name


@given(TEXT)
def test_a_literal_is_one_token_that_reads_back(text: str) -> None:
    made = literal(text)
    assert re.fullmatch(r"'(?:[^']|'')*'", made)
    assert made[1:-1].replace("''", "'") == text


@pytest.mark.parametrize("make", [quoted, literal])
def test_what_no_server_can_hold_is_refused(make: object) -> None:
    with pytest.raises(ValueError):
        make("a\0b")  # type: ignore[operator]
    with pytest.raises(ValueError):
        quoted("")


def test_a_sentence_names_what_happened_the_code_and_the_servers_words() -> None:
    assert sentence("28P01", "Passwort\n falsch") == "password authentication failed (SQLSTATE 28P01): Passwort falsch"
    assert sentence("53200", "") == "the server lacks resources (SQLSTATE 53200)"
    assert sentence("ZZ999", "what") == "the server refused it (SQLSTATE ZZ999): what"
    assert sentence(None, "") == "the connection was lost"
    assert len(sentence(None, "x" * 10_000)) == 300


def test_what_may_do_better_is_tried_again_and_no_refusal_is() -> None:
    assert [state for state in (None, "57P03", "53300", "40001", "08006") if not again(state)] == []
    assert [state for state in (*REFUSED, "42501", "42P01", "57014", "57P05") if again(state)] == []


def test_no_code_both_refuses_a_login_and_ends_a_session() -> None:
    assert not REFUSED.keys() & ENDED.keys()


def test_a_verifier_is_never_the_same_twice_and_never_the_password() -> None:
    first, second = verifier("Kx8!vQ2s"), verifier("Kx8!vQ2s")
    assert first != second
    shape = r"SCRAM-SHA-256\$4096:[A-Za-z0-9+/]{22}==\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}="
    assert re.fullmatch(shape, first)
    assert "Kx8" not in first


# --- a login ------------------------------------------------------------------------------------


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


def error(state: str, said: str = "nein") -> bytes:
    return message(b"E", f"SFATAL\0VFATAL\0C{state}\0M{said}\0\0".encode())


def auth(method: int, more: bytes = b"") -> bytes:
    return message(b"R", struct.pack("!I", method) + more)


READY = message(b"Z", b"I")
SETTING = message(b"S", b"TimeZone\0UTC\0")
SCRAM = auth(10, b"SCRAM-SHA-256\0\0")


@contextmanager
def server(*answers: bytes, reset: bool = False) -> Iterator[int]:
    """Answers each thing that it is told with the next of these, then hangs up. b"" is silence."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            near, _ = listener.accept()
            with near:
                near.settimeout(5)
                for answer in answers:
                    near.recv(1 << 16)
                    if not answer:
                        near.recv(1)  # until the other side gives up
                        return
                    near.sendall(answer)
                if reset:
                    near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            thread.join(10)


def sign_in(port: int, sslmode: str = "disable") -> None:
    login(
        "127.0.0.1",
        port,
        user="zz",
        password="pw",
        database="shop",
        sslmode=sslmode,
        sslrootcert=None,
        within_s=0.5,
    )


@pytest.mark.parametrize(
    "answers",
    [
        (auth(0) + SETTING + READY,),
        (auth(3), auth(0) + READY),
        (auth(5, b"salt"), auth(0) + READY),
    ],
    ids=["trusted", "cleartext", "md5"],
)
def test_a_login_works_when_the_server_is_ready_for_a_question(answers: tuple[bytes, ...]) -> None:
    with server(*answers) as port:
        sign_in(port)


@pytest.mark.parametrize("state", ["28P01", "28000", "53300", "42501", "3D000"])
@pytest.mark.parametrize("first", [b"", auth(0) + SETTING], ids=["at-the-door", "at-the-database"])
def test_a_refusal_is_told_by_its_code_whatever_the_language(state: str, first: bytes) -> None:
    with server(first + error(state, "Пароль не подходит")) as port, pytest.raises(Refused) as refused:
        sign_in(port)
    assert (refused.value.state, refused.value.said) == (state, "Пароль не подходит")


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ((auth(0) + SETTING,), "the connection broke"),  # let in, and never ready
        ((auth(0)[:5],), "the connection broke"),
        ((b"",), "no answer within 0.5 s"),
        ((auth(3), b""), "no answer within 0.5 s"),
        ((b"HTTP/1.1 400 Bad Request\r\n\r\n",), "could not be read"),
        ((message(b"E", b"SFATAL\0Mno code\0\0"),), "could not be read"),
        ((message(b"T", b"rows"),), "could not be read"),
        ((b"R\x7f\xff\xff\xff",), "could not be read"),
        ((auth(7),), "a way to sign in that is not known here"),
        ((auth(10, b"SCRAM-SHA-512\0\0"),), "a way to sign in that is not known here"),
        ((SCRAM, auth(0) + READY), "could not be read"),  # let in without the server's proof
        ((SCRAM, auth(11, b"r=somebody-elses,s=c2FsdA==,i=4096")), "could not be read"),
        ((SCRAM, auth(11, b"nonsense")), "could not be read"),
    ],
)
def test_everything_else_tells_nothing(answers: tuple[bytes, ...], reason: str) -> None:
    with server(*answers) as port, pytest.raises(Broken) as broken:
        sign_in(port)
    assert reason in broken.value.reason
    assert broken.value.in_doubt is False  # a login changes nothing


def test_a_reset_and_a_closed_port_tell_nothing() -> None:
    with server(auth(3), auth(3), reset=True) as port, pytest.raises(Broken) as broken:
        sign_in(port)
    assert broken.value.again
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = int(gone.getsockname()[1])
    with pytest.raises(Broken, match="refused"):
        sign_in(port)


def test_encryption_that_is_demanded_is_not_done_without() -> None:
    with server(b"N") as port, pytest.raises(Broken, match="no TLS"):
        sign_in(port, "require")
    with server(b"N", auth(0) + READY) as port:
        sign_in(port, "prefer")
