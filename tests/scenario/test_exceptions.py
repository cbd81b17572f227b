"""exceptions.yaml: bound to the fleet's names, strict to the line, and handed to the cases that it speaks of."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import jsonschema
import pytest

from harness import scenario
from harness.model import BadInput, Keep, Kind
from harness.scenario import Loaded, ScenarioFile
from tests.scenario.worlds import TODAY, but, staging, write

STORY = "title: T\nleave: {via: hr-feed, event: terminate}\nmatrix: {leave.event: [terminate, delete]}\n"
WHO = "reason: r, owner: o, ticket: T-1, approved-by: a"
ONE = f"exceptions:\n  - {{system: crm, kind: license, {WHO}, until: 2027-03-31%s}}\n"


def load(folder: Path, text: str, **fleet: object) -> Loaded:
    path = folder / "exceptions.yaml"
    path.write_text(text, encoding="utf-8")
    files = [ScenarioFile(write(folder, STORY, name), name) for name in ("a", "b")]
    return scenario.load_files(files, but(**fleet) if fleet else staging(), TODAY, path)


def wrong(folder: Path, text: str) -> list[str]:
    with pytest.raises(BadInput) as bad:
        load(folder, text)
    return [str(problem).replace(f"{folder}/", "") for problem in bad.value.problems]


def test_an_entry_goes_to_the_cases_that_it_speaks_of(tmp_path: Path) -> None:
    more = ", name: sales-*, scenario: a, when: {leave.event: delete}"
    loaded = load(tmp_path, ONE % more)
    assert loaded.exceptions is not None
    (keep,) = loaded.exceptions.entries
    assert keep == Keep(
        "crm",
        Kind.LICENSE,
        "sales-*",
        "r",
        "o",
        date(2027, 3, 31),
        {"leave.event": "delete"},
        f"{tmp_path}/exceptions.yaml:2",
        scenario="a",
        ticket="T-1",
        approved_by="a",
    )
    assert {case.id: case.keep for case in loaded.cases} == {
        "a[terminate]": (),
        "a[delete]": (keep,),
        "b[terminate]": (),
        "b[delete]": (),
    }


def test_names_are_the_fleets(tmp_path: Path) -> None:
    names = {"sales": "crm", "crm/license/seat": "sales-pro"}
    text = ONE.replace("system: crm", "system: sales") % ", name: seat"
    loaded = load(tmp_path, text.replace("system: sales", "system: crm"), names=names)
    assert loaded.exceptions is not None
    assert [(k.system, k.name) for k in loaded.exceptions.entries] == [("crm", "sales-pro")]
    loaded = load(tmp_path, text, names=names)
    assert loaded.exceptions is not None
    assert loaded.exceptions.entries[0].system == "crm"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", ["exceptions.yaml:1:1: the file is empty"]),
        (
            "exception: []\n",
            [
                "exceptions.yaml:1:1: missing key: 'exceptions'",
                "exceptions.yaml:1:1: unknown key (did you mean `exceptions`?): 'exception' (allowed: exceptions)",
            ],
        ),
        (
            ONE.replace("2027-03-31", "2026-11-21") % "",
            ["exceptions.yaml:2:91: this exception has expired: '2026-11-21'"],
        ),
        (
            ONE.replace("approved-by: a", "approved_by: a") % "",
            [
                "exceptions.yaml:2:5: missing key: 'approved-by'",
                "exceptions.yaml:2:68: unknown key (did you mean `approved-by`?): 'approved_by' (allowed: fingerprint, "
                "system, kind, name, scenario, when, reason, owner, ticket, approved-by, until)",
            ],
        ),
        (
            ONE.replace("system: crm", "system: cmr") % "",
            ["exceptions.yaml:2:14: unknown system (did you mean `crm`?): 'cmr' (allowed: any, directory, mail, crm)"],
        ),
        (
            ONE.replace("kind: license", "kind: mailbox") % "",
            ["exceptions.yaml:2:25: `crm` has no such kind: 'mailbox' (allowed: account, credential, group, license)"],
        ),
        (
            ONE % ", when: {leave.evnt: x}",
            [
                "exceptions.yaml:2:110: unknown field in `when` (did you mean `leave.event`?): 'leave.evnt' (allowed: "
                "leave.event, leave.via, leave.reason, leave.effective, join.via, join.within, expect.account, "
                "expect.within, expect.hold, expect.gone, identity.<attribute>)"
            ],
        ),
        (
            ONE % ", fingerprint: 0123456789abcdef",
            ["exceptions.yaml:2:5: give either `fingerprint` or `system`, `kind` and `name`"],
        ),
        (
            ONE.replace("system: crm, kind: license", "scenario: a, fingerprint: 0000000000000012") % "",
            ["exceptions.yaml:2:32: a number to YAML: put it in quotes: '12'"],
        ),
        (
            ONE.replace("system: crm, kind: license", "fingerprint: 0123456789abcdef") % "",
            ["exceptions.yaml:2:5: a `fingerprint` needs its `scenario`: runs without that one must not look for it"],
        ),
        (
            ONE.replace("system: crm, kind: license", "name: x") % "",
            ["exceptions.yaml:2:5: `system` and `kind` are needed, or `fingerprint` and `scenario`"],
        ),
        (
            ONE % "" + (ONE % "").removeprefix("exceptions:\n"),
            ["exceptions.yaml:3:5: a second exception for the same, after exceptions.yaml:2: 'crm/license/*'"],
        ),
    ],
)
def test_what_is_wrong_is_one_line_each(tmp_path: Path, text: str, lines: list[str]) -> None:
    assert wrong(tmp_path, text) == lines


def test_what_is_wrong_with_the_stories_is_told_at_once(tmp_path: Path) -> None:
    write(tmp_path, STORY.replace("title", "tilte"), "c")
    path = tmp_path / "exceptions.yaml"
    path.write_text(ONE.replace("kind: license", "kind: licence") % "")
    with pytest.raises(BadInput) as bad:
        scenario.load_files([ScenarioFile(tmp_path / "scenarios/c.yaml", "c")], staging(), TODAY, path)
    assert {Path(problem.file).name for problem in bad.value.problems} == {"c.yaml", "exceptions.yaml"}


def test_the_file_is_beside_the_fleets_or_named(tmp_path: Path) -> None:
    fleet, named = tmp_path / "fleet.yaml", tmp_path / "other.yaml"
    assert scenario.find_exceptions(None, fleet) is None
    assert scenario.find_exceptions(named, fleet) == named  # a missing one is an error, not none
    (tmp_path / "exceptions.yaml").touch()
    assert scenario.find_exceptions(None, fleet) == tmp_path / "exceptions.yaml"
    assert scenario.find_exceptions(named, fleet) == named
    with pytest.raises(BadInput, match="cannot be read"):
        scenario.load_files([], staging(), TODAY, named)


def test_the_schema_refuses_what_loading_does() -> None:
    validator = jsonschema.Draft202012Validator(scenario.exceptions_schema())
    good = {"system": "crm", "kind": "license", "reason": "r", "owner": "o", "ticket": "t", "approved-by": "a"}
    good["until"] = "2027-03-31"
    assert validator.is_valid({"exceptions": [good]})
    for change in ({"kind": "licence"}, {"approved_by": "a"}, {"fingerprint": "XYZ"}, {"ticket": ""}):
        assert not validator.is_valid({"exceptions": [good | change]}), change
