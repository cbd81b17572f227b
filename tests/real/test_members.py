"""A member whose extra is missing says how to get it."""

from __future__ import annotations

import sys

import pytest

from fixtures.fleet.cache import NotInstalled
from fixtures.fleet.members import NAMES, member


def test_an_extra_that_is_missing_is_named_with_its_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("fixtures.fleet.openldap")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ldap3", None)
    with pytest.raises(NotInstalled, match=r"ldap3 is not installed: pip install 'exitproof\[ldap\]'"):
        member("openldap")


def test_everybody_else_is_there() -> None:
    assert all(member(name) for name in NAMES)
