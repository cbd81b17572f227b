"""What can be said on a fleet: the words of its own file and of the scenarios at hand, each tried out in the loader."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.explore.document import flow
from harness.explore.story import Joining, Leaving, Life, Pairs, Piece, Step, Story, Thing
from harness.fleet.info import FleetInfo
from harness.model import BadInput, Kind, Problem, human
from harness.scenario.model import MADE, HeldModel, ScenarioModel, StepModel
from harness.scenario.terms import Terms

# Names that are somebody's choice, so that any may be tried; elsewhere a name that nobody uses is a set-up that fails.
LABELS = (Kind.CREDENTIAL, Kind.SESSION, Kind.DEVICE, Kind.OWNERSHIP)
GLOB = frozenset("*?[")

# Names that break what was built for `alice`: quotes and operators of query languages, percent signs, spaces, letters
# beyond ASCII, and a word that is a value elsewhere.
TRAPS = ("R&D", "O'Neill", "Ops #1", "50% off", "year end", "año-nuevo", "a+b", "null")
FAMILIES = ("Lindholm", "O'Neill", "van der Berg", "Ní Dhomhnaill", "Nguyễn", "Null", "Smith-Jones")
TYPES = ("employee", "contractor")
NAMES = ("given_name", "family_name")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Simplest first, everywhere: what is made smaller moves to the front."""

    pieces: Mapping[tuple[str, str], tuple[Piece, ...]]  # (system, kind) -> what may be given
    attributes: Mapping[str, tuple[str, ...]]
    leaves: tuple[Leaving, ...]
    joins: Mapping[Leaving, tuple[Joining | None, ...]]  # None: the harness makes the accounts itself
    before: Mapping[Leaving, tuple[Life, ...]]
    then: Mapping[Leaving, tuple[Life, ...]]


def vocabulary(fleet: FleetInfo, models: Sequence[ScenarioModel], loads: Callable[[Story], bool]) -> Vocabulary:
    """`loads` says whether a story is a scenario of this fleet: what its guard or its systems do not allow is left out.
    Raises `BadInput` where no way to leave for good is known, or nothing that may be given."""
    terms = Terms(fleet)
    models = [model for model in models if not any(terms.lack(need) for need in model.needs)]
    leaves = sorted(dict.fromkeys(told := list(_leaves(models))), key=lambda one: (one.effective, -told.count(one)))
    anybody = [Piece(name) for name, info in fleet.systems.items() if "create" in info.able]
    plain = [leave for leave in leaves if any(loads(Story(leave, (one,))) for one in anybody)]
    if not plain:
        text = "no scenario here fires an event after which everything must be gone: nothing is known to explore with"
        raise BadInput([Problem(fleet.source, 1, 1, text)])
    pieces: dict[tuple[str, str], tuple[Piece, ...]] = {}
    for piece in dict.fromkeys((*anybody, *_pieces(fleet, models))):
        if loads(Story(plain[0], (piece,))):
            key = (piece.system, piece.kind)
            pieces[key] = (*pieces.get(key, ()), piece)
    first = next(iter(pieces.values()))[:1]
    attributes = _attributes(models)
    joins: dict[Leaving, tuple[Joining | None, ...]] = {}
    before: dict[Leaving, tuple[Life, ...]] = {}
    then: dict[Leaving, tuple[Life, ...]] = {}
    for leave in plain:
        ways = dict.fromkeys(_joins(models, leave))
        joins[leave] = tuple(way for way in ways if loads(Story(leave, first, join=way)))
        lives = dict.fromkeys((*_lives(attributes), *_earlier(models, leave)))
        after = dict.fromkeys((*_aftermath(leave, leaves, attributes), *_later(models, leave)))
        before[leave] = tuple(life for life in lives if loads(Story(leave, first, before=life)))
        then[leave] = tuple((step,) for step in after if loads(Story(leave, first, then=(step,))))
    return Vocabulary(pieces, attributes, tuple(plain), joins, before, then)


# --- access ---------------------------------------------------------------------------------------


def _pieces(fleet: FleetInfo, models: Sequence[ScenarioModel]) -> Iterator[Piece]:
    for model in models:
        for system, items in model.access.items():
            for item in items:
                if not isinstance(item, str):
                    ((kind, held),) = item.items()
                    yield from _held(model, system, str(kind), held)
    for written in fleet.names:
        system, _, rest = written.partition("/")
        word, _, name = rest.partition("/")
        if name:
            yield Piece(system, word, name)
    for system, kinds in (fleet.guard.may_grant or {}).items():
        for word, globs in kinds.items():
            own = set(fleet.names.values())  # said in the scenarios' words, above
            yield from (Piece(system, word, name) for name in globs if not GLOB & set(name) and name not in own)
    for system, info in fleet.systems.items():
        for label, traits in info.kinds.items():
            if traits.grantable and (label in LABELS or traits.creates_missing):
                yield from (Piece(system, str(label), trap) for trap in TRAPS)


def _held(model: ScenarioModel, system: str, kind: str, held: str | HeldModel) -> Iterator[Piece]:
    if isinstance(held, str):
        yield Piece(system, kind, held)
        return
    thing = None
    if held.on is not None:
        spec = model.objects[held.on]
        thing = Thing(spec.system, str(spec.kind), str(spec.owner or ""))
    whole = Piece(system, kind, held.name or held.on or "", to=held.to or "", sole=held.sole, on=thing)
    whole = replace(whole, direction="in" if held.direction == "in" else "")
    yield from (replace(whole, right=right) for right in held.rights or [held.right or ""])


# --- who it is, how it comes and goes -------------------------------------------------------------


def _attributes(models: Sequence[ScenarioModel]) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {"type": dict.fromkeys(TYPES), "family_name": dict.fromkeys(FAMILIES)}
    for model in models:
        steps = [step for step in (*model.before, *model.then) if isinstance(step, StepModel)]
        for said in (model.identity, model.leave.set, *(step.set for step in steps)):
            for name, value in said.items():
                if name not in (*NAMES, *MADE):
                    found.setdefault(name, {})[value] = None
    return {name: tuple(values) for name, values in found.items()}


def _joins(models: Sequence[ScenarioModel], leave: Leaving) -> Iterator[Joining | None]:
    """As the scenarios of this event do it, the simplest first: an event may need what the join was answered."""
    found = [m.join for m in models if (m.leave.via, m.leave.event) == (leave.via, leave.event)]
    if None in found:
        yield None
    yield from (Joining(join.via, join.event, human(join.within)) for join in found if join is not None)


def _leaves(models: Sequence[ScenarioModel]) -> Iterator[Leaving]:
    """Only a scenario knows that after its event nothing may remain anywhere."""
    for model in models:
        expect, leave = model.expect, model.leave
        if expect.keep or expect.has or expect.gone != "all" or model.systems or model.matrix or leave.set:
            continue
        plain = Leaving(leave.via, leave.event, expect.account)
        yield plain
        if leave.effective is not None:
            sign = "-" if leave.effective < 0 else "+"
            yield replace(plain, effective=f"{sign}{human(abs(leave.effective))}")


def _lives(attributes: Mapping[str, tuple[str, ...]]) -> Iterator[Life]:
    """Earlier lives in the field's own words; a connector that has no such event leaves them out."""
    yield (Step("sync"),)
    for family in attributes["family_name"]:
        yield (Step("rename", set=(("family_name", family),)),)
    for department in attributes.get("department", ()):
        yield (Step("move", set=(("department", department),)),)
    yield (Step("suspend"),)
    yield (Step("suspend"), Step("rejoin"))
    yield (Step("terminate"), Step("rejoin"))


def _earlier(models: Sequence[ScenarioModel], leave: Leaving) -> Iterator[Life]:
    for model in models:
        if model.leave.via == leave.via:  # a step that names no connector means this one
            yield from ((_step(step),) for step in model.before)


def _aftermath(leave: Leaving, leaves: Sequence[Leaving], attributes: Mapping[str, tuple[str, ...]]) -> Iterator[Step]:
    """What goes on after somebody has left: schedules, the same message again, messages that were held up."""
    yield Step("sync")
    yield Step("replay")
    yield Step(wait="5m")
    yield from (Step(other.event) for other in leaves if other.via == leave.via)
    yield Step("rename", set=(("family_name", attributes["family_name"][0]),))
    for department in attributes.get("department", ())[:1]:
        yield Step("move", set=(("department", department),))


def _later(models: Sequence[ScenarioModel], leave: Leaving) -> Iterator[Step]:
    """Steps that some scenario takes after this very event: only then are its expectations known to be right."""
    for model in models:
        if (model.leave.via, model.leave.event) == (leave.via, leave.event):
            yield from map(_step, model.then)


def _step(step: str | StepModel) -> Step:
    if isinstance(step, str):
        return Step(step)
    expect: Any = step.expect.model_dump(mode="json", exclude_unset=True) if step.expect else None
    return Step(
        step.event or "",
        step.via or "",
        _pairs(step.set.items()),
        human(step.wait) if step.wait else "",
        flow(expect) if expect else "",
    )


def _pairs(items: Iterable[tuple[str, str]]) -> Pairs:
    return tuple(items)
