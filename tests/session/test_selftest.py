"""Self-tests of the real sandbox: nothing is left in its own databases, and an adapter that lies is found out."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from fixtures.sandbox import start
from harness import adapter, fleet, scenario
from harness.adapter import SystemAdapter
from harness.model import SECOND, Found, Kind, ListState, Look, Vantage
from harness.ports import Person, Round
from harness.qualification import Standing
from harness.scenario import Loaded
from harness.session import qualified, selftest
from harness.session.drill import Naming
from harness.systems.http import HttpSystem
from harness.systems.http_config import HttpConfig

LIBRARY = Path(__file__).parents[2] / "scenarios"


def stories(source: str) -> Loaded:
    return scenario.load_files(scenario.discover([LIBRARY]), fleet.shape(source), date(2026, 1, 1))


def put_to_the_test(sandbox: Any, folder: Path, source: str = "sandbox", *, whole: bool = True) -> selftest.Written:
    loaded = stories(source) if whole else Loaded((), ())
    env = {**os.environ, **sandbox.env}
    return selftest.run(source, env, loaded, folder / "reports" / "self", Naming("self", 7), 5 * SECOND)


def unfit(written: selftest.Written) -> dict[tuple[str, Kind, Vantage], Standing]:
    probes = written.probed.probes
    return {(p.system, p.kind, p.vantage): p.standing for p in probes if p.standing is not Standing.QUALIFIED}


def databases(sandbox: Any) -> dict[str, Any]:
    """All rows of all services, not by way of the harness; the trails of what was done are left out."""
    made: dict[str, Any] = {s.name: copy.deepcopy(s.db) for s in (sandbox.crm, sandbox.mail, sandbox.code)}
    directory = sandbox.directory
    for kind in ("Users", "Groups"):
        rows: list[dict[str, Any]] = []
        while True:
            query = {"startIndex": str(len(rows) + 1), "count": "5"}
            page = directory._scim(directory._primary, "GET", f"/{kind}", query, {}, b"").body
            rows += page.get("Resources", [])
            if len(rows) >= page["totalResults"]:
                break
        for row in rows:
            del row["meta"]  # when it was changed last
        made[kind] = sorted(rows, key=lambda row: str(row["id"]))
    return made


@pytest.fixture
def sandbox() -> Iterator[Any]:
    with start(delay=0.02) as made:
        yield made


def test_the_databases_are_what_they_were(sandbox: Any, tmp_path: Path) -> None:
    before = databases(sandbox)
    written = put_to_the_test(sandbox, tmp_path)
    assert unfit(written) == {}
    assert written.code == 0
    assert databases(sandbox) == before
    told = json.loads((written.folder / "selftest.json").read_text())
    assert told["inventory"]["equal"] is True
    assert len(told["probes"]) == 34
    assert written.sealed.startswith("sealed")


def test_the_probes_of_a_reader_that_lacks_a_scope_are_blind_and_no_others(tmp_path: Path) -> None:
    with start(delay=0.02, lacking=["crm.seats:read", "code.collaborators:read", "directory.groups:read"]) as sandbox:
        written = put_to_the_test(sandbox, tmp_path)
    assert unfit(written) == {
        ("directory", Kind.GROUP, Vantage.ADMIN): Standing.BLIND,
        ("crm", Kind.LICENSE, Vantage.ADMIN): Standing.BLIND,
        ("code", Kind.SHARE, Vantage.ADMIN): Standing.BLIND,
    }
    why = {p.system: p.why for p in written.probed.probes if p.standing is Standing.BLIND}
    assert why["crm"].endswith("the reader may not look (403): it lacks the scope seats:read")
    assert why["code"].endswith("the reader may not look (403): it lacks the scope collaborators:read")
    assert why["directory"].endswith("the reader may not look (403): it lacks the scope groups:read")
    assert written.code == 6


class Polite(HttpSystem):
    """Takes a refusal for an empty list, as many a script does."""

    def round(self) -> Round:
        return _PoliteRound(super().round())


class _PoliteRound:
    def __init__(self, true: Round) -> None:
        self._true = true

    def find(self, person: Person) -> Found:
        found = self._true.find(person)
        return replace(found, state=ListState.COMPLETE, accounts=()) if "(403)" in found.reason else found

    def look(self, person: Person) -> Look:
        look = self._true.look(person)
        listings = tuple(
            replace(one, state=ListState.COMPLETE, rows=(), reason="") if "(403)" in one.reason else one
            for one in look.listings
        )
        return replace(look, listings=listings)


@pytest.fixture
def polite(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    known = {**adapter.systems(), "polite": SystemAdapter("polite", "a liar", HttpConfig, Polite)}
    monkeypatch.setattr(adapter, "systems", lambda: known)
    text = fleet.locate("sandbox").read_text()
    head, mark, rest = text.partition("  crm:\n    type: http\n")
    assert mark
    path = tmp_path / "fleet.yaml"
    path.write_text(head + "  crm:\n    type: polite\n" + rest)
    return str(path)


def test_an_adapter_that_takes_a_refusal_for_an_empty_list_is_lying(polite: str, tmp_path: Path) -> None:
    """Its reader lacks one scope, and no control of that list is seen either: a run would be saved by the law."""
    with start(delay=0.02, lacking=["crm.seats:read"]) as sandbox:
        written = put_to_the_test(sandbox, tmp_path, polite)
    assert unfit(written) == {("crm", Kind.LICENSE, Vantage.ADMIN): Standing.LYING}
    (probe,) = [p for p in written.probed.probes if p.standing is Standing.LYING]
    assert probe.why == "said absent while it was there"
    assert written.code == 1


def test_the_same_adapter_with_all_scopes_is_honest_about_a_401(polite: str, sandbox: Any, tmp_path: Path) -> None:
    """What it lies about is 403, and a wrong credential is answered with 401."""
    assert unfit(put_to_the_test(sandbox, tmp_path, polite)) == {}


def test_without_scenarios_what_the_guard_leaves_open_is_planted(sandbox: Any, tmp_path: Path) -> None:
    """What needs more than a name (a right, an address to forward to) is told as not planted, and never qualified."""
    written = put_to_the_test(sandbox, tmp_path, whole=False)
    assert set(unfit(written).values()) == {Standing.UNPROVEN}
    fit = {(p.system, p.kind) for p in written.probed.probes if p.standing is Standing.QUALIFIED}
    assert {("crm", Kind.GROUP), ("crm", Kind.CREDENTIAL), ("mail", Kind.MAILBOX), ("code", Kind.SESSION)} <= fit
    (probe,) = [p for p in written.probed.probes if (p.system, p.kind) == ("mail", Kind.DELEGATION)]
    assert "'right' is undefined" in probe.why
    assert written.code == 6


# --- found again by later runs -------------------------------------------------------------------


def test_a_later_run_finds_the_newest_self_test_of_its_own_fleet(
    sandbox: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = put_to_the_test(sandbox, tmp_path, whole=False)
    reports = written.folder.parent
    of = fleet.load("sandbox", {**os.environ, **sandbox.env}, _no_tools)
    found = qualified.newest(reports, of)
    assert found is not None
    assert (found.id, found.stale, found.blind) == ("self", "", ())
    assert qualified.newest(reports, replace(of, name="another")) is None
    assert qualified.newest(reports, replace(of, environment="test")) is None
    changed = qualified.newest(reports, replace(of, sha256="0" * 64))
    assert changed is not None
    assert changed.stale == "the fleet file has changed since"
    now = qualified.versions()
    monkeypatch.setattr(qualified, "versions", lambda: {**now, "exitproof": "9.9"})
    newer = qualified.newest(reports, of)
    assert newer is not None
    assert newer.stale == "another version since: exitproof"


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"schema": "exitproof-selftest/1"}', '{"schema": ' + "[" * 5000])
def test_a_file_that_is_no_self_test_is_left_out(sandbox: Any, tmp_path: Path, text: str) -> None:
    (tmp_path / "run-1").mkdir()
    (tmp_path / "run-1" / "selftest.json").write_text(text)
    of = fleet.load("sandbox", {**os.environ, **sandbox.env}, _no_tools)
    assert qualified.newest(tmp_path, of) is None


def _no_tools(_name: str, limits: Any) -> Any:
    from harness.evidence.exchanges import Exchanges
    from harness.evidence.vault import Vault
    from harness.ports import Tools
    from tests.wire.world import VirtualClock

    vault = Vault()
    return Tools(VirtualClock(), Exchanges(None, vault), vault, limits)
