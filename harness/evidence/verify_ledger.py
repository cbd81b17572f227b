"""One ledger of a bundle, walked line by line: the chain, its ends, and what its records cite."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256

from harness.evidence.ledger import FIRST, VERSION
from harness.evidence.merkle import Tree
from harness.evidence.strict import exact

LONGEST = 16 << 20  # of one line


@dataclass(slots=True)
class Walked:
    """`wrong`: what breaks the chain first, empty for a good one; `torn`: its last line was cut off."""

    size: int = 0
    head: str = FIRST
    root: str = ""
    wrong: str = ""
    torn: bool = False
    closed: bool = False
    verdict: str = ""
    run: str = ""
    hashes: list[str] = field(default_factory=list)
    cited: set[str] = field(default_factory=set)


def walk(lines: Iterable[bytes]) -> Walked:
    """Goes on after a fault, so that count and root can be compared as well."""
    made, tree = Walked(), Tree()
    for raw in lines:
        if not raw.endswith(b"\n"):
            made.torn = True
            break
        line = raw[:-1]
        if not made.wrong:
            made.wrong = _record(made, line)
        tree.add(line)
        made.size += 1
        made.head = sha256(line).hexdigest()
        made.hashes.append(made.head)
    made.root = tree.root.hex()
    return made


def _record(made: Walked, line: bytes) -> str:
    """Takes in one record; answers what is wrong with it."""
    number = made.size
    try:
        record = exact(line)
    except ValueError as error:
        return f"record {number}: {error}"
    if (record.get("v"), record.get("seq"), record.get("prev")) != (VERSION, number, made.head):
        return f"record {number}: the chain breaks here"
    if made.closed:
        return f"record {number}: it stands after the end"
    kind = record.get("type")
    if (kind == "open") != (number == 0):
        return f"record {number}: a ledger opens once, at its beginning"
    if kind == "open":
        made.run = str(record.get("run"))
    if kind == "close":
        made.closed = True
        made.verdict = str(record.get("verdict"))
        if (record.get("records"), record.get("run")) != (number, made.run):
            return f"record {number}: it closes another ledger"
    evidence = record.get("evidence")
    if isinstance(evidence, list):
        made.cited |= {name for name in evidence if isinstance(name, str)}
    return ""
