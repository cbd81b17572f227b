"""The words of the domain as frozen types and enums: no I/O, no clock, standard library only.

Instants are whole microseconds since the Unix epoch (UTC), durations whole microseconds: exact,
comparable, and the same on every machine, so a drill in virtual time is reproducible bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import IntEnum, StrEnum
from typing import Any

Instant = int
Duration = int

SECOND: Duration = 1_000_000


class _Nothing(Mapping[Any, Any]):
    """An empty mapping that cannot be filled and may be a dataclass default."""

    __slots__ = ()

    def __getitem__(self, key: object) -> Any:
        raise KeyError(key)

    def get(self, key: object, default: Any = None) -> Any:  # noqa: ARG002  Mapping's own raises and catches
        return default

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return "{}"


NOTHING: Mapping[Any, Any] = _Nothing()


def iso(at: Instant) -> str:
    """An instant as UTC with milliseconds, `2026-11-22T09:00:00.000Z`."""
    whole, micro = divmod(at, SECOND)
    stamp = datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{stamp}.{micro // 1000:03d}Z"


def human(span: Duration) -> str:
    """A duration as a person writes it in a scenario: `250ms`, `5s`, `15m`, `2h`, `3d`."""
    for unit, size in (("d", 86_400 * SECOND), ("h", 3_600 * SECOND), ("m", 60 * SECOND), ("s", SECOND)):
        if span >= size and span % size == 0:
            return f"{span // size}{unit}"
    if span >= 10 * SECOND:
        return f"{span / SECOND:.0f}s"
    return f"{span / SECOND:.1f}s" if span >= SECOND else f"{span // 1000}ms"


class Presence(StrEnum):
    """What one look saw of a grant. `unknown` is never turned into `absent`."""

    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"


class Vantage(StrEnum):
    ADMIN = "admin"
    LEAVER = "leaver"


class Verdict(IntEnum):
    """Ordered by how bad it is, so that joining is `max`."""

    PASS = 1
    INCONCLUSIVE = 2
    FAIL = 3

    @property
    def word(self) -> str:
        return self.name.lower()


class Outcome(StrEnum):
    REVOKED = "revoked"
    LATE = "late"
    RESIDUAL = "residual"
    RESURRECTED = "resurrected"
    KEPT = "kept"
    INTACT = "intact"
    MISSING = "missing"
    COLLATERAL = "collateral"
    CONTRADICTED = "contradicted"
    INCONCLUSIVE = "inconclusive"

    @property
    def verdict(self) -> Verdict:
        if self in (Outcome.REVOKED, Outcome.KEPT, Outcome.INTACT):
            return Verdict.PASS
        return Verdict.INCONCLUSIVE if self is Outcome.INCONCLUSIVE else Verdict.FAIL


class Kind(StrEnum):
    ACCOUNT = "account"
    GROUP = "group"
    ROLE = "role"
    LICENSE = "license"
    MAILBOX = "mailbox"
    DELEGATION = "delegation"
    FORWARDING = "forwarding"
    CREDENTIAL = "credential"
    SESSION = "session"
    CONSENT = "consent"
    OWNERSHIP = "ownership"
    SHARE = "share"
    DEVICE = "device"


class Subject(StrEnum):
    """The part an identity plays; custodian and manager are bystanders that own objects."""

    LEAVER = "leaver"
    BYSTANDER = "bystander"
    CUSTODIAN = "custodian"
    MANAGER = "manager"
    CONTROL = "control"  # the fleet's own read-only control account


class Phase(StrEnum):
    """When in the life of a case a look was taken."""

    PREFLIGHT = "preflight"
    BASELINE = "baseline"
    WATCH = "watch"
    CLOSING = "closing"  # the last admin looks of the watch, then the leaver's own
    STEP = "step"
    HOLD = "hold"
    CLEANUP = "cleanup"


class Touches(StrEnum):
    """What using a credential does to it."""

    NOTHING = "nothing"
    EXTENDS = "extends"
    CONSUMES = "consumes"
    CHANGES = "changes"


class Floor(StrEnum):
    """The furthest a system lets its accounts be cleaned up."""

    DELETED = "deleted"
    SOFT_DELETED = "soft-deleted"
    DISABLED = "disabled"


class Coverage(StrEnum):
    TESTED = "tested"
    BLIND = "blind"
    NOT_EXERCISED = "not-exercised"
    NOT_LISTABLE = "not-listable"
    WITHOUT = "without"
    UNDECLARED = "undeclared"
    WITH_ACCOUNT_ONLY = "with-account-only"


class Secret:
    """A value that never shows itself: `repr`, `str` and formatting give `***`; only `reveal()` tells."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(("Secret", self._value))


# --- who and what -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Identity:
    """A synthetic person or machine identity that this run made (or the fleet's control account)."""

    key: str  # unique in the run: "leaver-3", "bystander-1"
    n: int
    subject: Subject
    username: str
    email: str
    password: Secret
    given_name: str
    family_name: str
    external_id: str
    attributes: Mapping[str, str] = NOTHING  # free ones of the scenario: department, type, …
    was: Mapping[str, str] = NOTHING  # what `set` replaced


@dataclass(frozen=True, slots=True)
class Account:
    """An identity's account in one system. `id` is the system's own immutable id; `vars` holds all that
    `create`, `join` or `find` took, `id` included."""

    system: str
    id: str
    vars: Mapping[str, Any] = NOTHING
    adopted: bool = False  # made by the connector, found by the harness


@dataclass(frozen=True, slots=True)
class Entitlement:
    """One piece of access as a scenario writes it. `name` is what it is called in this fleet."""

    system: str
    kind: Kind
    name: str  # for object-bound access: the object's name (the scenario's `on`)
    on: str | None = None
    right: str | None = None
    to: str | None = None
    direction: str = "out"
    sole: bool = False
    by: str | None = None  # "join": the connector itself gives it

    @property
    def label(self) -> str:
        """The name in results: `name`, or `on#right`."""
        return f"{self.name}#{self.right}" if self.right else self.name


@dataclass(frozen=True, slots=True)
class ObjectSpec:
    """Something that access hangs on: a shared mailbox, a group, a repository."""

    name: str
    system: str
    kind: Kind
    owner: Subject | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """An object as it was found (`created` false) or created by this run."""

    spec: ObjectSpec
    id: str
    created: bool
    vars: Mapping[str, Any] = NOTHING


@dataclass(frozen=True, slots=True)
class Grant:
    """An entitlement held by an identity, with the system's own immutable id (None: not known yet)."""

    entitlement: Entitlement
    id: str | None = None
    object_id: str | None = None
    vars: Mapping[str, Any] = NOTHING  # all that `grant` took, secrets left out
    secret: Secret | None = None
    channels: frozenset[str] | None = None  # the ways in which this one can be used; None: all those of its kind


# --- what a look saw --------------------------------------------------------------------------


class ListState(StrEnum):
    """How much one list answer is worth. Only `complete` can speak for itself; the other two wait for
    the control of the same round (spec §2)."""

    COMPLETE = "complete"
    UNKNOWN = "unknown"
    GONE_WITH_ACCOUNT = "gone-with-account"  # 404 (or declared) below a deleted account
    OMITTED = "omitted"  # a multi-valued field left out where that means empty


@dataclass(frozen=True, slots=True)
class Row:
    """One item of a list that belongs to the subject. `presence` follows the item's own closed set
    (a blocked key is absent); UNKNOWN when its value is in no closed set."""

    id: str
    name: str
    presence: Presence = Presence.PRESENT
    note: str = ""
    below: str = ""  # the `each` row it was found under, "" without one
    by_name: bool = False  # the system has no id: matched by name
    views: tuple[str, ...] = ()  # where a list with several views showed it


@dataclass(frozen=True, slots=True)
class Listing:
    """One kind of one subject, from the admin's vantage, in one round. `sent`/`answered` bound all requests
    that it took; `evidence` are the sha256 ids of its exchanges. `views`: the requests that each would have shown an
    item (the user's side, the groups' side); a control must be seen through every one of them."""

    kind: Kind
    state: ListState
    rows: tuple[Row, ...] = ()
    reason: str = ""
    sent: Instant = 0
    answered: Instant = 0
    evidence: tuple[str, ...] = ()
    vanished: frozenset[str] = frozenset()  # `each` rows that answered `absent_on` just now
    views: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AccountSight:
    """The account read by its immutable id. `record` tells a disabled record from a removed one; `mistaken`: the id
    belongs to another identity now, so nothing below it is this run's to touch."""

    presence: Presence
    record: bool
    reason: str = ""
    sent: Instant = 0
    answered: Instant = 0
    evidence: tuple[str, ...] = ()
    by_name: bool = False
    mistaken: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """One reading of one system about one identity: the account and the whole inventory, complete or UNKNOWN."""

    account: AccountSight
    listings: tuple[Listing, ...] = ()
    strangers: tuple[str, ...] = ()  # ids that `account.search` found and nobody journalled


@dataclass(frozen=True, slots=True)
class Found:
    """The accounts a system has for an identity's name. `state` UNKNOWN: could not look, ids mean nothing."""

    state: ListState
    accounts: tuple[Account, ...] = ()
    reason: str = ""
    sent: Instant = 0
    answered: Instant = 0
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Used:
    """What the leaver's own credential was answered with. Only declared answers are present or absent."""

    presence: Presence
    reason: str = ""
    sent: Instant = 0
    answered: Instant = 0
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrailRow:
    """One row of a system's own audit trail."""

    actor: str
    target: str
    action: str
    at: str
    reason: str = ""
    result: str = ""  # "success" or "failure" where the trail says so


@dataclass(frozen=True, slots=True)
class Trail:
    """A system's audit trail about one account; `state` UNKNOWN: it could not be read."""

    state: ListState
    rows: tuple[TrailRow, ...] = ()
    reason: str = ""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Observation:
    """What one look says about one grant after the laws of the round were applied: absent only with a
    living control. `id` is the sha256 of its ledger record."""

    presence: Presence
    phase: Phase
    round: int
    sent: Instant
    answered: Instant
    reason: str = ""
    checkpoint: str = ""  # "step 1: sync", "hold 15m": a place where a complete look is owed
    control: str = ""  # which control was seen in the same round
    control_lost: bool = False  # for bystanders: no other control was seen
    evidence: tuple[str, ...] = ()
    id: str = ""


# --- events and connectors --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Event:
    """One event for one identity. A replay is the same object again: same id, same bytes."""

    id: str
    name: str
    time: Instant
    reason: str = ""
    effective: Instant | None = None


class Claim(StrEnum):
    """What the connector claimed; never taken for what happened."""

    SUCCESS = "success"
    ERROR = "error"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Receipt:
    """A reference plus evidence that an event was handed over, not success. `answered` None: it never did.
    `in_doubt`: it may or may not have arrived."""

    claim: Claim
    sent: Instant
    answered: Instant | None
    vars: Mapping[str, Any] = NOTHING
    detail: str = ""
    in_doubt: bool = False
    evidence: tuple[str, ...] = ()


class Progress(StrEnum):
    """Where an asynchronous event stands, as its `done` request tells."""

    FINISHED = "finished"
    RUNNING = "running"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class EventTraits:
    """What a connector declares about one of its events."""

    idempotent: bool = False
    has_done: bool = False
    has_sent: bool = False
    returns_within: Duration | None = None


# --- a case -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Within:
    """Deadlines: a default, then per system, then per `system.kind`; the most specific wins."""

    default: Duration
    by: Mapping[str, Duration] = NOTHING

    def of(self, system: str, kind: Kind) -> Duration:
        return self.by.get(f"{system}.{kind}", self.by.get(system, self.default))


@dataclass(frozen=True, slots=True)
class Keep:
    """A policy exception: access that may stay, why, by whose word, and until which day (inclusive, UTC). One of a
    scenario, or (`scenario` is not empty) a fleet-wide one, which names its ticket and who approved it."""

    system: str  # or "any"
    kind: Kind | None  # None: any, `fingerprint` says which grant
    name: str  # a glob
    reason: str
    owner: str
    until: date
    when: Mapping[str, str] = NOTHING
    where: str = ""  # file:line, to name the entry
    fingerprint: str = ""  # of exactly one finding
    scenario: str = ""  # a glob over scenario ids; "": the one that it is written in
    ticket: str = ""
    approved_by: str = ""

    @property
    def label(self) -> str:
        return self.fingerprint or f"{self.system}/{self.kind}/{self.name}"


@dataclass(frozen=True, slots=True)
class Excepted:
    """What became of one fleet-wide exception in a run: in how many cases it had something to match, and how many
    findings it matched. Where it had none, the run says nothing about it."""

    keep: Keep
    cases: int = 0
    matched: int = 0

    @property
    def idle(self) -> bool:
        """It was looked for, and matched nothing: a mistake that somebody must see."""
        return bool(self.cases) and not self.matched


@dataclass(frozen=True, slots=True)
class Demand:
    """What must be there (`has`) and how far the rest must be gone: `all`, or `old` = no baseline grant is back."""

    has: tuple[Entitlement, ...] = ()
    gone: str = "all"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of `before` or `then`: an event, a replay of the leave request, or a wait; `wait` after an
    event waits once it was sent."""

    event: str | None = None
    via: str | None = None
    replay: bool = False
    wait: Duration = 0
    set: Mapping[str, str] = NOTHING  # identity attribute -> template
    demand: Demand | None = None

    @property
    def label(self) -> str:
        return self.event or ("replay" if self.replay else f"wait {human(self.wait)}")


@dataclass(frozen=True, slots=True)
class Join:
    via: str
    within: Duration
    event: str = "join"


@dataclass(frozen=True, slots=True)
class Leave:
    via: str
    event: str
    reason: str = ""
    effective: Duration | None = None  # relative to the moment of sending
    together: bool = False
    set: Mapping[str, str] = NOTHING


@dataclass(frozen=True, slots=True)
class Case:
    """One run of a scenario with one set of parameters = one pytest item. Names are this fleet's already."""

    id: str  # terminate/everyday-leaver[terminate]
    scenario: str
    title: str
    story: str
    source: str  # the file as given
    sha256: str
    tags: tuple[str, ...]
    params: Mapping[str, str]
    attributes: Mapping[str, str]  # identity.* of the scenario
    objects: tuple[ObjectSpec, ...]
    access: tuple[Entitlement, ...]
    join: Join | None
    before: tuple[Step, ...]
    leave: Leave
    then: tuple[Step, ...]
    account: str  # "disabled" or "removed"
    within: Within
    hold: tuple[Duration, ...]  # checkpoints after `then`, ascending; empty: one look after settle
    settle: Duration | None  # None: min(10s, within/5)
    poll: Duration | None  # None: min(30s, within/10)
    keep: tuple[Keep, ...]
    demand: Demand
    controls: tuple[str, ...]
    systems: tuple[str, ...] | None = None  # narrowed, else None
    trail: bool = False  # whether every removal must stand in the systems' own trails
    overridden: Mapping[str, str] = NOTHING  # what the fleet's timing replaced: key -> as the scenario wrote it

    def settle_of(self, within: Duration) -> Duration:
        return self.settle if self.settle is not None else min(10 * SECOND, within // 5)

    def poll_of(self, within: Duration) -> Duration:
        return self.poll if self.poll is not None else min(30 * SECOND, within // 10)


@dataclass(frozen=True, slots=True)
class Deselected:
    """A case that this fleet cannot run, and why: counted, never silent."""

    id: str
    reason: str


# --- findings ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Finding:
    """The judgement on one grant from one vantage over all its observations."""

    subject: Subject
    system: str
    kind: Kind
    name: str
    grant_id: str | None
    vantage: Vantage
    outcome: Outcome
    reason: str
    channel: str = ""
    deadline: Instant | None = None
    last_present: Instant | None = None
    first_absent: Instant | None = None
    flaps: int = 0
    keep: Keep | None = None
    beneath: Outcome | None = None  # of what is kept: what the last look makes of it, were there no exception
    notes: tuple[str, ...] = ()
    fingerprint: str = ""
    observations: tuple[Observation, ...] = ()
    identity: str = ""  # the key of whose grant it is
    cases: tuple[str, ...] = ()  # bystanders: the cases it belongs to

    @property
    def verdict(self) -> Verdict:
        return self.outcome.verdict


@dataclass(frozen=True, slots=True)
class Cleanup:
    """`complete` only when a look said so; `leftovers` could not be taken back, `resting` reached the
    system's floor."""

    complete: bool
    leftovers: tuple[str, ...] = ()
    resting: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseResult:
    case: Case
    verdict: Verdict
    reason: str | None
    claimed: Claim
    claim_detail: str
    t0: Instant | None
    t0_basis: str  # "answered", "effective", "sent", ""
    started: Instant
    finished: Instant
    findings: tuple[Finding, ...]
    cleanup: Cleanup
    identity: Identity | None = None
    notes: tuple[str, ...] = ()
    events: tuple[tuple[Instant, str], ...] = ()  # what happened when: for the timeline


@dataclass(frozen=True, slots=True)
class CoverageCell:
    system: str
    kind: Kind
    vantage: Vantage
    status: Coverage
    reason: str = ""
    cases: int = 0


@dataclass(frozen=True, slots=True)
class RunResult:
    """All that a run found; `report.document` turns it into results.json."""

    id: str
    started: Instant
    finished: Instant
    verdict: Verdict
    cases: tuple[CaseResult, ...]
    bystanders: tuple[Finding, ...]
    deselected: tuple[Deselected, ...]
    coverage: tuple[CoverageCell, ...]
    cleanup: Cleanup
    notes: tuple[str, ...] = ()
    exceptions: tuple[Excepted, ...] = ()  # the fleet-wide ones, in the order of their file


def join(verdicts: Sequence[Verdict]) -> Verdict:
    """The worst of one or more; nothing observed is inconclusive, never a pass."""
    return max(verdicts, default=Verdict.INCONCLUSIVE)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an input: where, which value, and what is allowed."""

    file: str
    line: int
    column: int
    message: str
    value: str = ""
    allowed: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        text = f"{self.file}:{self.line}:{self.column}: {self.message}"
        if self.value:
            text += f": {self.value!r}"
        if self.allowed:
            text += f" (allowed: {', '.join(self.allowed)})"
        return text


class BadInput(Exception):
    """Bad scenario, fleet, flag or missing secret: nothing ran; exit code 4. Holds every problem at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (p.file, p.line, p.column, p.message)))
        super().__init__("\n".join(map(str, self.problems)))
