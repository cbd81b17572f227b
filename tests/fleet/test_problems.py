"""What is wrong with a fleet file is told in one exact line each, all at once, and never with a secret in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness import fleet
from harness.fleet.loopback import loopback
from harness.model import BadInput
from tests.fleet.adapters import REGISTRY
from tests.fleet.worlds import CONNECTORS, HEAD, STAGING, SYSTEMS, problems, write

WHOLE = HEAD + CONNECTORS + SYSTEMS
REFERENCES = "${env:NAME}, ${file:PATH}, ${keyring:SERVICE/USER}"
KINDS = (
    "account, group, role, license, mailbox, delegation, forwarding, credential, session, consent, ownership, share, "
    "device"
)


def test_every_missing_variable_is_named_at_once() -> None:
    assert problems(STAGING, {"CRM_TOKEN": ""}) == [
        "staging.yaml:15:62: environment variable is not set: 'HR_SECRET'",
        "staging.yaml:22:117: environment variable is not set: 'SCIM_READ'",
        "staging.yaml:22:163: environment variable is not set: 'SCIM_WRITE'",
        "staging.yaml:26:20: environment variable is not set: 'MAIL_TOKEN'",
        "staging.yaml:52:20: environment variable is empty: 'CRM_TOKEN'",
    ]


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        (
            "fleet: small",
            "flete: small",
            [
                "fleet.yaml:1:1: missing key: 'fleet'",
                "fleet.yaml:1:1: unknown key (did you mean `fleet`?): 'flete' "
                "(allowed: fleet, environment, guard, timing, names, connectors, systems)",
            ],
        ),
        (
            "environment: test",
            "environment: tset",
            ["fleet.yaml:2:14: unknown word (did you mean `test`?): 'tset' (allowed: sandbox, test, production)"],
        ),
        ("max_identities: 9", "max_identities: nine", ["fleet.yaml:3:89: should be a whole number: 'nine'"]),
        (
            "max_identities: 9",
            "max_identities: 0",
            ["fleet.yaml:3:89: should be greater than or equal to 1: '0'"],
        ),
        ("type: webhook, ", "", ["fleet.yaml:5:3: missing key: 'type'"]),
        (
            "type: webhook",
            "type: webhok",
            ["fleet.yaml:5:14: unknown connector type (did you mean `webhook`?): 'webhok' (allowed: webhook)"],
        ),
        (
            "type: http",
            "type: htpp",
            ["fleet.yaml:8:11: unknown system type (did you mean `http`?): 'htpp' (allowed: http, scim)"],
        ),
        (
            "kinds: {license",
            "kinds: {licence",
            [f"fleet.yaml:12:13: unknown kind (did you mean `license`?): 'licence' (allowed: {KINDS})"],
        ),
        (
            "list: {get: /l}",
            "lst: {get: /l}",
            ["fleet.yaml:12:23: unknown key (did you mean `list`?): 'lst' (allowed: list, use, grant, revoke, object)"],
        ),
        (
            "{none: true}",
            "{bearer: hunter2}",
            [f"fleet.yaml:10:20: a literal in a secret field is refused (allowed: {REFERENCES})"],
        ),
        (
            "{none: true}",
            "hunter2",
            ["fleet.yaml:10:11: should be a mapping"],
        ),
        (
            "{none: true}",
            "{bearer: [hunter2]}",
            [f"fleet.yaml:10:20: a literal in a secret field is refused (allowed: {REFERENCES})"],
        ),
        (
            "{none: true}",
            "{barer: hunter2}",
            [
                "fleet.yaml:10:12: unknown key (did you mean `bearer`?): 'barer' "
                "(allowed: bearer, basic, header, query, oauth2, mtls, none)"
            ],
        ),
        (
            "{none: true}",
            '{bearer: "${vault:hunter2}"}',
            [
                f"fleet.yaml:10:20: a literal in a secret field is refused (allowed: {REFERENCES})",
                f"fleet.yaml:10:20: not a reference (allowed: {REFERENCES})",
            ],
        ),
        (
            "{none: true}",
            '{bearer: "${file:gone}"}',
            ["fleet.yaml:10:20: `${file:gone}` cannot be read: No such file or directory"],
        ),
        (
            "http://127.0.0.1:2",
            '"${file:gone}"',
            ["fleet.yaml:9:10: only a secret field may use this reference: '${file:gone}' (allowed: ${env:NAME})"],
        ),
        (
            "http://127.0.0.1:2",
            '"${env:NOT_A_URL}"',
            ["fleet.yaml:9:10: not a URL: ${env:NOT_A_URL}: '${env:NOT_A_URL}'"],
        ),
        (
            "environment: test",
            "environment: sandbox\nnames: {}\nguard: {}",
            ["fleet.yaml:5:1: duplicate key: 'guard'"],
        ),
        (
            '"zz-{{ run.n }}-{{ n }}"',
            '"zz-{{ run.n }}"',
            ["fleet.yaml:3:19: the template must use `n`: every identity needs its own name: 'zz-{{ run.n }}'"],
        ),
        (
            '"zz-{{ run.n }}-{{ n }}"',
            '"zz-{{ n }}-{{ who }}"',
            ["fleet.yaml:3:19: unknown name in the template: 'zz-{{ n }}-{{ who }}' (allowed: run.id, run.n, n)"],
        ),
        (
            "may_grant: {}",
            "may_grant: {cmr: {license: ['*']}}",
            ["fleet.yaml:3:104: unknown system (did you mean `crm`?): 'cmr' (allowed: crm)"],
        ),
        (
            "fleet: small",
            "fleet: small\nnames: {crm/licence/x: y}",
            [f"fleet.yaml:2:9: unknown kind (did you mean `license`?): 'licence' (allowed: {KINDS})"],
        ),
        (
            "fleet: small",
            "fleet: small\nnames: {sales: cmr}",
            ["fleet.yaml:2:16: unknown system or connector (did you mean `crm`?): 'cmr' (allowed: crm, hr)"],
        ),
        (
            "fleet: small",
            "fleet: small\nnames: {crm/x: y}",
            ["fleet.yaml:2:9: not a scenario's name: 'crm/x' (allowed: system/kind/name, system, connector)"],
        ),
        (
            "fleet: small",
            "fleet: small\ntiming: {settle: 10 s}",
            ["fleet.yaml:2:18: not a duration: '10 s' (allowed: 250ms, 5s, 15m, 2h, 3d)"],
        ),
        (
            "fleet: small",
            "fleet: small\ntiming: {within: {cmr: 5m}}",
            ["fleet.yaml:2:19: unknown system (did you mean `crm`?): 'cmr' (allowed: default, crm)"],
        ),
        ("fleet: small", "fleet: small\ntiming: {hold: [2h, 1h]}", ["fleet.yaml:2:16: checkpoints must ascend"]),
        (
            "    kinds:",
            "    without: {license: none}\n    kinds:",
            ["fleet.yaml:12:15: both declared and in `without`: 'license'"],
        ),
        (
            "    kinds:",
            "    not_listable: {license: none}\n    kinds:",
            ["fleet.yaml:12:20: both declared with `list` and in `not_listable`: 'license'"],
        ),
        (
            "    kinds:",
            "    without: {account: none}\n    kinds:",
            ["fleet.yaml:12:15: every system has accounts: 'account'"],
        ),
        ("  crm:", "  any:", ["fleet.yaml:7:3: a system may not be called `any`"]),
        (
            "    kinds:",
            "    limits: {rate: fast}\n    kinds:",
            ["fleet.yaml:12:20: should match pattern '^[0-9]+(\\.[0-9]+)?/(s|m|h)$': 'fast'"],
        ),
    ],
)
def test_one_exact_line_each(tmp_path: Path, old: str, new: str, lines: list[str]) -> None:
    assert WHOLE.count(old) >= 1
    found = problems(write(tmp_path, WHOLE.replace(old, new, 1)), {"NOT_A_URL": "s3cret.example"})
    assert found == lines
    assert "hunter2" not in "".join(found)


def test_a_variable_that_even_the_shape_needs(tmp_path: Path) -> None:
    file = write(tmp_path, WHOLE.replace("environment: test", 'environment: "${env:WHERE}"'))
    with pytest.raises(BadInput, match=r"fleet\.yaml:2:14: environment variable is not set: 'WHERE'$"):
        fleet.shape(file, {}, registry=REGISTRY)
    assert fleet.shape(file, {"WHERE": "test"}, registry=REGISTRY).environment == "test"


def test_a_guard_is_required_outside_the_sandbox(tmp_path: Path) -> None:
    text = "fleet: small\nenvironment: production\n" + CONNECTORS + SYSTEMS
    assert problems(write(tmp_path, text)) == [
        "fleet.yaml:1:1: `guard` is required in environment `production`: what may a run make and give?"
    ]


def test_a_sandbox_reaches_only_this_machine(tmp_path: Path) -> None:
    text = "fleet: small\nenvironment: sandbox\n" + CONNECTORS + SYSTEMS
    text = text.replace("http://127.0.0.1:2", "https://crm.example.com")
    text = text.replace("{post: /x}", '{post: "http://localhost.example.com/x", json: {address: "http://x.example"}}')
    message = "environment is `sandbox`, but this may not be this machine"
    assert problems(write(tmp_path, text)) == [
        f"fleet.yaml:4:100: {message}: 'http://localhost.example.com/x' (allowed: localhost, 127.0.0.0/8, ::1)",
        f"fleet.yaml:8:10: {message}: 'https://crm.example.com' (allowed: localhost, 127.0.0.0/8, ::1)",
    ]


@pytest.mark.parametrize(
    ("address", "here"),
    [
        ("http://127.0.0.1:1/x", True),
        ("http://127.9.9.9", True),
        ("http://localhost", True),
        ("https://a.localhost:8", True),
        ("http://[::1]:3/", True),
        ("http://[::ffff:127.0.0.1]/", True),
        ("127.0.0.1:389", True),
        ("ldap://localhost", True),
        ("http://127.0.0.1.example.com", False),
        ("http://127.0.0.1@example.com/", False),
        ("http://example.com/127.0.0.1", False),
        ("http://0.0.0.0", False),
        ("http://10.0.0.1", False),
        ("http://127.1", False),
        ("http://[::1", False),
        ("", False),
        ("http://", False),
    ],
)
def test_what_can_only_be_this_machine(address: str, here: bool) -> None:
    assert loopback(address) is here


def test_all_that_is_wrong_comes_at_once(tmp_path: Path) -> None:
    text = WHOLE.replace("fleet: small", "fleet: 7").replace("webhook", "fax").replace("none: true", "bearer: hunter2")
    assert [line.split(": ", 1)[0] for line in problems(write(tmp_path, text))] == [
        "fleet.yaml:1:8",
        "fleet.yaml:5:14",
        "fleet.yaml:10:20",
    ]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_broken_file_is_bad_input_and_nothing_else(tmp_path: Path, data: st.DataObject) -> None:
    text = STAGING.read_text(encoding="utf-8")
    begin = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(begin, min(len(text), begin + 30)))
    middle = data.draw(
        st.sampled_from(["", "x", ": ", "{", "[]", "\n", "${", "${env:X}", "null", "- ", "12", "'", "{{"])
    )
    broken = text[:begin] + middle + text[end:]
    rows = broken.split("\n")
    try:
        fleet.shape(write(tmp_path, broken), {}, registry=REGISTRY)
    except BadInput as bad:
        places = [(problem.line, problem.column) for problem in bad.problems]
        outside = [place for place in places if place[0] > len(rows) or place[1] > len(rows[place[0] - 1]) + 1]
        assert (bool(places), outside) == (True, [])
