"""Every link of every page leads somewhere: to a file of the repository, and to a heading of it."""

from __future__ import annotations

from pathlib import Path

from tests.docs.markdown import ROOT, Page, page, pages, parse

WEB = ("https://", "http://", "mailto:")


def broken(of: Page) -> list[str]:
    found = []
    for line, target in of.links():
        if target.startswith(WEB):
            continue
        file, _, anchor = target.partition("#")
        path = (of.path.parent / file).resolve()
        if file and not (path.exists() and path.is_relative_to(ROOT)):
            found.append(f"{of.name}:{line}: {target}: there is no such file")
            continue
        there = parse(path, path.read_text(encoding="utf-8")) if file and path.suffix == ".md" else of
        if anchor and anchor not in there.anchors():
            found.append(f"{of.name}:{line}: {target}: there is no such heading")
    return found


def test_links_lead_somewhere() -> None:
    found = [text for each in pages() for text in broken(each)]
    assert not found, "\n".join(found)


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    open_ = [ROOT / "README.md"]
    while open_:
        path = open_.pop()
        if path in reached or path.suffix != ".md" or not path.exists():
            continue
        reached.add(path)
        targets = [t.partition("#")[0] for _, t in parse(path, path.read_text(encoding="utf-8")).links()]
        open_ += [(path.parent / target).resolve() for target in targets if target and not target.startswith(WEB)]
    lost = [each.name for each in pages() if each.path not in reached]
    assert not lost, f"no link leads to {lost}"


def test_a_broken_link_is_found() -> None:
    text = "# One two\n\n[a](#one-two) [b](#three) [c](nowhere.md) `[d](no.md)` [e](https://example.test)\n"
    text += "```text\n[f](nowhere.md)\n```\n"
    found = broken(parse(ROOT / "planted.md", text))
    assert [line.split(": ")[1] for line in found] == ["#three", "nowhere.md"]


def test_anchors_are_githubs() -> None:
    made = parse(Path("x.md"), "# `type: scim`\n## `before`, `leave`\n## Twice\n## Twice\n").anchors()
    assert made == {"type-scim", "before-leave", "twice", "twice-1"}
    assert "whole-one" not in page("docs/concepts.md").anchors()
