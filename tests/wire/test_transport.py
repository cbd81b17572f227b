"""What only a real socket shows: resets, broken bodies, slow bodies, garbage, stale connections, concurrency."""

from __future__ import annotations

import gzip
import logging
import socket
import struct
import threading
import time
from contextlib import suppress

import pytest

from harness.ports import Limits
from harness.wire import transport
from harness.wire.call import Unknown
from tests.wire.world import Script, World, answers, look, page, raw_server, write


def reset(connection: socket.socket, _: int) -> None:
    time.sleep(0.05)  # until the body is sent too: a reset between head and body looks like a close
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def silent(connection: socket.socket, _: int) -> None:
    connection.recv(1)


def drip(connection: socket.socket, _: int) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(40):
        connection.sendall(b"x")
        time.sleep(0.05)


def drip_head(connection: socket.socket, _: int) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for n in range(40):
        connection.sendall(f"X-{n}: y\r\n".encode())
        time.sleep(0.05)


CASES: dict[str, tuple[Script, str, bool]] = {
    "reset": (reset, "the connection was reset", True),
    "closed": (lambda c, _: c.shutdown(socket.SHUT_RDWR), "the connection was closed before an answer came", True),
    "timeout": (silent, "no answer within 0.3 s (timeout)", True),
    "slow head": (drip_head, "no answer within 0.3 s (timeout)", True),
    "slow body": (drip, "the answer did not end within 0.3 s (timeout)", True),
    "truncated": (answers(page(headers={"Content-Length": "500"})), "the answer broke off in the middle", True),
    "truncated chunk": (
        answers(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"),
        "the answer broke off in the middle",
        True,
    ),
    "bad chunk": (
        answers(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab"),
        "the answer broke off in the middle",
        True,
    ),
    "garbage": (answers(b"SSH-2.0-OpenSSH_9.9\r\n"), "the answer is not HTTP", True),
    "wrong encoding": (
        answers(page(body=b"{}", headers={"Content-Encoding": "gzip"})),
        "the answer is not encoded as its Content-Encoding says",
        True,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("script", "reason", "doubt"), CASES.values(), ids=CASES.keys())
def test_every_broken_answer_is_unknown_with_its_reason(script: Script, reason: str, doubt: bool) -> None:
    with raw_server(script) as server:
        world = World(server.url, timeout_s=0.3, attempts=2)
        with pytest.raises(Unknown) as caught:
            world.wire.send(write())
        assert caught.value.reason == reason
        assert caught.value.in_doubt is doubt
        assert len(server.requests) == 1
        (document,) = world.documents()
        assert document["error"] == reason
        world.wire.close()


def test_an_endless_body_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "LARGEST", 1 << 20)

    def endless(connection: socket.socket, _: int) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(64):
            connection.sendall(b"x" * 65536)

    with raw_server(endless) as server:
        world = World(server.url)
        with pytest.raises(Unknown, match="larger than 1 MiB"):
            world.wire.send(look())
        assert len(server.requests) == 1
        world.wire.close()


def test_nothing_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    world = World(f"http://127.0.0.1:{port}", attempts=2)
    with pytest.raises(Unknown) as caught:
        world.wire.send(write())
    assert caught.value.reason == "the connection was refused"
    assert caught.value.in_doubt is False
    with pytest.raises(Unknown, match="the connection was refused, asked 2 times"):
        world.wire.send(look())


def test_a_name_nobody_knows() -> None:
    world = World("http://no-such-host.invalid", attempts=1)
    with pytest.raises(Unknown) as caught:
        world.wire.send(look())
    assert caught.value.reason == "the host name cannot be resolved (DNS)"
    assert caught.value.in_doubt is False


def test_no_tls_where_tls_was_expected() -> None:
    with raw_server(answers(page())) as server:
        world = World(server.url.replace("http://", "https://"), attempts=1)
        with pytest.raises(Unknown, match="TLS"):
            world.wire.send(look())


def test_an_endless_redirect_is_one_request() -> None:
    with raw_server(answers(page(302, headers={"Location": "/users"}))) as server:
        world = World(server.url)
        with pytest.raises(Unknown, match="redirected to"):
            world.wire.send(look())
        assert len(server.requests) == 1


def test_a_compressed_answer_is_read() -> None:
    body = gzip.compress(b'{"a": 1}')
    with raw_server(answers(page(body=body, headers={"Content-Encoding": "gzip"}))) as server:
        world = World(server.url)
        answer = world.wire.send(look())
        assert answer.json() == {"a": 1}
        assert world.documents()[0]["response"]["body"] == '{"a": 1}'


def keeps_alive(seen: list[int]) -> Script:
    def script(connection: socket.socket, number: int) -> None:
        seen.append(number)
        connection.sendall(page())
        while connection.recv(65536):
            seen.append(number)
            connection.sendall(page())

    return script


def test_connections_are_kept_but_the_leavers_are_their_own() -> None:
    seen: list[int] = []
    script = keeps_alive(seen)

    def threaded(connection: socket.socket, number: int) -> None:
        def serve() -> None:
            with suppress(OSError):
                script(connection, number)

        threading.Thread(target=serve, daemon=True).start()

    with raw_server(threaded) as server:
        world = World(server.url)
        for _ in range(3):
            world.wire.send(look())
        assert seen == [1, 1, 1]
        world.wire.send(look(own_auth=True))
        world.wire.send(look(own_auth=True))
        assert seen == [1, 1, 1, 2, 3]
        world.wire.close()


def test_the_debug_log_holds_no_query(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with raw_server(answers(page())) as server:
        World(server.url).wire.send(look("/users?token=hidden-in-query"))
    assert "hidden-in-query" not in caplog.text


def test_concurrency_holds_over_all_threads() -> None:
    lock = threading.Lock()
    now, most = 0, 0

    def count(connection: socket.socket, _: int) -> None:
        def serve() -> None:
            nonlocal now, most
            with lock:
                now += 1
                most = max(most, now)
            time.sleep(0.03)
            with lock:
                now -= 1
            connection.sendall(page(headers={"Connection": "close"}))
            connection.close()

        threading.Thread(target=serve, daemon=True).start()

    with raw_server(count) as server:
        world = World(server.url, limits=Limits(concurrency=2))
        threads = [threading.Thread(target=world.wire.send, args=(look(f"/{n}"),)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert most == 2
        assert len(world.exchanges) == 8
        world.wire.close()


def test_a_slow_answer_leaves_the_connection_its_full_timeout() -> None:
    def script(connection: socket.socket, _: int) -> None:
        for _ in range(3):
            for piece in (b"HTTP/1.1 200 OK\r\n", b"Content-Length: 4\r\n\r\n", b"nu", b"ll"):
                time.sleep(0.04)
                connection.sendall(piece)
            connection.recv(65536)

    with raw_server(script) as server:
        world = World(server.url, timeout_s=0.3, attempts=1)
        assert [world.wire.send(look()).json() for _ in range(3)] == [None] * 3
        assert len(server.requests) == 1
        world.wire.close()
