"""A loopback server that answers one operation of AWS after another as a test says, and keeps what it was asked."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

from harness.model import Secret
from harness.testing.bench import Bench
from harness.wire.aws import Aws
from harness.wire.aws_clients import Keys

NAMESPACE = "https://iam.amazonaws.com/doc/2010-05-08/"
Told = tuple[int, str, bytes]  # status, content type, body
SECRET = "wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY"
KEYS = Keys("AKIAIOSFODNN7EXAMPLE", Secret(SECRET))
PAGE = b"<!doctype html><html><body><p>Please sign in</body></html>"


class AwsServer:
    """Gives its answers in turn, the last one again and again. `asked` are the parameters of each request."""

    def __init__(self, *answers: Told) -> None:
        self.answers: Sequence[Told] = answers
        self.asked: list[dict[str, Any]] = []
        self.hangs = False

    def __enter__(self) -> AwsServer:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if server.hangs:
                    time.sleep(1)
                target = self.headers.get("X-Amz-Target")
                server.asked.append(json.loads(body) if target else dict(parse_qsl(body.decode())))
                status, kind, told = server.answers[min(len(server.asked), len(server.answers)) - 1]
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)

            def log_message(self, format: str, *args: object) -> None:
                return

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                """Whoever asked had no patience."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"


@contextmanager
def asking(*answers: Told, marked: bool = True, timeout_s: float = 10.0) -> Iterator[tuple[Aws, AwsServer, Bench]]:
    bench = Bench()
    with AwsServer(*answers) as server:
        aws = Aws(bench.tools, KEYS, region="us-east-1", url=server.url, attempts=3, marked=marked, timeout_s=timeout_s)
        try:
            yield aws, server, bench
        finally:
            aws.close()


def xml(operation: str, inner: str, status: int = 200) -> Told:
    """An answer of IAM."""
    body = (
        f'<{operation}Response xmlns="{NAMESPACE}"><{operation}Result>{inner}</{operation}Result></{operation}Response>'
    )
    return status, "text/xml", body.encode()


def refusal(code: str, status: int = 400) -> Told:
    body = f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>"
    return status, "text/xml", body.encode()


def js(status: int = 200, **answer: Any) -> Told:
    """An answer of Identity Center."""
    return status, "application/x-amz-json-1.1", json.dumps(answer).encode()


def users(*names: str, end: str = "<IsTruncated>false</IsTruncated>") -> Told:
    members = "".join(f"<member><UserName>{n}</UserName><UserId>id-{n}</UserId></member>" for n in names)
    return xml("ListUsers", f"<Users>{members}</Users>{end}")


def more(marker: str) -> str:
    return f"<IsTruncated>true</IsTruncated><Marker>{marker}</Marker>"
