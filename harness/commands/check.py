"""`exitproof check`: can every system be read with the reader's credential, and every connector be reached?"""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

from harness import fleet
from harness.evidence.exchanges import Exchanges
from harness.evidence.vault import Vault
from harness.fleet.examine import Checked, Registry, examine
from harness.model import Duration, Identity, Instant, ListState, Secret, Subject
from harness.ports import Connector, Limits, Person, SystemEntry, Tools
from harness.source import read

PORTS = {"http": 80, "https": 443, "ldap": 389, "ldaps": 636}
CONNECT_WITHIN = 5.0  # seconds


@dataclass(frozen=True, slots=True)
class Answer:
    """`ok` None: there was nothing that could be asked, which is not the same as good."""

    name: str
    ok: bool | None
    told: str

    def __str__(self) -> str:
        word = {True: "ok", False: "FAILED", None: "not asked"}[self.ok]
        return f"{word} {self.name}: {self.told}"


class _RealTime:
    def now(self) -> Instant:
        return time.time_ns() // 1000

    def sleep(self, span: Duration) -> None:
        time.sleep(span / 1_000_000)


def check(given: str, env: Mapping[str, str]) -> list[Answer]:
    """One answer for each system and connector, in the order of the file; all are asked at the same time, and nothing
    is written anywhere. Raises `BadInput` where the fleet cannot be built."""
    vault = Vault()
    record = Exchanges(None, vault)
    made = fleet.load(given, env, lambda _name, limits: Tools(_RealTime(), record, vault, limits or Limits()))
    checked = examine(read(fleet.locate(given)), env, Registry.installed(), strict=True)
    asks: list[tuple[str, Callable[[], Answer]]] = []
    for name, entry in made.systems.items():
        asks.append((name, lambda entry=entry: _system(entry, made.guard.domain)))  # type: ignore[misc]
    for name, connector in made.connectors.items():
        asks.append((name, lambda connector=connector: _connector(connector, checked)))  # type: ignore[misc]
    with ThreadPoolExecutor(max_workers=max(1, min(16, len(asks)))) as pool:
        answers = list(pool.map(_guarded, asks))
    return [Answer(each.name, each.ok, vault.scrub(each.told)) for each in answers]


def _guarded(ask: tuple[str, Callable[[], Answer]]) -> Answer:
    name, call = ask
    try:
        return call()
    except Exception as error:  # noqa: BLE001  an adapter of somebody else's that raises is one failed line
        return Answer(name, False, f"its adapter raised {type(error).__name__}: {error}")


# --- systems ------------------------------------------------------------------------------------


def _system(entry: SystemEntry, domain: str) -> Answer:
    """Looks for somebody who cannot exist: only a complete and empty answer proves that the reader can look."""
    nobody = f"zz-exitproof-check-{secrets.token_hex(6)}"
    known = {"username": nobody, "email": f"{nobody}@{domain}", "external_id": nobody}
    found = entry.system.round().find(_person(known))
    if found.state is not ListState.COMPLETE:
        return Answer(entry.name, False, found.reason or "the look was not complete")
    if found.accounts:
        return Answer(entry.name, False, f"`find` ignores whom it is asked for: {nobody} was found")
    if wrong := list(_own_check(entry.system)):
        return Answer(entry.name, False, "; ".join(text.removeprefix(f"{entry.name}: ") for text in wrong))
    if entry.control is not None:
        control = entry.system.round().find(_person(entry.control))
        if control.state is not ListState.COMPLETE or len(control.accounts) != 1:
            why = control.reason or f"{len(control.accounts)} accounts of that name"
            return Answer(entry.name, False, f"the control account could not be found: {why}")
    told = entry.system.declaration()
    return Answer(entry.name, True, f"{told.type} {told.url}, reader: {told.reader}")


def _own_check(adapter: object) -> Iterable[str]:
    """What the adapter itself has to say (`ports.Checks`)."""
    own = getattr(adapter, "check", None)
    return own() if callable(own) else ()


def _person(known: Mapping[str, str]) -> Person:
    """Somebody to look for; what is not known of them is empty."""
    own = ("username", "email", "given_name", "family_name", "external_id")
    who = Identity(
        key="check",
        n=0,
        subject=Subject.CONTROL,
        username=known.get("username", ""),
        email=known.get("email", ""),
        password=Secret(secrets.token_hex(16)),
        given_name=known.get("given_name", ""),
        family_name=known.get("family_name", ""),
        external_id=known.get("external_id", ""),
        attributes={name: value for name, value in known.items() if name not in own},
    )
    return Person(who, "check", 0)


# --- connectors ---------------------------------------------------------------------------------


def _connector(connector: Connector, checked: Checked) -> Answer:
    """Whether it is there. Its credentials can only be tried by an event, and no event is fired here."""
    name = connector.name
    if wrong := list(_own_check(connector)):
        return Answer(name, False, "; ".join(text.removeprefix(f"{name}: ") for text in wrong))
    _, config = checked.connectors[name]
    addresses = config.addresses()
    for address in addresses:
        if why := unreachable(address):
            return Answer(name, False, f"{address}: {why}")
    if addresses:
        return Answer(name, True, f"{config.type} {', '.join(addresses)} can be reached")
    if hasattr(connector, "check"):
        return Answer(name, True, f"{config.type}, by its own check")
    return Answer(name, None, f"{config.type} has no address")


def unreachable(address: str) -> str:
    """Why no connection to this URL (or host:port) can be opened; empty if one can."""
    try:
        parts = urlsplit(address if "://" in address else f"//{address}")
        host, port = parts.hostname, parts.port or PORTS.get(parts.scheme)
    except ValueError:
        return "not an address"
    if not host or not port:
        return "an address without a host or a port"
    try:
        socket.create_connection((host, port), timeout=CONNECT_WITHIN).close()
    except socket.gaierror:
        return "the host's name is not known"
    except TimeoutError:
        return f"no connection within {CONNECT_WITHIN:.0f} s"
    except OSError as error:
        return (error.strerror or type(error).__name__).lower()
    return ""
