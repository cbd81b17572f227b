"""OpenBao through the adapter of type `vault`: what each way to offboard leaves, and who leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

import fixtures.fleet.vault as module
from fixtures.fleet.vault import NotInstalled, Prepared, running
from harness.model import Kind, Outcome, Subject, Vantage
from tests.real.conftest import cannot
from tests.real.drills import Drilled, drill, finding, measured, secrets_in
from tests.real.facts import Clean, Fact, holds, passes

pytestmark = pytest.mark.real

HOME = Path(module.__file__).parent
FLEET = HOME / "fleet.yaml"
SCENARIOS = HOME / "scenarios"

LEAVER = Vantage.LEAVER
WAYS = {
    "delete-login": "the login is deleted",
    "disable-entity": "the entity is disabled too",
    "delete-entity": "the entity is deleted too",
    "revoke-logins": "every login is revoked too",
}


def case_of(way: str) -> str:
    return f"ways-to-offboard[{way}]"


def _works(way: str, kind: Kind, name: str, what: str) -> list[Fact]:
    """Listed, and works."""
    seen = f"after {WAYS[way]}, {what} still works"
    ids = f"vault/{way}/{name}"
    reason = "found by its own id" if name == "orphan" else ""
    return [
        Fact(ids, seen, case_of(way), "bao", kind, name, reason=reason),
        Fact(f"{ids}-works", seen, case_of(way), "bao", kind, name, vantage=LEAVER, reason="works (200)"),
    ]


def _listed(way: str, name: str, what: str) -> list[Fact]:
    """Refused, and still listed."""
    seen = f"after {WAYS[way]}, {what} is refused, and still listed by its accessor"
    ids = f"vault/{way}/{name}"
    return [
        Fact(ids, seen, case_of(way), "bao", Kind.SESSION, name, note="use refused"),
        Fact(
            f"{ids}-refused",
            seen,
            case_of(way),
            "bao",
            Kind.SESSION,
            name,
            Outcome.REVOKED,
            LEAVER,
            reason="refused (403)",
        ),
    ]


def _table() -> Iterator[Fact]:
    """The table of docs/fleets/openbao.md once more."""
    for way in WAYS:
        stays = way in ("delete-login", "disable-entity")
        if way == "delete-login":
            yield from _works(way, Kind.SESSION, "login", "the token of a login")
            yield from _works(way, Kind.SESSION, "child", "a token made with it")
        elif way != "revoke-logins":
            yield from _listed(way, "login", "the token of a login")
            yield from _listed(way, "child", "a token made with it")
        yield from _works(way, Kind.SESSION, "orphan", "a token without parent")
        yield from _works(way, Kind.CREDENTIAL, "drill-app", "a secret-id of an AppRole")
        if stays:
            seen = f"after {WAYS[way]}, the entity stays a member of its group"
            yield Fact(f"vault/{way}/group", seen, case_of(way), "bao", Kind.GROUP, None)
    yield Fact(
        "vault/entity-stays", "deleting the login leaves the entity", case_of("delete-login"), "bao", Kind.ACCOUNT, None
    )
    yield Fact(
        "vault/entity-disabled",
        "a disabled entity cannot be used, and its record remains",
        *(case_of("disable-entity"), "bao", Kind.ACCOUNT, None, Outcome.REVOKED),
        reason="record remains",
    )


FACTS = [
    *_table(),
    Fact(
        "vault/rehire/group",
        "a login made again under the same name maps to the old entity and finds its groups",
        *("rehired-same-name", "bao", Kind.GROUP, "drill-contractors"),
    ),
    Fact(
        "vault/rehire/inherited-policy",
        "and with the group the policies that it gives",
        *("rehired-same-name", "bao", Kind.ROLE, "drill-read through drill-contractors"),
    ),
    Fact(
        "vault/rehire/policy",
        "and the policies of the entity itself",
        *("rehired-same-name", "bao", Kind.ROLE, "drill-auditor"),
    ),
    Fact(
        "vault/locked-out",
        "after five wrong passwords the right one is refused with 403: a lock-out, which is no offboarding",
        *("locked-out", "bao", Kind.ACCOUNT, None, Outcome.INCONCLUSIVE, LEAVER),
        reason="locked out",
    ),
    Fact(
        "vault/locked-out/token",
        "a lock-out does not touch the tokens that were given before",
        *("locked-out", "bao", Kind.SESSION, "login"),
        vantage=LEAVER,
        reason="works (200)",
    ),
    Fact(
        "vault/only-the-entity-disabled/refused",
        "a login whose entity is disabled is refused with 403",
        *("only-the-entity-disabled", "bao", Kind.ACCOUNT, None, Outcome.REVOKED, LEAVER),
        reason="refused (403)",
    ),
    Fact(
        "vault/only-the-entity-disabled/token",
        "the refused token is still listed by its accessor",
        *("only-the-entity-disabled", "bao", Kind.SESSION, "login"),
        note="use refused",
    ),
    Fact(
        "vault/only-the-entity-deleted/signs-in",
        "deleting the entity leaves the login, and signing in makes a new entity",
        *("only-the-entity-deleted", "bao", Kind.ACCOUNT, None),
        vantage=LEAVER,
        reason="works (200)",
    ),
    Fact(
        "vault/groups-of-groups/branch",
        "a member of a group is, through it, in the groups above it, and stays there",
        *("groups-of-groups[delete-login]", "bao", Kind.GROUP, "drill-branch"),
        reason="through the group drill-engineers",
    ),
    Fact(
        "vault/groups-of-groups/everyone",
        "however far above",
        *("groups-of-groups[delete-login]", "bao", Kind.GROUP, "drill-everyone"),
        reason="through the group drill-branch",
    ),
    Fact(
        "vault/groups-of-groups/policy",
        "with the policies that the topmost group gives",
        *("groups-of-groups[delete-login]", "bao", Kind.ROLE, "drill-auditor through drill-everyone"),
    ),
    Fact(
        "vault/taken-on-demand",
        "a secret that was taken on demand outlives the entity, until the token ends that it was asked with",
        *("taken-on-demand", "bao", Kind.SHARE, "drill-door"),
    ),
    Fact(
        "vault/revoked-as-listed/token",
        "revoking leases by the name as the list of logins shows it answers success and revokes nothing: tokens stand "
        "under the name as it was typed",
        *("revoked-as-listed", "bao", Kind.SESSION, "login"),
    ),
]
CLEAN = [
    Clean("vault/nothing-minted", "login and entity deleted, every login revoked", "nothing-minted"),
    Clean("vault/given-back-on-demand", "a secret taken on demand ends with the login's token", "given-back-on-demand"),
    Clean(
        "vault/groups-of-groups",
        "the deleted entity is out of all groups above its own",
        "groups-of-groups[revoke-logins]",
    ),
]
CASES = {fact.case for fact in FACTS} | {clean.case for clean in CLEAN} | {"second-account"}
STORIES = sorted({case.partition("[")[0] for case in CASES})


@pytest.fixture(scope="module")
def server() -> Iterator[Prepared]:
    with ExitStack() as stack:
        try:
            found = stack.enter_context(running())
        except NotInstalled as why:
            cannot(str(why))
        yield found


@pytest.fixture(scope="module")
def drilled(server: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Drilled:
    stories = [SCENARIOS / f"{name}.yaml" for name in STORIES]
    return drill(FLEET, stories, server.env, tmp_path_factory.mktemp("vault"))


def test_every_story_is_drilled() -> None:
    assert {path.stem for path in SCENARIOS.glob("*.yaml")} == set(STORIES)


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.id)
def test_fact(drilled: Drilled, fact: Fact) -> None:
    holds(fact, drilled)


@pytest.mark.parametrize("clean", CLEAN, ids=lambda clean: clean.id)
def test_clean(drilled: Drilled, clean: Clean) -> None:
    passes(clean, drilled)


def test_an_absence_is_measured(drilled: Drilled) -> None:
    for kind, name in ((Kind.GROUP, "drill-support"), (Kind.ROLE, "drill-auditor"), (Kind.SESSION, "login")):
        measured(finding(drilled.case("nothing-minted"), "bao", kind, name))


def test_a_second_account_of_the_same_person_stays(drilled: Drilled) -> None:
    """Found by its alias, which is the person's address in another auth method."""
    result = drilled.case("second-account")
    assert result.reason is None, result.reason
    told = {(f.kind, f.outcome) for f in result.findings if f.kind is Kind.ACCOUNT and f.vantage is Vantage.ADMIN}
    assert told == {(Kind.ACCOUNT, Outcome.REVOKED), (Kind.ACCOUNT, Outcome.RESIDUAL)}
    alias = [f for f in result.findings if f.name.startswith("alias sso/")]
    assert [f.outcome for f in alias] == [Outcome.RESIDUAL]
    assert result.cleanup.complete


def test_bystanders_are_intact_and_the_server_is_as_it_was(drilled: Drilled, server: Prepared) -> None:
    assert drilled.run.bystanders
    changed = [f for f in drilled.run.bystanders if f.outcome is not Outcome.INTACT]
    assert not changed, [(f.kind, f.name, f.outcome, f.reason) for f in changed]
    assert {f.subject for f in drilled.run.bystanders} == {Subject.BYSTANDER}
    assert drilled.run.cleanup.complete
    assert server_keys(server, "/auth/userpass/users") == []
    assert server_keys(server, "/auth/approle/role/drill-app/secret-id") == []
    assert server_keys(server, "/identity/group/name") == ["drill-branch", "drill-engineers", "drill-everyone"]
    (left,) = server_keys(server, "/identity/entity/name")  # an AppRole's login makes an entity of the role's own
    assert left.startswith("entity_")
    assert len(server_keys(server, "/auth/token/accessors")) == 2  # the root's and the reader's


def test_no_secret_is_in_the_run_folder(drilled: Drilled, server: Prepared) -> None:
    people = [result.identity for result in drilled.run.cases]
    secrets = [server.bao.token, server.reader, *(who.password.reveal() for who in people if who is not None)]
    assert len(secrets) == len(CASES) + 2
    assert secrets_in(drilled.folder, secrets) == []
    assert secrets_in(drilled.folder, [str(people[0].username if people[0] else "")])  # the search does find


def server_keys(server: Prepared, path: str) -> list[str]:
    headers = {"X-Vault-Token": server.bao.token}
    answer = requests.get(server.bao.url + path, params={"list": "true"}, headers=headers, timeout=10)
    if answer.status_code == 404:  # how this server says that a list is empty
        assert answer.json() == {"errors": []}
        return []
    answer.raise_for_status()
    keys: list[str] = answer.json()["data"]["keys"]
    return sorted(keys)
