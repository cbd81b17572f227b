"""The strict xunit2 shape of a JUnit file: which element may stand where, with which attributes, counted how.

Our own words for the rules that the Jenkins xUnit plugin reads by, and that pytest means by `junit_family=xunit2`."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from xml.etree import ElementTree as ET

TIME = re.compile(r"[0-9]+(\.[0-9]{1,3})?")
COUNT = re.compile(r"[0-9]+")
STAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}")
ANY = re.compile(r".*", re.S)


@dataclass(frozen=True)
class Shape:
    """`required` and `allowed` attributes with their form; `children` in no order; `text`: may hold some."""

    required: dict[str, re.Pattern[str]]
    allowed: dict[str, re.Pattern[str]]
    children: frozenset[str] = frozenset()
    text: bool = False


_SUITE = dict.fromkeys(("tests", "failures", "errors"), COUNT)
_WHY = Shape({}, {"message": ANY, "type": ANY}, text=True)
SHAPES = {
    "testsuites": Shape({}, {"name": ANY, "time": TIME, **_SUITE}, frozenset({"testsuite"})),
    "testsuite": Shape(
        {"name": ANY, **_SUITE},
        {"skipped": COUNT, "time": TIME, "timestamp": STAMP, "hostname": ANY, "id": ANY, "package": ANY},
        frozenset({"testsuite", "properties", "testcase", "system-out", "system-err"}),
    ),
    "properties": Shape({}, {}, frozenset({"property"})),
    "property": Shape({"name": ANY, "value": ANY}, {}),
    "testcase": Shape(
        {"name": ANY},
        {"classname": ANY, "time": TIME, "group": ANY},
        frozenset({"skipped", "error", "failure", "system-out", "system-err"}),
    ),
    "failure": _WHY,
    "error": _WHY,
    "skipped": _WHY,
    "system-out": Shape({}, {}, text=True),
    "system-err": Shape({}, {}, text=True),
}


def wrong(data: bytes) -> list[str]:
    """Everything about a file that a strict reader refuses or miscounts; empty for a good one."""
    try:
        root = ET.fromstring(data)
    except ET.ParseError as error:
        return [f"not well-formed: {error}"]
    found = [] if root.tag in ("testsuites", "testsuite") else [f"the root is {root.tag}"]
    found += [f"{path}: {what}" for path, element in _walk(root, root.tag) for what in _element(element)]
    return found + [what for suite in root.iter("testsuite") for what in _counts(suite)] + _twice(root)


def _walk(element: ET.Element, path: str) -> list[tuple[str, ET.Element]]:
    below = [each for child in element for each in _walk(child, f"{path}/{child.tag}")]
    return [(path, element), *below]


def _element(element: ET.Element) -> list[str]:
    shape = SHAPES.get(element.tag)
    if shape is None:
        return ["no such element"]
    known = shape.required | shape.allowed
    found = [f"no {name}" for name in shape.required if name not in element.attrib]
    found += [f"{name} is not allowed" for name in element.attrib if name not in known]
    found += [
        f"{name} is {value!r}"
        for name, value in element.attrib.items()
        if name in known and not known[name].fullmatch(value)
    ]
    found += [f"{child.tag} is not allowed here" for child in element if child.tag not in shape.children]
    loose = [element.text, *(child.tail for child in element)] if not shape.text else []
    return found + ["text is not allowed here" for text in loose if (text or "").strip()]


def _counts(suite: ET.Element) -> list[str]:
    cases = suite.findall("testcase")
    ends = Counter(child.tag for case in cases for child in case)
    told = {"tests": len(cases), "failures": ends["failure"], "errors": ends["error"], "skipped": ends["skipped"]}
    return [
        f"{name} says {suite.get(name)} of {number}"
        for name, number in told.items()
        if name in suite.attrib and suite.get(name) != str(number)
    ] + ["a case with two ends" for case in cases if sum(c.tag in ("failure", "error", "skipped") for c in case) > 1]


def _twice(root: ET.Element) -> list[str]:
    """Readers key cases by class and name: a second one of a name would stand for the first."""
    names = Counter((case.get("classname"), case.get("name")) for case in root.iter("testcase"))
    return [f"twice: {name}" for name, number in names.items() if number > 1]
