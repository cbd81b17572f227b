"""The page of real software is what the suite says today."""

from __future__ import annotations

from tests.real.page import PAGE, chapters, page


def test_the_page_is_current() -> None:
    assert PAGE.read_text() == page(), "run `make docs`"


def test_no_two_facts_have_the_same_id() -> None:
    found = list(chapters())
    ids = [one.id for chapter in found for one in chapter.facts] + [one.id for c in found for one in c.clean]
    assert len(ids) == len(set(ids)), sorted(one for one in set(ids) if ids.count(one) > 1)
