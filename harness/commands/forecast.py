"""`exitproof plan`: what a run would make, give and trigger, as a table or as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rich.table import Table
from rich.text import Text

from harness.commands.selection import Selection
from harness.session.plan import Plan, plan, plan_selftest


def forecast(selection: Selection, *, selftest: bool = False) -> Plan:
    return (plan_selftest if selftest else plan)(selection.info, selection.loaded)


def plain(made: Plan, selection: Selection) -> dict[str, Any]:
    """For `--json`."""
    return {
        "fleet": selection.info.name,
        "environment": selection.info.environment,
        **asdict(made),
        "deselected": [asdict(case) for case in selection.loaded.deselected],
    }


def table(made: Plan) -> Table:
    table = Table(show_header=True)
    for head in ("what", "where", "how many"):
        table.add_column(head, overflow="fold", justify="right" if head == "how many" else "left")
    rows = [("cases", "", made.cases), ("identities", "at most", made.identities)]
    rows += [("accounts", system, count) for system, count in made.accounts.items()]
    rows += [("grants", place, count) for place, count in made.grants.items()]
    rows += [("objects", name, 1) for name in made.objects]
    rows += [("events", name, count) for name, count in made.events.items()]
    before = ""
    for what, where, count in rows:
        # Names are somebody's text, not markup.
        table.add_row("" if what == before else what, Text(where), str(count))
        before = what
    return table


def lines(made: Plan, selection: Selection, *, selftest: bool = False) -> list[str]:
    """What stands below the table."""
    told = [f"not run on this fleet: {case.id} ({case.reason})" for case in selection.loaded.deselected]
    told.append(f"digest: {made.digest}")
    if selection.info.environment != "sandbox":
        told.append(f"to consent: exitproof {'selftest' if selftest else 'run'} … --consent {made.digest}")
    return told
