"""Open connections: the server's own list of them, and those that are held open as the leaver."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock

from harness.model import Presence, Used
from harness.systems.ldap_config import LdapConfig
from harness.wire.call import Unknown
from harness.wire.dialogue import Told
from harness.wire.ldap import Held, LdapWire
from harness.wire.ldap_entry import Entry, Search
from harness.wire.using import used

_CONNECTION = ("monitorConnectionNumber", "monitorConnectionStartTime", "monitorConnectionAuthzDN")


def open_connections(wire: LdapWire, config: LdapConfig) -> Told[dict[str, str]]:
    """Id -> as whom it was opened (slapd-monitor(5)). Numbers begin anew when the server does, so its start time
    belongs to a connection's id."""
    search = Search(
        config.connections or "", "(objectClass=monitorConnection)", "one", attributes=_CONNECTION, paged=False
    )
    told = wire.search(search)
    found = {}
    for one in told.value:
        number, began = one.text(_CONNECTION[0]), one.text(_CONNECTION[1])
        if number is None or began is None:
            raise Unknown(f"{one.dn} shows no number or no start time", evidence=told.evidence)
        found[f"{number}@{began}"] = _whose(one)
    return Told(found, told.sent, told.answered, told.evidence)


def _whose(one: Entry) -> str:
    return one.text(_CONNECTION[2]) or ""


@dataclass(slots=True)
class Sessions:
    """Connections of leavers and bystanders, under the ids of their grants."""

    _lock: Lock = field(default_factory=Lock)
    _open: dict[str, tuple[str, Held]] = field(default_factory=dict)  # with the account that it was opened as
    _closed: set[str] = field(default_factory=set)

    def keep(self, id: str, account: str, held: Held) -> None:
        with self._lock:
            self._open[id] = (account, held)

    def drop(self, id: str) -> None:
        with self._lock:
            found = self._open.pop(id, None)
            self._closed.add(id)
        if found is not None:
            found[1].close()

    def drop_all(self, account: str) -> None:
        with self._lock:
            mine = [each for each, (whose, _) in self._open.items() if whose == account]
        for each in mine:
            self.drop(each)

    def close(self) -> None:
        with self._lock:
            held, self._open = list(self._open.values()), {}
        for _, one in held:
            one.close()

    def ask(self, id: str) -> Used:
        """Who the server takes it for (RFC 4532). A server that ends a session says so by no word of the protocol, so
        a lost connection tells nothing; one that has become anonymous has ended it."""
        with self._lock:
            found = self._open.get(id)
            if found is None:
                why = "it was closed by the harness" if id in self._closed else "the harness does not hold it"
                return Used(Presence.ABSENT if id in self._closed else Presence.UNKNOWN, why)
        return used(found[1].who_am_i, _still)


def _still(who: str) -> tuple[Presence, str]:
    if who.removeprefix("dn:"):
        return Presence.PRESENT, f"open as {who}"
    return Presence.ABSENT, "open, but as nobody any more"
