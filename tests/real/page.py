"""Writes docs/real-systems.md: every fact of the suite, the story that brings it, and the finding that it must be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from harness.model import Vantage
from tests.real.facts import Clean, Fact

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "real-systems.md"
HEAD = """\
# Real software, and what it leaves behind

<!-- Written by `make docs` from the suite in tests/real. -->

Everything on this page is software that other people wrote, running for real on one machine. The suite starts it,
makes people in it, has them leave through a real connector, and demands exactly the finding in the last column:
{facts} residuals that were seen, and {clean} leavers of whom nothing remains, who must pass. What holds for the
versions named here need not hold for others.

```sh
exitproof fleet up           # installs and starts all of it on loopback, and writes a fleet file and its variables
exitproof fleet down         # leaves no process and no file
make test ARGS="-m real -n 4 --dist loadfile"     # the suite itself, several files at once
```

A finding reads *system · kind · name*, from the administrator's vantage unless it says *leaver*.
"""


@dataclass(frozen=True)
class Chapter:
    """One test module: its first line is the heading. `member`: the folder of the fleet that it is about."""

    title: str
    member: str
    facts: tuple[Fact, ...]
    clean: tuple[Clean, ...]


def chapters() -> Iterator[Chapter]:
    """Every module of this folder that lists facts or clean leavers, in alphabetical order."""
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        module = import_module(f"tests.real.{path.stem}")
        facts, clean = tuple(getattr(module, "FACTS", ())), tuple(getattr(module, "CLEAN", ()))
        if facts or clean:
            title = (module.__doc__ or path.stem).strip().split("\n")[0].rstrip(".")
            yield Chapter(title, path.stem.removeprefix("test_"), facts, clean)


def page() -> str:
    found = list(chapters())
    counts = {"facts": sum(len(c.facts) for c in found), "clean": sum(len(c.clean) for c in found)}
    parts = [HEAD.format(**counts)]
    for chapter in found:
        parts.append(f"## {chapter.title}\n")
        parts.append("| seen | story | finding |\n|---|---|---|")
        for fact in chapter.facts:
            parts.append(f"| {_cell(fact.seen)} | {story(fact.case, chapter.member)} | {finding(fact)} |")
        for clean in chapter.clean:
            parts.append(f"| {_cell(clean.seen)} | {story(clean.case, chapter.member)} | passes |")
        parts.append("")
    return "\n".join(parts)


def finding(fact: Fact) -> str:
    place = f"{fact.system} · {fact.kind} · {fact.name or 'account'}"
    vantage = " · leaver" if fact.vantage is Vantage.LEAVER else ""
    return f"**{fact.outcome}**: {_cell(place)}{vantage}"


def story(case: str, member: str) -> str:
    """A link to the story's file, the member's own before another's of that name; parameters stay visible."""
    name = case.partition("[")[0]
    homes = (f"fixtures/fleet/{member}", "fixtures/fleet", "tests/real", "scenarios")
    places = [p for home in homes for p in sorted((ROOT / home).rglob(f"{name}.yaml"))]
    if not places:
        raise LookupError(f"no story of that name: {case}")
    return f"[{_cell(case)}](../{places[0].relative_to(ROOT)})"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page())
