"""The wire to any LDAP directory: whole answers or `Unknown`, every page as evidence, changes, sign-ins of others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from harness.model import Secret
from harness.ports import Tools
from harness.wire import ldap_codes
from harness.wire.auth import Auth
from harness.wire.dialogue import Asked, Dialogue, Heard, Told
from harness.wire.extra import need
from harness.wire.ldap_entry import SECRET, Control, Entry, Search, bare
from harness.wire.ldap_link import Address, Link
from harness.wire.ldap_pool import Pool, bound
from harness.wire.ldap_reading import ALL, Reading, broken_by
from harness.wire.limits import Gate

Change = tuple[Literal["add", "delete", "replace"], str, Sequence[str | bytes]]


@dataclass(frozen=True, slots=True)
class Bound:
    """What a sign-in was answered with: success, or a refusal that the caller declared."""

    works: bool
    code: int
    message: str = ""


class LdapWire:
    """`auth`: `basic` (a DN, or whatever the server takes for a simple bind) or `none`. Everything raises `Unknown`."""

    def __init__(
        self,
        address: Address,
        auth: Auth,
        tools: Tools,
        *,
        timeout_s: float = 30.0,
        attempts: int = 3,
        page_size: int = 500,
        gate: Gate | None = None,
    ) -> None:
        self._ldap3: Any = need("ldap3", "ldap")
        if auth.basic is None and auth.none is None:
            raise ValueError("a directory is asked with `basic: {username: <DN>, password: …}` or `none: true`")
        user, password = ("", Secret("")) if auth.basic is None else (auth.basic.username, auth.basic.password)
        self._pool = Pool(address, user, password, timeout_s)
        self._dialogue = Dialogue(tools, attempts=attempts, gate=gate)
        self._address = address
        self._timeout_s = timeout_s
        self._reading = Reading(self._dialogue, address.url, page_size)

    @property
    def gate(self) -> Gate:
        return self._dialogue.gate

    def close(self) -> None:
        self._pool.close()

    # --- looks --------------------------------------------------------------------------------

    def search(self, search: Search) -> Told[tuple[Entry, ...]]:
        """Every entry, over all pages (RFC 2696) and all ranges of values: success, or nothing."""
        with self._pool.lease() as lease:
            return self._reading.all(lease, search)

    def read(
        self, dn: str, attributes: tuple[str, ...] = ("*",), *, filter: str = ALL, controls: tuple[Control, ...] = ()
    ) -> Told[Entry | None]:
        """One entry by its name; None: the server says that there is none (noSuchObject), which it may also say of
        one that the reader may not see."""
        search = Search(dn, filter, "base", attributes, controls)
        with self._pool.lease() as lease:
            return self._reading.one(lease.link, search)

    def who_am_i(self) -> Told[str]:
        """As whom the server takes this wire (RFC 4532): `dn:…`, `u:…`, or nothing for nobody."""
        with self._pool.lease() as lease:
            return self._reading.who(lease.link)

    # --- changes ------------------------------------------------------------------------------
    # `accept`: result codes besides success that are as good as done; the code is the answer.

    def add(self, dn: str, attributes: Mapping[str, Sequence[str | bytes]], accept: Iterable[int] = ()) -> Told[int]:
        values = {name: _bytes(given) for name, given in attributes.items() if given}
        told = {name: ["***"] if bare(name) in SECRET else list(given) for name, given in values.items()}
        return self._change("ADD", dn, {"attributes": told}, lambda c: c.add(dn, attributes=values), accept)

    def modify(
        self, dn: str, changes: Sequence[Change], accept: Iterable[int] = (), controls: tuple[Control, ...] = ()
    ) -> Told[int]:
        words = {
            "add": self._ldap3.MODIFY_ADD,
            "delete": self._ldap3.MODIFY_DELETE,
            "replace": self._ldap3.MODIFY_REPLACE,
        }
        made: dict[str, list[tuple[str, list[bytes]]]] = {}
        told = []
        for word, name, given in changes:
            made.setdefault(name, []).append((words[word], _bytes(given)))
            told.append({word: name, "values": ["***"] if bare(name) in SECRET else list(given)})
        shown = {"changes": told} | ({"controls": [control[0] for control in controls]} if controls else {})
        return self._change("MODIFY", dn, shown, lambda c: c.modify(dn, made, controls=list(controls) or None), accept)

    def delete(self, dn: str, accept: Iterable[int] = (), controls: tuple[Control, ...] = ()) -> Told[int]:
        told = {"controls": [control[0] for control in controls]} if controls else {}
        return self._change("DELETE", dn, told, lambda c: c.delete(dn, controls=list(controls) or None), accept)

    def rename(
        self, dn: str, rdn: str, parent: str | None = None, accept: Iterable[int] = (), *, keep: bool = False
    ) -> Told[int]:
        """A new name of its own, and a new place where `parent` is given. `keep`: the old name stays as a value."""
        told = {"rdn": rdn, "deleteoldrdn": not keep} | ({"parent": parent} if parent is not None else {})

        def send(connection: Any) -> None:
            connection.modify_dn(dn, rdn, delete_old_dn=not keep, new_superior=parent)

        return self._change("MODDN", dn, told, send, accept)

    # --- as somebody else ---------------------------------------------------------------------

    def bind_as(
        self, dn: str, password: Secret, refused: Iterable[int] = (ldap_codes.INVALID_CREDENTIALS,)
    ) -> Told[Bound]:
        """Whether somebody can sign in now, on a connection of its own. Only `refused` codes are a refusal."""
        declared = frozenset(refused)

        def attempt() -> Heard[Bound]:
            link = Link(self._address, self._timeout_s)
            link.open()
            try:
                result = link.bind(dn, password.reveal())
            finally:
                link.close()
            if result.code and result.code not in declared:
                raise broken_by(result)
            told = {"result": result.code, "message": result.message}
            return Heard(Bound(not result.code, result.code, result.message), told, result.code)

        return self._dialogue.ask(self._bind(dn), attempt)

    def hold(self, dn: str, password: Secret) -> Told[Held]:
        """A connection that stays open as somebody else, until it is closed."""

        def attempt() -> Heard[Link]:
            return Heard(bound(self._address, dn, password, self._timeout_s), {"result": 0}, 0)

        told = self._dialogue.ask(self._bind(dn), attempt)
        return Told(Held(self._reading, told.value), told.sent, told.answered, told.evidence)

    # --- one change ---------------------------------------------------------------------------

    def _change(
        self, verb: str, dn: str, told: dict[str, Any], send: Callable[[Any], object], accept: Iterable[int]
    ) -> Told[int]:
        accepted = frozenset((0, *accept))
        with self._pool.lease() as lease:

            def attempt() -> Heard[int]:
                result = lease.link().ask(send)
                if result.code not in accepted:
                    raise broken_by(result)
                return Heard(result.code, {"result": result.code, "message": result.message}, result.code)

            return self._dialogue.ask(Asked(verb, self._reading.url(dn), told, look=False), attempt)

    def _bind(self, dn: str) -> Asked:
        return Asked("BIND", self._reading.url(""), {"name": dn, "method": "simple"})


@dataclass(slots=True)
class Held:
    """An open connection as somebody else. What is asked on it is asked on it alone: it is never opened again."""

    reading: Reading
    link: Link
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def who_am_i(self) -> Told[str]:
        with self._lock:
            return self.reading.who(lambda: self.link)

    def sees(self, dn: str, attributes: tuple[str, ...] = ("1.1",)) -> Told[Entry | None]:
        """An entry as the held connection sees it; None: noSuchObject."""
        with self._lock:
            return self.reading.one(lambda: self.link, Search(dn, ALL, "base", attributes))

    def close(self) -> None:
        with self._lock:
            self.link.close(wait=True)


def _bytes(values: Sequence[str | bytes]) -> list[bytes]:
    return [value.encode() if isinstance(value, str) else value for value in values]
