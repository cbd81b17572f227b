"""Found stories as files: named after what they show, and never over a file that is there."""

from __future__ import annotations

import unicodedata
from pathlib import Path

from harness.explore.document import document
from harness.explore.search import Found
from harness.explore.telling import title, told


def text(found: Found, fleet: str, seed: int) -> str:
    """The whole file."""
    note = f"exitproof explore --seed {seed}, on fleet {fleet}"
    return document(found.story, title(found), told(found), ["found"], note)


def write(found: Found, folder: Path, fleet: str, seed: int) -> Path:
    """Where it was written. Raises `OSError`."""
    folder.mkdir(parents=True, exist_ok=True)
    name, whole = slug(title(found)), text(found, fleet, seed)
    number = 1
    while True:
        path = folder / (f"{name}.yaml" if number == 1 else f"{name}-{number}.yaml")
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(whole)
        except FileExistsError:
            number += 1
        else:
            return path


def slug(words: str) -> str:
    """`ownership-in-code-outlives-a-renamed-leaver`."""
    plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().lower()
    return "-".join("".join(c if c.isalnum() else " " for c in plain).split())[:80].rstrip("-")
