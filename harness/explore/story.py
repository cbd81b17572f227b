"""One made-up leaver as a value: who it is, what it holds, what happens to it. Equal stories are the same file."""

from __future__ import annotations

from dataclasses import dataclass

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Thing:
    """What a piece of access hangs on, as `objects` of a scenario writes it."""

    system: str
    kind: str
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of access, as `access` of a scenario writes it; of kind `account`, the account itself. With `on` set,
    `name` is the name of that object."""

    system: str
    kind: str = "account"
    name: str = ""
    right: str = ""
    to: str = ""
    direction: str = ""
    sole: bool = False
    on: Thing | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of `before` or `then`. Without an event it is a wait. `expect` is a scenario's own words, as YAML."""

    event: str = ""
    via: str = ""  # empty: the connector of `leave`
    set: Pairs = ()
    wait: str = ""
    expect: str = ""


Life = tuple[Step, ...]  # steps that belong together, as a suspension and its end


@dataclass(frozen=True, slots=True)
class Leaving:
    """An event after which nothing may remain; `account` is what becomes of the accounts."""

    via: str
    event: str
    account: str = "disabled"
    effective: str = ""


@dataclass(frozen=True, slots=True)
class Joining:
    via: str
    event: str = "join"
    within: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    leave: Leaving
    access: tuple[Piece, ...]
    attributes: Pairs = ()
    join: Joining | None = None
    before: tuple[Step, ...] = ()
    then: tuple[Step, ...] = ()
