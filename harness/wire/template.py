"""Templates of scenario and fleet files: sandboxed Jinja2, undefined = error, compiled once when loaded."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Annotated, Any
from urllib.parse import quote

from jinja2 import StrictUndefined, TemplateSyntaxError, Undefined, meta, nodes
from jinja2.exceptions import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BeforeValidator, WithJsonSchema

from harness.config import Ref
from harness.wire.call import Unknown

Context = Mapping[str, Any]
Render = Callable[[Context], Any]


class Unfilled(Unknown):
    """A template could not be filled: nothing was sent. `reason` names the template as it was written."""


class _Quoted(str):
    """Text that is ready to stand in a URL."""

    __slots__ = ()


def plain_text(value: Any) -> str:
    """A value as it stands in running text: strings as they are, everything else as JSON (`true`, `42`)."""
    if isinstance(value, str):
        return value
    if value is None:
        raise Unfilled("a value is null")
    return json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"))


def _segment(text: str) -> str:
    # An empty or dotted segment would address another resource: DELETE /users/ instead of /users/7.
    if text in ("", ".", ".."):
        raise Unfilled(f"the value {text!r} cannot stand in a path")
    return quote(text, safe="@:~")


def _in_path(value: Any) -> str:
    if isinstance(value, Undefined):
        return str(value)  # raises with the name
    return value if isinstance(value, _Quoted) else _segment(plain_text(value))


def _in_text(value: Any) -> str:
    return str(value) if isinstance(value, Undefined) else plain_text(value)


def _path_filter(value: Any) -> str:
    """`{{ name | path }}`: a value of several segments, whose slashes stay slashes."""
    return _Quoted("/".join(_segment(part) for part in plain_text(value).split("/")))


class _Environment(ImmutableSandboxedEnvironment):
    def getattr(self, obj: Any, attribute: str) -> Any:
        # `item.keys` is the key of a record, never the method of a dict.
        if isinstance(obj, Mapping):
            return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)


def _environment(finalize: Callable[[Any], str]) -> _Environment:
    made = _Environment(undefined=StrictUndefined, finalize=finalize, autoescape=False, keep_trailing_newline=True)
    made.globals.clear()
    made.filters["path"] = _path_filter
    return made


_TEXT = _environment(_in_text)
_PATH = _environment(_in_path)
_MARKS = re.compile(r"\{[{%#]")


def _plain(value: Any) -> Any:
    """What an expression yielded, as a JSON value: generators become arrays, undefined parts are errors."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Undefined):
        return str(value)  # raises with the name
    if isinstance(value, Mapping):
        return {plain_text(key): _plain(part) for key, part in value.items()}
    if isinstance(value, Iterable):
        return [_plain(part) for part in value]
    raise Unfilled(f"a {type(value).__name__} is no JSON value")


def _chain(node: nodes.Node) -> tuple[str, ...] | None:
    """`account.id` as its parts; None for anything that is more than names and dots."""
    if isinstance(node, nodes.Name):
        return (node.name,)
    if isinstance(node, nodes.Getattr):
        inner = _chain(node.node)
        return None if inner is None else (*inner, node.attr)
    return None


def _walk(chain: tuple[str, ...]) -> Render:
    def walk(context: Context) -> Any:
        found: Any = context
        for at, part in enumerate(chain):
            if not isinstance(found, Mapping) or part not in found:
                raise Unfilled(f"`{'.'.join(chain[: at + 1])}` is undefined")
            found = found[part]
        return _plain(found)

    return walk


class Template:
    """One template, its syntax checked when made. `names` are the variables it asks for."""

    __slots__ = ("_path", "_text", "_value", "constant", "names", "shown", "text")

    def __init__(self, text: str, shown: str) -> None:
        self.text = text
        self.shown = shown  # as it was written: a resolved `${env:…}` is not shown
        self.constant = _MARKS.search(text) is None
        self.names: frozenset[str] = frozenset()
        self._text = self._path = self._value = _constant(text)
        if self.constant:
            return
        try:
            tree = _TEXT.parse(text)
            self.names = frozenset(meta.find_undeclared_variables(tree))
            compiled = _TEXT.from_string(text)
            self._text = lambda context: compiled.render(context)
            self._value, self._path = self._text, _lazy_path(text)
            only = _only_expression(tree) if text.startswith("{{") and text.endswith("}}") else None
            if only is not None:
                chain = _chain(only)
                self._value = _walk(chain) if chain else _expression(text)
                if chain:
                    self._text = lambda context: plain_text(self._value(context))
                self._path = self._text  # a whole URL that some system gave: the wire checks where it leads
        except TemplateSyntaxError as error:
            why = (error.message or "wrong syntax").rstrip(".")
            raise ValueError(f"not a valid template: {why}") from None

    def render(self, context: Context) -> str:
        """As text. Raises `Unfilled`."""
        return str(self._fill(self._text, context))

    def path(self, context: Context) -> str:
        """As a path or URL: every filled-in value is percent-encoded, and may not be empty, `.` or `..`.
        Raises `Unfilled`."""
        return str(self._fill(self._path, context))

    def value(self, context: Context) -> Any:
        """As a JSON value: exactly one `{{ … }}` keeps its type. Raises `Unfilled`."""
        return self._fill(self._value, context)

    def _fill(self, render: Render, context: Context) -> Any:
        if self.constant:
            return self.text
        try:
            return render(context)
        except Unfilled as error:
            raise Unfilled(f"the template {self.shown!r} cannot be filled: {error.reason}") from None
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
            why = error.message if isinstance(error, TemplateError) else type(error).__name__
            raise Unfilled(f"the template {self.shown!r} cannot be filled: {why}") from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Template) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"Template({self.shown!r})"


def _constant(text: str) -> Render:
    return lambda _: text


def _lazy_path(text: str) -> Render:
    compiled: list[Any] = []

    def render(context: Context) -> Any:
        if not compiled:
            compiled.append(_PATH.from_string(text))
        return compiled[0].render(context)

    return render


def _expression(text: str) -> Render:
    compiled = _TEXT.compile_expression(text[2:-2].strip("-+ \n"), undefined_to_none=False)
    return lambda context: _plain(compiled(context))


def _only_expression(tree: nodes.Template) -> nodes.Expr | None:
    if len(tree.body) == 1 and isinstance(tree.body[0], nodes.Output) and len(tree.body[0].nodes) == 1:
        only = tree.body[0].nodes[0]
        return None if isinstance(only, nodes.TemplateData) else only
    return None


@lru_cache(maxsize=4096)
def _made(text: str, shown: str) -> Template:
    return Template(text, shown)


def template(value: Any) -> Template:
    """The compiled template of a string, cached. Raises ValueError when its syntax is wrong."""
    if isinstance(value, Template):
        return value
    if not isinstance(value, str):
        raise ValueError("a string is needed")
    return _made(str.__str__(value), value.raw if isinstance(value, Ref) else str.__str__(value))


class JsonTemplate:
    """A JSON value in whose strings (and keys) templates may stand."""

    __slots__ = ("_fill", "names", "source")

    def __init__(self, source: Any) -> None:
        self.source = source
        names: set[str] = set()
        self._fill = _json(source, names)
        self.names = frozenset(names)

    def value(self, context: Context) -> Any:
        """Raises `Unfilled`."""
        return self._fill(context)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JsonTemplate) and other.source == self.source

    def __hash__(self) -> int:
        return hash(repr(self.source))

    def __repr__(self) -> str:
        return "JsonTemplate(…)"


def _json(source: Any, names: set[str]) -> Render:
    if isinstance(source, str):
        made = template(source)
        names.update(made.names)
        return made.value
    if isinstance(source, dict):
        pairs = [(template(key), _json(part, names)) for key, part in source.items()]
        for key, _ in pairs:
            names.update(key.names)
        return lambda context: {key.render(context): fill(context) for key, fill in pairs}
    if isinstance(source, list):
        parts = [_json(part, names) for part in source]
        return lambda context: [fill(context) for fill in parts]
    if source is None or isinstance(source, bool | int | float):
        return lambda _: source
    raise ValueError(f"a {type(source).__name__} is no JSON value")


def _as_json(value: Any) -> JsonTemplate:
    return value if isinstance(value, JsonTemplate) else JsonTemplate(value)


TemplateField = Annotated[Template, BeforeValidator(template), WithJsonSchema({"type": "string"})]
JsonField = Annotated[JsonTemplate, BeforeValidator(_as_json), WithJsonSchema({})]
