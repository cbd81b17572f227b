"""Small sealed runs, made with the real ledger, store and seal, for tests that attack them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from securesystemslib.signer import CryptoSigner, Signer

from harness.evidence import verify_standalone
from harness.evidence.exchanges import Exchanges
from harness.evidence.journal import Journal
from harness.evidence.keys import Trusted, public_fields, read_trust, trust_file
from harness.evidence.ledger import Ledger
from harness.evidence.register import Register
from harness.evidence.seal import Seal
from harness.evidence.vault import Vault
from harness.evidence.verdicts import Line, State, code
from harness.evidence.verify import verify


@dataclass(frozen=True)
class Key:
    signer: Signer

    @property
    def trust_bytes(self) -> bytes:
        from datetime import date

        return trust_file(self.signer.public_key, date(2026, 1, 1), "a test")

    @property
    def trust(self) -> tuple[Trusted, ...]:
        return read_trust(self.trust_bytes)

    @property
    def keyid(self) -> str:
        return self.signer.public_key.keyid


def key() -> Key:
    return Key(CryptoSigner.generate_ed25519())


def write(folder: Path, run: str, records: int = 12, verdict: str = "pass", presence: str = "absent") -> None:
    """What a run leaves before it is sealed."""
    vault = Vault()
    exchanges = Exchanges(folder / "exchanges", vault)
    ledger = Ledger(folder / "ledger.jsonl", {"run": run, "worker": ""}, vault)
    cited = []
    for number in range(records):
        sha = exchanges({"status": 200, "n": number % 3, "run": run})
        record = {"type": "observation", "presence": presence, "grant": f"g-{number}", "evidence": [sha]}
        cited.append(ledger.append(record))
    ledger.close({"run": run, "verdict": verdict, "cases": 1})
    with Journal(folder / "journal.jsonl", vault) as journal:
        journal.write({"op": "event", "state": "sent"})
    finding = {"name": "api", "observations": cited[::2]}
    results = {
        "schema": "exitproof-results/1",
        "run": {"id": run, "verdict": verdict},
        "cases": [{"id": "case", "findings": [finding]}],
        "bystanders": [{"name": "other", "observations": cited[1:2]}],
    }
    (folder / "results.json").write_text(json.dumps(results, indent=2) + "\n")
    (folder / "report.html").write_text(f"<!DOCTYPE html>\n<p>run {run}: {verdict}\n")


def seal(folder: Path, run: str, signer: Signer | None, *, register: bool = True, verdict: str = "pass") -> Seal:
    made = Seal(folder, run, signer, Register(folder.parent) if register else None)
    made.begin()
    made.finish(Vault(), "0.0", verdict)
    return made


def runs(reports: Path, signer: Signer | None, count: int = 4) -> list[Path]:
    """A folder of so many sealed runs with their register."""
    made = []
    for number in range(1, count + 1):
        folder = reports / f"run-{number}"
        write(folder, f"id-{number}")
        seal(folder, f"id-{number}", signer)
        made.append(folder)
    return made


# --- what verifiers say -------------------------------------------------------------------------

Seen = set[tuple[str, str, str]]


def main(path: Path, key: Key | None, anchor: bytes | None = None) -> tuple[int, Seen, list[Line]]:
    lines = verify(path, key.trust if key else None, anchor)
    seen = {(str(line.state), line.check, line.where) for line in lines if line.state is not State.UNPROVEN}
    return code(lines), seen, lines


def standalone(path: Path, key: Key | None, anchor: bytes | None = None) -> tuple[int, Seen]:
    trust = verify_standalone.read_trust(key.trust_bytes) if key else None
    lines = verify_standalone.verify(path, trust, anchor)
    states = {state for state, *_ in lines}
    ended = 8 if "TAMPERED" in states else 9 if "INCOMPLETE" in states else 0
    return ended, {(state, check, where) for state, check, where, _ in lines}


def both(path: Path, key: Key | None, anchor: bytes | None = None) -> tuple[int, Seen]:
    """What both say, if they say the same."""
    ended, seen, lines = main(path, key, anchor)
    assert standalone(path, key, anchor) == (ended, seen), "\n".join(map(str, lines))
    return ended, seen


def faults(seen: Seen) -> set[str]:
    """The files that were named."""
    return {where for state, _, where in seen if state != "ok"}


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def named(signer: Signer) -> dict[str, Any]:
    return dict(public_fields(signer.public_key))
