"""What a sealed run is made of: names of its files, schemas, and the types that its envelope carries."""

from __future__ import annotations

MANIFEST = "manifest.json"
ENVELOPE = "manifest.dsse.json"
RESULTS = "results.json"
SELFTEST = "selftest.json"  # in their place, of a self-test
EXCHANGES = "exchanges/"
RUNS = "runs.jsonl"
CHECKPOINT = "checkpoint"

MANIFEST_SCHEMA = "exitproof-manifest/1"
TRUST_SCHEMA = "exitproof-trust/1"
PAYLOAD = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "urn:exitproof:run:1"


def is_ledger(name: str) -> bool:
    """`ledger.jsonl`, or one share of a run with several workers: `ledger-gw0.jsonl`."""
    return name == "ledger.jsonl" or (name.startswith("ledger-") and name.endswith(".jsonl") and "/" not in name)
