"""Servers that die while somebody leaves: back with all they knew, or back with nothing, they make nothing clean."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest

from fixtures.fleet import canaille, moto, scim2
from fixtures.fleet.cache import NotInstalled
from harness.model import CaseResult, Finding, Outcome, Vantage, Verdict
from tests.real.conftest import cannot
from tests.real.drills import Drilled, drill
from tests.real.trouble import cleaning, left, meanwhile

pytestmark = pytest.mark.real

FLEETS = Path(scim2.__file__).parents[1]
Start = Callable[[Callable[[], AbstractContextManager[Any]]], Any]


@pytest.fixture
def start() -> Iterator[Start]:
    with ExitStack() as stack:

        def one(running: Callable[[], AbstractContextManager[Any]]) -> Any:
            try:
                return stack.enter_context(running())
            except NotInstalled as why:
                cannot(str(why))

        yield one


def short(member: str, folder: Path) -> Path:
    """The member's fleet file with little time."""
    text = (FLEETS / member / "fleet.yaml").read_text()
    timing = next(line for line in text.splitlines() if line.startswith("timing:"))
    file = folder / "fleet.yaml"
    file.write_text(text.replace(timing, "timing: {settle: 500ms, within: 3s, poll: 500ms}"))
    return file


def story(member: str, name: str) -> Path:
    return FLEETS / member / "scenarios" / f"{name}.yaml"


def nothing_is_clean(case: CaseResult, system: str, cause: str) -> None:
    assert case.claimed == "success", case.claim_detail
    assert case.verdict is Verdict.INCONCLUSIVE, told(case.findings)
    looks = [f for f in case.findings if f.system == system and f.vantage is Vantage.ADMIN]
    assert looks
    assert {f.outcome for f in looks} == {Outcome.INCONCLUSIVE}, told(looks)
    assert any(cause in f.reason for f in looks), told(looks)


def nothing_is_left(drilled: Drilled, case: CaseResult) -> None:
    assert case.cleanup.complete, case.cleanup.leftovers
    assert drilled.run.cleanup.complete, drilled.run.cleanup.leftovers


def told(findings: Any) -> list[tuple[str, str, str, str]]:
    return [(f.system, str(f.kind), str(f.outcome), f.reason) for f in findings if isinstance(f, Finding)]


def test_a_hub_that_dies_is_cleaned_up_when_it_is_back(start: Start, tmp_path: Path) -> None:
    hub: canaille.Hub = start(canaille.running)
    run = tmp_path / "run"
    with meanwhile(run, (left, hub.daemon.kill), (cleaning, lambda: canaille.again(hub))):
        drilled = drill(short("canaille", tmp_path), [story("canaille", "deleted-among-others")], hub.env, run)
    case = drilled.case("deleted-among-others")
    nothing_is_clean(case, "hub", "refused")
    assert {f.outcome for f in case.findings if f.system == "branch"} == {Outcome.REVOKED}, told(case.findings)
    nothing_is_left(drilled, case)


@pytest.mark.parametrize("when", [left, cleaning], ids=["back-at-once", "back-for-cleanup"])
def test_a_directory_that_comes_back_empty_has_not_offboarded_anybody(
    start: Start, tmp_path: Path, when: Callable[[Any], bool]
) -> None:
    """Its state is in memory: the leaver is not there any more, and neither is anybody else."""
    server: scim2.Scim2 = start(scim2.running)
    run = tmp_path / "run"
    with meanwhile(run, (left, server.daemon.kill), (when, lambda: scim2.again(server))):
        drilled = drill(short("scim2", tmp_path), [story("scim2", "terminated")], server.env, run)
    case = drilled.case("terminated")
    nothing_is_clean(case, "roster", "refused" if when is cleaning else "control")
    nothing_is_left(drilled, case)
    assert {f.outcome for f in drilled.run.bystanders} == {Outcome.INCONCLUSIVE}, told(drilled.run.bystanders)


def test_an_emulator_that_comes_back_empty_has_not_offboarded_anybody(start: Start, tmp_path: Path) -> None:
    server: moto.Moto = start(moto.running)
    run = tmp_path / "run"
    with meanwhile(run, (left, server.daemon.kill), (left, lambda: moto.again(server))):
        drilled = drill(short("moto", tmp_path), [story("moto", "purged")], server.env, run)
    case = drilled.case("purged")
    nothing_is_clean(case, "aws_iam", "control")
    nothing_is_left(drilled, case)
