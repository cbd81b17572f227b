"""What is wrong with scenario files is told in one exact line each, all files at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness import scenario
from harness.model import BadInput
from harness.ports import Guard
from tests.scenario.worlds import EVERYDAY, TODAY, but, problems, staging, write

BASE = "title: T\nleave: {via: hr-feed, event: terminate}\n"
KINDS = (
    "account, group, role, license, mailbox, delegation, forwarding, credential, session, consent, ownership, share, "
    "device"
)
KEYS = (
    "title, story, tags, needs, identity, objects, access, join, before, leave, then, expect, controls, matrix, systems"
)
FIELDS = (
    "leave.event, leave.via, leave.reason, leave.effective, join.via, join.within, expect.account, expect.within, "
    "expect.hold, expect.gone, identity.<attribute>"
)
DURATIONS = "250ms, 5s, 15m, 2h, 3d"
KEEP = "expect: {keep: [{system: crm, kind: license, reason: r, owner: o, until: %s}]}"


@pytest.mark.parametrize(
    ("more", "lines"),
    [
        ("tilte: x", [f"a.yaml:3:1: unknown key (did you mean `title`?): 'tilte' (allowed: {KEYS})"]),
        (
            "expect: {acount: removed}",
            [
                "a.yaml:3:10: unknown key (did you mean `account`?): 'acount' "
                "(allowed: has, gone, account, within, hold, keep, trail)"
            ],
        ),
        (
            "expect: {account: gone}",
            ["a.yaml:3:19: unknown word: 'gone' (allowed: disabled, removed)"],
        ),
        (
            "access: {crm: [{licence: x}]}",
            [f"a.yaml:3:17: unknown kind (did you mean `license`?): 'licence' (allowed: {KINDS})"],
        ),
        (
            "access: {crm: [acount]}",
            ["a.yaml:3:16: should be a mapping or one of the allowed words: 'acount' (allowed: account)"],
        ),
        ("access: {crm: {license: x}}", ["a.yaml:3:15: should be a list"]),
        (
            "access: {crm: [{license: x, group: y}]}",
            ["a.yaml:3:16: should hold 1 at most"],
        ),
        ("access: {crm: [{license: 7}]}", ["a.yaml:3:26: should be text or a mapping: '7'"]),
        ("access: {crm: [{license: {}}]}", ["a.yaml:3:26: exactly one of `name` and `on` is needed"]),
        (
            "access: {crm: [{license: {nam: x}}]}",
            [
                "a.yaml:3:27: unknown key (did you mean `name`?): 'nam' "
                "(allowed: name, on, right, rights, to, direction, sole, by)"
            ],
        ),
        (
            "access: {cmr: [account]}",
            ["a.yaml:3:10: unknown system (did you mean `crm`?): 'cmr' (allowed: directory, mail, crm)"],
        ),
        (
            "access: {crm: [{mailbox: x}]}",
            [
                "a.yaml:3:17: system `crm` does not declare this kind: 'mailbox' "
                "(allowed: account, license, group, credential)"
            ],
        ),
        (
            "controls: [soc2:CC6.9]",
            [
                "a.yaml:3:12: unknown control (did you mean `soc2:CC6.3`?): 'soc2:CC6.9' "
                "(allowed: soc2:CC6.1, soc2:CC6.2, soc2:CC6.3, soc2:CC7.2)"
            ],
        ),
        (
            "access: {mail: [{device: x}]}",
            [
                "a.yaml:3:18: system `mail` does not declare this kind (mail has none): 'device' "
                "(allowed: account, mailbox, delegation)"
            ],
        ),
        (
            "access: {mail: [{mailbox: x}]}",
            ["a.yaml:3:18: system `mail` cannot give this kind: declare its `grant`, or write `by: join`: 'mailbox'"],
        ),
        (
            "access: {crm: [{license: gold}]}",
            ["a.yaml:3:17: the fleet's guard does not allow this to be given: 'crm/license/gold' (allowed: sales-pro)"],
        ),
        (
            "access: {crm: [{license: sales-pro}, {license: sales-pro}]}",
            ["a.yaml:3:10: listed twice: 'license/sales-pro'"],
        ),
        (
            "objects: {box: {system: mail, kind: mailbox}}\naccess: {mail: [{delegation: {on: bx}}]}",
            ["a.yaml:4:35: unknown object (did you mean `box`?): 'bx' (allowed: box)"],
        ),
        (
            "objects: {box: {system: crm, kind: group}}",
            ["a.yaml:3:36: system `crm` can neither find nor create objects of this kind: 'group'"],
        ),
        (
            "objects: {box: {system: mail, kind: mailbox, owner: boss}}",
            ["a.yaml:3:53: unknown word: 'boss' (allowed: leaver, bystander, custodian, manager, control)"],
        ),
        (
            "access: {crm: [{license: {name: sales-pro, by: join}}]}",
            ["a.yaml:3:48: the scenario has no `join` that could give it: 'join'"],
        ),
        ("join: {via: hr}", ["a.yaml:3:13: unknown connector (did you mean `hr-feed`?): 'hr' (allowed: hr-feed)"]),
        (
            "then: [snyc]",
            [
                "a.yaml:3:8: unknown event of connector `hr-feed` (did you mean `sync`?): 'snyc' "
                "(allowed: delete, join, sync, terminate)"
            ],
        ),
        ("then: [{wait: soon}]", [f"a.yaml:3:15: not a duration: 'soon' (allowed: {DURATIONS})"]),
        ("then: [{wait: 5s, via: hr-feed}]", ["a.yaml:3:8: `via`, `set` and `expect` belong to an `event`"]),
        ("then: [5]", ["a.yaml:3:8: should be text or a mapping: '5'"]),
        ("then: [{event: sync, set: {password: x}}]", ["a.yaml:3:8: `password` cannot be set"]),
        (
            "before: [replay]",
            ["a.yaml:3:10: nothing was sent yet that could be replayed: `replay` belongs in `then`: 'replay'"],
        ),
        ("expect: {within: 5 m}", [f"a.yaml:3:18: not a duration: '5 m' (allowed: {DURATIONS})"]),
        ("expect: {within: 0s}", ["a.yaml:3:18: a deadline must be longer than nothing: '0s'"]),
        (
            "expect: {within: {cmr: 5m}}",
            ["a.yaml:3:19: unknown system (did you mean `crm`?): 'cmr' (allowed: default, directory, mail, crm)"],
        ),
        ("expect: {within: {crm.seat: 5m}}", [f"a.yaml:3:19: unknown kind: 'seat' (allowed: {KINDS})"]),
        ("expect: {hold: [2h, 1h]}", ["a.yaml:3:9: the checkpoints of `hold` must ascend"]),
        (KEEP % "2026-11-21", ["a.yaml:3:74: this exception has expired: '2026-11-21'"]),
        (KEEP % "tomorrow", ["a.yaml:3:74: not a day: 'tomorrow' (allowed: 2027-03-31)"]),
        (KEEP % "2027-02-30", ["a.yaml:3:74: not a day: '2027-02-30' (allowed: 2027-03-31)"]),
        ((KEEP % "2027-01-01").replace("owner: o, ", ""), ["a.yaml:3:17: missing key: 'owner'"]),
        (
            (KEEP % "2027-01-01, when: {leave.evnt: x}"),
            [
                f"a.yaml:3:93: unknown field in `when` (did you mean `leave.event`?): 'leave.evnt' (allowed: {FIELDS})",
            ],
        ),
        ((KEEP % "2027-01-01, when: {leave.event: x}"), ["a.yaml:3:86: this holds in no case of the file"]),
        (
            (KEEP % "2027-01-01").replace("crm", "cmr"),
            ["a.yaml:3:26: unknown system (did you mean `crm`?): 'cmr' (allowed: directory, mail, crm, any)"],
        ),
        (
            "matrix: {leave.evnt: [a]}",
            [
                "a.yaml:3:10: unknown field in the matrix (did you mean `leave.event`?): 'leave.evnt' "
                f"(allowed: {FIELDS})"
            ],
        ),
        ("matrix: {identity.username: [a]}", ["a.yaml:3:10: `identity.username` is made by the harness"]),
        ("matrix: {join.via: [a]}", ["a.yaml:3:10: the scenario has no `join`: 'join.via'"]),
        (
            "matrix: {leave.event: [terminate, leave]}",
            ["a.yaml:3:35: unknown event of connector `hr-feed`: 'leave' (allowed: delete, join, sync, terminate)"],
        ),
        (
            "matrix: {leave.event: [terminate, terminate]}",
            ["a.yaml:3:35: twice in one dimension of the matrix: 'terminate'"],
        ),
        (
            "matrix: {expect.account: [disabled, off]}",
            ["a.yaml:3:37: not one of the allowed words: 'off' (allowed: disabled, removed)"],
        ),
        ("matrix: {leave.event: []}", ["a.yaml:3:23: should not be empty"]),
        (
            "matrix: {identity.a: [x, x-y], identity.b: [y-z, z]}",
            ["a.yaml:3:1: two combinations make one id: 'a[x-y-z]'"],
        ),
        ("identity: {username: me}", ["a.yaml:3:12: `identity.username` is made by the harness"]),
        ("identity: {badge: 7}", ["a.yaml:3:19: should be text: '7'"]),
        (
            "needs: [mail.delegaton]",
            [
                "a.yaml:3:9: unknown word in `mail.delegaton` (did you mean `delegation`?): 'delegaton' "
                f"(allowed: {KINDS}, login, create, search, audit)"
            ],
        ),
        (
            "systems: [cmr]",
            ["a.yaml:3:11: unknown system (did you mean `crm`?): 'cmr' (allowed: directory, mail, crm)"],
        ),
        ("systems: [mail]\naccess: {crm: [account]}", ["a.yaml:4:10: not among `systems`: 'crm' (allowed: mail)"]),
        ("title: twice", ["a.yaml:3:1: duplicate key: 'title'"]),
        ("story: !secret x", ["a.yaml:3:8: tags are refused: '!secret'"]),
        ("---\ntitle: U", ["a.yaml:3:1: a second document: one file holds one document"]),
        ("tags: [a b]", ["a.yaml:3:8: should match pattern '^[A-Za-z0-9][A-Za-z0-9_.:-]*$': 'a b'"]),
    ],
)
def test_one_exact_line_each(tmp_path: Path, more: str, lines: list[str]) -> None:
    write(tmp_path, BASE + more + "\n")
    assert problems(tmp_path) == lines


def test_the_leave_itself(tmp_path: Path) -> None:
    write(tmp_path, "title: T\nleave: {via: hr-fed, event: terminate, effective: 2m}\n", "a")
    write(tmp_path, "title: T\nleave: {via: hr-feed}\n", "b")
    write(tmp_path, "leave: {via: hr-feed, event: teminate}\n", "c")
    write(tmp_path, "title: T\nleave: {via: hr-feed, event: teminate}\n", "d")
    assert problems(tmp_path) == [
        "a.yaml:2:51: not a relative time: '2m' (allowed: +2m, -1h)",
        "b.yaml:2:1: missing key: 'event'",
        "c.yaml:1:1: missing key: 'title'",
        "d.yaml:2:30: unknown event of connector `hr-feed` (did you mean `terminate`?): 'teminate' "
        "(allowed: delete, join, sync, terminate)",
    ]


def test_two_errors_in_two_files_come_in_one_go(tmp_path: Path) -> None:
    write(tmp_path, BASE + "tilte: x\nthen: [snyc]\n", "one")
    write(tmp_path, BASE + "access: {cmr: [account]}\nsystems: [nowhere]\n", "two")
    write(tmp_path, BASE, "good")
    assert [line.split(": ")[0] for line in problems(tmp_path)] == [
        "one.yaml:3:1",
        "two.yaml:3:10",
        "two.yaml:4:11",
    ]


def test_a_denied_name_is_refused_whatever_may_be_granted(tmp_path: Path) -> None:
    write(tmp_path, BASE + "access: {crm: [{license: sales-pro}]}\n")
    shape = but(guard=Guard("x", "y", 9, None, ("crm/license/sales-*",)))
    assert problems(tmp_path, shape) == [
        "a.yaml:3:17: the fleet's guard does not allow this to be given: 'crm/license/sales-pro'"
    ]


def test_two_files_of_one_id(tmp_path: Path) -> None:
    write(tmp_path / "x", BASE)
    second = write(tmp_path / "y", BASE)
    with pytest.raises(BadInput) as bad:
        scenario.discover([tmp_path])
    first = tmp_path / "x" / "scenarios" / "a.yaml"
    assert str(bad.value) == f"{second}:1:1: a second scenario of this id, after {first}: 'a'"


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="nowhere:1:1: no such file or folder"):
        scenario.load([tmp_path / "nowhere"], staging(), TODAY)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_broken_file_loads_or_is_bad_input_and_nothing_else(tmp_path: Path, data: st.DataObject) -> None:
    text = EVERYDAY.read_text(encoding="utf-8")
    begin = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(begin, min(len(text), begin + 30)))
    middle = data.draw(
        st.sampled_from(["", "x", ": ", "{", "[]", "{}", "\n", "&a ", "*a", "null", "- ", "12", "'", "!t "])
    )
    broken = text[:begin] + middle + text[end:]
    rows = broken.split("\n")
    places: list[tuple[int, int]] = []
    try:
        scenario.load([write(tmp_path, broken)], staging(), TODAY)
    except BadInput as bad:
        places = [(problem.line, problem.column) for problem in bad.problems]
    assert [at for at in places if at[0] > len(rows) or at[1] > len(rows[at[0] - 1]) + 1] == []
