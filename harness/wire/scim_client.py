"""Reads and writes SCIM resources over a wire: whole lists or `Unknown`, one record by id, one change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.model import Instant
from harness.wire import scim
from harness.wire.call import Answer, Call, Unknown

Send = Callable[[Call], Answer]

_ACCEPT = f"{scim.MEDIA}, application/json;q=0.9"
_MOST_PAGES = 10_000
_OK = frozenset((200,))
_DONE = frozenset((200, 201, 202, 204))


@dataclass(frozen=True, slots=True)
class Resources:
    """All items of one query, over all its pages."""

    items: tuple[Mapping[str, Any], ...]
    sent: Instant
    answered: Instant
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """One resource by id; `data` None: 404, no such resource."""

    data: Mapping[str, Any] | None
    sent: Instant
    answered: Instant
    evidence: tuple[str, ...]
    etag: str = ""


class Client:
    """`send` is a wire's; `page_size` is asked for as `count`, the server may give less."""

    def __init__(self, send: Send, page_size: int = 100) -> None:
        self._send = send
        self._page_size = page_size

    def all(self, path: str, *params: tuple[str, str]) -> Resources:
        """Every item of a query, page by page until `totalResults` are there. Raises `Unknown` for anything less:
        a total that changes or is too low, a page that repeats or is short, an item without an id (§3.4.2.4)."""
        items: list[Mapping[str, Any]] = []
        ids: set[str] = set()
        evidence: tuple[str, ...] = ()
        sent = total = 0
        for number in range(_MOST_PAGES):
            start = len(items) + 1
            query = (*params, ("startIndex", str(start)), ("count", str(self._page_size)))
            answer = self._send(_get(path, query))
            evidence += answer.evidence
            sent = sent or answer.sent
            with _reading(answer, evidence, sent):
                page = scim.page(answer.json(), start)
                if number and page.total != total:
                    raise scim.Malformed(f"`totalResults` changed from {total} to {page.total} between two pages")
                total = page.total
                fresh = {str(item["id"]) for item in page.items}
                if len(fresh) != len(page.items) or fresh & ids:
                    raise scim.Malformed("a page repeats an item: paging loops, or an item stands there twice")
                if not page.items and len(items) < total:
                    raise scim.Malformed(f"only {len(items)} of {total} items came: a page is short")
            items += page.items
            ids |= fresh
            if len(items) > total:
                raise Unknown(
                    f"{len(items)} items came where `totalResults` says {total}",
                    evidence=evidence, sent=sent, answered=answer.answered, status=answer.status,
                )  # fmt: skip
            # A page that is full to the brim may not be the last, whatever the total says: the next must be empty.
            if len(items) == total and (len(page.items) < self._page_size or not total):
                return Resources(tuple(items), sent, answer.answered, evidence)
        raise Unknown("the list has too many pages", evidence=evidence, sent=sent)

    def count(self, path: str, *params: tuple[str, str]) -> tuple[int, tuple[str, ...]]:
        """How many there are, without reading them (RFC 7644 §3.4.2.4: `count=0`). Raises `Unknown`."""
        answer = self._send(_get(path, (*params, ("startIndex", "1"), ("count", "0"))))
        with _reading(answer, answer.evidence, answer.sent):
            return scim.page(answer.json(), 1).total, answer.evidence

    def user(self, id: str) -> Record:
        """A User by its immutable id. Raises `Unknown`."""
        answer = self._send(_get(scim.at("Users", id), (), frozenset((200, 404))))
        if answer.status == 404:
            return _gone(answer)
        with _reading(answer, answer.evidence, answer.sent):
            return _record(answer, scim.record(answer.json(), id))

    def get(self, resource: str, id: str) -> Record:
        """Any resource by id, as a JSON object. Raises `Unknown`."""
        answer = self._send(_get(scim.at(resource, id), (), frozenset((200, 404))))
        if answer.status == 404:
            return _gone(answer)
        with _reading(answer, answer.evidence, answer.sent):
            data = answer.json()
            if not isinstance(data, Mapping) or data.get("id") != id:
                raise scim.Malformed("the answer is not the resource that was asked for")
            return _record(answer, data)

    def change(
        self, method: str, path: str, body: Any = None, *, gone: bool = False, etag: str = "", private: bool = False
    ) -> Answer:
        """One write. `gone`: a 404 is as good as done. `etag`: only if nobody changed it since (RFC 7644 §3.14).
        Raises `Unknown`."""
        headers = {"Accept": _ACCEPT}
        if body is not None:
            headers["Content-Type"] = scim.MEDIA
        if etag:
            headers["If-Match"] = etag
        return self._send(
            Call(
                method=method,
                url=path,
                accept=_DONE | {404} if gone else _DONE,
                headers=headers,
                body=None if body is None else scim.encode(body),
                private=private,
                look=False,
            )
        )


def _get(path: str, params: tuple[tuple[str, str], ...], accept: frozenset[int] = _OK) -> Call:
    return Call("GET", path, accept, params=params, headers={"Accept": _ACCEPT})


def _gone(answer: Answer) -> Record:
    # A proxy or a wrong base address answers 404 with a page; SCIM answers with an Error or with nothing.
    if "html" in answer.headers.get("content-type", "") or answer.body.lstrip()[:1] == b"<":
        raise Unknown(
            "404 with an HTML page: it does not come from the SCIM service (wrong address, or a proxy?)",
            evidence=answer.evidence, sent=answer.sent, answered=answer.answered, status=404,
        )  # fmt: skip
    return Record(None, answer.sent, answer.answered, answer.evidence)


def _record(answer: Answer, data: Mapping[str, Any]) -> Record:
    return Record(data, answer.sent, answer.answered, answer.evidence, answer.headers.get("etag", ""))


class _reading:  # noqa: N801  (reads like a statement)
    """Turns what is malformed into `Unknown` with the exchange that showed it."""

    def __init__(self, answer: Answer, evidence: tuple[str, ...], sent: Instant) -> None:
        self._answer, self._evidence, self._sent = answer, evidence, sent

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, scim.Malformed):
            raise Unknown(
                str(error),
                evidence=self._evidence, sent=self._sent, answered=self._answer.answered, status=self._answer.status,
            ) from None  # fmt: skip
