"""`exitproof selftest`: a self-test put together, run, written down and sealed; what its result is bound to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness import __version__, fleet, report
from harness.engine.kernel import Kernel
from harness.engine.selftest import Probed, selftest
from harness.evidence.exchanges import Exchanges
from harness.evidence.journal import Journal
from harness.evidence.ledger import Ledger
from harness.evidence.names import SELFTEST
from harness.evidence.vault import Vault
from harness.fleet.breaking import closed_port, refused, wrong_credential
from harness.model import Duration, Instant, iso
from harness.ports import Limits, Tools
from harness.qualification import Demand, Probe, Standing
from harness.scenario import Loaded
from harness.session import sealing
from harness.session.about import operator
from harness.session.drill import Naming, hang_up, render
from harness.session.qualified import SCHEMA, bound_to, versions

PAGE = "selftest.html"
_VERDICT = {0: "pass", 1: "fail", 6: "inconclusive", 7: "pass"}


@dataclass(frozen=True, slots=True)
class Written:
    """A self-test that is over: `code` is the exit code, `sealed` what became of its seal, in a line."""

    folder: Path
    probed: Probed
    code: int
    sealed: str
    document: Mapping[str, Any]


class Hasty:
    """A clock on which nobody waits: for systems that are broken on purpose, where another try cannot help."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def now(self) -> Instant:
        return self._kernel.now()

    def sleep(self, span: Duration) -> None:  # noqa: ARG002  as the port names it
        return None


def run(
    source: str,
    env: Mapping[str, str],
    loaded: Loaded,
    folder: Path,
    naming: Naming,
    patience: Duration,
    *,
    sign: str | None = None,
    named: bool = False,
) -> Written:
    """Blocks until everything that was planted is taken back. `named`: the folder was chosen by `--out`. Raises
    `BadInput`."""
    vault, kernel = Vault(), Kernel()
    seal = sealing.prepare(folder, naming.id, sign, env, named=named)
    exchanges = Exchanges(folder / "exchanges", vault)

    def tools(_name: str, limits: Limits) -> Tools:
        return Tools(clock=kernel, record=exchanges, vault=vault, limits=limits)

    def hasty(_name: str, limits: Limits) -> Tools:
        return Tools(clock=Hasty(kernel), record=exchanges, vault=vault, limits=limits)

    made = fleet.load(source, env, tools)
    began = datetime.now(UTC)
    opening = {"run": naming.id, "tool": __version__, "fleet_sha256": made.sha256}
    with closed_port() as port:
        broken = {
            Demand.WRONG_CREDENTIAL: wrong_credential(source, env, hasty),
            Demand.REFUSED: refused(source, env, hasty, port),
        }
        folder.mkdir(parents=True, exist_ok=True)
        ledger = Ledger(folder / "ledger.jsonl", {**opening, "fleet": made.name, "selftest": True}, vault)
        with Journal(folder / "journal.jsonl", vault) as journal:
            told = {"op": "run", "n": naming.n, "worker": "", "fleet": source, "environment": made.environment}
            journal.write({**opening, **told})
            seal.begin()
            cases = loaded.cases
            try:
                probed = selftest(
                    made, cases, broken, naming.id, naming.n, kernel, journal, ledger, vault, render, patience
                )
            finally:
                hang_up((*(entry.system for entry in made.systems.values()), *made.connectors.values()))
                hang_up(system for systems in broken.values() for system in systems.values())
    code = exit_code(probed)
    document = {
        "schema": SCHEMA,
        "run": {
            "id": naming.id,
            "started": _stamp(began),
            "finished": _stamp(datetime.now(UTC)),
            "fleet": made.name,
            "environment": made.environment,
            "operator": operator(),
            "verdict": _VERDICT[code],
        },
        "fleet_file": {"path": made.source, "sha256": made.sha256},
        "versions": versions(),
        "bound_to": bound_to(made.sha256, versions()),
        "exit": code,
        **_plain(probed),
    }
    data = (json.dumps(document, indent=2) + "\n").encode("ascii")
    ledger.append({"type": "selftest", "sha256": hashlib.sha256(data).hexdigest()})
    ledger.close({"run": naming.id, "verdict": _VERDICT[code]})
    (folder / SELFTEST).write_bytes(data)
    (folder / PAGE).write_text(report.selftest_page(document, probed.probes, seal.keyid), encoding="utf-8")
    good, line = sealing.finish(seal, vault, env, _VERDICT[code], [])
    return Written(folder, probed, code if good else 3, line, document)


def exit_code(probed: Probed) -> int:
    """1: a probe lied. 6: one is blind, or could not be qualified. 7: something is left or was changed. 0: all well."""
    standings = {probe.standing for probe in probed.probes}
    if Standing.LYING in standings:
        return 1
    if standings != {Standing.QUALIFIED} or probed.faults:
        return 6
    return 0 if probed.cleanup.complete and not probed.changed else 7


def _plain(probed: Probed) -> dict[str, Any]:
    systems = {name: {"before": was, "after": probed.after[name]} for name, was in probed.before.items()}
    return {
        "probes": [_probe(probe) for probe in probed.probes],
        "cleanup": {
            "complete": probed.cleanup.complete,
            "leftovers": list(probed.cleanup.leftovers),
            "resting": list(probed.cleanup.resting),
        },
        "inventory": {"equal": not probed.changed, "changed": list(probed.changed), "systems": systems},
        "faults": list(probed.faults),
    }


def _probe(probe: Probe) -> dict[str, Any]:
    trials = [
        {
            "demand": trial.demand.value,
            "wants": trial.demand.wants.value,
            "seen": trial.seen.value if trial.seen is not None else None,
            "met": trial.met,
            "reason": trial.reason,
            "record": trial.record,
        }
        for trial in probe.trials
    ]
    return {
        "system": probe.system,
        "kind": probe.kind.value,
        "vantage": probe.vantage.value,
        "channel": probe.channel,
        "name": probe.name,
        "scope": probe.scope,
        "standing": probe.standing.value,
        "why": probe.why,
        "trials": trials,
        "observations": [trial.record for trial in probe.trials if trial.record],
    }


def _stamp(at: datetime) -> str:
    return iso(int(at.timestamp() * 1_000_000))
