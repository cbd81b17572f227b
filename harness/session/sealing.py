"""How a run ends as evidence: with which key, in which register, and what is said when it cannot be sealed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness import __version__, report
from harness.evidence.keys import PASSPHRASE, VARIABLE, open_signer
from harness.evidence.names import RUNS
from harness.evidence.register import Register
from harness.evidence.seal import Seal, Sealed
from harness.evidence.sweep import Leak
from harness.evidence.vault import Vault
from harness.model import RunResult
from harness.report.index import before

# What signers prove themselves with: used by the run, so searched for in what it leaves.
_SECRET = (PASSPHRASE, "VAULT_TOKEN", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AZURE_CLIENT_SECRET")


def write(folder: Path, outcome: RunResult, about: report.About, register: Register | None) -> list[Path]:
    """Every file that tells of a run, but the seal. Runs beside it are compared with where there is a register: then
    it is a folder of runs, and not anybody's."""

    def exchange(name: str) -> Any:
        try:
            return json.loads((folder / "exchanges" / f"{name}.json").read_bytes())
        except (OSError, ValueError):
            return None

    earlier = []
    if register is not None:
        earlier = before(folder.parent, about.fleet, about.environment, outcome.started)
    return report.write(folder, outcome, about, exchange, earlier=earlier)


def prepare(folder: Path, run: str, ref: str | None, env: Mapping[str, str], *, named: bool) -> Seal:
    """Before anything runs: opens the key and lets it sign once. `named`: the folder was chosen by `--out`; then only
    a register that is already beside it is written to. Raises BadInput."""
    ref = ref or env.get(VARIABLE) or ""
    signer = open_signer(ref, env) if ref else None
    parent = folder.parent
    register = Register(parent) if not named or (parent / RUNS).is_file() else None
    if register is not None:
        register.check()
    return Seal(folder, run, signer, register)


def finish(seal: Seal, vault: Vault, env: Mapping[str, str], verdict: str, unswept: list[str]) -> tuple[bool, str]:
    """Whether the run is sealed, and the line that says so."""
    for name in _SECRET if seal.signer is not None else ():
        vault.learn(env.get(name, ""))
    try:
        return True, told(seal.folder, seal.finish(vault, __version__, verdict, unswept))
    except Leak as leak:
        return False, f"not sealed: {leak}. Keep this folder to yourself"
    except Exception as error:  # noqa: BLE001  a disk, or a KMS's client, which raises what it likes
        return False, f"not sealed: {vault.scrub(f'{type(error).__name__}: {error}')}"


def told(folder: Path, sealed: Sealed) -> str:
    if not sealed.keyid:
        return f"sealed, unsigned: not evidence (manifest {sealed.manifest[:16]})"
    return (
        f"sealed, signed by key {sealed.keyid[:16]} (manifest {sealed.manifest[:16]}); to check it:"
        f" exitproof verify {folder} --trust FILE"
    )
