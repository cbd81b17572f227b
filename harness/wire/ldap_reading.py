"""How a directory is read: pages to their end, ranges of values to theirs, and nothing that is less than whole."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

from harness.model import Instant
from harness.wire import ldap_codes
from harness.wire.call import Unknown
from harness.wire.dialogue import Asked, Broken, Dialogue, Heard, Told
from harness.wire.extra import need
from harness.wire.ldap_entry import Control, Entry, Search, addressed, entry, ranges, shown
from harness.wire.ldap_link import Link, Result
from harness.wire.ldap_pool import Lease

T = TypeVar("T")
ALL = "(objectClass=*)"
_MOST_PAGES = 10_000
_WHO_AM_I = "1.3.6.1.4.1.4203.1.11.3"


@dataclass(slots=True)
class _Whole:
    """Times and evidence of an answer that takes several questions; `Unknown` in the midst cites them all."""

    sent: Instant = 0
    answered: Instant = 0
    evidence: tuple[str, ...] = ()

    def __call__(self, ask: Callable[[], Told[T]]) -> T:
        try:
            told = ask()
        except Unknown as unknown:
            unknown.sent = self.sent or unknown.sent
            unknown.evidence = self.evidence + unknown.evidence
            raise
        self.sent = self.sent or told.sent
        self.answered = told.answered
        self.evidence += told.evidence
        return told.value

    def fail(self, reason: str) -> Unknown:
        return Unknown(reason, evidence=self.evidence, sent=self.sent, answered=self.answered)

    def told(self, value: T) -> Told[T]:
        return Told(value, self.sent, self.answered, self.evidence)


class Reading:
    """Each method asks through the dialogue and raises `Unknown`."""

    def __init__(self, dialogue: Dialogue, url: str, page_size: int) -> None:
        self._dialogue = dialogue
        self._url = url
        self._page_size = page_size
        self._ldap3: Any = need("ldap3", "ldap")

    def url(self, base: str) -> str:
        """RFC 4516, as far as evidence needs it."""
        return f"{self._url}/{quote(base, safe='=,+@ ')}"

    def all(self, lease: Lease, search: Search) -> Told[tuple[Entry, ...]]:
        """Every entry, over all pages (RFC 2696) and all ranges of values: success, or nothing."""
        whole = _Whole()
        found: dict[str, Entry] = {}
        cookie = b""
        for number in range(1, _MOST_PAGES + 1):
            asked = Asked("SEARCH", self.url(search.base), search.shown(number, self._page_size))
            page, cookie = whole(lambda a=asked, c=cookie: self._page(lease, search, a, c))  # type: ignore[misc]
            for one in page:
                if one.dn in found:
                    raise whole.fail(f"an entry came twice, paging loops: {one.dn}")
                found[one.dn] = one
            if not cookie:
                return whole.told(
                    tuple(self._complete(lease.link, one, search.controls, whole) for one in found.values())
                )
        raise whole.fail("the list has too many pages")

    def one(self, link: Callable[[], Link], search: Search) -> Told[Entry | None]:
        """The entry of a base-scope search; None: noSuchObject."""
        whole = _Whole()
        page = whole(lambda: self._base(link, search, frozenset((0, ldap_codes.NO_SUCH_OBJECT))))
        if page is None:
            return whole.told(None)
        if len(page) != 1:
            raise whole.fail(f"{len(page)} entries came where one was read by its name")
        return whole.told(self._complete(link, page[0], search.controls, whole))

    def who(self, link: Callable[[], Link]) -> Told[str]:
        def attempt() -> Heard[str]:
            result = link().ask(lambda c: c.extended(_WHO_AM_I))
            if result.code:
                raise broken_by(result, look=True)
            with suppress(UnicodeDecodeError):
                return Heard(result.value.decode(), {"result": 0, "authzId": result.value}, 0)
            raise Broken("the server's word for who we are is not UTF-8")

        return self._dialogue.ask(Asked("WHOAMI", self.url("")), attempt)

    def _page(self, lease: Lease, search: Search, asked: Asked, cookie: bytes) -> Told[tuple[list[Entry], bytes]]:
        def attempt() -> Heard[tuple[list[Entry], bytes]]:
            link = lease.same() if cookie else lease.link()
            try:
                result = self._searched(link, search, cookie, frozenset((0,)))
            except Broken as broken:
                if cookie:  # the server's place in the list is gone with the connection
                    raise Broken(broken.reason, code=broken.code) from None
                raise
            if search.pages and result.cookie is None:
                raise Broken("the server does not answer in pages: nobody knows whether the list is whole")
            next_page = result.cookie or b""
            entries = _entries(result)
            told = {"result": 0, "entries": [shown(one, search.bulky) for one in entries], "more": bool(next_page)}
            return Heard((entries, next_page), told, 0)

        return self._dialogue.ask(asked, attempt)

    def _base(self, link: Callable[[], Link], search: Search, accept: frozenset[int]) -> Told[list[Entry] | None]:
        """A base-scope search; None: it was answered with an accepted code that is not success."""

        def attempt() -> Heard[list[Entry] | None]:
            result = self._searched(link(), search, b"", accept)
            if result.code:
                return Heard(None, {"result": result.code, "message": result.message}, result.code)
            entries = _entries(result)
            return Heard(entries, {"result": 0, "entries": [shown(one, search.bulky) for one in entries]}, 0)

        return self._dialogue.ask(Asked("SEARCH", self.url(search.base), search.shown(1, 1)), attempt)

    def _searched(self, link: Link, search: Search, cookie: bytes, accept: frozenset[int]) -> Result:
        words = {"sub": self._ldap3.SUBTREE, "one": self._ldap3.LEVEL, "base": self._ldap3.BASE}
        pages: dict[str, Any] = {}
        if search.pages:
            pages = {"paged_size": self._page_size, "paged_criticality": True, "paged_cookie": cookie or None}
        result = link.ask(
            lambda c: c.search(
                search.base, search.filter, words[search.scope], dereference_aliases=self._ldap3.DEREF_NEVER,
                attributes=list(search.attributes), controls=list(search.controls) or None, **pages,
            )
        )  # fmt: skip
        if result.code not in accept:
            raise broken_by(result, look=True)
        astray = [uri for uri in result.references if not uri.lower().startswith(_lower(search.elsewhere))]
        if astray:
            raise Broken(f"a part of the answer lies on another server: {astray[0]}")
        return result

    def _complete(self, link: Callable[[], Link], found: Entry, controls: tuple[Control, ...], whole: _Whole) -> Entry:
        """The entry with all values of attributes that came in part only."""
        values = dict(found.values)
        for name, attribute, low, high in tuple(ranges(found)):
            if low:
                raise whole.fail(f"{attribute} of {found.dn} came from its value {low} on")
            parts = [*values.pop(name)]
            while high is not None:
                if len(parts) != high + 1:
                    raise whole.fail(f"{attribute} of {found.dn}: {len(parts)} values where {high + 1} were announced")
                search = Search(addressed(found.dn), ALL, "base", (f"{attribute};range={len(parts)}-*",), controls)
                page = whole(lambda s=search: self._base(link, s, frozenset((0,)))) or []  # type: ignore[misc]
                more = [part for one in page for part in ranges(one) if part[1] == attribute.lower()]
                if len(page) != 1 or len(more) != 1 or more[0][2] != len(parts) or not page[0].values[more[0][0]]:
                    raise whole.fail(f"{attribute} of {found.dn} could not be read beyond {len(parts)} values")
                parts += page[0].values[more[0][0]]
                high = more[0][3]
            values[attribute] = (*values.get(attribute, ()), *parts)
        return Entry(found.dn, values)


def broken_by(result: Result, *, look: bool = False) -> Broken:
    reason = ldap_codes.reason(result.code, result.message, look=look)
    if result.code == 10 and result.references:
        reason += f" ({result.references[0]})"
    return Broken(
        reason, again=result.code in ldap_codes.AGAIN, in_doubt=ldap_codes.in_doubt(result.code), code=result.code
    )


def _entries(result: Result) -> list[Entry]:
    try:
        return [entry(dn, values) for dn, values in result.entries]
    except Unknown as unknown:
        raise Broken(unknown.reason) from None


def _lower(prefixes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(prefix.lower() for prefix in prefixes)
