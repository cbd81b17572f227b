"""One attempt over HTTP: an answer read to its end, or a failure with its reason and what it means for a write."""

from __future__ import annotations

import http.client
import logging
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from threading import Lock, local
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict

from harness.ports import Line
from harness.wire.deadline import with_deadline

LARGEST = 32 * 1024 * 1024
_CHUNK = 256 * 1024


class _Quiet(logging.Filter):
    """urllib3 logs whole request targets, and a query can hold a credential."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING and "url=" not in str(record.msg)


logging.getLogger("urllib3.connectionpool").addFilter(_Quiet())


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer as it came, body decoded by its Content-Encoding; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Failure(Exception):
    """No answer, or none that can be read. `sent`: the request may have reached the other side; `again`: another
    try may help."""

    def __init__(self, reason: str, *, sent: bool, again: bool, status: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sent = sent
        self.again = again
        self.status = status


class _Adapter(HTTPAdapter):
    """requests' pooled adapter without what a prepared call needs no more: proxies, cookies, encodings."""

    def __init__(self) -> None:
        self._pools: dict[str, Any] = {}
        super().__init__(pool_connections=4, pool_maxsize=2, max_retries=0)

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        """The pool of the request's origin: looked up by its text, since credential and trust never change here."""
        key = (request.url or "").partition("://")
        here = f"{key[0]} {key[2].partition('/')[0].partition('?')[0]}"
        pool = self._pools.get(here)
        if pool is None:
            pool = super().get_connection_with_tls_context(request, verify, proxies=proxies, cert=cert)
            super().cert_verify(pool, request.url, verify, cert)  # type: ignore[no-untyped-call]
            with_deadline(pool)
            self._pools[here] = pool
        return pool

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Done once for each pool."""

    def close(self) -> None:
        self._pools.clear()
        super().close()

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:  # noqa: ARG002
        return request.path_url

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        made = requests.Response()
        made.status_code = resp.status
        made.headers = resp.headers
        made.raw = resp
        made.url = req.url or ""
        made.request = req
        made.connection = self
        return made


class Transport:
    """A pooled adapter for each worker thread; keeps no cookie and follows no redirect."""

    def __init__(self, timeout_s: float, cert: tuple[str, str] | None, verify: bool | str) -> None:
        self._timeout_s = timeout_s
        self._cert = cert
        self._verify = verify
        self._local = local()
        self._lock = Lock()
        self._adapters: list[_Adapter] = []

    def exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, *, fresh: bool) -> Raw:
        """Sends once. `fresh`: over a connection of its own, without the client certificate. Raises Failure."""
        request = requests.PreparedRequest()
        request.method = method
        request.url = url
        request.headers = CaseInsensitiveDict(headers)
        request.body = body
        if body is not None or method in ("POST", "PUT", "PATCH"):
            request.headers["Content-Length"] = str(len(body or b""))
        adapter = _Adapter() if fresh else self._mine()
        cert = None if fresh else self._cert
        try:
            try:
                response = adapter.send(request, stream=True, timeout=self._timeout_s, verify=self._verify, cert=cert)
            except Exception as error:  # noqa: BLE001  every library below has exceptions of its own
                raise classify(error, self._timeout_s) from None
            return self._read(response)
        finally:
            if fresh:
                adapter.close()

    def _read(self, response: requests.Response) -> Raw:
        raw = response.raw
        status = response.status_code
        chunks: list[bytes] = []
        size = 0
        whole = False
        plain = "content-encoding" not in raw.headers
        try:
            while chunk := raw.read1(_CHUNK, decode_content=True):
                chunks.append(chunk)
                size += len(chunk)
                if size > LARGEST:
                    raise Failure(
                        f"the answer is larger than {LARGEST >> 20} MiB", sent=True, again=False, status=status
                    )
                if plain and raw.length_remaining == 0:
                    break
            whole = True
        except Failure:
            raise
        except Exception as error:  # noqa: BLE001
            failure = classify(error, self._timeout_s)
            reason = failure.reason.replace("no answer", "the answer did not end", 1)
            raise Failure(reason, sent=True, again=failure.again, status=status) from None
        finally:
            if whole:
                raw.release_conn()
            else:
                raw.close()  # the rest is still on the wire: this connection is of no use to anybody
        body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        return Raw(status, {name.lower(): value for name, value in raw.headers.items()}, body)

    def _mine(self) -> _Adapter:
        found: _Adapter | None = getattr(self._local, "adapter", None)
        if found is None:
            found = self._local.adapter = _Adapter()
            with self._lock:
                self._adapters.append(found)
        return found

    def close(self) -> None:
        with self._lock:
            for adapter in self._adapters:
                adapter.close()
            self._adapters.clear()


class OverLine:
    """The same over a line that somebody else holds."""

    def __init__(self, line: Line, timeout_s: float) -> None:
        self._line, self._timeout_s = line, timeout_s

    def exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, *, fresh: bool) -> Raw:  # noqa: ARG002
        """Sends once. Raises Failure."""
        try:
            return Raw(*self._line.exchange(method, url, headers, body))
        except Exception as error:  # noqa: BLE001  whatever the line raises is no answer
            raise classify(error, self._timeout_s) from None

    def close(self) -> None:
        """Nothing of its own to close."""


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it wraps: requests keeps urllib3's in `args`, urllib3 its reason in `reason`."""
    seen: set[int] = set()
    todo: list[Any] = [error]
    while todo:
        one = todo.pop(0)
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one
            todo += [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]


_NOT_SENT = ConnectionRefusedError, socket.gaierror, urllib3.exceptions.NewConnectionError


def classify(error: BaseException, timeout_s: float) -> Failure:
    """The reason of a transport's exception. Its own text is never used: it holds the URL."""
    chain = list(_chain(error))

    def has(*kinds: type[BaseException]) -> bool:
        return any(isinstance(one, kinds) for one in chain)

    if has(socket.gaierror, urllib3.exceptions.NameResolutionError):
        return Failure("the host name cannot be resolved (DNS)", sent=False, again=True)
    if has(ConnectionRefusedError):
        return Failure("the connection was refused", sent=False, again=True)
    if has(requests.ConnectTimeout) or (has(urllib3.exceptions.ConnectTimeoutError) and not has(*_NOT_SENT)):
        return Failure(f"no connection within {timeout_s:g} s (timeout)", sent=False, again=True)
    if has(urllib3.exceptions.NewConnectionError):
        return Failure("no connection could be made (no route to the host?)", sent=False, again=True)
    if has(ssl.SSLCertVerificationError, ssl.CertificateError):
        return Failure("TLS: the server's certificate is not trusted", sent=False, again=False)
    if has(ssl.SSLError, urllib3.exceptions.SSLError, requests.exceptions.SSLError):
        return Failure("TLS: no secure connection could be made", sent=True, again=True)
    if has(requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError):
        return Failure(f"no answer within {timeout_s:g} s (timeout)", sent=True, again=True)
    if has(urllib3.exceptions.DecodeError, requests.exceptions.ContentDecodingError):
        return Failure("the answer is not encoded as its Content-Encoding says", sent=True, again=False)
    if has(http.client.RemoteDisconnected):
        return Failure("the connection was closed before an answer came", sent=True, again=True)
    if has(urllib3.exceptions.IncompleteRead, http.client.IncompleteRead, urllib3.exceptions.InvalidChunkLength):
        return Failure("the answer broke off in the middle", sent=True, again=True)
    if has(ConnectionError):
        return Failure("the connection was reset", sent=True, again=True)
    if has(http.client.HTTPException, urllib3.exceptions.InvalidHeader, requests.exceptions.InvalidHeader):
        return Failure("the answer is not HTTP", sent=True, again=False)
    if has(requests.exceptions.InvalidURL, urllib3.exceptions.LocationValueError, requests.exceptions.InvalidSchema):
        return Failure("the address cannot be used", sent=False, again=False)
    if type(error) in (ValueError, UnicodeEncodeError):  # http.client's own check of header names and values
        return Failure("a header of the request cannot be sent", sent=False, again=False)
    if type(error) is OSError:
        return Failure("TLS: the client certificate or its key cannot be read", sent=False, again=False)
    return Failure(f"the connection failed ({type(error).__name__})", sent=True, again=True)
