"""A story as the scenario file that a person would write: the only form in which it is ever run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any

from harness.explore.story import Pairs, Piece, Step, Story

WIDTH = 112
HOLD = "10m"
_PLAIN = re.compile(r"[^\W\d_]([\w .@+%/-]*[\w.@+%/-])?")
_WORDS = frozenset(("true", "false", "null", "True", "False", "Null", "TRUE", "FALSE", "NULL"))


def document(story: Story, title: str, told: str = "", tags: Sequence[str] = (), note: str = "") -> str:
    """YAML that loads where the story does. `told` becomes `story`, `note` a comment on top."""
    lines = [f"# {note}"] if note else []
    lines.append(f"title: {scalar(title)}")
    if told:
        lines += ["story: >-", *(f"  {line}" for line in wrap(told, WIDTH))]
    if tags:
        lines.append(f"tags: {flow(list(tags))}")
    lines += _list("needs", [scalar(need) for need in needs(story)])
    if story.attributes:
        lines.append(f"identity: {flow(dict(story.attributes))}")
    things = {piece.name: piece.on for piece in story.access if piece.on is not None}
    if things:
        lines.append("objects:")
        for name, thing in things.items():
            owner = {"owner": thing.owner} if thing.owner else {}
            lines.append(f"  {scalar(name)}: {flow({'system': thing.system, 'kind': thing.kind, **owner})}")
    lines.append("access:")
    for system, items in _access(story.access).items():
        lines += _list(system, [flow(item) for item in items], "  ")
    if story.join is not None:
        joined = {"via": story.join.via, "event": story.join.event, "within": story.join.within}
        plain = story.join.event == "join"
        lines.append(f"join: {flow({key: v for key, v in joined.items() if v and not (plain and key == 'event')})}")
    lines += _list("before", [flow(_step(step)) for step in story.before])
    leave = {"via": story.leave.via, "event": story.leave.event}
    if story.leave.effective:
        leave["effective"] = story.leave.effective
    lines.append(f"leave: {flow(leave)}")
    lines += _list("then", [flow(_step(step)) for step in story.then])
    expect = {"account": story.leave.account} if story.leave.account != "disabled" else {}
    lines.append(f"expect: {flow({**expect, 'hold': HOLD})}")
    return "\n".join(lines) + "\n"


def needs(story: Story) -> list[str]:
    """What a fleet must have for the story to make sense: each event, and whatever is given."""
    via = story.leave.via
    found = [f"{story.join.via}.{story.join.event}"] if story.join else []
    steps = [*story.before, Step(story.leave.event), *story.then]
    found += [f"{step.via or via}.{step.event}" for step in steps if step.event not in ("", "replay")]
    for piece in story.access:
        found.append(piece.system if piece.kind == "account" else f"{piece.system}.{piece.kind}.grant")
        if piece.on is not None:
            found.append(f"{piece.on.system}.{piece.on.kind}.object")
    return list(dict.fromkeys(found))


def _access(pieces: Iterable[Piece]) -> dict[str, list[Any]]:
    """Rights on one thing stand together, as a person would write them."""
    grouped: dict[str, list[Any]] = {}
    heads: dict[tuple[Any, ...], dict[str, Any]] = {}
    for piece in pieces:
        items = grouped.setdefault(piece.system, [])
        if piece.kind == "account":
            items.append("account")
            continue
        more = {"to": piece.to, "direction": piece.direction, "sole": piece.sole, "right": piece.right}
        held: dict[str, Any] = {"on" if piece.on else "name": piece.name, **{k: v for k, v in more.items() if v}}
        key = (piece.system, piece.kind, piece.name, piece.on, piece.to, piece.direction, piece.sole)
        known = heads.get(key) if piece.right else None
        if known is None:
            heads[key] = held
            items.append({piece.kind: held if len(held) > 1 or piece.on else piece.name})
        else:
            known["rights"] = [*known.pop("rights", [known.pop("right", None)]), piece.right]
    return grouped


def _step(step: Step) -> Any:
    if step == Step(step.event):
        return step.event
    made: dict[str, Any] = {"event": step.event} if step.event else {}
    made |= {key: value for key, value in (("via", step.via), ("set", dict(step.set)), ("wait", step.wait)) if value}
    if step.expect:
        made["expect"] = Written(step.expect)
    return made


class Written(str):
    """YAML already."""


def _list(key: str, items: Sequence[str], indent: str = "") -> Iterator[str]:
    if not items:
        return
    short = f"{indent}{key}: [{', '.join(items)}]"
    if len(short) <= WIDTH:
        yield short
        return
    yield f"{indent}{key}:"
    yield from (f"{indent}  - {item}" for item in items)


def flow(value: Any) -> str:
    """YAML in flow style: on one line."""
    if isinstance(value, Written):
        return str(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(key)}: {flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return value if re.fullmatch(r"[+-]?[0-9]+(ms|s|m|h|d)", str(value)) else scalar(str(value))


def scalar(text: str) -> str:
    """Text that stays text: quoted where YAML would take it for something else."""
    if _PLAIN.fullmatch(text) and text not in _WORDS:
        return text
    if text.isprintable():
        return f"'{text.replace(chr(39), chr(39) * 2)}'"
    return '"' + "".join(_escaped(letter) for letter in text) + '"'


def _escaped(letter: str) -> str:
    if letter in '"\\':
        return f"\\{letter}"
    return letter if letter.isprintable() else f"\\U{ord(letter):08x}"


def sets(pairs: Pairs) -> str:
    """`family_name Lindholm`, for sentences."""
    return " and ".join(f"{name.replace('_', ' ')} {value}" for name, value in pairs)
