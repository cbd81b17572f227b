"""docs/auditors.md says of each check of `exitproof verify` what the code says, and what is not proven."""

from __future__ import annotations

import dataclasses

from harness.evidence.keys import Trusted
from harness.evidence.verdicts import CHECKS, UNPROVEN
from tests.docs.markdown import page, plain

PAGE = page("docs/auditors.md")


def table(heading: str, first: str) -> dict[str, str]:
    """The table below a heading whose first column is named so."""
    (found,) = (rows for rows in PAGE.tables(heading) if rows[0][0] == first)
    return {plain(row[0]): row[1].replace("`", "") for row in found[1:]}


def test_every_check_has_its_words() -> None:
    assert table("Check it", "check") == {name: text.replace("`", "") for name, text in CHECKS.items()}


def test_what_is_not_proven_is_said() -> None:
    told = {name: text.replace("`", "") for name, text in UNPROVEN.items()}
    assert table("What it does not prove", "not proven") == told


def test_how_it_ends() -> None:
    assert [row.partition(",")[0] for row in table("Check it", "`verify` ends with")] == ["0", "8", "9"]


def test_every_field_of_a_trusted_key_is_there() -> None:
    told = {each for row in table("Keys", "key of an entry") for each in row.split(", ")}
    fields = {field.name for field in dataclasses.fields(Trusted)} - {"key"}
    assert told == fields | {"keyid", "keytype", "scheme", "public"}
