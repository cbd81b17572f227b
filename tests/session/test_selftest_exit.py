"""The exit code of a self-test: the first that applies of 1, 6, 7, 0."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.engine.selftest import Probed
from harness.model import Cleanup, Kind, Presence, Vantage
from harness.qualification import Demand, Probe, Trial
from harness.session.selftest import exit_code

GOOD = Probe(
    "crm",
    Kind.LICENSE,
    Vantage.ADMIN,
    trials=(
        Trial(Demand.PLANTED, Presence.PRESENT),
        Trial(Demand.REFUSED, Presence.UNKNOWN),
        Trial(Demand.TAKEN_AWAY, Presence.ABSENT),
    ),
)
LYING = replace(GOOD, trials=(Trial(Demand.REFUSED, Presence.ABSENT),))
BLIND = replace(GOOD, trials=(Trial(Demand.PLANTED, Presence.UNKNOWN),))
UNTRIED = replace(GOOD, trials=(Trial(Demand.PLANTED, None),))
WELL = Probed((GOOD,), Cleanup(complete=True), (), {}, {})
LEFT = Cleanup(complete=False, leftovers=("crm: account u-1",))


@pytest.mark.parametrize(
    ("probed", "code"),
    [
        (WELL, 0),
        (replace(WELL, cleanup=LEFT), 7),
        (replace(WELL, changed=("crm: accounts named zz-1: [] before, [1] after",)), 7),
        (replace(WELL, cleanup=Cleanup(complete=True, resting=("crm: account u-1 (disabled)",))), 0),
        (replace(WELL, probes=(GOOD, BLIND)), 6),
        (replace(WELL, probes=(GOOD, UNTRIED)), 6),
        (replace(WELL, probes=()), 6),
        (replace(WELL, faults=("internal error",)), 6),
        (replace(WELL, probes=(GOOD, BLIND), cleanup=LEFT), 6),
        (replace(WELL, probes=(GOOD, BLIND, LYING), cleanup=LEFT, faults=("internal error",)), 1),
    ],
)
def test_the_first_that_applies(probed: Probed, code: int) -> None:
    assert exit_code(probed) == code
