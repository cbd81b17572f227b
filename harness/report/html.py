"""report.html: the view through Jinja2 with autoescape, one file that needs no network and no script.

A policy in its first line forbids frames, forms and every request, and allows exactly one style sheet and one script
(the filters), by their hashes. So even a template that forgot to escape could run nothing.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from harness.model import RunResult, Verdict
from harness.report.about import About, Exchanges
from harness.report.document import document, encoded
from harness.report.front import LIMITS
from harness.report.ids import Entry, case_file, entries
from harness.report.show import Shown, clip
from harness.report.view import case_page, page

_HERE = Path(__file__).parent
MANY = 2_000  # findings that one page still shows without a wait


def render(run: RunResult, about: About, exchange: Exchanges, results: bytes = b"") -> str:
    """The whole run as one page. The same run gives the same bytes. `results`: results.json, if it was made already:
    its digest stands on every printed page."""
    return _frame(run, about, results).fill("report.html.j2", page=page(run, about, exchange))


def files(run: RunResult, about: About, exchange: Exchanges, results: bytes = b"") -> Iterator[tuple[str, str]]:
    """Name and text of every page: report.html; above `MANY` findings only an index, and one page a case."""
    if sum(len(case.findings) for case in run.cases) + len(run.bystanders) <= MANY:
        yield "report.html", render(run, about, exchange, results)
        return
    frame = _frame(run, about, results)
    yield "report.html", frame.fill("report.html.j2", page=page(run, about, exchange, paged=True))
    mine: dict[int, list[Entry]] = {}
    for entry in entries(run):
        mine.setdefault(id(entry.result), []).append(entry)
    for result in run.cases:
        view, appendix = case_page(result, mine.get(id(result), ()), about, exchange)
        one = {"case": view, "appendix": appendix, "about": about, "alone": True, "paged": False, "condensed": False}
        yield case_file(result.case.id), frame.fill("case_page.html.j2", page=one)


class Frame:
    """What all pages of a run share: the style sheet, the script, and the policy that allows no other. `source` is the
    file whose bytes (`made`) are told: its digest is the fingerprint on every printed page."""

    def __init__(self, run_id: str, made: bytes, signing_key: str, source: str = "results.json") -> None:
        self._fingerprint = hashlib.sha256(made).hexdigest()
        self._style = _style(run_id, f"{source} {self._fingerprint[:16]}", signing_key)
        self._script = (_HERE / "report.js").read_text(encoding="utf-8")
        self._policy = (
            f"default-src 'none'; script-src {_named(self._script)}; style-src {_named(self._style)}; img-src data:; "
            "base-uri 'none'; form-action 'none'"
        )

    def fill(self, template: str, **values: Any) -> str:
        """One of our templates as a page."""
        told = {"policy": self._policy, "fingerprint": self._fingerprint, "limits": LIMITS, "verdicts": Verdict}
        markup = {"style": _own(self._style), "script": _own(self._script)}
        return _environment().get_template(template).render(**told, **markup, **values)


def _frame(run: RunResult, about: About, results: bytes) -> Frame:
    return Frame(about.run_id, results or encoded(document(run, about)), about.signing_key)


def _named(text: str) -> str:
    """A style sheet or script as a policy allows it: by its hash, and no other."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _own(text: str) -> Markup:
    return Markup(text)  # noqa: S704  our own file and an escaped run id, nothing else


def _style(run_id: str, fingerprint: str, signing_key: str) -> str:
    """The style sheet, with what its print margins say of this run."""
    css = (_HERE / "report.css").read_text(encoding="utf-8")
    seal = f"TO BE VERIFIED: key {signing_key[:16]}" if signing_key else "UNSIGNED: NOT EVIDENCE"
    for mark, text in (("RUN-ID", run_id), ("FINGERPRINT", fingerprint), ("SEAL", seal)):
        css = css.replace(f'"{mark}"', f'"{css_text(text)}"')
    return css


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
