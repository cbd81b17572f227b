"""What a strict model found wrong -> a line each that a person can act on: place, value, allowed; never a secret."""

from __future__ import annotations

import difflib
import re
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from harness.model import Kind, Problem, Secret
from harness.source.text import DataPath, Source

_QUOTED = re.compile(r"'([^']*)'")
_SHAPES = {
    "string_type": "text",
    "string_sub_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "none_required": "nothing",
}
_CHOICE = ("literal_error", "enum")
_SHAPELIKE = frozenset(_SHAPES) | {"is_instance_of", *_CHOICE}


class _Located:
    """One error of pydantic, its place in the data, and the labels of union members that pydantic put in between."""

    __slots__ = ("candidates", "detail", "key", "labels", "owner", "path", "type")

    def __init__(self, detail: Mapping[str, Any], model: Any, data: Any) -> None:
        self.detail = detail
        self.type: str = detail["type"]
        self.labels: dict[DataPath, str] = {}
        self.key = False
        path: DataPath = ()
        candidates = _unwrap(model)
        self.owner = candidates
        loc = detail["loc"]
        for index, step in enumerate(loc):
            last = index == len(loc) - 1
            if step == "[key]":
                self.key = True
                continue
            inside = (isinstance(data, dict) and step in data) or (
                isinstance(data, list) and isinstance(step, int) and step < len(data)
            )
            if inside or (last and self.type == "missing"):
                self.owner = candidates
                candidates = [found for each in candidates for found in _below(each, step)]
                path = (*path, step)
                data = data[step] if inside else None
            else:
                self.labels.setdefault(path, str(step))
                candidates = [each for each in candidates if _label(each) == step] or candidates
        self.path = path
        self.candidates = candidates


def explain(
    error: ValidationError,
    model: Any,
    source: Source,
    *,
    at: DataPath = (),
    data: Any = None,
    clean: Callable[[str], str] = str,
    skip: Callable[[DataPath], bool] = lambda _path: False,
) -> list[Problem]:
    """Every error as a `Problem`. `at` is where in the file `data` (default: the whole file) stands; `clean` removes
    resolved references from messages; places that `skip` names have been reported already."""
    root = source.data if data is None else data
    located = [_Located(each, model, root) for each in error.errors(include_url=False, include_input=False)]
    made = [_problem(each, source, at, clean) for each in _members(located) if not skip((*at, *each.path))]
    return list(dict.fromkeys(made))


def _members(located: list[_Located]) -> list[_Located]:
    """Of a union, only the member that the data was meant for: the one whose shape fits, then with fewest errors."""
    points = sorted({path for each in located for path in each.labels}, key=len)
    for point in points:
        branches: dict[str, list[_Located]] = {}
        for each in located:
            if point in each.labels:
                branches.setdefault(each.labels[point], []).append(each)
        if len(branches) < 2:
            continue

        def misfit(branch: list[_Located], point: DataPath = point) -> tuple[bool, int]:
            return any(each.path == point and each.type in _SHAPELIKE for each in branch), len(branch)

        ranked = sorted(branches.values(), key=misfit)
        if misfit(ranked[0])[0]:  # nothing fits: one line that names all the shapes
            keep = ranked[0][:1]
            shapes = [_SHAPES[each.type] for branch in branches.values() for each in branch if each.type in _SHAPES]
            keep[0].detail = {**keep[0].detail, "shapes": list(dict.fromkeys(shapes))}
            words = [word for branch in branches.values() for each in branch for word in _choices(each)]
            keep[0].detail["words"] = list(dict.fromkeys(words))
        else:
            keep = ranked[0]
        dropped = {id(each) for branch in branches.values() for each in branch} - {id(each) for each in keep}
        located = [each for each in located if id(each) not in dropped]
    return located


def _problem(
    each: _Located,
    source: Source,
    at: DataPath,
    clean: Callable[[str], str],
) -> Problem:
    path = (*at, *each.path)
    context: Mapping[str, Any] = each.detail.get("ctx") or {}
    name = str(each.path[-1]) if each.path else ""
    if each.type == "missing":
        return source.problem(path[:-1], "missing key", name, key=True)
    if each.type == "extra_forbidden":
        return unknown(source, path, "key", name, _keys(each.owner), key=True)
    message = clean(_message(each, context))
    allowed = [str(word) for word in context.get("allowed", ())] or _choices(each)
    hidden = context.get("hide") or any(_secret(found, set()) for found in each.candidates)
    value = name if each.key else "" if hidden else shown(_at(source.data, path))
    if each.type in _CHOICE and value and "shapes" not in each.detail:
        what = "kind" if set(allowed) == set(Kind) else "word"
        return unknown(source, path, what, value, allowed, key=each.key)
    return source.problem(path, message, value, allowed, key=each.key)


def unknown(
    source: Source, path: Sequence[str | int], what: str, value: str, allowed: Sequence[str], *, key: bool = False
) -> Problem:
    """`unknown system (did you mean `crm`?): 'crn' (allowed: …)`."""
    near = difflib.get_close_matches(value, allowed, 1) or [
        word for word in allowed if value and word.startswith(value)
    ]
    hint = f" (did you mean `{near[0]}`?)" if near else ""
    return source.problem(path, f"unknown {what}{hint}", value, allowed, key=key)


def shown(value: Any) -> str:
    """A scalar as it is written in YAML, shortened; nothing for lists and mappings."""
    if isinstance(value, dict | list):
        return ""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    return text if len(text) <= 80 else text[:79] + "…"


def _message(each: _Located, context: Mapping[str, Any]) -> str:
    shapes = each.detail.get("shapes")
    if shapes:
        words = ["one of the allowed words"] if each.detail.get("words") else []
        return f"should be {' or '.join([*shapes, *words])}"
    if each.type in _SHAPES:
        return f"should be {_SHAPES[each.type]}"
    if each.type in _CHOICE:
        return "not one of the allowed words"
    if each.type == "too_short":
        return (
            "should not be empty" if context.get("min_length") == 1 else f"should hold {context['min_length']} or more"
        )
    if each.type == "too_long":
        return f"should hold {context['max_length']} at most"
    if each.type == "value_error":
        return str(context.get("error", "")) or "not allowed"
    text = str(each.detail["msg"])
    for begin in ("Input should be ", "Value should be ", "String should ", "List should ", "Dictionary should "):
        if text.startswith(begin):
            return "should " + ("be " if begin.endswith("be ") else "") + text.removeprefix(begin)
    return text[:1].lower() + text[1:]


def _choices(each: _Located) -> list[str]:
    if "words" in each.detail:
        return list(each.detail["words"])
    if each.type not in _CHOICE:
        return []
    return _QUOTED.findall(str((each.detail.get("ctx") or {}).get("expected", "")))


def _at(data: Any, path: DataPath) -> Any:
    for step in path:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return {}
    return data


# --- what the model allows at a place ----------------------------------------------------------


def _unwrap(annotation: Any) -> list[Any]:
    if hasattr(annotation, "__value__"):  # a named type alias
        return _unwrap(annotation.__value__)
    origin = get_origin(annotation)
    if origin is Annotated:
        return _unwrap(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return [found for each in get_args(annotation) if each is not type(None) for found in _unwrap(each)]
    return [annotation]


def _below(annotation: Any, step: str | int) -> list[Any]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, info in annotation.model_fields.items():
            if step in (name, info.alias, info.validation_alias):
                return _unwrap(info.annotation)
        return []
    args = get_args(annotation)
    if not args or get_origin(annotation) is Literal:
        return []
    return _unwrap(args[1] if len(args) == 2 and args[1] is not Ellipsis else args[0])


def _label(annotation: Any) -> str:
    return getattr(annotation, "__name__", "")


def _keys(candidates: Sequence[Any]) -> list[str]:
    found = [
        info.alias or name
        for each in candidates
        if isinstance(each, type) and issubclass(each, BaseModel)
        for name, info in each.model_fields.items()
    ]
    return list(dict.fromkeys(found))


def _secret(annotation: Any, seen: set[Any]) -> bool:
    """Whether a secret may stand here or below: then nothing that was written here is echoed."""
    if annotation is Secret:
        return True
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if annotation in seen:
            return False
        seen.add(annotation)
        fields = annotation.model_fields.values()
        return any(_secret(found, seen) for info in fields for found in _unwrap(info.annotation))
    args = get_args(annotation) if get_origin(annotation) is not Literal else ()
    return any(_secret(found, seen) for each in args if each is not Ellipsis for found in _unwrap(each))
