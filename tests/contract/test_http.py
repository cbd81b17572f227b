"""`type: http` keeps the contract of systems."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.testing.contract import Contract, World
from tests.contract.http_world import HttpWorld


class TestHttp(Contract):
    @pytest.fixture
    def world(self) -> Iterator[World]:
        with HttpWorld() as world:
            yield world
