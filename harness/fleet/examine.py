"""One fleet file read and checked whole: every problem at once, nothing built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

from pydantic import ValidationError

from harness import adapter
from harness.adapter import ConnectorAdapter, ConnectorConfig, SystemAdapter, SystemConfig
from harness.config import Config, Opening
from harness.fleet.loopback import loopback, outside
from harness.fleet.model import RESERVED, FleetModel
from harness.fleet.refs import MISSING, References
from harness.model import BadInput, Kind, Problem
from harness.source import DataPath, Source
from harness.source.problems import explain, unknown

M = TypeVar("M", bound=Config)


@dataclass(frozen=True, slots=True)
class Registry:
    """The adapter types that a fleet file may name."""

    systems: Mapping[str, SystemAdapter]
    connectors: Mapping[str, ConnectorAdapter]

    @classmethod
    def installed(cls) -> Registry:
        return cls(adapter.systems(), adapter.connectors())


@dataclass(frozen=True, slots=True)
class Checked:
    """A fleet file without problems, and its references (they know every secret that was read)."""

    source: Source
    refs: References
    model: FleetModel
    systems: Mapping[str, tuple[SystemAdapter, SystemConfig]]
    connectors: Mapping[str, tuple[ConnectorAdapter, ConnectorConfig]]


def examine(source: Source, env: Mapping[str, str], registry: Registry, *, strict: bool) -> Checked:
    """Raises `BadInput` with every problem of the file. `strict` false: only the shape is wanted, secrets and
    environment variables may be missing."""
    return _Examination(source, env, registry, strict).run()


class _Examination:
    def __init__(self, source: Source, env: Mapping[str, str], registry: Registry, strict: bool) -> None:
        self.source = source
        self.refs = References(source, env, strict=strict)
        self.registry = registry
        self.problems: list[Problem] = []
        self.data: dict[str, Any] = self.refs.resolve(source.data)
        self.systems: dict[str, tuple[SystemAdapter, SystemConfig]] = {}
        self.connectors: dict[str, tuple[ConnectorAdapter, ConnectorConfig]] = {}

    def run(self) -> Checked:
        model = self.validate(FleetModel, (), self.data)
        for name, data in self.part("connectors"):
            at = ("connectors", name)
            if found := self.type_of(at, data, self.registry.connectors):
                config = self.validate(found.config, at, data)
                if config is not None:
                    self.connectors[name] = (found, config)
        for name, data in self.part("systems"):
            at = ("systems", name)
            if name in RESERVED:
                self.add(at, f"a system may not be called `{name}`", key=True)
            if kind := self.type_of(at, data, self.registry.systems):
                system = self.validate(kind.config, at, data)
                if system is not None:
                    self.systems[name] = (kind, system)
                    self.kinds(at, system)
        self.problems += self.refs.problems
        for path in (("fleet",), ("environment",), ("guard",), ("timing",), ("names",)):
            self.problems += self.refs.misplaced(path)
        if self.data.get("environment") == "sandbox":
            self.only_loopback()
        if model is not None:
            self.guard(model)
            self.names(model)
            self.timing(model)
        if self.problems:
            raise BadInput(list(dict.fromkeys(self.problems)))
        assert model is not None  # noqa: S101  no problem: it was valid
        return Checked(self.source, self.refs, model, self.systems, self.connectors)

    def part(self, key: str) -> Iterator[tuple[str, dict[str, Any]]]:
        found = self.data.get(key)
        for name, data in found.items() if isinstance(found, dict) else ():
            if isinstance(data, dict):
                yield name, data

    def add(
        self, path: DataPath, message: str, value: str = "", allowed: tuple[str, ...] = (), key: bool = False
    ) -> None:
        self.problems.append(self.source.problem(path, message, value, allowed, key=key))

    def type_of(self, at: DataPath, data: dict[str, Any], known: Mapping[str, Any]) -> Any:
        """The adapter that `type` names; None after a complaint."""
        if "type" not in data:
            self.add(at, "missing key", "type", key=True)
            return None
        name = data["type"]
        if not isinstance(name, str) or name not in known:
            what = f"{str(at[0]).removesuffix('s')} type"
            value = str(getattr(name, "raw", name))
            self.problems.append(unknown(self.source, (*at, "type"), what, value, tuple(known)))
            return None
        return known[name]

    def validate(self, model: type[M], at: DataPath, data: Any) -> M | None:
        before = len(self.problems)
        made: M | None = None
        try:
            made = model.model_validate(data, context=Opening(self.refs.open))
        except ValidationError as error:
            self.problems += explain(
                error,
                model,
                self.source,
                at=at,
                data=data,
                clean=self.refs.clean,
                skip=self.refs.accounts_for,
            )
        if at and len(self.problems) == before:
            self.problems += self.refs.misplaced(at)
        return made

    def kinds(self, at: DataPath, system: SystemConfig) -> None:
        declared = system.declared()
        for kind in system.without:
            if kind in declared:
                self.add((*at, "without", str(kind)), "both declared and in `without`", str(kind), key=True)
        for kind in system.not_listable:
            where = (*at, "not_listable", str(kind))
            if kind in system.without:
                self.add(where, "both in `without` and in `not_listable`", str(kind), key=True)
            if kind in declared and declared[kind].listed:
                self.add(where, "both declared with `list` and in `not_listable`", str(kind), key=True)
        if Kind.ACCOUNT in system.without:
            self.add((*at, "without", "account"), "every system has accounts", "account", key=True)

    def only_loopback(self) -> None:
        message = "environment is `sandbox`, but this may not be this machine"
        for part in ("connectors", "systems"):
            for path, value in outside(self.data.get(part), (part,)):
                self.add(path, message, value, ("localhost", "127.0.0.0/8", "::1"))
        for part, entries in (("connectors", self.connectors), ("systems", self.systems)):
            for name, (_adapter, config) in entries.items():
                for address in config.addresses():
                    if not (loopback(address) or address.startswith(MISSING)):
                        path = (part, name, "url") if hasattr(config, "url") else (part, name)
                        value = str(getattr(self.refs.refs.get(path), "raw", address))
                        self.add(path, message, value, ("localhost", "127.0.0.0/8", "::1"))

    def guard(self, model: FleetModel) -> None:
        if model.guard is None:
            if model.environment != "sandbox":
                self.add((), f"`guard` is required in environment `{model.environment}`: what may a run make and give?")
            return
        for name in model.guard.may_grant or ():
            if name not in model.systems:
                path = ("guard", "may_grant", name)
                self.problems.append(unknown(self.source, path, "system", name, tuple(model.systems), key=True))

    def names(self, model: FleetModel) -> None:
        for written, name in model.names.items():
            parts = written.split("/", 2)
            at = ("names", written)
            if len(parts) == 1:
                known = (*model.systems, *model.connectors)
                if name not in known:
                    self.problems.append(unknown(self.source, at, "system or connector", name, known))
            elif len(parts) != 3 or not all(parts):
                forms = ("system/kind/name", "system", "connector")
                self.add(at, "not a scenario's name", written, forms, key=True)
            elif parts[1] not in set(Kind):
                self.problems.append(unknown(self.source, at, "kind", parts[1], tuple(Kind), key=True))
            elif model.names.get(parts[0], parts[0]) not in model.systems:
                known = (*model.systems, *(one for one in model.names if "/" not in one))
                self.problems.append(unknown(self.source, at, "system", parts[0], known, key=True))

    def timing(self, model: FleetModel) -> None:
        within = model.timing.within
        for key in within if isinstance(within, dict) else ():
            system, _, kind = key.partition(".")
            at = ("timing", "within", key)
            if key != "default" and system not in model.systems:
                self.problems.append(unknown(self.source, at, "system", system, ("default", *model.systems), key=True))
            elif kind and kind not in set(Kind):
                self.problems.append(unknown(self.source, at, "kind", kind, tuple(Kind), key=True))
        for key, value in (("within", within), ("poll", model.timing.poll)):
            for span in value.values() if isinstance(value, dict) else (value,):
                if span == 0:
                    self.add(("timing", key), "must be longer than nothing")
        hold = model.timing.hold
        if isinstance(hold, list) and any(a >= b for a, b in pairwise(hold)):
            self.add(("timing", "hold"), "checkpoints must ascend")
