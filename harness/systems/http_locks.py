"""Lists of requests that read an object and write it back run one at a time per object."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from harness.wire.request import Request
from harness.wire.template import Context, Unfilled


class Locks:
    """One lock for each object of one system; two lists write to one object when the first thing that they read is
    at the same address."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}

    @contextmanager
    def held(self, what: str, requests: Sequence[Request], context: Context) -> Iterator[None]:
        """`what` stands for the object where its address is not known beforehand."""
        reading = [request for request in requests if request.reads and request.vantage is None]
        if not reading or all(request.reads for request in requests):
            yield
            return
        try:
            key = reading[0].url.path(context)
        except Unfilled:
            key = what
        with self._guard:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            yield
