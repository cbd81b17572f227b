"""report.pdf: the page as a browser prints it, or as WeasyPrint sets it where there is no browser."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.model import BadInput, Problem

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
WITHIN = 600.0  # seconds
_FLAGS = (
    "--headless", "--disable-gpu", "--no-first-run", "--disable-extensions", "--disable-background-networking",
    "--disable-dev-shm-usage", "--no-pdf-header-footer",
)  # fmt: skip


def paper(page: Path, env: Mapping[str, str]) -> tuple[Path, str]:
    """Writes the PDF beside the page; answers its path and what made it. `CHROMIUM` in `env` names a browser. Raises
    `BadInput` where neither a browser nor WeasyPrint is there, or the one that is there fails."""
    out = page.with_suffix(".pdf")
    if program := browser(env):
        _printed(program, page, out)
        return out, Path(program).name
    _set(page, out)
    return out, "WeasyPrint"


def browser(env: Mapping[str, str]) -> str | None:
    path = env.get("PATH")
    return env.get("CHROMIUM") or next(filter(None, (shutil.which(name, path=path) for name in BROWSERS)), None)


def _printed(program: str, page: Path, out: Path) -> None:
    sandbox = () if os.geteuid() else ("--no-sandbox",)  # as root Chromium refuses to start with one
    with tempfile.TemporaryDirectory() as profile:
        command = [program, *_FLAGS, *sandbox, f"--user-data-dir={profile}", f"--print-to-pdf={out.absolute()}"]
        try:
            subprocess.run(  # noqa: S603  a browser of this machine, and our own file
                [*command, page.absolute().as_uri()], check=True, capture_output=True, timeout=WITHIN
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise _bad(page, f"{program} could not print it: {type(error).__name__}") from None
    if not out.is_file():
        raise _bad(page, f"{program} ended, and printed nothing")


def _set(page: Path, out: Path) -> None:
    try:
        from weasyprint import HTML
    except (ImportError, OSError):  # OSError: without the system's Pango
        raise _bad(page, "a PDF needs Chromium (or CHROMIUM=PATH), or: pip install 'exitproof[pdf]'") from None
    HTML(filename=str(page), url_fetcher=_fetch).write_pdf(out)


def _fetch(url: str, *_: Any, **__: Any) -> dict[str, Any]:
    """The page itself, and nothing else: no text of a probed system makes this machine ask anybody."""
    if url.startswith("data:"):
        return {"string": b"", "mime_type": "image/png"}
    raise ValueError(f"refused: {url}")


def _bad(page: Path, message: str) -> BadInput:
    return BadInput([Problem(str(page), 1, 1, message)])
