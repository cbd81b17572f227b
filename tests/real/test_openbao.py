"""OpenBao, described in YAML alone: what four ways to offboard leave behind, cell by cell, and each for its reason."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

import fixtures.fleet.openbao as module
from fixtures.fleet.openbao import OpenBao, running
from harness.model import Kind, Outcome, Subject, Vantage, Verdict
from tests.real.drills import Drilled, absences, drill, finding, measured, secrets_in

pytestmark = pytest.mark.real

HOME = Path(module.__file__).parent
FLEET = HOME / "fleet.yaml"
SCENARIOS = HOME / "scenarios"


@dataclass(frozen=True)
class Cell:
    """What a cell of the table means as findings: an outcome from each vantage that there is, a word of the reason
    (the leaver's where there is one), and a note of the admin's finding."""

    admin: Outcome
    leaver: Outcome | None = None
    reason: str = ""
    note: str = ""


WORKS = Cell(Outcome.RESIDUAL, Outcome.RESIDUAL, "works (200)")
LISTED = Cell(Outcome.RESIDUAL, Outcome.REVOKED, "refused (403)", note="use refused")  # 403, the record remains
REFUSED = Cell(Outcome.REVOKED, Outcome.REVOKED, "refused (403)")  # 403, and nothing is listed any more
STAYS = Cell(Outcome.RESIDUAL)
DISABLED = Cell(Outcome.REVOKED, reason="record remains")  # an account that cannot be used is absent
GONE_404 = Cell(Outcome.REVOKED, reason="answered 404")
GONE = Cell(Outcome.REVOKED)

COLUMNS = ("login token", "child", "orphan", "AppRole login", "entity", "group member")
PLACES: dict[str, tuple[str, Kind, str | None]] = {
    "login token": ("vault_identity", Kind.SESSION, "login"),
    "child": ("vault_identity", Kind.CREDENTIAL, "child"),
    "orphan": ("vault_identity", Kind.CREDENTIAL, "orphan"),
    "AppRole login": ("vault", Kind.CREDENTIAL, "drill-app"),
    "entity": ("vault_identity", Kind.ACCOUNT, None),
    "group member": ("vault_identity", Kind.GROUP, None),
}
TABLE = {
    #                    login token child    orphan  AppRole entity    group member
    "login-deleted":   (WORKS,       WORKS,   WORKS,  WORKS,  STAYS,    STAYS),
    "entity-disabled": (LISTED,      LISTED,  WORKS,  WORKS,  DISABLED, STAYS),
    "entity-deleted":  (LISTED,      LISTED,  WORKS,  WORKS,  GONE_404, GONE),
    "logins-revoked":  (REFUSED,     REFUSED, WORKS,  WORKS,  GONE_404, GONE),
}  # fmt: skip
CELLS = [(row, column) for row in TABLE for column in COLUMNS]


@pytest.fixture(scope="module")
def drilled(openbao: OpenBao, tmp_path_factory: pytest.TempPathFactory) -> Drilled:
    """Every row of the table, and the rehire, in one drill."""
    stories = [SCENARIOS / f"{name}.yaml" for name in (*TABLE, "rehired-same-name")]
    return drill(FLEET, stories, openbao.env, tmp_path_factory.mktemp("openbao"))


@pytest.mark.parametrize(("row", "column"), CELLS)
def test_cell(drilled: Drilled, row: str, column: str) -> None:
    cell = TABLE[row][COLUMNS.index(column)]
    system, kind, name = PLACES[column]
    by_admin = finding(drilled.case(row), system, kind, name)
    assert by_admin.outcome is cell.admin, by_admin.reason
    assert cell.note in by_admin.notes if cell.note else "use refused" not in by_admin.notes
    judged = [by_admin]
    if cell.leaver is not None:
        judged.append(finding(drilled.case(row), system, kind, name, Vantage.LEAVER))
        assert judged[-1].outcome is cell.leaver, judged[-1].reason
        assert judged[-1].grant_id == by_admin.grant_id
    assert cell.reason in judged[-1].reason
    for found in judged:
        if found.outcome is Outcome.REVOKED:
            measured(found)


@pytest.mark.parametrize("row", TABLE)
def test_the_row_as_a_whole(drilled: Drilled, row: str) -> None:
    result = drilled.case(row)
    assert result.verdict is Verdict.FAIL
    assert result.reason is None
    assert result.claimed == "success"  # the connector did all that it was asked; it was asked too little
    login = finding(result, "vault", Kind.ACCOUNT)
    assert login.outcome is Outcome.REVOKED, login.reason  # the one thing that every row does
    measured(login)
    orphan = finding(result, "vault_identity", Kind.CREDENTIAL, "orphan")
    assert "found by its own id" in orphan.reason  # it has no entity: only the journalled id tells whose it is
    assert result.cleanup.complete


def test_a_refusal_is_what_the_server_answered_to_the_leavers_own_token(drilled: Drilled) -> None:
    refused = finding(drilled.case("entity-disabled"), "vault_identity", Kind.SESSION, "login", Vantage.LEAVER)
    answers = [_exchange(drilled.folder, name) for look in absences(refused) for name in look.evidence]
    assert answers
    assert {(a["method"], str(a["url"]).rpartition("/v1")[2], a["status"]) for a in answers} == {
        ("GET", "/auth/token/lookup-self", 403),  # the leaver's own token
        ("GET", "/auth/token/lookup-self", 200),  # and a control's, in the same round: the refusal is the leaver's
    }


def _exchange(folder: Path, name: str) -> Any:
    return json.loads((folder / "exchanges" / f"{name}.json").read_bytes())


def test_a_rehire_of_the_same_name_finds_the_rights_of_the_earlier_life(drilled: Drilled) -> None:
    result = drilled.case("rehired-same-name")
    accounts = [f for f in result.findings if f.system == "vault" and f.vantage is Vantage.ADMIN]
    assert [f.outcome for f in accounts] == [Outcome.REVOKED, Outcome.INTACT]  # gone, and back as it was demanded
    for kind, name in ((Kind.GROUP, "drill-contractors"), (Kind.ROLE, "drill-auditor")):
        old = finding(result, "vault_identity", kind, name)
        assert old.outcome is Outcome.RESIDUAL, old.reason
        assert old.observations[-1].checkpoint == "the end"  # seen again after the return
    assert finding(result, "vault_identity", Kind.ACCOUNT).outcome is Outcome.RESIDUAL


def test_bystanders_are_intact_and_the_server_is_as_it_was(drilled: Drilled, openbao: OpenBao) -> None:
    assert drilled.run.bystanders
    assert {(f.subject, f.outcome) for f in drilled.run.bystanders} == {(Subject.BYSTANDER, Outcome.INTACT)}
    assert drilled.run.cleanup.complete
    assert _listed(openbao, "/auth/userpass/users") == []
    assert _listed(openbao, "/identity/group/name") == []
    assert _listed(openbao, "/auth/approle/role/drill-app/secret-id") == []
    assert not [name for name in _listed(openbao, "/identity/entity/name") if name.startswith("zz-")]
    assert len(_listed(openbao, "/auth/token/accessors")) == 2  # the root's and the reader's


def _listed(bao: OpenBao, path: str) -> list[str]:
    answer = requests.get(bao.url + path, params={"list": "true"}, headers={"X-Vault-Token": bao.token}, timeout=10)
    if answer.status_code == 404:  # how this server says that a list is empty
        assert answer.json() == {"errors": []}
        return []
    answer.raise_for_status()
    keys: list[str] = answer.json()["data"]["keys"]
    return keys


def test_no_secret_is_in_the_run_folder(drilled: Drilled, openbao: OpenBao) -> None:
    people = [result.identity for result in drilled.run.cases]
    secrets = [openbao.token, openbao.reader, *(who.password.reveal() for who in people if who is not None)]
    assert len(secrets) == len(TABLE) + 3
    assert secrets_in(drilled.folder, secrets) == []
    assert secrets_in(drilled.folder, [str(people[0].username if people[0] else "")])  # the search does find


def test_a_reader_that_loses_its_token_as_the_leaver_goes_makes_nothing_clean(openbao: OpenBao, tmp_path: Path) -> None:
    """The story that passes otherwise, on a server of its own: nobody is left who could clean it up."""
    with running() as bao:
        case = _blinded(bao, tmp_path).case("nothing-minted")
    assert case.claimed == "success", case.claim_detail
    assert case.verdict is Verdict.INCONCLUSIVE
    by_admin = [f for f in case.findings if f.vantage is Vantage.ADMIN]
    assert len(by_admin) == 5
    assert {f.outcome for f in by_admin} == {Outcome.INCONCLUSIVE}
    assert all("403" in f.reason for f in by_admin), [f.reason for f in by_admin]
    assert not case.cleanup.complete  # it could not be looked at: nobody may say that it is clean


def _blinded(bao: OpenBao, folder: Path) -> Drilled:
    """The event that ends the leaver's logins ends the reader's token as well."""
    last = '{put: "/sys/leases/revoke-prefix/auth/userpass/login/{{ identity.username }}"}'
    own = '{post: /auth/token/revoke-self, headers: {X-Vault-Token: "${env:BAO_READER}"}}'
    text = FLEET.read_text()
    assert last in text
    fleet_file = folder / "fleet.yaml"
    fleet_file.write_text(text.replace(last, f"{last}\n        - {own}").replace("within: 8s", "within: 3s"))
    return drill(fleet_file, [SCENARIOS / "nothing-minted.yaml"], bao.env, folder / "run")


def _pytest(openbao: OpenBao, story: str, out: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", str(SCENARIOS / f"{story}.yaml"), "--fleet", str(FLEET)]
    command += ["--out", str(out), "-p", "no:cacheprovider"]
    env = {**os.environ, **openbao.env}
    return subprocess.run(command, capture_output=True, text=True, timeout=150, env=env)


def test_pytest_fails_with_1_and_tells_what_remains(openbao: OpenBao, tmp_path: Path) -> None:
    ran = _pytest(openbao, "logins-revoked", tmp_path / "out")
    assert ran.returncode == 1, ran.stdout + ran.stderr
    told = json.loads((tmp_path / "out" / "results.json").read_text())
    remains = {(f["kind"], f["name"]) for f in told["cases"][0]["findings"] if f["outcome"] == "residual"}
    assert remains == {("credential", "orphan"), ("credential", "drill-app")}
    assert "orphan" in ran.stdout


def test_pytest_passes_with_0_where_nothing_remains(openbao: OpenBao, tmp_path: Path) -> None:
    ran = _pytest(openbao, "nothing-minted", tmp_path / "out")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    told = json.loads((tmp_path / "out" / "results.json").read_text())
    findings = told["cases"][0]["findings"]
    assert {f["outcome"] for f in findings} == {"revoked"}
    assert {f["kind"] for f in findings} == {"account", "group", "role", "session"}
