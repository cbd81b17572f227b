"""One combination of one scenario in one fleet -> a frozen `Case`, ready for the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TypeVar, cast

from harness.model import (
    NOTHING,
    Case,
    Demand,
    Duration,
    Join,
    Keep,
    Kind,
    Leave,
    ObjectSpec,
    Problem,
    Step,
    Within,
    human,
)
from harness.scenario.access import AccessBinder
from harness.scenario.cited import uncited
from harness.scenario.keeps import Keeps
from harness.scenario.matrix import IDENTITY, Choice, Combination
from harness.scenario.model import DEFAULT_WITHIN, MADE, ScenarioModel, StepModel
from harness.scenario.terms import Terms
from harness.source import DataPath, Source
from harness.source.problems import shown, unknown

T = TypeVar("T")
_KINDS = frozenset(map(str, Kind))


class Binder:
    """Binds one file; what does not depend on the combination is bound once. `wide` are the fleet's exceptions."""

    def __init__(
        self,
        source: Source,
        model: ScenarioModel,
        terms: Terms,
        today: date,
        problems: list[Problem],
        wide: Sequence[Keep] = (),
    ) -> None:
        self.source = source
        self.model = model
        self.terms = terms
        self.problems = problems
        access = AccessBinder(source, model, terms, problems)
        self.access = access.entitlements(model.access, ("access",), demanded=False)
        self.objects = tuple(
            ObjectSpec(access.object_name(name), terms.system(spec.system), spec.kind, spec.owner)
            for name, spec in model.objects.items()
        )
        self._access = access
        self._identity()
        self.systems = self._systems()
        self._keeps = Keeps(source, model, terms, wide, problems)
        self._keeps.check(access, today)
        problems += uncited(source, model.controls)

    def case(self, id: str, scenario: str, combination: Combination) -> Case:
        """The case of one combination. Problems go to the list; the case is then not to be used."""
        model, expect, timing = self.model, self.model.expect, self.terms.fleet.timing
        overridden: dict[str, str] = {}
        leave = self._leave(combination)
        within = self._within(combination, overridden)
        return Case(
            id=id,
            scenario=scenario,
            title=model.title,
            story=model.story,
            source=self.source.file,
            sha256=self.source.sha256,
            tags=tuple(model.tags),
            params={field: choice.text for field, choice in combination.items()} if combination else NOTHING,
            attributes=self._attributes(combination),
            objects=self.objects,
            access=self.access,
            join=self._join(combination),
            before=self._steps(model.before, ("before",), leave.via, overridden),
            leave=leave,
            then=self._steps(model.then, ("then",), leave.via, overridden),
            account=_pick(combination, "expect.account", expect.account),
            within=within,
            hold=self._hold(combination, overridden),
            settle=timing.settle,
            poll=timing.poll,
            keep=self._keeps.of(scenario, lambda field: self._text(field, combination)),
            demand=Demand(
                self._access.entitlements(expect.has, ("expect", "has"), demanded=True) if expect.has else (),
                _pick(combination, "expect.gone", expect.gone),
            ),
            controls=tuple(model.controls),
            systems=self.systems,
            trail=expect.trail == "complete",
            overridden=overridden or NOTHING,
        )

    # --- who and where

    def _identity(self) -> None:
        for name in self.model.identity:
            if name in MADE:
                at = ("identity", name)
                self.problems.append(self.source.problem(at, f"`identity.{name}` is made by the harness", key=True))

    def _attributes(self, combination: Combination) -> Mapping[str, str]:
        made = {field[len(IDENTITY) :]: choice.value for field, choice in combination.items() if field[:9] == IDENTITY}
        return {**self.model.identity, **made} if made else self.model.identity

    def _systems(self) -> tuple[str, ...] | None:
        written = self.model.systems
        if written is None:
            return None
        for index, name in enumerate(written):
            self._access.system(name, ("systems", index))
        narrowed = tuple(dict.fromkeys(self.terms.system(name) for name in written))
        for part, words in (("access", self.model.access), ("expect.has", self.model.expect.has)):
            for word in words:
                if (name := self.terms.system(word)) in self.terms.fleet.systems and name not in narrowed:
                    at = (*part.split("."), word)
                    self.problems.append(self.source.problem(at, "not among `systems`", word, written, key=True))
        return narrowed

    # --- what happens

    def _fires(self, via: str, via_at: DataPath, event: str, event_at: DataPath) -> str:
        """The connector's name here; complains where it, or its event, does not exist."""
        name = self.terms.connector(via)
        found = self.terms.fleet.connectors.get(name)
        if found is None:
            self.problems.append(unknown(self.source, via_at, "connector", via, self.terms.connectors()))
        elif event not in found.events:
            what = f"event of connector `{name}`"
            self.problems.append(unknown(self.source, event_at, what, event, sorted(found.events)))
        return name

    def _join(self, combination: Combination) -> Join | None:
        join = self.model.join
        if join is None:
            return None
        via, via_at = _picked(combination, "join.via", join.via)
        within = _pick(combination, "join.within", join.within)
        return Join(self._fires(via, via_at, join.event, ("join", "event")), within, join.event)

    def _leave(self, combination: Combination) -> Leave:
        leave = self.model.leave
        via, via_at = _picked(combination, "leave.via", leave.via)
        event, event_at = _picked(combination, "leave.event", leave.event)
        return Leave(
            via=self._fires(via, via_at, event, event_at),
            event=event,
            reason=_pick(combination, "leave.reason", leave.reason),
            effective=_pick(combination, "leave.effective", leave.effective),
            together=leave.together,
            set=leave.set or NOTHING,
        )

    def _steps(
        self, steps: Sequence[str | StepModel], at: DataPath, via: str, overridden: dict[str, str]
    ) -> tuple[Step, ...]:
        """`via` is this fleet's connector of `leave`: what a step without one goes through."""
        return tuple(self._step(step, (*at, index), via, overridden) for index, step in enumerate(steps))

    def _step(self, step: str | StepModel, at: DataPath, via: str, overridden: dict[str, str]) -> Step:
        if isinstance(step, str):
            if step == "replay":
                return self._replay(Step(replay=True), at)
            return Step(event=step, via=self._fires(via, at, step, at))
        wait = step.wait or 0
        timing = self.terms.fleet.timing
        if wait and timing.wait is not None:
            overridden[".".join(map(str, (*at, "wait")))] = human(wait)
            wait = timing.wait
        if step.event is None:
            return Step(wait=wait)
        demand = None
        if step.expect is not None:
            has = self._access.entitlements(step.expect.has, (*at, "expect", "has"), demanded=True)
            demand = Demand(has, step.expect.gone)
        if step.event == "replay":
            return self._replay(Step(replay=True, wait=wait, demand=demand), (*at, "event"))
        via = self._fires(step.via or via, (*at, "via"), step.event, (*at, "event"))
        return Step(event=step.event, via=via, wait=wait, set=step.set or NOTHING, demand=demand)

    def _replay(self, step: Step, at: DataPath) -> Step:
        if at[0] == "before":
            message = "nothing was sent yet that could be replayed: `replay` belongs in `then`"
            self.problems.append(self.source.problem(at, message, "replay"))
        return step

    # --- by when

    def _within(self, combination: Combination, overridden: dict[str, str]) -> Within:
        written = _pick(combination, "expect.within", self.model.expect.within)
        timing = self.terms.fleet.timing
        default: Duration = written if isinstance(written, int) else written.get("default", DEFAULT_WITHIN)
        by: dict[str, Duration] = {}
        if not isinstance(written, int):
            for key, span in written.items():
                if key != "default":
                    by[self._within_key(key)] = span
        if timing.within is not None:
            overridden["within"] = _spelled(default, by)
            return Within(timing.within)
        if timing.within_by:
            overridden["within"] = _spelled(default, by)
            over = dict(timing.within_by)
            default = over.pop("default", default)
            by = {**by, **over}
        return Within(default, by or NOTHING)

    def _within_key(self, key: str) -> str:
        word, _, kind = key.partition(".")
        at = ("expect", "within", key)
        name = self.terms.system(word)
        if name not in self.terms.fleet.systems:
            allowed = ("default", *self.terms.systems())
            self.problems.append(unknown(self.source, at, "system", word, allowed, key=True))
        elif kind and kind not in _KINDS:
            self.problems.append(unknown(self.source, at, "kind", kind, tuple(Kind), key=True))
        return f"{name}.{kind}" if kind else name

    def _hold(self, combination: Combination, overridden: dict[str, str]) -> tuple[Duration, ...]:
        written = _pick(combination, "expect.hold", self.model.expect.hold)
        spans = [written] if isinstance(written, int) else written
        timing = self.terms.fleet.timing
        if timing.hold is not None:
            overridden["hold"] = ", ".join(map(human, spans)) or "none"
            return timing.hold
        return tuple(span for span in spans if span)

    # --- as it was written

    def _text(self, field: str, combination: Combination) -> str:
        """A field of this case as it was written; `""` if it was not."""
        choice = combination.get(field)
        if choice is not None:
            return choice.text
        part, _, key = field.partition(".")
        found = self.source.data.get(part)
        if isinstance(found, dict) and key in found:
            return shown(found[key])
        return {"expect.account": "disabled", "expect.gone": "all"}.get(field, "")

    def unused(self) -> None:
        self._keeps.unused()


def _pick(combination: Combination, field: str, written: T) -> T:
    choice = combination.get(field)
    return written if choice is None else cast(T, choice.value)


def _picked(combination: Combination, field: str, written: str) -> tuple[str, DataPath]:
    """The value, and where it stands: in the matrix or in its own field."""
    choice: Choice | None = combination.get(field)
    if choice is None:
        return written, tuple(field.split("."))
    return choice.value, choice.at


def _spelled(default: Duration, by: Mapping[str, Duration]) -> str:
    return ", ".join([human(default), *(f"{key} {human(span)}" for key, span in by.items())])
