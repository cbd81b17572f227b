"""How every command prints JSON: indented, and readable beyond ASCII."""

from __future__ import annotations

import json
from typing import Any

import typer


def dump(data: Any) -> None:
    typer.echo(json.dumps(data, indent=2, ensure_ascii=False))
