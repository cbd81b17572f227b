"""Reads the project's Markdown: fenced blocks, headings with their anchors, links, tables, prose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]

_FENCE = re.compile(r"^(?P<indent> *)(?P<mark>`{3,}|~{3,})(?P<info>[^`\n]*)$")
_HEADING = re.compile(r"^(#{1,6}) +(.*?) *#* *$")
_LINK = re.compile(r"\[[^\]]*\]\(([^()\s]+)\)")
_CODE = re.compile(r"(`+).+?\1")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: the words after its fence, its text, and the line it begins at."""

    page: str
    line: int
    info: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """One Markdown file. `lines` are those outside fenced blocks, the others blank, so that numbers stay true."""

    path: Path
    lines: tuple[str, ...]
    blocks: tuple[Block, ...]

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix() if self.path.is_relative_to(ROOT) else self.path.name

    def headings(self) -> list[str]:
        return [found[2] for line in self.lines if (found := _HEADING.match(line))]

    def anchors(self) -> set[str]:
        """As GitHub makes them; a heading that comes again gets a number."""
        seen: dict[str, int] = {}
        made = set()
        for heading in self.headings():
            slug = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()).replace(" ", "-")
            number = seen[slug] = seen.get(slug, -1) + 1
            made.add(f"{slug}-{number}" if number else slug)
        return made

    def links(self) -> Iterator[tuple[int, str]]:
        for number, line in enumerate(self.lines, 1):
            for found in _LINK.finditer(_CODE.sub("", line)):
                yield number, found[1]

    def tables(self, below: str = "") -> list[list[list[str]]]:
        """Every table, as rows of cells with the header first; `below` names the heading that it must follow."""
        tables: list[list[list[str]]] = []
        open_, here = False, not below
        for line in self.lines:
            if heading := _HEADING.match(line):
                here = not below or heading[2] == below
            row = line.strip()
            if here and row.startswith("|"):
                cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", row)[1:-1]]
                if not open_:
                    tables.append([])
                if not all(re.fullmatch(r":?-+:?", cell) for cell in cells):
                    tables[-1].append(cells)
            open_ = here and row.startswith("|")
        return tables

    def prose(self) -> Iterator[tuple[int, str]]:
        """Lines without blocks, code spans and the targets of links."""
        for number, line in enumerate(self.lines, 1):
            yield number, _LINK.sub("", _CODE.sub("", line))


def parse(path: Path, text: str) -> Page:
    name = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name
    outside: list[str] = []
    blocks: list[Block] = []
    fence: re.Match[str] | None = None
    begun, inside = 0, list[str]()
    for number, line in enumerate(text.splitlines(), 1):
        found = _FENCE.match(line)
        if fence is None and found:
            fence, begun, inside = found, number, []
        elif fence is not None and found and found["mark"].startswith(fence["mark"]) and not found["info"].strip():
            body = "".join(f"{each.removeprefix(fence['indent'])}\n" for each in inside)
            blocks.append(Block(name, begun, tuple(fence["info"].split()), body))
            fence = None
        elif fence is not None:
            inside.append(line)
        else:
            outside.append(line)
            continue
        outside.append("")
    if fence is not None:
        raise ValueError(f"{name}:{begun}: the block is never closed")
    return Page(path, tuple(outside), tuple(blocks))


@cache
def pages() -> tuple[Page, ...]:
    """Every page of the repository."""
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    return tuple(parse(path, path.read_text(encoding="utf-8")) for path in sorted(found))


def page(name: str) -> Page:
    path = ROOT / name
    return parse(path, path.read_text(encoding="utf-8"))


def blocks(*info: str) -> list[Block]:
    """Blocks whose fence begins with these words."""
    return [block for each in pages() for block in each.blocks if block.info[: len(info)] == info]


def plain(cell: str) -> str:
    """A table's cell without its backticks."""
    return cell.replace("`", "")
