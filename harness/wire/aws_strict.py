"""Holds an answer of AWS against the service's own description before botocore reads it, which forgives too much.

botocore takes a text where a list should be for an empty list, and JSON that breaks off for an answer without fields.
Both would read as "nothing there".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

_MOST_DEPTH = 30


class Misformed(Exception):
    """An answer that is not in the form of the API; `status` is HTTP's. Its body is not told: it may be any page."""

    def __init__(self, reason: str, status: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


def strict(operation_model: Any, response_dict: Mapping[str, Any], **_: Any) -> None:
    """Handles botocore's event `before-parse`. Raises `Misformed`."""
    status, body, shape = response_dict["status_code"], response_dict["body"], operation_model.output_shape
    query = operation_model.service_model.protocol == "query"
    wrong = ""
    if status >= 400:  # botocore reads what the error is; of another page it can make nothing
        wrong = "no error of AWS" if query and _parsed(body) is None else ""
    elif status != 200:
        wrong = "no answer of AWS has this status"
    elif shape is not None:
        wrong = _xml(shape, body) if query else _json(shape, body)
    if wrong:
        raise Misformed(wrong, status)


def _json(shape: Any, body: bytes) -> str:
    try:
        document = json.loads(body or b"{}")
    except ValueError:
        return "the answer is no JSON, or breaks off"
    return _value(shape, document, "the answer", 0)


def _value(shape: Any, value: Any, where: str, depth: int) -> str:
    if value is None or depth > _MOST_DEPTH:
        return ""
    kind = _JSON.get(shape.type_name)
    if kind is not None and not isinstance(value, kind):
        return f"{where} is no {shape.type_name}"
    inner: list[str] = []
    if shape.type_name == "structure":
        inner = [_value(part, value.get(name), f"`{name}`", depth + 1) for name, part in shape.members.items()]
    elif shape.type_name == "list":
        inner = [_value(shape.member, item, f"an item of {where}", depth + 1) for item in value]
    return next((wrong for wrong in inner if wrong), "")


_JSON: Mapping[str, type] = {"structure": dict, "list": list}  # of scalars, whoever reads one says what it must be


def _parsed(body: bytes) -> ElementTree.Element | None:
    try:
        return ElementTree.fromstring(body)  # noqa: S314  expat of today refuses what expands without end
    except ElementTree.ParseError:
        return None


def _xml(shape: Any, body: bytes) -> str:
    root = _parsed(body)
    if root is None:
        return "the answer is no XML, or breaks off"
    wrapper = shape.serialization.get("resultWrapper")
    result = root if wrapper is None else next((each for each in root if _name(each) == wrapper), None)
    return f"the answer has no `{wrapper}`" if result is None else _element(shape, result, 0)


def _element(shape: Any, element: ElementTree.Element, depth: int) -> str:
    """A list holds `member` elements and no text; a structure holds elements and no text; a scalar holds text."""
    where = f"`{_name(element)}`"
    if depth > _MOST_DEPTH:
        return ""
    holds_text = bool((element.text or "").strip())
    if shape.type_name == "list":
        if holds_text or any(_name(child) != "member" for child in element):
            return f"{where} is no list"
        inner = [_element(shape.member, child, depth + 1) for child in element]
    elif shape.type_name == "structure":
        if holds_text:
            return f"{where} is no structure"
        parts = {part.serialization.get("name", name): part for name, part in shape.members.items()}
        inner = [_element(parts[_name(child)], child, depth + 1) for child in element if _name(child) in parts]
    else:
        return f"{where} is no {shape.type_name}" if len(element) else ""
    return next((wrong for wrong in inner if wrong), "")


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
