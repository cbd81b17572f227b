"""junit.xml is strict and well-formed; findings.csv starts no formula."""

from __future__ import annotations

import csv
import io
from xml.etree import ElementTree as ET

import pytest

from harness.report.csv import COLUMNS, _cell, findings
from harness.report.junit import junit
from tests.report.hostile import NAMES, hostile
from tests.report.sample import sample

# The xunit2 schema of the Jenkins plugin, as far as we use it.
ALLOWED = {
    "testsuites": {"name", "tests", "failures", "errors", "time"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"},
    "properties": set(),
    "property": {"name", "value"},
    "testcase": {"classname", "name", "time"},
    "failure": {"message", "type"},
    "error": {"message", "type"},
    "skipped": {"message"},
}


def parsed(data: bytes) -> ET.Element:
    root = ET.fromstring(data)
    for element in root.iter():
        assert set(element.attrib) <= ALLOWED[element.tag], element.tag
    return root


def test_fail_is_a_failure_and_inconclusive_an_error() -> None:
    run, about, _ = sample()
    root = parsed(junit(run, about))
    suite = root.find("testsuite")
    assert suite is not None
    counted = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counted == {"tests": "7", "failures": "4", "errors": "1", "skipped": "1"}
    cases = {case.get("name"): case for case in root.iter("testcase")}
    assert cases["everyday-leaver[terminate]"].get("classname") == "scenarios.terminate"
    assert cases["everyday-leaver[terminate]"].find("failure") is not None
    assert cases["open-sessions"].find("error") is not None
    assert cases["delegate[calendar]"].find("skipped") is not None
    assert list(cases["contractor-end-date"]) == []


def test_characters_that_xml_cannot_hold() -> None:
    run, about, _ = hostile()
    text = junit(run, about)
    parsed(text)
    assert b"\\u0000" in text
    assert b"\\ud800" in text
    assert b"&lt;img src=x" in text


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@x", "'@x"), ("\tx", "'\\u0009x"), ("\rx", "'\\u000dx"),
        ("  =1", "'  =1"), ("\u00a0=1", "'\\u00a0=1"), ("＝1", "'＝1"), ("plain", "plain"), ("a=b", "a=b"), ("", ""),
        (None, ""), (-3, -3), (1.5, 1.5), ("\0=1", "'\\u0000=1"), ("\u200b=1", "\\u200b=1"),
    ],
)  # fmt: skip
def test_no_cell_starts_a_formula(value: str | float | None, cell: str | float) -> None:
    assert _cell(value) == cell


def test_every_row_reads_back() -> None:
    for run, about, _ in (sample(), hostile()):
        text = findings(run, about)
        rows = list(csv.reader(io.StringIO(text, newline="")))
        assert rows[0] == list(COLUMNS)
        count = sum(len(case.findings) for case in run.cases) + len(run.bystanders)
        assert len(rows) == count + 1
        assert {len(row) for row in rows} == {len(COLUMNS)}
        assert text.count("\r\n") == len(rows)
        assert not any(cell.lstrip().startswith(("=", "+", "@")) for row in rows for cell in row)
    assert NAMES
