"""Two drills before the sample's, made of it: between them one of each way in which two drills can differ."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from tests.report.sample import DRILLS as HOME
from tests.report.sample import FOLDER

Finding = dict[str, Any]

Q2, Q3 = "2026-05-22-0900-11aa", "2026-08-21-0900-52bc"


def _passes(found: Finding) -> None:
    found |= {"outcome": "revoked", "verdict": "pass", "first_absent": found["last_present"], "reason": ""}


def _fails(found: Finding) -> None:
    found |= {"outcome": "residual", "verdict": "fail", "first_absent": None, "reason": "still listed"}


# Fingerprint (its beginning) -> what it was in the drill of the second and of the third quarter; None: not there.
STORY: Mapping[str, tuple[Callable[[Finding], None] | None, Callable[[Finding], None] | None]] = {
    "dfe5d1": (_passes, _passes),  # crm license: new in the sample
    "c67907": (_fails, _fails),  # code ownership: open for three drills
    "381eec": (_fails, _fails),  # crm license of the deleted one: fixed in the sample
    "4c6139": (_fails, _passes),  # code credential: failed, passed, fails again
    "85d771": (None, None),  # mail forwarding: now covered
}


def earlier(quarter: int) -> dict[str, Any]:
    """The results of the second (0) or third (1) quarter's drill."""
    told: dict[str, Any] = json.loads((FOLDER / "results.json").read_text())
    run = told["run"]
    run |= {"id": (Q2, Q3)[quarter], "compared": None}
    for key in ("started", "finished"):
        run[key] = run["id"][:10] + run[key][10:]
    for case in told["cases"]:
        kept = []
        for found in case["findings"]:
            change = next(
                (both[quarter] for start, both in STORY.items() if found["fingerprint"].startswith(start)), _same
            )
            if change is None:
                continue
            change(found)
            kept.append(found)
        case["findings"] = kept
    gone = dict(told["cases"][0]["findings"][1])  # a group that nobody looks at any more
    told["cases"][0]["findings"].append(gone | {"name": "auditors-all", "fingerprint": "0123456789abcdef"})
    return told


def _same(found: Finding) -> None:
    """What the sample says is what the earlier drill said."""


def write() -> None:
    for quarter, name in enumerate((Q2, Q3)):
        (HOME / name).mkdir(parents=True, exist_ok=True)
        (HOME / name / "results.json").write_text(json.dumps(earlier(quarter), indent=1) + "\n")


if __name__ == "__main__":
    write()
