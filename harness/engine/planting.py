"""What a self-test plants: of every kind that a fleet can give, what its scenarios give, else what the guard allows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.engine.guard import allows
from harness.model import Case, Entitlement, Kind, ObjectSpec, Subject
from harness.ports import Guard, KindTraits

NAME = "zz-selftest"  # where no scenario gives any and the guard leaves the name open
MOST = 3  # of what scenarios give of one kind, so many are tried


@dataclass(frozen=True, slots=True)
class Seed:
    """How one kind of one system can be planted: entitlements to try in this order, or an object of one's own to
    make. `why`: neither can be, and why not."""

    system: str
    kind: Kind
    wanted: tuple[Entitlement, ...] = ()
    owned: str = ""  # the name of the object that its subject is to own
    why: str = ""


@dataclass(frozen=True, slots=True)
class Soil:
    """What a system says of itself, as far as planting goes."""

    type: str
    kinds: Mapping[Kind, KindTraits]


def seeds(systems: Mapping[str, Soil], guard: Guard, cases: Sequence[Case]) -> dict[str, tuple[Seed, ...]]:
    """For each system, one for each kind that it declares but the account itself, in the order of kinds. Pure."""
    given = [e for case in cases for e in case.access if e.by is None]
    made = {}
    for name, soil in systems.items():
        alike = [e for e in given if e.system in systems and systems[e.system].type == soil.type]
        alike.sort(key=lambda e: (e.system != name, e.sole))  # a last member has the group to itself: as a last resort
        plain = [Entitlement(name, e.kind, e.name, e.on, e.right, e.to, e.direction) for e in alike]
        made[name] = tuple(_seed(guard, name, kind, traits, plain) for kind, traits in _ordered(soil.kinds))
    return made


def objects(cases: Sequence[Case]) -> tuple[ObjectSpec, ...]:
    """What scenarios hang access on; an object of the leaver's own is nobody else's, so it is left out."""
    return tuple(dict.fromkeys(o for case in cases for o in case.objects if o.owner is not Subject.LEAVER))


def attributes(cases: Sequence[Case]) -> dict[str, str]:
    """What scenarios know of their people, the first to say it: templates of the fleet may name it."""
    made: dict[str, str] = {}
    for case in cases:
        made |= {key: value for key, value in case.attributes.items() if key not in made}
    return made


def _ordered(declared: Mapping[Kind, KindTraits]) -> Iterator[tuple[Kind, KindTraits]]:
    for kind in Kind:
        traits = declared.get(kind)
        if kind is not Kind.ACCOUNT and traits is not None and (traits.listed or traits.uses):
            yield kind, traits


def _seed(guard: Guard, system: str, kind: Kind, traits: KindTraits, given: Sequence[Entitlement]) -> Seed:
    if traits.grantable and traits.revocable:
        plain = [e for e in given if e.kind is kind]
        plain += [Entitlement(system, kind, name) for name in _open(guard, system, kind)]
        allowed = [e for e in dict.fromkeys(plain) if allows(guard, e)]
        if not allowed:
            return Seed(system, kind, why=f"guard.may_grant allows no {kind} here")
        return Seed(system, kind, tuple(allowed[:MOST]))
    if traits.creates_objects and traits.listed:
        named = next(iter(_open(guard, system, kind)), "")
        if not named:
            return Seed(system, kind, why=f"guard.may_grant allows no {kind} here")
        return Seed(system, kind, owned=named)
    return Seed(system, kind, why="the harness cannot give and take it here")


def _open(guard: Guard, system: str, kind: Kind) -> list[str]:
    """Names that the guard allows: what it spells out, and what an open pattern can be filled with."""
    granted: Mapping[str, Mapping[str, tuple[str, ...]]] | None = guard.may_grant
    if granted is None:
        return [NAME]
    globs = granted.get(system, {}).get(kind, ())
    exact = [g for g in globs if not any(mark in g for mark in "*?[")]
    return exact + [
        g.replace("*", NAME, 1).replace("*", "") for g in globs if "*" in g and not any(m in g for m in "?[")
    ]
