"""Systems and a connector in memory that implement the real ports; every fault is a switch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from harness.engine.virtual import VirtualKernel
from harness.model import (
    NOTHING,
    SECOND,
    Account,
    AccountSight,
    Claim,
    Duration,
    Entitlement,
    Event,
    EventTraits,
    Found,
    Grant,
    Kind,
    Listing,
    ListState,
    Look,
    Made,
    ObjectSpec,
    Presence,
    Progress,
    Receipt,
    Row,
    Secret,
    Touches,
    Used,
)
from harness.ports import (
    Clock,
    Declaration,
    KindTraits,
    Person,
    WriteFailed,
)


@dataclass
class User:
    id: str
    username: str
    password: str
    active: bool = True
    rows: dict[Kind, dict[str, str]] = field(default_factory=dict)  # kind -> id -> name


@dataclass
class MemorySystem:
    """Accounts with grants of three kinds; every fault is a switch."""

    name: str
    clock: Clock
    latency: Duration = 2_000
    kinds: tuple[Kind, ...] = (Kind.GROUP, Kind.LICENSE, Kind.CREDENTIAL)
    users: dict[str, User] = field(default_factory=dict)
    count: int = 0
    blind: str = ""  # a reason: every look is unknown
    empty: bool = False  # the reader sees nothing and is told so politely
    token_survives: bool = False
    touches: Touches = Touches.NOTHING  # what using a credential does to it
    undeletable: bool = False
    looks: int = 0
    hung_on: list[Made | None] = field(default_factory=list)  # the objects that grants were given with
    objects: dict[str, str] = field(default_factory=dict)
    on_look: Callable[[MemorySystem], None] | None = None

    def declaration(self) -> Declaration:
        traits = {k: KindTraits(listed=True, grantable=True, revocable=True) for k in self.kinds}
        traits[Kind.CREDENTIAL] = replace(traits[Kind.CREDENTIAL], uses={"": self.touches})
        traits[Kind.ACCOUNT] = KindTraits(listed=True, grantable=True, revocable=True)
        return Declaration(
            "memory", f"memory:{self.name}", "reader", True, "owner@example.test", traits, login=Touches.CHANGES
        )

    def round(self) -> MemoryRound:
        return MemoryRound(self)

    def user(self, person: Person) -> User | None:
        return self.users.get(person.account.id) if person.account else None

    def create(self, person: Person) -> Account:
        self.clock.sleep(self.latency)
        self.count += 1
        user = User(f"{self.name}-{self.count}", person.identity.username, person.identity.password.reveal())
        self.users[user.id] = user
        return Account(self.name, user.id)

    def remove(self, person: Person) -> None:
        self.clock.sleep(self.latency)
        if self.undeletable:
            raise WriteFailed("the system refuses to delete")
        if person.account:
            self.users.pop(person.account.id, None)

    def grant(self, person: Person, entitlement: Entitlement, made: Made | None) -> Grant:
        self.clock.sleep(self.latency)
        user = self.user(person)
        assert user is not None
        self.hung_on.append(made)
        self.count += 1
        number = f"g-{entitlement.name}" if entitlement.kind is Kind.GROUP else f"{entitlement.kind}-{self.count}"
        user.rows.setdefault(entitlement.kind, {})[number] = entitlement.label
        secret = Secret(f"token-{self.count}") if entitlement.kind is Kind.CREDENTIAL else None
        return Grant(entitlement, number, secret=secret)

    def revoke(self, person: Person, grant: Grant) -> None:
        self.clock.sleep(self.latency)
        user = self.user(person)
        if user and grant.id:
            user.rows.get(grant.entitlement.kind, {}).pop(grant.id, None)

    def find_object(self, spec: ObjectSpec, owner: Person | None) -> Made | None:
        return Made(spec, self.objects[spec.name], False) if spec.name in self.objects else None

    def create_object(self, spec: ObjectSpec, owner: Person | None) -> Made:
        self.objects[spec.name] = f"o-{spec.name}"
        return Made(spec, f"o-{spec.name}", True)

    def remove_object(self, made: Made) -> None:
        self.objects.pop(made.spec.name, None)

    def use(self, person: Person, grant: Grant, channel: str) -> Used:
        at = self.clock.now()
        self.clock.sleep(self.latency)
        if self.blind:
            return Used(Presence.UNKNOWN, self.blind, at, self.clock.now())
        user = self.user(person)
        held = user is not None and grant.id in user.rows.get(Kind.CREDENTIAL, {})
        if user is not None and held and self.touches is Touches.CONSUMES:
            user.rows[Kind.CREDENTIAL].pop(grant.id or "")
        works = (held and user is not None and user.active) or (self.token_survives and user is not None)
        return Used(Presence.PRESENT if works else Presence.ABSENT, "", at, self.clock.now())

    def login(self, person: Person) -> Used:
        at = self.clock.now()
        self.clock.sleep(self.latency)
        if self.blind:
            return Used(Presence.UNKNOWN, self.blind, at, self.clock.now())
        user = self.user(person)
        works = user is not None and user.active
        return Used(Presence.PRESENT if works else Presence.ABSENT, "", at, self.clock.now())


@dataclass
class MemoryRound:
    system: MemorySystem

    def find(self, person: Person) -> Found:
        system = self.system
        at = system.clock.now()
        system.clock.sleep(system.latency)
        if system.blind:
            return Found(ListState.UNKNOWN, (), system.blind, at, system.clock.now())
        mine = [] if system.empty else [u for u in system.users.values() if u.username == person.identity.username]
        return Found(ListState.COMPLETE, tuple(Account(system.name, u.id) for u in mine), "", at, system.clock.now())

    def look(self, person: Person) -> Look:
        system = self.system
        system.looks += 1
        if system.on_look:
            system.on_look(system)
        at = system.clock.now()
        system.clock.sleep(system.latency)
        now = system.clock.now()
        if system.blind:
            unknown = AccountSight(Presence.UNKNOWN, True, system.blind, at, now)
            return Look(unknown, tuple(Listing(k, ListState.UNKNOWN, (), system.blind, at, now) for k in system.kinds))
        user = None if system.empty else system.user(person)
        if user is None:
            sight = AccountSight(Presence.ABSENT, False, "", at, now)
            gone = ListState.COMPLETE if system.empty else ListState.GONE_WITH_ACCOUNT
            return Look(sight, tuple(Listing(k, gone, (), "", at, now) for k in system.kinds))
        presence = Presence.PRESENT if user.active else Presence.ABSENT
        listings = tuple(
            Listing(k, ListState.COMPLETE, tuple(Row(i, n) for i, n in user.rows.get(k, {}).items()), "", at, now)
            for k in system.kinds
        )
        return Look(AccountSight(presence, True, "" if user.active else "record remains", at, now), listings)


Act = Callable[["MemoryConnector", Event, Person], None]


@dataclass
class MemoryConnector:
    """Ends access `delay` after it answered. What it does to the systems is a list of acts per event."""

    name: str
    clock: Clock
    kernel: VirtualKernel
    systems: Mapping[str, MemorySystem]
    delay: Duration = SECOND
    owner: str = "iam@example.test"
    acts: dict[str, list[Act]] = field(default_factory=dict)
    claim: Claim = Claim.SUCCESS
    in_doubt: bool = False
    idempotent: bool = False
    fired: list[str] = field(default_factory=list)

    def events(self) -> Mapping[str, EventTraits]:
        return {name: EventTraits(idempotent=self.idempotent) for name in self.acts}

    def fire(self, event: Event, person: Person) -> Receipt:
        sent = self.clock.now()
        self.clock.sleep(5_000)
        self.fired.append(event.id)
        for act in self.acts.get(event.name, []):
            self.kernel.at(self.clock.now() + self.delay, lambda act=act: act(self, event, person))  # type: ignore[misc]
        answered = None if self.in_doubt else self.clock.now()
        return Receipt(self.claim, sent, answered, NOTHING, "as asked", self.in_doubt)

    def done(self, event: Event, person: Person) -> tuple[Progress, str]:
        return Progress.FINISHED, ""

    def arrived(self, event: Event, person: Person) -> tuple[bool | None, str]:
        return None, "cannot tell"


def terminate(connector: MemoryConnector, event: Event, person: Person) -> None:
    """The correct one: disables every account and takes everything."""
    for name, account in person.accounts.items():
        user = connector.systems[name].users.get(account.id)
        if user:
            user.active = False
            user.rows.clear()


def delete(connector: MemoryConnector, event: Event, person: Person) -> None:
    for name, account in person.accounts.items():
        connector.systems[name].users.pop(account.id, None)
