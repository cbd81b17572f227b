"""The sample run as an attacker would name things, and the sample run a hundred times over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.model import CaseResult, Cleanup, Deselected, Finding, RunResult
from harness.report import About, SystemInfo
from tests.report.sample import sample

IMAGE = "<img src=x onerror=alert(1)>"
BREAKOUT = "\"'></td></style></title><script>alert(2)</script>{{ 7*7 }}{% raise %}"
BIDI = "invoice\u202egpj.exe"
HIDDEN = "a\u200bdmin\x1b[31m\x00\r\nSet-Cookie: x=1"
LONE = "half\ud800pair"
FORMULA = '=HYPERLINK("http://evil.example.test","pay")'
NAMES = (IMAGE, BREAKOUT, BIDI, HIDDEN, LONE, FORMULA, "z" * 5_000, "javascript:alert(3)")


def _bad(finding: Finding, name: str) -> Finding:
    looks = tuple(
        replace(look, reason=name, control=name, checkpoint=name, evidence=(*look.evidence, name))
        for look in finding.observations
    )
    return replace(
        finding, name=name, grant_id=name, reason=name, channel=name, notes=(name,), observations=looks, identity=name
    )


def _case(result: CaseResult, name: str) -> CaseResult:
    made = replace(
        result.case, id=f"{result.case.id}{name}", title=name, story=name, params={name: name}, controls=(name,),
        leave=replace(result.case.leave, via=name, event=name),
    )  # fmt: skip
    findings = tuple(_bad(finding, NAMES[(n + 1) % len(NAMES)]) for n, finding in enumerate(result.findings))
    person = replace(result.identity, username=name) if result.identity else None
    return replace(
        result, case=made, findings=findings, reason=name, claim_detail=name, notes=(name,), identity=person,
        events=tuple((at, name) for at, _ in result.events), cleanup=Cleanup(False, (name,), (name,)),
    )  # fmt: skip


def hostile() -> tuple[RunResult, About, dict[str, Mapping[str, Any]]]:
    """Every text of the run that a system, a connector or a file can choose is an attack."""
    run, about, world = sample()
    cases = tuple(_case(result, NAMES[n % len(NAMES)]) for n, result in enumerate(run.cases))
    run = replace(
        run,
        cases=cases,
        bystanders=tuple(_bad(finding, NAMES[n]) for n, finding in enumerate(run.bystanders)),
        deselected=tuple(Deselected(name, name) for name in NAMES),
        coverage=tuple(replace(cell, reason=IMAGE) for cell in run.coverage),
        cleanup=Cleanup(False, NAMES, NAMES),
        notes=NAMES,
    )
    systems = tuple(
        SystemInfo(system.name, IMAGE, f"http://user:pw@h.example.test/{IMAGE}", BREAKOUT, False, BIDI)
        for system in about.systems
    )
    about = replace(about, systems=systems, operator=IMAGE, notes=NAMES, timing={IMAGE: BREAKOUT}, narrowed=NAMES)
    exchanges: dict[str, Mapping[str, Any]] = {
        sha: {
            **found,
            "url": f"http://user:pw@h.example.test/?{IMAGE}",
            "error": IMAGE,
            "response": {"headers": {IMAGE: BREAKOUT}, "body": HIDDEN + IMAGE + LONE + "\n" + "y" * 9_000},
        }
        for sha, found in world.exchanges.items()
    }
    return run, about, exchanges


def crowd(size: int) -> tuple[RunResult, About, dict[str, Mapping[str, Any]]]:
    """`size` leavers of twelve findings each."""
    run, about, world = sample()
    base = run.cases[0]
    twelve = (base.findings * 2)[:12]
    cases = []
    for n in range(size):
        findings = tuple(
            replace(f, name=f"{f.name}-{m}", identity=f"leaver-{n}", observations=f.observations * 2)
            for m, f in enumerate(twelve)
        )
        cases.append(replace(base, case=replace(base.case, id=f"crowd/leaver-{n:04d}"), findings=findings))
    return replace(run, cases=tuple(cases)), about, world.exchanges
