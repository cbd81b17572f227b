"""Identity groups of an OpenBao or Vault server as pure shapes: who is in them, directly or through other groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.wire.call import Unknown

# The two places that show a membership; each must show a control's before its silence counts.
ENTITY_SIDE, GROUP_SIDE = "the entity's side", "the groups' side"


@dataclass(frozen=True, slots=True)
class Group:
    id: str
    name: str
    entities: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    policies: tuple[str, ...] = ()


def read_group(id: str, data: Mapping[str, Any]) -> Group:
    """A group's record, checked. Raises `Unknown`."""
    name = data.get("name")
    if data.get("id") != id:
        raise Unknown("the group carries another `id` than the one that was asked for")
    if not isinstance(name, str) or not name:
        raise Unknown("a group has no `name`")
    entities, groups = (frozenset(listed(data, key)) for key in ("member_entity_ids", "member_group_ids"))
    return Group(id, name, entities, groups, listed(data, "policies"))


def listed(data: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """A list of words that must be there; null is how this server writes one that nobody ever filled."""
    if key not in data:
        raise Unknown(f"the record has no `{key}`")
    found = data[key]
    if found is None:
        return ()
    if not isinstance(found, list) or not all(isinstance(word, str) and word for word in found):
        raise Unknown(f"the record's `{key}` is no list of words")
    return tuple(found)


def above(entity: str, groups: Iterable[Group]) -> dict[str, tuple[Group, str]]:
    """The groups that an entity is in, with the group that it is in them through ("" where it is a member itself)."""
    every = tuple(groups)
    found = {group.id: (group, "") for group in every if entity in group.entities}
    fresh = list(found)
    while fresh:
        below = fresh.pop()
        for group in every:
            if below in group.groups and group.id not in found:
                found[group.id] = (group, found[below][0].name)
                fresh.append(group.id)
    return found
