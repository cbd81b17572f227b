"""scim2-server keeps a deleted user in `Group.members`: the engine says so, and says that the account is gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.model import Kind, Outcome, Presence, Verdict
from tests.real.drills import Drilled, drill, finding, measured
from tests.scim_server import TOKEN, Server, serving

pytestmark = pytest.mark.real

HERE = Path(__file__).parent


def run(server: Server, folder: Path, story: Path = HERE / "dangling.yaml") -> Drilled:
    env = {"SCIM_URL": server.url, "SCIM_TOKEN": TOKEN}
    return drill(HERE / "dangling.fleet.yaml", [story], env, folder)


def test_a_deleted_user_is_still_a_member(tmp_path: Path) -> None:
    with serving() as server:
        drilled = run(server, tmp_path)
        result = drilled.case("dangling")
        left = server("GET", "/Users")["totalResults"], server("GET", "/Groups")["totalResults"]
    account = finding(result, "directory", Kind.ACCOUNT)
    assert account.outcome is Outcome.REVOKED, account.reason
    measured(account)
    group = finding(result, "directory", Kind.GROUP, "finance-all")
    assert group.outcome is Outcome.RESIDUAL, group.reason
    assert {look.presence for look in group.observations} == {Presence.PRESENT}
    assert group.observations[-1].checkpoint == "the end"
    assert result.verdict is Verdict.FAIL
    assert result.claimed == "success"
    assert result.cleanup.complete  # the dangling member went with the group that the run had made
    assert left == (0, 0)
    assert {f.outcome for f in drilled.run.bystanders} == {Outcome.INTACT}


def test_an_identity_provider_that_empties_the_groups_instead_leaves_the_account(tmp_path: Path) -> None:
    """The same looks see the membership go where it does go."""
    story = tmp_path / "dangling.yaml"
    story.write_text((HERE / "dangling.yaml").read_text().replace("event: delete", "event: remove-from-groups"))
    with serving() as server:
        result = run(server, tmp_path / "run", story).case("dangling")
    group = finding(result, "directory", Kind.GROUP, "finance-all")
    assert group.outcome is Outcome.REVOKED, group.reason
    measured(group)
    assert finding(result, "directory", Kind.ACCOUNT).outcome is Outcome.RESIDUAL
    assert result.cleanup.complete
