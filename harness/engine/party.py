"""What the run knows of one identity: its accounts, its grants, and a track of looks for each of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from harness.history import History, advance, could_see, read
from harness.model import (
    Account,
    Duration,
    Entitlement,
    Grant,
    Identity,
    Kind,
    Observation,
    Phase,
    Presence,
    Vantage,
)
from harness.ports import Person


@dataclass(slots=True)
class Track:
    """One grant followed from one vantage. `void` follows a system where the identity has no account: nothing may
    appear there. `taken`: an earlier step took it away, so it is judged only if it comes back."""

    system: str
    kind: Kind
    name: str
    grant_id: str | None
    account_id: str
    vantage: Vantage = Vantage.ADMIN
    channel: str = ""
    entitlement: Entitlement | None = None
    grant: Grant | None = None
    below: str = ""
    by_name: bool = False
    appeared: bool = False
    taken: bool = False
    void: bool = False
    wanted: bool = False  # `expect.has` demands it: absent by name counts
    consumes: bool = False
    with_account: bool = False
    signed_in: bool = False
    lost: str = ""  # why no absence can be believed any more: what it is asked with ended with a process
    number: int = -1  # among those of its identity: how the ledger names it
    observations: list[Observation] = field(init=False, default_factory=list)

    # Never those of another track that this one was made like:
    complete: list[Observation] = field(init=False, default_factory=list)  # looks after the baseline that could see
    baseline: Presence | None = field(init=False, default=None)  # what the same probe saw just before the event
    _histories: dict[Duration, History] = field(init=False, default_factory=dict)

    def history(self, settle: Duration) -> History:
        """What the complete looks say, kept up to date look by look: polling must not cost more each time."""
        if settle not in self._histories:
            self._histories[settle] = read(self.complete, settle, 2)
        return self._histories[settle]

    def add(self, seen: Observation, *, thin: bool = False) -> None:
        """`thin` keeps only the first and the newest of a row of equal looks: bystanders are seen very often."""
        looks = self.observations
        if seen.phase is Phase.BASELINE:
            looks[:] = [o for o in looks if o.phase is not Phase.BASELINE]
            self.baseline = seen.presence
        elif could_see(seen):
            self.complete.append(seen)
            for settle, history in self._histories.items():
                advance(history, seen, settle, 2)
        if (
            thin
            and len(looks) > 2
            and all(o.presence is seen.presence and o.phase is not Phase.BASELINE for o in looks[-2:])
            and not looks[-1].checkpoint
        ):
            looks[-1] = seen
            return
        looks.append(seen)


class Party:
    """One identity in flight. Mutable, touched only by the kernel's thread."""

    def __init__(self, identity: Identity, run_id: str, run_n: int, case: str = "") -> None:
        self.identity = identity
        self.identifiers = identifiers(identity)
        self.run_id = run_id
        self.run_n = run_n
        self.case = case
        self.accounts: dict[str, list[Account]] = {}
        self.grants: dict[str, list[Grant]] = {}
        self.receipts: dict[str, Mapping[str, Any]] = {}
        self.tracks: dict[tuple[str, str, Kind, str, Vantage, str], Track] = {}
        self._numbers = 0
        self._placed: dict[tuple[str, Vantage | None], tuple[Track, ...]] = {}  # the same, by system: asked very often
        self.filled: set[tuple[str, str, Kind]] = set()
        self.vanished: dict[tuple[str, str, Kind], frozenset[str]] = {}
        self.mistaken: set[tuple[str, str]] = set()  # (system, id): somebody else's by now, not ours to touch
        self.own: set[tuple[str, Kind, str]] = set()  # rows that the harness's own sign-ins made
        self.pace: dict[str, Duration] = {}  # how long its uses took at the baseline, queues included
        self.joined = False
        self.via = ""  # the connector it joined through, and the event by which its case leaves
        self.exit = ""
        self.left = False
        self.retired = False  # the event with which cleanup lets it leave was sent
        self.doubtful: set[str] = set()  # systems in which an account may have been made without our knowing its id

    @property
    def key(self) -> str:
        return self.identity.key

    def current(self, system: str) -> Account | None:
        accounts = self.accounts.get(system)
        return accounts[-1] if accounts else None

    def person(self, system: str = "", account: Account | None = None) -> Person:
        """What an adapter may know, with one account as the one in question."""
        mine = self.accounts.get(system, [])
        chosen = account or (mine[-1] if mine else None)
        return Person(
            identity=self.identity,
            run_id=self.run_id,
            run_n=self.run_n,
            account=chosen,
            accounts={name: accounts[-1] for name, accounts in self.accounts.items() if accounts},
            former=tuple(a for a in mine if a is not chosen),
            grants=tuple(self.grants.get(system, ())),
            receipts=dict(self.receipts),
            identifiers=self.identifiers,
            case=self.case,
        )

    def adopt(self, account: Account) -> bool:
        """Remembers an account for ever; True when it was not known before."""
        known = self.accounts.setdefault(account.system, [])
        if any(a.id == account.id for a in known):
            return False
        known.append(account)
        return True

    def track(self, made: Track) -> Track:
        key = (made.system, made.account_id, made.kind, made.grant_id or made.name, made.vantage, made.channel)
        if key not in self.tracks:
            self.tracks[key] = made
            made.number = max(made.number, self._numbers)
            self._numbers = made.number + 1
            for place in ((made.system, None), (made.system, made.vantage)):
                self._placed[place] = (*self._placed.get(place, ()), made)
        return self.tracks[key]

    def of(self, system: str, vantage: Vantage | None = None) -> Iterator[Track]:
        """Those of one system, as they are now: new ones may be added while these are gone through."""
        return iter(self._placed.get((system, vantage), ()))

    def holds(self, system: str) -> frozenset[tuple[Kind, str]]:
        """What it is known to hold there: what makes it a control for others."""
        return frozenset(
            (t.kind, t.grant_id)
            for t in self.of(system, Vantage.ADMIN)
            if t.grant_id is not None and not t.void and not t.appeared
        )

    def change(self, values: Mapping[str, str]) -> None:
        """`set`: new values, the old ones kept under `was`."""
        own = {"username", "email", "given_name", "family_name", "external_id"}
        named = {name: value for name, value in values.items() if name in own}
        free = {name: value for name, value in values.items() if name not in own}
        before = {name: getattr(self.identity, name) for name in named}
        before |= {name: self.identity.attributes.get(name, "") for name in free}
        self.identity = replace(
            self.identity,
            attributes={**self.identity.attributes, **free},
            was={**self.identity.was, **before},
            **named,  # type: ignore[arg-type]  # only names of string fields
        )
        self.identifiers = identifiers(self.identity)


def identifiers(identity: Identity) -> Mapping[str, str]:
    """What a record may be recognised by, the former values included."""
    old = {f"was.{name}": value for name, value in identity.was.items()}
    return {"username": identity.username, "email": identity.email, "external_id": identity.external_id} | old
