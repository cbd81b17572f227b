"""A control is supported only where every place that it needs was seen: one failure, doubt or blind place is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.controls import Strength, bundled, parse
from harness.model import CaseResult, Coverage, CoverageCell, Finding, Kind, Outcome, RunResult, Vantage, Verdict
from harness.report.controls import Shown, Standing, controls
from harness.report.ids import entries
from tests.report.sample import sample

RUN, ABOUT, _ = sample()


def shown(run: RunResult) -> dict[str, Shown]:
    return {one.id: one for one in controls(run, ABOUT, entries(run))}


def one_case(*outcomes: tuple[Kind, Outcome], cites: tuple[str, ...] = ("soc2:CC6.2",), seen: bool = True) -> RunResult:
    """A run of one case with these findings in one system, every place of which was seen (or none was)."""
    result: CaseResult = RUN.cases[1]
    base: Finding = result.findings[0]
    findings = tuple(
        replace(base, kind=k, outcome=o, name=f"{k}-{n}", system="crm") for n, (k, o) in enumerate(outcomes)
    )
    status = Coverage.TESTED if seen else Coverage.BLIND
    cells = tuple(
        CoverageCell(name.name, kind, Vantage.ADMIN, status, "", 1) for name in ABOUT.systems for kind in Kind
    )
    case = replace(result, case=replace(result.case, controls=cites), findings=findings, reason=None)
    return replace(RUN, cases=(case,), bystanders=(), coverage=cells)


def test_everything_seen_and_gone_supports() -> None:
    found = shown(one_case((Kind.ACCOUNT, Outcome.REVOKED), (Kind.CREDENTIAL, Outcome.REVOKED)))["soc2:CC6.2"]
    assert (found.standing, found.passed, found.unseen) == (Standing.SUPPORTED, 2, ())


@pytest.mark.parametrize(
    ("run", "standing", "why"),
    [
        (one_case((Kind.ACCOUNT, Outcome.REVOKED), seen=False), Standing.NOT_SHOWN, "not fully seen"),
        (one_case((Kind.ACCOUNT, Outcome.INCONCLUSIVE)), Standing.NOT_SHOWN, "1 of 1 findings are inconclusive"),
        (one_case(), Standing.NOT_SHOWN, "no finding of its kinds"),
        (one_case((Kind.GROUP, Outcome.REVOKED)), Standing.NOT_SHOWN, "no finding of its kinds"),
        (one_case((Kind.ACCOUNT, Outcome.RESIDUAL), seen=False), Standing.CONTRADICTED, "1 of 1 findings fail"),
        (
            one_case((Kind.ACCOUNT, Outcome.REVOKED), (Kind.CREDENTIAL, Outcome.LATE)),
            Standing.CONTRADICTED,
            "1 of 2 findings fail",
        ),
    ],
)
def test_anything_less_does_not(run: RunResult, standing: Standing, why: str) -> None:
    found = shown(run)["soc2:CC6.2"]
    assert found.standing is standing
    assert why in found.why


def test_a_case_that_could_not_be_judged_shows_nothing() -> None:
    run = one_case((Kind.ACCOUNT, Outcome.REVOKED))
    broken = replace(run.cases[0], reason="set-up failed", verdict=Verdict.INCONCLUSIVE)
    found = shown(replace(run, cases=(broken,)))["soc2:CC6.2"]
    assert found.standing is Standing.NOT_SHOWN


def test_another_name_counts_for_the_control_itself() -> None:
    run = one_case((Kind.GROUP, Outcome.REVOKED), cites=("nist-csf:PR.AC-4", "nist-csf:PR.AA-05", "made-up:X"))
    found = shown(run)
    assert list(found) == ["made-up:X", "nist-csf:PR.AA-05"]
    assert found["nist-csf:PR.AA-05"].cases == (run.cases[0].case.id,)
    assert found["made-up:X"].control is None


def test_the_organisations_own_values_are_printed() -> None:
    found = shown(one_case((Kind.ACCOUNT, Outcome.REVOKED), cites=("nist-800-53:PS-4",)))["nist-800-53:PS-4"]
    assert found.parameters
    assert "PS-4 a" in found.parameters[0]
    assert found.control is not None
    assert "interviews" in found.control.outside


def test_the_map_holds_together() -> None:
    known = bundled()
    assert len(known.sha256) == 64
    for one in known.controls:
        assert one.kinds
        assert one.rationale.endswith((".", '"'))
        assert one.strength in Strength
    assert "soc2:CC6.5" not in known.by_id  # about physical assets
    assert known.by_id["owasp-nhi:NHI-03"].id == "owasp-nhi:NHI1"
    assert known.by_id["nist-csf:PR.AC-4"].id == "nist-csf:PR.AA-05"


def test_a_map_that_does_not_hold_together_is_refused() -> None:
    base = {"title": "t", "strength": "direct", "kinds": ["account"], "rationale": "r."}
    told = {"version": 1, "frameworks": {"f": {"title": "F", "edition": "1"}}, "controls": {"f:A": base, "f:B": base}}
    assert len(parse(told, "x").controls) == 2
    with pytest.raises(ValueError, match="two controls of one name"):
        parse({**told, "controls": {"f:A": base, "f:B": {**base, "also": ["f:A"]}}}, "x")
    with pytest.raises(KeyError):
        parse({**told, "controls": {"g:A": base}}, "x")
    with pytest.raises(ValueError, match="perhaps"):
        parse({**told, "controls": {"f:A": {**base, "strength": "perhaps"}}}, "x")
