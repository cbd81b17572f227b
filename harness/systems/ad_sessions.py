"""What a leaver holds beside the account: a connection that stays open, and a cached service ticket."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable

from harness.model import Entitlement, Grant, Presence, Secret, Used
from harness.ports import WriteFailed
from harness.wire.ad import Domain
from harness.wire.kerberos import Login, Tickets
from harness.wire.ldap import Held
from harness.wire.ldap_entry import Entry
from harness.wire.using import used

_ENDED = Used(Presence.ABSENT, "the harness itself has ended it")


class Sessions:
    """Connections live in this process alone: after a restart nobody can tell whether one would still be open."""

    def __init__(self, domain: Domain, tickets: Tickets | None, realm: Callable[[], str]) -> None:
        self._domain = domain
        self._tickets = tickets
        self._realm = realm
        self._lock = threading.Lock()
        self._held: dict[str, Held] = {}
        self._ended: set[str] = set()

    def open(self, entitlement: Entitlement, who: str, password: Secret) -> Grant:
        held = self._domain.hold(who, password).value
        id_ = f"connection-{uuid.uuid4()}"
        with self._lock:
            self._held[id_] = held
        return Grant(entitlement, id_, vars={"id": id_})

    def ticket(self, entitlement: Entitlement, username: str, password: Secret) -> Grant:
        if self._tickets is None:
            raise WriteFailed("no `kerberos` is configured: there is nobody to ask for a ticket")
        secret = self._tickets.obtain(f"{username}@{self._realm()}", password).value
        id_ = f"ticket-{uuid.uuid4()}"
        return Grant(entitlement, id_, vars={"id": id_}, secret=secret)

    def use(self, grant: Grant) -> Used:
        id_ = grant.id or ""
        with self._lock:
            held, ended = self._held.get(id_), id_ in self._ended
        if ended:
            return _ENDED
        if held is not None:
            # The domain's own object, which is shown to whoever is signed in, and to nobody else.
            return used(lambda: held.sees(self._domain.base), _seen)
        tickets, secret = self._tickets, grant.secret
        if tickets is None or secret is None:
            return Used(Presence.UNKNOWN, "the harness does not hold it any more: it cannot be tried")
        return used(lambda: tickets.sign_in(secret), _signed_in)

    def end(self, grant: Grant) -> None:
        """Closes the connection; a ticket is forgotten, for nobody can call one back."""
        id_ = grant.id or ""
        with self._lock:
            held = self._held.pop(id_, None)
            self._ended.add(id_)
        if held is not None:
            held.close()

    def close(self) -> None:
        with self._lock:
            held, self._held = list(self._held.values()), {}
        for one in held:
            one.close()


def _seen(found: Entry | None) -> tuple[Presence, str]:
    if found is None:
        return Presence.UNKNOWN, "the open connection does not see the domain"
    return Presence.PRESENT, "the open connection still reads the directory"


def _signed_in(login: Login) -> tuple[Presence, str]:
    if login.works:
        return Presence.PRESENT, "a new sign-in with the cached ticket works"
    return Presence.ABSENT, f"the ticket was refused: {login.message}"
