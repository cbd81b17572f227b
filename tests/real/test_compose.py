"""One fleet file of several: word for word, and no two things of one name."""

from __future__ import annotations

import pytest
import yaml

from fixtures.fleet.compose import Clash, compose, section

ONE = """\
# One.
fleet: one
connectors:
  hub:                # acts
    type: webhook
systems:
  # the first
  desk:
    type: http
    url: "${env:DESK}"

# about timing
timing: {settle: 1s}
"""
TWO = "fleet: two\nconnectors: {}\nsystems:\n  mail:\n    type: imap\n"


def test_connectors_and_systems_are_kept_with_their_comments() -> None:
    made = compose({"one": ONE, "two": TWO}, ". env")
    found = yaml.safe_load(made)
    assert list(found["systems"]) == ["desk", "mail"]
    assert list(found["connectors"]) == ["hub"]
    assert found["systems"]["desk"]["url"] == "${env:DESK}"
    assert "# the first" in made
    assert "# about timing" not in made


def test_a_name_that_two_members_use_is_refused() -> None:
    with pytest.raises(Clash, match=r"one and three both have systems\.desk"):
        compose({"one": ONE, "three": ONE.replace("hub:", "other:")}, ". env")


def test_what_is_not_there_is_empty() -> None:
    assert section(ONE, "names") == ""
