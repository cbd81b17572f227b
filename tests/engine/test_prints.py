"""A finding has the same name in every drill: what is a run's own stays out of it."""

from __future__ import annotations

from harness.engine.run import Options, Run
from harness.model import RunResult
from tests.engine.world import World, make_case
from tests.engine.world import _NoVault as NoVault


def drilled(number: int) -> RunResult:
    world = World("crm", "mail")
    options = Options(f"run-{number}", number, password=lambda n: f"pw-{n}")
    vault = NoVault()
    fleet, cases = world.fleet(), (make_case("first"), make_case("second"))
    return Run(fleet, cases, world.kernel, world.journal, world.ledger, vault, lambda t, _p: t, options).run()


def prints(run: RunResult) -> tuple[set[str], set[str]]:
    return {f.fingerprint for c in run.cases for f in c.findings}, {f.fingerprint for f in run.bystanders}


def test_two_runs_of_the_same_stories_have_the_same_prints() -> None:
    first, second = drilled(1), drilled(472522161)
    assert prints(first) == prints(second)
    leavers, bystanders = prints(first)
    assert len(leavers) == sum(len(c.findings) for c in first.cases)
    assert bystanders
    assert not leavers & bystanders
