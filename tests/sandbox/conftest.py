"""One correct sandbox for the tests that leave it as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fixtures.sandbox import start
from tests.sandbox.driver import Driver

World = Callable[..., Driver]


@pytest.fixture(scope="session")
def driver() -> Iterator[Driver]:
    with start(delay=0.02) as sandbox:
        driver = Driver(sandbox.env)
        yield driver
        driver.close()


@pytest.fixture
def world() -> Iterator[World]:
    """Starts sandboxes with defects and closes them."""
    opened: list[Any] = []

    def make(*defects: str, **options: Any) -> Driver:
        sandbox = start(defects, **{"delay": 0.02, **options})
        driver = Driver(sandbox.env)
        opened.append((sandbox, driver))
        return driver

    yield make
    for sandbox, driver in opened:
        driver.close()
        sandbox.close()
