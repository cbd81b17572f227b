"""A scenario's words in one fleet: what a name is called there, and what the fleet lacks of `needs`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from harness.fleet.info import FleetInfo, SystemInfo
from harness.model import Entitlement, Kind
from harness.ports import KindTraits

ABILITIES = ("login", "create", "search", "audit")
USES = ("list", "use", "grant", "revoke", "object")
_KINDS = {str(kind): kind for kind in Kind}


class Terms:
    """Translates names and answers needs; made once per load."""

    def __init__(self, fleet: FleetInfo) -> None:
        self.fleet = fleet
        self._names = fleet.names
        self.plain: dict[tuple[str, Kind, str, bool], list[Entitlement]] = {}  # what was bound without complaint
        self.lack = lru_cache(maxsize=None)(self._lack)

    def system(self, written: str) -> str:
        return self._names.get(written, written)

    connector = system

    def name(self, system: str, kind: Kind, name: str) -> str:
        """What `name` is called here; `system` as the scenario writes it."""
        found = self._names.get(f"{system}/{kind}/{name}")
        return found or self._names.get(f"{self.system(system)}/{kind}/{name}", name)

    def systems(self) -> tuple[str, ...]:
        """The words that stand for a system of this fleet."""
        return self._words(self.fleet.systems)

    def connectors(self) -> tuple[str, ...]:
        return self._words(self.fleet.connectors)

    def _words(self, known: Mapping[str, object]) -> tuple[str, ...]:
        renamed = {word for word, name in self._names.items() if "/" not in word and name in known}
        return (*known, *sorted(renamed - set(known)))

    def _lack(self, need: str) -> str | tuple[str, tuple[str, ...]]:
        """Why the fleet lacks `need`, `""` if it has it; or, when the need itself cannot be meant, the wrong word and
        the allowed ones."""
        first, *rest = need.split(".")
        name = self.system(first)
        system, connector = self.fleet.systems.get(name), self.fleet.connectors.get(name)
        if system is None and connector is None:
            return f"needs {need}: the fleet has no system or connector `{first}`"
        if not rest or (connector is not None and ".".join(rest) in connector.events):
            return ""
        if system is None:
            return f"needs {need}: connector `{name}` has no event `{'.'.join(rest)}`"
        return _of_system(need, system, rest)


def _of_system(need: str, system: SystemInfo, rest: list[str]) -> str | tuple[str, tuple[str, ...]]:
    word = rest[0]
    if word in ABILITIES and len(rest) == 1:
        return "" if word in system.able else f"needs {need}: system `{system.name}` has no `{word}`"
    if word not in _KINDS:
        return word, (*_KINDS, *ABILITIES)
    kind = _KINDS[word]
    use = rest[1] if len(rest) > 1 else ""
    if use and use not in USES:
        return use, USES
    if kind is Kind.ACCOUNT:
        return ""
    traits = system.kinds.get(kind)
    if traits is None:
        why = system.without.get(kind) or system.not_listable.get(kind)
        return f"needs {need}: system `{system.name}` declares no {kind}" + (f" ({why})" if why else "")
    return "" if _can(traits, use) else f"needs {need}: system `{system.name}` has no `{use}` for {kind}"


def _can(traits: KindTraits, use: str) -> bool:
    return {
        "": True,
        "list": traits.listed,
        "use": bool(traits.uses),
        "grant": traits.grantable,
        "revoke": traits.revocable,
        "object": traits.finds_objects or traits.creates_objects,
    }[use]
