"""One browser for all its tests, and the pages that they open."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.report import write
from tests.browser.chromium import Browser, found
from tests.report.hostile import hostile
from tests.report.sample import sample


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "browser: opens a page in a headless Chromium")


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if found() is None:
        if os.environ.get("CI"):
            pytest.fail("CI needs a Chromium: apt-get install chromium, or set CHROMIUM")
        pytest.skip("no Chromium on this machine: apt-get install chromium, or set CHROMIUM")
    with Browser(tmp_path_factory.mktemp("profile")) as made:
        yield made


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The sample, and the same as an attacker would name things."""
    folder = tmp_path_factory.mktemp("reports")
    run, about, world = sample()
    write(folder / "sample", run, about, world.exchanges.get)
    run, about, exchanges = hostile()
    write(folder / "hostile", run, about, exchanges.get)
    return {name: folder / name / "report.html" for name in ("sample", "hostile")}
