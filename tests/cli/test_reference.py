"""docs/reference/cli.md is what the commands say of themselves."""

from __future__ import annotations

import re

from tests.cli.page import PAGE, commands, whole


def test_the_page_has_not_drifted() -> None:
    page = PAGE.read_text()
    assert whole(page) == page, "run `python -m tests.cli.page` and review the difference"


def test_a_drift_is_seen() -> None:
    page = PAGE.read_text()
    assert whole(page.replace("`--consent DIGEST`", "`--consents DIGEST`")) == page


def test_everything_has_its_words() -> None:
    for name, command in commands().items():
        assert command.help, name
        for each in command.params:
            if each.param_type_name == "option":
                assert each.help, (name, each.opts)


def test_every_command_that_the_page_shows_is_one() -> None:
    shown = set(re.findall(r"exitproof ([a-z]+)", PAGE.read_text()))
    assert shown <= {*commands(), "run"}
    assert set(commands()) <= shown
