"""The flags of a run, as pytest takes them; `exitproof run` passes its own on to these."""

from __future__ import annotations

import pytest


def add(group: pytest.OptionGroup) -> None:
    group.addoption("--fleet", dest="exitproof_fleet", metavar="PATH", help="fleet.yaml, or `sandbox`")
    group.addoption("--exceptions", dest="exitproof_exceptions", metavar="FILE", help="default: beside the fleet file")
    group.addoption("--out", dest="exitproof_out", metavar="DIR", help="the run folder (default: reports/RUN-ID)")
    group.addoption(
        "--concurrency", dest="exitproof_concurrency", type=int, default=64, metavar="N", help="leavers in flight"
    )
    group.addoption("--consent", dest="exitproof_consent", metavar="DIGEST", help="from `exitproof plan`")
    group.addoption("--sign", dest="exitproof_sign", metavar="KEYREF", help="a key file, or a signer's URI")
    group.addoption(
        "--vault-key", dest="exitproof_vault_key", metavar="REF", help="env:NAME, file:PATH or keyring:SERVICE/USER"
    )
    group.addoption(
        "--leave-waiting",
        dest="exitproof_leaves",
        action="store_true",
        help="to `exitproof resume`, for later checkpoints",
    )
    group.addoption(
        "--defect", dest="exitproof_defects", action="append", default=[], metavar="ID", help="a sandbox defect"
    )
