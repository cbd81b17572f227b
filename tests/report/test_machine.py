"""junit.xml is strict and well-formed; findings.csv starts no formula."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.model import Deselected, Verdict
from harness.report.csv import COLUMNS, _cell, findings
from harness.report.junit import junit
from tests.report.hostile import NAMES, hostile
from tests.report.sample import sample
from tests.report.xunit2 import wrong

PLANTED = {
    "no such element": ("<error ", "<rerun ", "</error>", "</rerun>"),
    "skipped says": ('skipped="1"', 'skipped="0"'),
    "time is '3.0000'": ('time="0.000"', 'time="3.0000"'),
    "file is not allowed": ("<testcase ", '<testcase file="x" '),
    "no value": (' value="', ' told="'),
    "text is not allowed here": ("<properties>", "<properties>loose"),
    "a case with two ends": ("<failure ", '<skipped message="x" /><failure '),
    "not well-formed": ("<failure ", "\x01<failure "),
    "twice: ": ('name="delegate[calendar]"', 'name="delegate[calendar]"'),
}


def test_fail_is_a_failure_and_inconclusive_an_error() -> None:
    run, about, _ = sample()
    root = ET.fromstring(junit(run, about))
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


def test_it_is_strict_whatever_things_are_called() -> None:
    run, about, _ = sample()
    assert wrong(junit(run, about)) == []
    kept = replace(run.cases[0], findings=run.cases[0].findings[-1:], verdict=Verdict.PASS)
    assert wrong(junit(replace(run, cases=(kept,), verdict=Verdict.PASS), about)) == []
    run, about, _ = hostile()
    text = junit(run, replace(about, fleet="".join(NAMES)))
    assert wrong(text) == []
    assert b"\\u0000" in text
    assert b"\\ud800" in text
    assert b"&lt;img src=x" in text


@given(st.text(st.characters(), max_size=40))
@settings(max_examples=200, deadline=None)
def test_no_text_at_all_breaks_it(text: str) -> None:
    run, about, _ = sample()
    case = replace(run.cases[5], case=replace(run.cases[5].case, id=f"a/{text}"), reason=text)
    run = replace(run, id=text, cases=(case,), deselected=(Deselected(f"b/{text}", text),))
    assert wrong(junit(run, replace(about, fleet=text))) == []


@pytest.mark.parametrize("what", PLANTED)
def test_the_reference_notices(what: str) -> None:
    run, about, _ = sample()
    text = junit(run, about).decode()
    words = PLANTED[what]
    for old, new in zip(words[::2], words[1::2], strict=True):
        assert old in text
        text = text.replace(old, new)
    if what == "twice: ":
        case = next(line for line in text.splitlines() if "delegate[calendar]" in line)
        text = text.replace(case, f"{case}</testcase>{case}")
    assert any(what in found for found in wrong(text.encode())), wrong(text.encode())


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
