"""Redaction of JSON: secret keys at every depth, SCIM PATCH and Bulk, name/value pairs, JSON inside strings."""

from __future__ import annotations

import json
from typing import Any

from harness.evidence.secret_words import SUSPECT, SUSPECT_JSON, TEXT_PAIR, is_secret, last_segment
from harness.evidence.token_shapes import redact_shapes
from harness.evidence.vault import MARK

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_NAMING = ("path", "name", "key", "attribute", "attr", "field", "id")
_VALUES = ("value", "values", "newValue", "new_value", "val", "data")
# Below a secret key, an object is described by its facts (`{"token": {"id": …}}`); these hold the secret itself.
_INNER = frozenset(
    "value values secret plain plaintext hash salt key raw data text current new old".split()  # noqa: SIM905
)
_DEEPEST = 60


def redact_json(text: str) -> tuple[str, int] | None:
    """The text with every secret replaced, and how many. A text that cannot hold a secret key stays byte for byte,
    whether it is JSON or not; None for one that might and cannot be read."""
    lower = text.lower()
    hits = 0
    if "\\u00" in lower or any(word in lower for word in SUSPECT_JSON):
        try:
            document = json.loads(text, object_pairs_hook=_Pairs)
        except (ValueError, RecursionError):
            return None
        counter = _Counter()
        redacted = counter.walk(document, 0)
        if counter.hits or "\\u00" in lower:
            text, hits = _encode(redacted), counter.hits
    text, more = redact_shapes(text)
    return text, hits + more


class _Pairs(dict[str, Any]):
    """An object; of twin keys, which hide the first value from most readers, both are looked at."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__()
        for key, value in pairs:
            self[key if key not in self else f"{key} (again)"] = value


class _Counter:
    def __init__(self) -> None:
        self.hits = 0

    def mark(self, value: Any) -> Any:
        """A secret's place: what says whether there is one (null, true, "") stays."""
        if value is None or isinstance(value, bool) or value == "":
            return value
        self.hits += 1
        return MARK

    def walk(self, value: Any, depth: int) -> Any:
        if depth > _DEEPEST:
            return self.mark(value)
        if isinstance(value, dict):
            return self._object(value, depth)
        if isinstance(value, list):
            return [self.walk(item, depth + 1) for item in value]
        if isinstance(value, str) and value[:1] in ("{", "["):
            inner = redact_json(value)
            if inner is not None and inner[1]:
                self.hits += inner[1]
                return inner[0]
        return self._pairs(value) if isinstance(value, str) else value

    def _pairs(self, text: str) -> str:
        """An error's text may quote what failed: `client_secret=…`. In addresses, shapes know which names matter."""
        lower = text.lower()
        if "://" in text or text[:1] == "/" or not any(word in lower for word in SUSPECT):
            return text
        clean, hits = TEXT_PAIR.subn(lambda found: found[1] + MARK, text)
        self.hits += hits
        return clean

    def _object(self, value: dict[str, Any], depth: int) -> dict[str, Any]:
        named = any(isinstance(value.get(n), str) and is_secret(last_segment(value[n])) for n in _NAMING)
        made: dict[str, Any] = {}
        for key, item in value.items():
            if is_secret(key.removesuffix(" (again)")) or (named and key in _VALUES) or _code(key, item):
                made[key] = self._below(item, depth + 1)
            else:
                made[key] = self.walk(item, depth + 1)
        return made

    def _below(self, value: Any, depth: int) -> Any:
        """What stands under a secret key."""
        if depth > _DEEPEST or not isinstance(value, dict | list):
            return self.mark(value)
        if isinstance(value, list):
            return [self._below(item, depth + 1) for item in value]
        walked = self._object(value, depth)
        return {key: self._below(item, depth + 1) if key.lower() in _INNER else item for key, item in walked.items()}


def _code(key: str, value: Any) -> bool:
    """An authorization or recovery code, not an error code or a country's."""
    return key.lower() == "code" and isinstance(value, str) and len(value) > 8 and any(map(str.isdigit, value))
