"""`exitproof adapters`: what the installed system and connector types are, can do, and where their page is."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from importlib.metadata import Distribution, EntryPoint, entry_points
from typing import Any, get_type_hints

from rich.table import Table
from rich.text import Text

from harness.adapter import ConnectorAdapter, ConnectorConfig, SystemAdapter, SystemConfig
from harness.ports import Audits, Exercises, Provisions

OWN = "exitproof"
SIDES = {"system": "exitproof.systems", "connector": "exitproof.connectors"}
CAPABILITIES = {"provisions": Provisions, "exercises": Exercises, "audits": Audits}
BY_FILE = "as the fleet file declares"


@dataclass(frozen=True, slots=True)
class Entry:
    """`offers` are the kinds of a system or the events of a connector; None: its fleet entry declares them.
    `capabilities` None: its builder does not say what it makes."""

    side: str
    type: str
    summary: str
    offers: tuple[str, ...] | None
    capabilities: tuple[str, ...] | None
    docs: str | None
    distribution: str


def catalogue() -> list[Entry]:
    """Every registered type, systems first."""
    return [
        _entry(side, point)
        for side, group in SIDES.items()
        for point in sorted(entry_points(group=group), key=lambda point: str(point.name))
    ]


def _entry(side: str, point: EntryPoint) -> Entry:
    adapter: SystemAdapter | ConnectorAdapter = point.load()
    dist = point.dist
    return Entry(
        side,
        adapter.name,
        adapter.summary,
        _offers(adapter.config),
        _capabilities(adapter.build),
        _page(side, adapter.name, dist),
        f"{dist.name} {dist.version}" if dist else "",
    )


def _offers(config: type[SystemConfig | ConnectorConfig]) -> tuple[str, ...] | None:
    """What a type has by itself. The base classes read it from the fleet file; a type of fixed shape overrides that."""
    try:
        if issubclass(config, SystemConfig):
            if "kinds" in config.model_fields or config.declared is SystemConfig.declared:
                return None
            return tuple(sorted(str(kind) for kind in config.model_construct().declared()))
        if config.event_names is ConnectorConfig.event_names:
            return None
        return tuple(sorted(config.model_construct().event_names()))
    except (AttributeError, TypeError, ValueError):  # it depends on keys that have no default
        return None


def _capabilities(build: Any) -> tuple[str, ...] | None:
    """By the protocols that what `build` makes does implement, not by what it says of itself."""
    try:
        made = build if isinstance(build, type) else get_type_hints(build).get("return")
    except NameError:  # a name that only its type checker sees
        made = None
    if not isinstance(made, type):
        return None
    found = [word for word, protocol in CAPABILITIES.items() if issubclass(made, protocol)]
    found += ["checks"] if hasattr(made, "check") else []
    return tuple(found)


def _page(side: str, name: str, dist: Distribution | None) -> str | None:
    if dist is None or dist.name == OWN:
        return f"docs/{side}s/{name}.md"
    links = dict(link.split(", ", 1) for link in dist.metadata.get_all("Project-URL") or () if ", " in link)
    return links.get("Documentation") or links.get("Homepage")


def plain(entries: list[Entry]) -> list[dict[str, Any]]:
    """For `--json`."""
    return [asdict(entry) for entry in entries]


def table(entries: list[Entry]) -> Table:
    made = Table(show_lines=True)
    made.add_column("type", no_wrap=True)
    made.add_column("what it is, has and can", overflow="fold")
    for entry in entries:
        what = "kinds" if entry.side == "system" else "events"
        lines = [entry.summary, f"{what}: {BY_FILE if entry.offers is None else ', '.join(entry.offers)}"]
        if entry.capabilities != ():
            lines.append(f"capabilities: {', '.join(entry.capabilities or ('not told',))}")
        lines.append(f"page: {entry.docs or 'none'} ({entry.distribution})")
        made.add_row(f"{entry.side} {entry.type}", Text("\n".join(lines)))
    return made
