"""Real software for the tests of this folder: started once a session, stopped at its end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import NoReturn

import pytest

from fixtures.fleet.openbao import NotInstalled, OpenBao, running


def cannot(why: str) -> NoReturn:
    """Without the software nothing is tested: in CI that is a failure, on somebody's train ride a skip."""
    if os.environ.get("CI"):
        pytest.fail(why, pytrace=False)
    pytest.skip(why)


@pytest.fixture(scope="session")
def openbao() -> Iterator[OpenBao]:
    """A prepared server of this session's own."""
    with ExitStack() as stack:
        try:
            bao = stack.enter_context(running())
        except NotInstalled as why:
            cannot(str(why))
        yield bao
