"""junit.xml in the strict xunit2 shape: one testcase a case; `fail` is a failure, `inconclusive` an error.

Only verdict and table of findings go in; everything else is in results.json.
"""

from __future__ import annotations

from decimal import Decimal
from xml.etree import ElementTree as ET

from harness.model import SECOND, CaseResult, Duration, RunResult, Verdict, iso
from harness.report.about import About
from harness.report.show import clip, one_line, visible
from harness.report.text import case_table, kept_lines


def junit(run: RunResult, about: About) -> bytes:
    """The file as UTF-8. Characters that XML cannot hold are visible escapes, so it is always well-formed."""
    failed = sum(result.verdict is Verdict.FAIL for result in run.cases)
    errors = sum(result.verdict is Verdict.INCONCLUSIVE for result in run.cases)
    counts = {
        "tests": str(len(run.cases) + len(run.deselected)),
        "failures": str(failed),
        "errors": str(errors),
        "skipped": str(len(run.deselected)),
        "time": _seconds(run.finished - run.started),
    }
    root = ET.Element("testsuites", {"name": "exitproof", **{k: v for k, v in counts.items() if k != "skipped"}})
    suite = ET.SubElement(
        root, "testsuite", {"name": visible(f"exitproof {about.fleet}"), **counts, "timestamp": iso(run.started)[:-5]}
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in (
        ("run", run.id),
        ("environment", about.environment),
        ("verdict", run.verdict.word),
        ("version", about.tool_version),
    ):
        ET.SubElement(properties, "property", {"name": name, "value": visible(value)})
    for result in run.cases:
        _case(suite, result, run)
    for case in run.deselected:
        item = ET.SubElement(suite, "testcase", {**_named(case.id), "time": "0.000"})
        ET.SubElement(item, "skipped", {"message": clip(one_line(case.reason))})
    ET.indent(root)
    body: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return body + b"\n"


def _case(suite: ET.Element, result: CaseResult, run: RunResult) -> None:
    item = ET.SubElement(
        suite, "testcase", {**_named(result.case.id), "time": _seconds(result.finished - result.started)}
    )
    if result.verdict is Verdict.PASS:
        if kept := kept_lines(result.findings):
            ET.SubElement(item, "system-out").text = visible("\n".join(kept), lines=True)
        return
    tag = "failure" if result.verdict is Verdict.FAIL else "error"
    table = case_table(result, run.bystanders)
    bad = [f for f in result.findings if f.verdict is not Verdict.PASS]
    message = (
        result.reason or "; ".join(f"{f.outcome} {f.system}/{f.kind}/{f.name}" for f in bad[:3]) or "see the table"
    )
    node = ET.SubElement(item, tag, {"message": clip(one_line(message)), "type": f"exitproof.{result.verdict.word}"})
    node.text = visible(table, lines=True)


def _named(case_id: str) -> dict[str, str]:
    """`terminate/everyday-leaver[terminate]` as class `scenarios.terminate` and name `everyday-leaver[terminate]`."""
    head, bracket, params = case_id.partition("[")
    folder, _, name = head.rpartition("/")
    classname = ".".join(filter(None, ("scenarios", folder.replace("/", "."))))
    return {"classname": visible(classname), "name": visible(name + bracket + params)}


def _seconds(span: Duration) -> str:
    return str((Decimal(span) / SECOND).quantize(Decimal("0.001")))
