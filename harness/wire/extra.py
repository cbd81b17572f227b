"""Libraries that only some adapters need: imported when one is built, and missing with the line that installs them."""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any


def need(module: str, extra: str) -> Any:
    """The module. Raises `ImportError` that says how to install it; `fleet.load` tells it with the file and line."""
    try:
        with warnings.catch_warnings():  # what a library imports that is deprecated is its own affair
            warnings.simplefilter("ignore", DeprecationWarning)
            return import_module(module)
    except ImportError as error:
        missing = error.name or module
        raise ImportError(f"{missing} is not installed: pip install 'exitproof[{extra}]'") from None
