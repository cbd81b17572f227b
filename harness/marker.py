"""How a person answers a manual step: small files in one folder, written by `exitproof done RUN CASE`.

`<folder>/<run>/<case>.waiting.json` says what is asked, `<case>.done.json` that it was answered; `<case>` is the case's
id with everything but letters, digits, `.`, `_` and `-` replaced, and a short hash of it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path

FOLDER = ".exitproof/manual"


def ask(folder: Path, run: str, case: str, event: str, name: str, instruction: str) -> None:
    """Leaves word of what is asked. The same event again changes nothing that was answered already."""
    here = _folder(folder, run)
    here.mkdir(parents=True, exist_ok=True)
    record = {"run": run, "case": case, "event": event, "name": name, "instruction": instruction}
    _write(here / f"{_stem(case)}.waiting.json", record)


def answer(folder: Path, run: str, case: str, *, failed: str = "") -> str:
    """What `exitproof done RUN CASE` does: answers the event that the case waits for, and gives its instruction.
    Raises LookupError, naming what is waiting, when that case is not."""
    here = _folder(folder, run)
    asked = _read(here / f"{_stem(case)}.waiting.json")
    if asked is None:
        others = ", ".join(record["case"] for record in waiting(folder, run))
        raise LookupError(f"{case!r} of run {run!r} waits for nobody (waiting: {others or 'none'})")
    _write(here / f"{_stem(case)}.done.json", {"event": asked["event"], "failed": failed})
    return asked["instruction"]


def answered(folder: Path, run: str, case: str, event: str) -> str | None:
    """ "" when this event was answered as done, a reason when it was answered as failed, None when it was not."""
    found = _read(_folder(folder, run) / f"{_stem(case)}.done.json")
    return found.get("failed", "") if found is not None and found.get("event") == event else None


def waiting(folder: Path, run: str) -> Iterator[Mapping[str, str]]:
    """All that is asked and not answered in one run."""
    for path in sorted(_folder(folder, run).glob("*.waiting.json")):
        asked = _read(path)
        if asked is not None and answered(folder, run, asked["case"], asked["event"]) is None:
            yield asked


def _folder(folder: Path, run: str) -> Path:
    return folder / _stem(run)


def _stem(name: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-")[:80]
    return f"{plain}-{sha256(name.encode()).hexdigest()[:8]}"


def _write(path: Path, record: Mapping[str, str]) -> None:
    # Whoever polls sees the old file or the whole new one, never half of it.
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_text(json.dumps(record, ensure_ascii=False, indent=1), encoding="utf-8")
    part.replace(path)


def _read(path: Path) -> dict[str, str] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return found if isinstance(found, dict) else None
