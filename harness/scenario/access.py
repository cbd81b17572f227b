"""Access as scenarios write it -> entitlements in this fleet's words, one per right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from harness.model import Entitlement, Kind, Problem
from harness.scenario.model import HeldModel, ObjectModel, ScenarioModel
from harness.scenario.terms import Terms
from harness.source import DataPath, Source
from harness.source.problems import unknown


class AccessBinder:
    """Complains about what the fleet does not have, cannot give, or does not allow to be given."""

    def __init__(self, source: Source, model: ScenarioModel, terms: Terms, problems: list[Problem]) -> None:
        self._source = source
        self._model = model
        self._terms = terms
        self._problems = problems
        for name, spec in model.objects.items():
            self._object(name, spec)

    def system(self, word: str, at: DataPath, *, also: Sequence[str] = (), key: bool = False) -> str | None:
        """This fleet's name of the system; None after a complaint."""
        name = self._terms.system(word)
        if name in self._terms.fleet.systems:
            return name
        allowed = (*self._terms.systems(), *also)
        self._problems.append(unknown(self._source, at, "system", word, allowed, key=key))
        return None

    def object_name(self, name: str) -> str:
        spec = self._model.objects[name]
        return self._terms.name(spec.system, spec.kind, name)

    def entitlements(
        self, written: Mapping[str, Sequence[Any]], at: DataPath, *, demanded: bool
    ) -> tuple[Entitlement, ...]:
        """`demanded`: it must be there at the end (`expect.has`), nobody gives it."""
        made: list[Entitlement] = []
        for word, items in written.items():
            system = self.system(word, (*at, word), key=True)
            if system is None:
                continue
            first = len(made)
            for index, item in enumerate(items):
                made += self._item(word, system, item, (*at, word, index), demanded)
            new = made[first:]
            if len(set(new)) != len(new):
                twins = dict.fromkeys(each for each in new if new.count(each) > 1)
                for each in twins:
                    self._complain((*at, word), "listed twice", f"{each.kind}/{each.label}", key=True)
        return tuple(made)

    def _item(self, word: str, system: str, item: Any, at: DataPath, demanded: bool) -> list[Entitlement]:
        if item == "account":
            return [Entitlement(system, Kind.ACCOUNT, "account")]
        ((kind, held),) = item.items()
        plain = isinstance(held, str)
        if plain and (known := self._terms.plain.get((word, kind, held, demanded))):
            return known
        before = len(self._problems)
        at = (*at, str(kind))
        if kind is Kind.ACCOUNT:
            self._complain(at, "the account itself is written `account`", key=True)
            return []
        if plain:
            made = [Entitlement(system, kind, self._terms.name(word, kind, held))]
            names = [held]
        else:
            made = self._held(word, system, kind, held, at)
            names = [held.name or held.on or ""]
        if self._declared(system, kind, at) and not demanded:
            self._giveable(system, kind, made, names, at)
        if plain and len(self._problems) == before:
            self._terms.plain[word, kind, held, demanded] = made
        return made

    def _held(self, word: str, system: str, kind: Kind, held: HeldModel, at: DataPath) -> list[Entitlement]:
        if held.on is None:
            on, name = None, self._terms.name(word, kind, held.name or "")
        elif held.on in self._model.objects:
            on = name = self.object_name(held.on)
        else:
            allowed = tuple(self._model.objects)
            self._problems.append(unknown(self._source, (*at, "on"), "object", held.on, allowed))
            return []
        if held.by and self._model.join is None:
            self._complain((*at, "by"), "the scenario has no `join` that could give it", held.by)
        rights: list[str | None] = [*held.rights] if held.rights else [held.right]
        return [
            Entitlement(system, kind, name, on, right, held.to, held.direction, held.sole, held.by) for right in rights
        ]

    def _declared(self, system: str, kind: Kind, at: DataPath) -> bool:
        info = self._terms.fleet.systems[system]
        if kind in info.kinds:
            return True
        why = info.without.get(kind) or info.not_listable.get(kind)
        message = f"system `{system}` does not declare this kind" + (f" ({why})" if why else "")
        self._complain(at, message, str(kind), ("account", *map(str, info.kinds)), key=True)
        return False

    def _giveable(
        self, system: str, kind: Kind, made: Sequence[Entitlement], names: Sequence[str], at: DataPath
    ) -> None:
        if any(each.by is None for each in made) and not self._terms.fleet.systems[system].kinds[kind].grantable:
            message = f"system `{system}` cannot give this kind: declare its `grant`, or write `by: join`"
            self._complain(at, message, str(kind), key=True)
            return
        guard = self._terms.fleet.guard
        if guard.may_grant is None and not guard.deny:
            return
        for each in made:
            if each.by is not None:
                continue
            words = (each.name, each.label, *names)
            full = [f"{each.system}/{kind}/{word}" for word in words]
            globs = None if guard.may_grant is None else guard.may_grant.get(system, {}).get(str(kind), ())
            refused = globs is not None and not any(fnmatchcase(word, glob) for word in words for glob in globs)
            if refused or any(fnmatchcase(word, glob) for word in full for glob in guard.deny):
                message = "the fleet's guard does not allow this to be given"
                self._complain(at, message, f"{system}/{kind}/{each.label}", globs or (), key=True)

    def _object(self, name: str, spec: ObjectModel) -> None:
        at = ("objects", name)
        system = self.system(spec.system, (*at, "system"))
        if system is None or not self._declared(system, spec.kind, (*at, "kind")):
            return
        traits = self._terms.fleet.systems[system].kinds[spec.kind]
        if not (traits.finds_objects or traits.creates_objects):
            message = f"system `{system}` can neither find nor create objects of this kind"
            self._complain((*at, "kind"), message, str(spec.kind))

    def _complain(
        self, at: DataPath, message: str, value: str = "", allowed: Sequence[str] = (), *, key: bool = False
    ) -> None:
        self._problems.append(self._source.problem(at, message, value, allowed, key=key))
