"""Lines of a verification: what was checked, how it came out, where, and in which words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

GOOD, TAMPERED, INCOMPLETE = 0, 8, 9


class State(StrEnum):
    OK = "ok"
    TAMPERED = "TAMPERED"
    INCOMPLETE = "INCOMPLETE"
    UNPROVEN = "not proven"


@dataclass(frozen=True, slots=True)
class Line:
    """`check` is one of CHECKS; `where` the file that it is about, as it stands in the bundle."""

    check: str
    state: State
    where: str
    text: str

    def __str__(self) -> str:
        where = f"{ascii(self.where)[1:-1]}: " if self.where else ""
        return f"{self.state:<10}  {self.check:<10}  {where}{ascii(self.text)[1:-1]}"


# Each check, and what "ok" means.
CHECKS = {
    "files": "every file of the manifest is there with its size and SHA-256, and no other file, link or odd name",
    "ledger": "each line is RFC 8785, numbered, chained to the one before it, from `open` to `close`",
    "root": "the ledger's count, last hash and RFC 6962 Merkle root are those of the manifest",
    "exchanges": "each exchange is named by its SHA-256, and each one that the ledger cites is there",
    "results": "results.json (or selftest.json) has the run and verdict of its ledgers, and cites only their lines",
    "signature": "a trusted key, in force on that day, signed an in-toto statement about this very manifest",
    "register": "the register of runs is one chain, and the run stands in it with this very manifest",
    "checkpoint": "the register is the one that a trusted key signed",
    "anchor": "the register begins with all that the checkpoint kept outside (`--checkpoint`) was signed over",
}

# What no check of a bundle can prove; each is printed as such.
UNPROVEN = {
    "secrets": "that no secret is in it: the harness searched for those it knew before sealing, a reader has none",
    "time": "when it was sealed: no third party stamped the time, so it is the operator's word",
    "person": "who used the key: that is a matter of the operator's procedures",
    "truth": "that it happened at all: who holds the key can make up a drill; compare with the systems' own audit logs",
    "derived": "that report.html and the like say what the ledger says: `exitproof report --from` makes them anew",
    "newest": "that the newest runs are all there: keep a checkpoint elsewhere, and pass it as --checkpoint next time",
    "leavers": "that every real leaver was offboarded: synthetic leavers test the control",
}


def code(lines: Sequence[Line]) -> int:
    """8 if anything was tampered with, else 9 if anything is missing, else 0."""
    states = {line.state for line in lines}
    return TAMPERED if State.TAMPERED in states else INCOMPLETE if State.INCOMPLETE in states else GOOD
