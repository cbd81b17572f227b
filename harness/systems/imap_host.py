"""What the programs of a mail host print, read strictly: accounts, holders of roles, and what the disk holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.wire.call import Unknown
from harness.wire.dialogue import Told


@dataclass(frozen=True, slots=True)
class Holder:
    """One account. `person`: whose it is, in the words of whoever made it; "" where the host does not keep that."""

    name: str
    active: bool
    person: str


@dataclass(frozen=True, slots=True)
class Script:
    name: str
    active: bool
    text: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What is on the disk below one name."""

    mailboxes: tuple[str, ...]
    scripts: tuple[Script, ...]


def accounts(told: Told[Any]) -> Mapping[str, Holder]:
    """`{"accounts": [{"name": "ada", "active": true, "person": "ext-7"}]}`; `person` may be null or left out."""
    found: dict[str, Holder] = {}
    for item in _items(told, "accounts"):
        name, active, person = _word(told, item, "name"), item.get("active"), item.get("person")
        if not isinstance(active, bool) or not (person is None or isinstance(person, str)) or name in found:
            raise _wrong(told, f"the account {name} is listed twice, or `active` is not true or false")
        found[name] = Holder(name, active, person or "")
    return found


def roles(told: Told[Any]) -> tuple[tuple[str, str], ...]:
    """`{"roles": [{"holder": "ada", "name": "master"}]}` as holder and name."""
    return tuple((_word(told, item, "holder"), _word(told, item, "name")) for item in _items(told, "roles"))


def store(told: Told[Any]) -> Mapping[str, Kept]:
    """`{"store": [{"name": "ada", "mailboxes": ["INBOX"], "scripts": [{"name": …, "active": …, "text": …}]}]}`."""
    found: dict[str, Kept] = {}
    for item in _items(told, "store"):
        name = _word(told, item, "name")
        boxes, scripts = item.get("mailboxes"), item.get("scripts")
        if not isinstance(boxes, list) or not all(isinstance(box, str) and box for box in boxes) or name in found:
            raise _wrong(told, f"{name} is listed twice, or its `mailboxes` are no list of names")
        if not isinstance(scripts, list):
            raise _wrong(told, f"the `scripts` of {name} are no list")
        found[name] = Kept(tuple(boxes), tuple(_script(told, each) for each in scripts))
    return found


def _script(told: Told[Any], item: Any) -> Script:
    if not isinstance(item, Mapping) or not isinstance(item.get("active"), bool):
        raise _wrong(told, "a script without `active`")
    text = item.get("text")
    if not isinstance(text, str):
        raise _wrong(told, "a script without `text`")
    return Script(_word(told, item, "name"), bool(item["active"]), text)


def _items(told: Told[Any], key: str) -> list[Mapping[str, Any]]:
    found = told.value.get(key) if isinstance(told.value, Mapping) else None
    if not isinstance(found, list) or not all(isinstance(item, Mapping) for item in found):
        raise _wrong(told, f"`{key}` is no list of records")
    return found


def _word(told: Told[Any], item: Mapping[str, Any], key: str) -> str:
    found = item.get(key)
    if not isinstance(found, str) or not found:
        raise _wrong(told, f"a record without `{key}`")
    return found


def _wrong(told: Told[Any], why: str) -> Unknown:
    reason = f"the program's answer cannot be read: {why}"
    return Unknown(reason, evidence=told.evidence, sent=told.sent, answered=told.answered)
