"""The systems of a fleet once more, with readers that cannot read: how a self-test learns what a probe says then."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from socket import socket
from typing import Any

from pydantic import ValidationError

from harness.config import Opening, Ref
from harness.fleet.examine import Checked, Registry, examine
from harness.fleet.load import ToolsFor, locate
from harness.ports import System
from harness.source import read

_AUTHORITY = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://)[^/?#]+")
Broken = Mapping[str, System | str]  # a string: why this system could not be broken in this way


def wrong_credential(fleet: Path | str, env: Mapping[str, str], tools_for: ToolsFor) -> Broken:
    """Each system with secrets of the same shape that are not the right ones."""
    checked = _checked(fleet, env)
    return {name: _with_wrong(checked, name, tools_for) for name in checked.systems}


def refused(fleet: Path | str, env: Mapping[str, str], tools_for: ToolsFor, port: int) -> Broken:
    """Each system with every address of it at a port of this machine where nobody listens."""
    checked = _checked(fleet, env)
    return {name: _elsewhere(checked, name, tools_for, port) for name in checked.systems}


@contextmanager
def closed_port() -> Iterator[int]:
    """A port of the loopback interface that refuses as long as this lasts: it is held, and nobody listens."""
    with socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def spoiled(secret: str) -> str:
    """Another secret of the same shape: letters stay letters, digits digits, and the rest stays."""
    made = secret
    while made == secret:
        made = "".join(map(_like, secret)) if any(map(str.isalnum, secret)) else secret + "x"
    return made


def _like(char: str) -> str:
    for same in (string.digits, string.ascii_lowercase, string.ascii_uppercase):
        if char in same:
            return random.SystemRandom().choice(same)
    return char


def _with_wrong(checked: Checked, name: str, tools_for: ToolsFor) -> System | str:
    opened = []

    def open_wrong(ref: Ref) -> str:
        opened.append(ref)
        return spoiled(checked.refs.open(ref))

    made = _build(checked, name, tools_for, lambda data: data, open_wrong)
    return made if opened else "its reader has no secret that could be a wrong one"


def _elsewhere(checked: Checked, name: str, tools_for: ToolsFor, port: int) -> System | str:
    moved = []

    def move(value: Any, key: object = None) -> Any:
        if isinstance(value, dict):
            return {each: move(below, each) for each, below in value.items()}
        if isinstance(value, list):
            return [move(below) for below in value]
        if isinstance(value, str) and _AUTHORITY.match(value):
            moved.append(key)
            text = _AUTHORITY.sub(rf"\g<1>127.0.0.1:{port}", value)
            return Ref(text, value.raw, value.secret_only) if isinstance(value, Ref) else text
        if key in ("host", "port") and isinstance(value, str | int):
            moved.append(key)
            return "127.0.0.1" if key == "host" else port
        return value

    made = _build(checked, name, tools_for, move, checked.refs.open)
    return made if moved else "the fleet file names no address of it"


def _build(
    checked: Checked, name: str, tools_for: ToolsFor, change: Callable[[Any], Any], opening: Callable[[Ref], str]
) -> System | str:
    adapter, _ = checked.systems[name]
    data = checked.refs.resolve(checked.source.data["systems"][name], ("systems", name))
    try:
        config = adapter.config.model_validate(change(data), context=Opening(opening))
        return adapter.build(name, config, tools_for(name, config.limits.limits()))
    except (ValidationError, ImportError, ValueError) as error:
        return f"its adapter does not take it: {checked.refs.clean(str(error)).splitlines()[0]}"


def _checked(fleet: Path | str, env: Mapping[str, str]) -> Checked:
    return examine(read(locate(fleet)), env, Registry.installed(), strict=True)
