"""The last look before sealing: no known secret, in any encoding, in any file of the run folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.evidence.vault import Vault

# What is shorter is also a word that a report may say for itself ("root", "admin"). It is scrubbed wherever something
# is stored; here it is counted, so that a reader knows that nobody looked for it.
SHORTEST = 8
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Swept:
    """`held`: files in which a secret was found. `searched` and `short`: how many secrets were looked for, and not."""

    held: tuple[str, ...]
    searched: int
    short: int


class Leak(Exception):
    """A known secret is in files of the run: it is not sealed. Names the files, never the secret."""

    def __init__(self, files: tuple[str, ...]) -> None:
        self.files = files
        super().__init__(f"a secret that this run knows is in {', '.join(files)}")


def sweep(folder: Path, vault: Vault) -> Swept:
    """Searches every file, and every file's name. Raises OSError for one that cannot be read: what was not searched
    is not clean."""
    known = vault.known()
    overlap = vault.reach()
    held = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()):
        name = path.relative_to(folder).as_posix()
        if vault.holds(name, SHORTEST) or any(vault.holds(text, SHORTEST) for text in _pieces(path, overlap)):
            held.append(name)
    short = sum(len(secret) < SHORTEST for secret in known)
    return Swept(tuple(held), len(known) - short, short)


def _pieces(path: Path, overlap: int) -> Iterator[str]:
    """The file in pieces that overlap by more than any secret is long, so that none lies across two of them."""
    with path.open("rb") as file:
        before = b""
        while data := file.read(_PIECE):
            data = before + data
            yield data.decode("utf-8", "backslashreplace")
            before = data[-4 * overlap :] if overlap else b""  # a character has at most four bytes
