"""Paths into an answer: plain JMESPath (fields, indexes, `[*]`, `@`, `[path]`) or, with braces, a template."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache, reduce
from typing import Annotated, Any, cast

from jmespath.exceptions import JMESPathError
from jmespath.parser import Parser
from pydantic import BeforeValidator, WithJsonSchema

from harness.wire.template import Context, Template, template

Step = Callable[[Any], Any]

_REFUSED = {
    "filter_projection": "a filter",
    "comparator": "a comparison",
    "or_expression": "`||`",
    "and_expression": "`&&`",
    "not_expression": "`!`",
    "function_expression": "a function",
    "pipe": "`|`",
    "flatten": "`[]`",
    "slice": "a slice",
    "value_projection": "`*`",
    "multi_select_dict": "`{…}`",
    "multi_select_list": "`[…]` inside a path",
    "literal": "a literal",
    "expref": "`&`",
}


def _field(name: str) -> Step:
    return lambda value: value.get(name) if isinstance(value, dict) else None


def _index(at: int) -> Step:
    def step(value: Any) -> Any:
        return value[at] if isinstance(value, list) and -len(value) <= at < len(value) else None

    return step


def _then(first: Step, second: Step) -> Step:
    return lambda value: second(first(value))


def _all(source: Step, rest: Step) -> Step:
    # JMESPath drops nulls here. We keep them: an item that lost its field must be seen, not counted as gone.
    def step(value: Any) -> Any:
        found = source(value)
        return [rest(part) for part in found] if isinstance(found, list) else None

    return step


def _build(node: dict[str, Any]) -> Step:
    kind, children = node["type"], node["children"]
    if kind == "field":
        return _field(node["value"])
    if kind == "index":
        return _index(node["value"])
    if kind in ("current", "identity"):
        return lambda value: value
    if kind in ("subexpression", "index_expression") and len(children) > 1:
        return reduce(_then, map(_build, children))
    if kind == "projection":
        if children[0]["type"] in ("flatten", "index_expression") and _has(children[0], ("flatten", "slice")):
            raise ValueError("not a plain path: `[]` and slices are not allowed")
        return _all(_build(children[0]), _build(children[1]))
    raise ValueError(f"not a plain path: {_REFUSED.get(kind, kind)} is not allowed")


def _has(node: dict[str, Any], kinds: tuple[str, ...]) -> bool:
    return node["type"] in kinds or any(_has(child, kinds) for child in node["children"] if isinstance(child, dict))


def _compile(text: str) -> tuple[Step, Step | None]:
    """The path, and the path of the record that would hold its last field (None: it ends otherwise)."""
    try:
        tree = cast(dict[str, Any], Parser().parse(text).parsed)
    except JMESPathError as error:
        raise ValueError(f"not a path: {str(error).splitlines()[0]}") from None
    if tree["type"] == "multi_select_list" and len(tree["children"]) == 1:
        inner = _build(tree["children"][0])
        return (lambda value: [inner(value)]), None
    if tree["type"] == "field":
        return _build(tree), lambda value: value
    if tree["type"] == "subexpression" and tree["children"][-1]["type"] == "field":
        return _build(tree), reduce(_then, map(_build, tree["children"][:-1]))
    return _build(tree), None


class Path:
    """One path, checked and compiled when made."""

    __slots__ = ("_holder", "_step", "names", "template", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.template: Template | None = None
        self.names: frozenset[str] = frozenset()
        self._holder: Step | None = None
        if "{{" in text or "{%" in text:
            self.template = template(text)
            self.names = self.template.names
        else:
            self._step, self._holder = _compile(text)

    def get(self, value: Any, context: Context) -> Any:
        """What the path finds in `value`; missing and null are both None. A template sees `value` as `item`.
        Raises `Unfilled` (templates only)."""
        if self.template is None:
            return self._step(value)
        return self.template.value({**context, "item": value})

    def left_out(self, value: Any) -> bool:
        """Whether just the last field is missing or null, in a record that is there: what `empty: omitted` needs."""
        return self._holder is not None and isinstance(self._holder(value), dict)

    @property
    def of_item(self) -> bool:
        """Whether it reads the item itself, not only what was known before."""
        return self.template is None or "item" in self.names

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Path) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"Path({self.text!r})"


@lru_cache(maxsize=4096)
def _made(text: str) -> Path:
    return Path(text)


def path(value: Any) -> Path:
    """The compiled path of a string, cached. Raises ValueError when it is not a plain path."""
    if isinstance(value, Path):
        return value
    if not isinstance(value, str):
        raise ValueError("a path is a string")
    return _made(str.__str__(value))


def json_text(value: Any) -> str:
    """A value as canonical JSON text: how values are compared (so `1`, `true` and `"1"` are three values)."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


PathField = Annotated[Path, BeforeValidator(path), WithJsonSchema({"type": "string"})]
