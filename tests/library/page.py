"""Makes docs/scenarios.md from the files of the stories: `python -m tests.library.page`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.scenario.discover import discover
from harness.scenario.load import parse
from harness.scenario.matrix import combinations, suffix
from harness.scenario.model import ScenarioModel
from harness.source import Source, read

FOLDER = Path(__file__).parents[2] / "scenarios"
PAGE = FOLDER.parent / "docs/scenarios.md"

INTRODUCTION = """# Bundled stories

<!-- Written by `make docs` from the files in scenarios/; edit those. -->

{stories} leaver stories, {cases} cases. They name no address, no credential and no product, so each of them runs on
every [fleet](reference/fleet.md) that has what it *needs*; where a fleet lacks some of it, the case is deselected and
counted, with its reason. What your systems call things is said once, under `names` of the fleet file. How a story is
written is in the [reference](reference/scenario.md).

```console
$ exitproof run scenarios                        # on ./fleet.yaml, or on the embedded sandbox where there is none
$ exitproof run scenarios -m pre-release         # those of one tag
$ exitproof run scenarios/terminate/everyday-leaver.yaml
```
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One story: its id, its file as a model, and the ids of its cases."""

    id: str
    model: ScenarioModel
    cases: tuple[str, ...]


def entries(folder: Path) -> list[Entry]:
    """Every story below a folder. Raises `BadInput` for a file that is none."""
    return [_entry(file.id, read(file.path)) for file in discover([folder])]


def _entry(story: str, source: Source) -> Entry:
    model = parse(source)
    return Entry(story, model, tuple(story + suffix(each) for each in combinations(source, model, [])))


def page(stories: Sequence[Entry]) -> str:
    """Markdown: what there is at a glance, then a heading for each story, its id, and which story serves a control."""
    cases = sum(len(entry.cases) for entry in stories)
    parts = [
        INTRODUCTION.format(stories=len(stories), cases=cases),
        _table(("story", "title", "leaves by"), [(_link(e.id), e.model.title, _events(e.model)) for e in stories]),
        *[_story(entry) for entry in stories],
        "## By tag\n",
        _table(("tag", "stories"), _by((tag, e.id) for e in stories for tag in e.model.tags)),
        "## By control\n",
        _table(("control", "stories"), _by((control, e.id) for e in stories for control in e.model.controls)),
    ]
    return "\n".join(parts)


def _story(entry: Entry) -> str:
    model = entry.model
    told = [("needs", model.needs), ("tags", model.tags), ("controls", model.controls)]
    if len(entry.cases) > 1:
        told.insert(0, ("cases", list(entry.cases)))
    lines = [f"- {word}: {', '.join(f'`{each}`' for each in words)}" for word, words in told if words]
    source = f"[`scenarios/{entry.id}.yaml`](../scenarios/{entry.id}.yaml)"
    return "\n".join([f"## {entry.id}", "", f"**{model.title}.** {model.story}", "", *lines, f"- file: {source}", ""])


def _events(model: ScenarioModel) -> str:
    events = [str(event) for event in model.matrix.get("leave.event", [model.leave.event])]
    after = [step if isinstance(step, str) else step.event for step in model.then]
    more = dict.fromkeys(event for event in after if event not in (None, "sync"))
    return ", ".join(events) + (f"; then {', '.join(map(str, more))}" if more else "")


def _by(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    found: dict[str, list[str]] = {}
    for word, story in pairs:
        found.setdefault(word, []).append(story)
    return [(f"`{word}`", ", ".join(map(_link, found[word]))) for word in sorted(found)]


def _link(story: str) -> str:
    return f"[{story}](#{''.join(letter for letter in story if letter.isalnum() or letter in '-_')})"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


if __name__ == "__main__":
    PAGE.write_text(page(entries(FOLDER)), "utf-8")
