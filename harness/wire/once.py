"""What one round has asked already: the same question is asked once, also while it is under way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any


class Once:
    """Safe from many threads: whoever asks second waits for the first one's answer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[Hashable, Future[Any]] = {}

    def once(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What `make` gave (or raised) for this key the first time."""
        with self._lock:
            future = self._made.get(key)
            mine = future is None
            if future is None:
                future = self._made[key] = Future()
        if mine:
            try:
                future.set_result(make())
            except BaseException as error:  # noqa: BLE001  whoever waits for it must hear of it
                future.set_exception(error)
        return future.result()
