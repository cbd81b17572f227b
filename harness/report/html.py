"""report.html: the view through Jinja2 with autoescape, one file that needs no network and no script.

A policy in its first line forbids scripts, frames, forms and every request, and allows exactly one style sheet, by
its hash. So even a template that forgot to escape could run nothing.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from harness.model import RunResult, Verdict
from harness.report.about import About, Exchanges
from harness.report.front import LIMITS
from harness.report.show import Shown, clip
from harness.report.view import page

_HERE = Path(__file__).parent


def render(run: RunResult, about: About, exchange: Exchanges) -> str:
    """The whole page. The same run gives the same bytes."""
    return filled("report.html.j2", about.run_id, page=page(run, about, exchange), limits=LIMITS, verdicts=Verdict)


def filled(template: str, run_id: str, **values: Any) -> str:
    """One of our templates as a page with the style sheet in it, and the policy that allows no other."""
    style = _style(run_id)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    markup = Markup(style)  # noqa: S704  our own file and an escaped run id, nothing else
    return _environment().get_template(template).render(policy=policy, style=markup, **values)


def _style(run_id: str) -> str:
    css = (_HERE / "report.css").read_text(encoding="utf-8")
    return css.replace("RUN-ID", css_text(run_id))


def css_text(text: str) -> str:
    """Text inside a quoted CSS string (CSS Syntax 3, §4.3.7): everything but plain words as a hex escape."""
    return re.sub(r"[^A-Za-z0-9 ._:-]", lambda found: f"\\{ord(found[0]):06x} ", clip(text, 80))


def _finalize(value: Any) -> Any:
    """Every printed value passes here: markup of our own macros and text made visible before stay as they are."""
    if isinstance(value, Markup | Shown):
        return value
    return clip(value) if isinstance(value, str) else value


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.clear()
    environment.filters.update(_filters())
    return environment


def _filters() -> dict[str, Any]:
    """The few that the templates use: `safe` is not among them, so no template can turn escaping off."""
    from jinja2.filters import FILTERS

    return {name: FILTERS[name] for name in ("join", "length", "groupby", "sum", "batch")}
