"""One changed byte anywhere in a sealed bundle is refused, a thousand times, by both verifiers."""

from __future__ import annotations

import random
from pathlib import Path

from tests.evidence.attacks import KEY
from tests.evidence.bundles import main, runs, standalone

FLIPS = 1000


def test_a_thousand_flips_are_a_thousand_refusals(tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    runs(reports, KEY.signer, 2)
    assert main(reports, KEY)[0] == standalone(reports, KEY)[0] == 0
    files = sorted(path for path in reports.rglob("*") if path.is_file())
    dice = random.Random(20261125)
    missed = []
    seen: set[str] = set()
    for _ in range(FLIPS):
        # Half of them by size, so that big files get what is theirs; half by file, so that small ones get some.
        path = dice.choices(files, [path.stat().st_size for path in files])[0] if dice.random() < 0.5 else None
        path = path or dice.choice(files)
        good = path.read_bytes()
        at, mask = dice.randrange(len(good)), dice.randrange(1, 256)
        path.write_bytes(good[:at] + bytes([good[at] ^ mask]) + good[at + 1 :])
        ended = (main(reports, KEY)[0], standalone(reports, KEY)[0])
        if ended[0] == 0 or ended[0] != ended[1]:
            missed.append((path.name, at, mask, ended))
        seen.add(path.name)
        path.write_bytes(good)
    assert not missed
    assert main(reports, KEY)[0] == 0, "and each was put right again"
    assert {"manifest.json", "manifest.dsse.json", "ledger.jsonl", "runs.jsonl", "checkpoint", "report.html"} <= seen
