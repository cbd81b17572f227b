"""The doors between the engine and everything that touches a network: protocols, and nothing else.

An adapter implements `System` (always) and the optional capabilities it has; the engine detects them with
`isinstance` and publishes the table. Every method may block, runs on a worker thread of its system's lane, and
never raises for what a system answered: a failed look comes back as UNKNOWN with its reason. Only writes raise
(`WriteFailed`), because the engine must know that a change did not happen as asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol, runtime_checkable

from harness.model import (
    NOTHING,
    Account,
    Duration,
    Entitlement,
    Event,
    EventTraits,
    Floor,
    Found,
    Grant,
    Identity,
    Instant,
    Kind,
    Look,
    Made,
    ObjectSpec,
    Progress,
    Receipt,
    Touches,
    Trail,
    Used,
)


class Clock(Protocol):
    """Time as the engine and the adapters see it; virtual in tests."""

    def now(self) -> Instant: ...
    def sleep(self, span: Duration) -> None:
        """Blocks a worker thread (a retry's pause); waiting cases never use it."""
        ...


@dataclass(frozen=True, slots=True)
class Person:
    """What an adapter may know of one identity: the context of its templates and the ids to match by."""

    identity: Identity
    run_id: str
    run_n: int
    account: Account | None = None  # in the system being asked
    accounts: Mapping[str, Account] = NOTHING  # in every system, by the fleet's name
    former: tuple[Account, ...] = ()  # every other account id it ever had in this system
    grants: tuple[Grant, ...] = ()  # journalled grants in this system
    receipts: Mapping[str, Mapping[str, Any]] = NOTHING
    identifiers: Mapping[str, str] = NOTHING  # seen in the account's record at the baseline
    case: str = ""


class WriteFailed(Exception):
    """A change was refused or its answer is in doubt. `in_doubt`: it may have happened all the same."""

    def __init__(self, reason: str, *, in_doubt: bool = False, vars: Mapping[str, Any] = NOTHING) -> None:
        super().__init__(reason)
        self.reason = reason
        self.in_doubt = in_doubt
        self.vars = vars  # what earlier requests of the list took: cleanup may need it


@dataclass(frozen=True, slots=True)
class KindTraits:
    """What a system declares about one kind."""

    listed: bool = False  # the admin's vantage
    uses: Mapping[str, Touches] = NOTHING  # channel -> what using it does; "" is the only channel
    grantable: bool = False
    revocable: bool = False
    creates_objects: bool = False
    finds_objects: bool = False
    creates_missing: bool = False  # also an object that the scenario gives access to and does not declare
    write_scope: str = "object"  # writes to one object run one at a time
    scope: str = ""  # what its reader needs, in the vendor's words


@dataclass(frozen=True, slots=True)
class Declaration:
    """All that a system says about itself: the source of the coverage table."""

    type: str
    url: str
    reader: str  # which account reads: never a secret
    independent: bool  # the reader is not the writer
    owner: str
    kinds: Mapping[Kind, KindTraits] = NOTHING
    without: Mapping[Kind, str] = NOTHING
    not_listable: Mapping[Kind, str] = NOTHING
    login: Touches | None = None
    floor: Floor = Floor.DELETED
    creates: bool = True  # accounts
    audits: bool = False
    searches: bool = False
    scopes: tuple[str, ...] = ()
    refuses_after: Duration = 0  # how long it makes wait whom it does not let in: what worked was answered sooner


class Round(Protocol):
    """One round of looks at one system. Requests that render alike are sent once in it, so a sweep serves
    every identity. Safe to call from several threads."""

    def find(self, person: Person) -> Found: ...
    def look(self, person: Person) -> Look:
        """Account and whole inventory by immutable id; needs `person.account`."""
        ...


@runtime_checkable
class System(Protocol):
    name: str

    def declaration(self) -> Declaration: ...
    def round(self) -> Round: ...


@runtime_checkable
class Provisions(Protocol):
    """Makes accounts, gives and takes access, and removes what it made."""

    def create(self, person: Person) -> Account: ...
    def remove(self, person: Person) -> None: ...
    def grant(self, person: Person, entitlement: Entitlement, made: Made | None) -> Grant: ...
    def revoke(self, person: Person, grant: Grant) -> None: ...
    def find_object(self, spec: ObjectSpec, owner: Person | None) -> Made | None:
        """None: certainly not there. Raises WriteFailed when it could not look."""
        ...

    def create_object(self, spec: ObjectSpec, owner: Person | None) -> Made: ...
    def remove_object(self, made: Made) -> None: ...


@runtime_checkable
class Exercises(Protocol):
    """The leaver's vantage. What a login or use answers with is the harness's own and is signed out."""

    def use(self, person: Person, grant: Grant, channel: str) -> Used: ...
    def login(self, person: Person) -> Used: ...


@runtime_checkable
class Audits(Protocol):
    def changes(self, person: Person, since: Instant) -> Trail: ...


@runtime_checkable
class Connector(Protocol):
    """Acts, and never witnesses its own work."""

    name: str
    owner: str

    def events(self) -> Mapping[str, EventTraits]: ...
    def fire(self, event: Event, person: Person) -> Receipt:
        """Never raises for what the other side answered. The same event again must send the same bytes."""
        ...

    def done(self, event: Event, person: Person) -> tuple[Progress, str]: ...
    def arrived(self, event: Event, person: Person) -> tuple[bool | None, str]:
        """Whether the event arrived; None when that cannot be told."""
        ...


class Checks(Protocol):
    """Optional, for `exitproof check`: reachability and credentials, one line each; empty = good."""

    def check(self) -> list[str]: ...


# --- what evidence offers to the engine and the wire -------------------------------------------


class Recorder(Protocol):
    """Keeps one redacted exchange, content-addressed; answers its sha256."""

    def __call__(self, exchange: Mapping[str, Any]) -> str: ...


class Line(Protocol):
    """Another way to every HTTP system than a connection of one's own: one request, one answer (status, headers by
    lower-case name, body decoded). Raises what a connection would (OSError)."""

    def exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> tuple[int, Mapping[str, str], bytes]: ...


class Vault(Protocol):
    """Every secret that the run uses or makes is told here, so that nothing written may contain it."""

    def learn(self, secret: str) -> None: ...
    def scrub(self, text: str) -> str: ...


class Strongbox(Protocol):
    """The encrypted vault: what must survive the process and may not be read by anybody else."""

    def put(self, values: Mapping[str, Any]) -> str:
        """Keeps a mapping of JSON values; answers its name, which may stand in the clear, once it is durable."""
        ...

    def get(self, name: str) -> Mapping[str, Any] | None: ...


class Journal(Protocol):
    """Append-only, durable before it returns: intent first, then the change."""

    def write(self, record: Mapping[str, Any]) -> None: ...


class Ledger(Protocol):
    """Hash-chained observations; answers the record's sha256."""

    def append(self, record: Mapping[str, Any]) -> str: ...


# --- the fleet as the engine sees it ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Limits:
    rate: float | None = None  # requests a second
    concurrency: int = 4


@dataclass(frozen=True, slots=True)
class Guard:
    """What a run may make and give outside the sandbox; deny by default."""

    username: str
    domain: str
    max_identities: int
    may_grant: Mapping[str, Mapping[str, tuple[str, ...]]] | None = None  # None: the sandbox, all allowed
    deny: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SystemEntry:
    name: str
    system: System
    limits: Limits = Limits()
    poll: Duration | None = None
    control: Mapping[str, str] | None = None  # identity attributes of the fleet's control account


@dataclass(frozen=True, slots=True)
class Tools:
    """What every adapter is built with; no adapter reaches for a clock, a file or a secret by itself."""

    clock: Clock
    record: Recorder
    vault: Vault
    limits: Limits = field(default_factory=Limits)
    line: Line | None = None
    kept: bool = True  # false: nobody will ask for evidence, so exchanges are not even written down


@dataclass(frozen=True, slots=True)
class Fleet:
    name: str
    environment: str  # sandbox | test | production
    source: str
    sha256: str
    guard: Guard
    systems: Mapping[str, SystemEntry]
    connectors: Mapping[str, Connector]
    timing: Mapping[str, Any] = NOTHING
    names: Mapping[str, str] = NOTHING
    actors: Mapping[str, str] = NOTHING  # connector -> whom the systems' trails know it as
    today: date | None = None
