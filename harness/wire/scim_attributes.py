"""What a fleet file says about the attributes of a new SCIM user, laid over the ones it would have anyway."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.wire.template import JsonField


def overlaid(
    body: Mapping[str, Any], attributes: Mapping[str, JsonField | None], words: Callable[[], Mapping[str, Any]]
) -> dict[str, Any]:
    """Null leaves an attribute out. `name.givenName` reaches into a record; an extension stands under its URN."""
    made = dict(body)
    if not attributes:
        return made
    here = words()
    for key, wanted in attributes.items():
        value = None if wanted is None else wanted.value(here)
        head, _, tail = ("", "", "") if key.startswith("urn:") else key.partition(".")
        if tail:
            made[head] = {**(made.get(head) or {}), tail: value}
        elif value is None:
            made.pop(key, None)
        else:
            made[key] = value
            if key.startswith("urn:"):
                made["schemas"] = [*made["schemas"], key]
    return made
