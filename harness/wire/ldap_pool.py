"""Connections to one directory, bound as one account: each in one hand at a time, a stale one never handed out."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from harness.model import Secret
from harness.wire import ldap_codes
from harness.wire.dialogue import Broken
from harness.wire.ldap_link import Address, Link

_IDLE = 4  # so many stay open while nobody asks


@dataclass(slots=True)
class Lease:
    """A bound connection for one conversation; `link()` opens it, or another one where the last broke."""

    pool: Pool
    held: Link | None = None

    def link(self) -> Link:
        """Raises `Broken`, not in doubt."""
        if self.held is None or not self.held.usable:
            self.held = self.pool.take()
        return self.held

    def same(self) -> Link:
        """The connection that the conversation was begun on. Raises `Broken`."""
        if self.held is None or not self.held.usable:
            raise Broken("the connection was lost between two pages")
        return self.held


@dataclass(slots=True)
class Pool:
    address: Address
    user: str
    password: Secret
    timeout_s: float
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _idle: list[Link] = field(default_factory=list, init=False)

    @contextmanager
    def lease(self) -> Iterator[Lease]:
        lease = Lease(self)
        try:
            yield lease
        finally:
            if lease.held is not None:
                self._give_back(lease.held)

    def take(self) -> Link:
        """Raises `Broken`, not in doubt: nothing was asked on it yet."""
        while True:
            with self._lock:
                link = self._idle.pop() if self._idle else None
            if link is None:
                return bound(self.address, self.user, self.password, self.timeout_s)
            if not link.stale:
                return link
            link.close()

    def _give_back(self, link: Link) -> None:
        with self._lock:
            if link.usable and len(self._idle) < _IDLE:
                self._idle.append(link)
                return
        link.close()

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for link in idle:
            link.close()


def bound(address: Address, user: str, password: Secret, timeout_s: float) -> Link:
    """A new connection, signed in. Raises `Broken`, not in doubt."""
    link = Link(address, timeout_s)
    link.open()
    try:
        result = link.bind(user, password.reveal())
    except Broken as broken:
        link.close()
        raise Broken(f"signing in: {broken.reason}", again=broken.again, in_doubt=False) from None
    if result.code:
        link.close()
        reason = f"signing in as {user or 'nobody'}: {ldap_codes.reason(result.code, result.message)}"
        raise Broken(reason, again=result.code in ldap_codes.AGAIN, in_doubt=False, code=result.code)
    return link
