"""Dovecot that dies, or takes its reader's rights away, while somebody leaves: nothing is clean until it is back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from fixtures.fleet.dovecot import Dovecot, NotInstalled, restart, running
from fixtures.fleet.dovecot.conf import READER
from harness.model import Outcome, Vantage, Verdict
from tests.real.conftest import cannot
from tests.real.drills import Drilled, drill
from tests.real.test_dovecot import FLEET, SCENARIOS, told
from tests.real.trouble import cleaning, meanwhile

pytestmark = pytest.mark.real

STORY = SCENARIOS / "locked.yaml"


@pytest.fixture
def dovecot() -> Iterator[Dovecot]:
    with ExitStack() as stack:
        try:
            server = stack.enter_context(running())
        except NotInstalled as why:
            cannot(str(why))
        yield server


def run(server: Dovecot, folder: Path, code: str, *words: str, mend: Callable[[], None]) -> Drilled:
    """A drill in which the event does something else, mended as soon as the harness takes its first access back."""
    lines = FLEET.read_text().splitlines(keepends=True)
    at = next(n for n, line in enumerate(lines) if line.startswith("      lock:"))
    lines[at] = (
        f'      lock: {{argv: ["${{env:DOVECOT_PYTHON}}", "-ISc", \'{code}\', {", ".join(map(repr, words))}]}}\n'
    )
    file = folder / "fleet.yaml"
    file.write_text("".join(lines).replace("within: 16s", "within: 3s"))
    with meanwhile(folder / "run", (cleaning, mend)):
        return drill(file, [STORY], server.env, folder / "run")


def test_a_server_that_dies_makes_nothing_clean(dovecot: Dovecot, tmp_path: Path) -> None:
    code = "import os, sys; os.killpg(int(sys.argv[1]), 9)"
    drilled = run(dovecot, tmp_path, code, str(dovecot.daemon.process.pid), mend=lambda: restart(dovecot))
    case = drilled.case("locked")
    assert case.claimed == "success", case.claim_detail
    assert case.verdict is Verdict.INCONCLUSIVE
    assert {f.outcome for f in case.findings} == {Outcome.INCONCLUSIVE}, [(f.name, f.reason) for f in case.findings]
    looks = [f for f in case.findings if f.vantage is Vantage.ADMIN]
    assert all("connection refused" in f.reason for f in looks), [f.reason for f in looks]
    assert case.cleanup.complete, case.cleanup.leftovers
    assert drilled.run.cleanup.complete, drilled.run.cleanup.leftovers
    assert not [each for each in told(dovecot)["accounts"] if each["name"].startswith("zz-")]


def test_a_reader_that_loses_its_rights_makes_nothing_clean(dovecot: Dovecot, tmp_path: Path) -> None:
    masters = dovecot.home / "masters"
    whole = masters.read_text()
    code = (
        "import pathlib, sys; file = pathlib.Path(sys.argv[1]); "
        'file.write_text("".join(l for l in file.open() if not l.startswith(sys.argv[2])))'
    )

    def mend() -> None:
        masters.write_text(whole)  # the server reads it within a second; cleanup tries for longer

    drilled = run(dovecot, tmp_path, code, str(masters), f"{READER}:", mend=mend)
    case = drilled.case("locked")
    assert case.claimed == "success", case.claim_detail
    blind = [f for f in case.findings if f.outcome is Outcome.INCONCLUSIVE]
    assert {(str(f.kind), f.name) for f in blind if f.vantage is Vantage.ADMIN} == {
        ("delegation", "drill-boss/INBOX#read"),
        ("forwarding", "to-private"),
        ("mailbox", "INBOX"),
    }
    assert all("Authentication failed" in f.reason for f in blind if f.vantage is Vantage.ADMIN), blind
    assert case.cleanup.complete, case.cleanup.leftovers
    assert drilled.run.cleanup.complete, drilled.run.cleanup.leftovers
