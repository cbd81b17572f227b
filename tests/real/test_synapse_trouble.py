"""A Synapse that dies, or takes the reader's rights away, while somebody leaves: nothing is called clean."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import requests

from fixtures.fleet.synapse import Synapse, again
from harness.model import CaseResult, Outcome, Verdict
from tests.real.chat import FLEET, SCENARIOS, ask, asked, served
from tests.real.drills import Drilled, drill

pytestmark = pytest.mark.real

STORY = "chat-only-rooms"
AWAY_S = 4.0  # longer than the deadline, shorter than the hold


@pytest.fixture
def synapse(tmp_path: Path) -> Iterator[Synapse]:
    with served(tmp_path / "synapse") as server:
        yield server


@contextmanager
def desk(synapse: Synapse, trouble: Callable[[], None], mend: Callable[[], None]) -> Iterator[str]:
    """Stands where the connector sends its event: hands it on, answers, and then trouble begins, which is mended a
    little later."""
    threads: list[threading.Thread] = []

    def later() -> None:
        time.sleep(AWAY_S)
        mend()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {"Authorization": self.headers["Authorization"]}
            given = requests.post(synapse.url + self.path, body, headers=headers, timeout=30)
            trouble()
            threads.append(threading.Thread(target=later))
            threads[-1].start()
            self.send_response(given.status_code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(given.content)))
            self.end_headers()
            self.wfile.write(given.content)

    server = HTTPServer(("127.0.0.1", 0), Handler)
    serving = threading.Thread(target=server.serve_forever, args=(0.02,))
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
        for thread in threads:
            thread.join()


def troubled(
    synapse: Synapse, folder: Path, trouble: Callable[[], None], mend: Callable[[], None]
) -> tuple[Drilled, CaseResult]:
    """The story that passes otherwise, with a deadline inside the trouble and a last look after it. Without its rooms:
    a Synapse that is killed while it takes somebody out of a room goes on with that when it is back."""
    fleet_file, story = folder / "fleet.yaml", folder / f"{STORY}.yaml"
    fleet_file.write_text(
        FLEET.read_text().replace('url: "${env:SYNAPSE_URL}"', 'url: "${env:DESK_URL}"', 1).replace("15s", "2s")
    )
    text = (SCENARIOS / f"{STORY}.yaml").read_text()
    for old, new in (
        (re.search(r"^objects:\n(  .*\n)+", text, re.MULTILINE), ""),
        (re.search(r"{group: drill-lunch}, {group: drill-support}, ", text), ""),
        (re.search(r"within: 15m", text), "within: 15m\n  hold: 25s"),
    ):
        assert old is not None
        text = text.replace(old[0], new)
    story.write_text(text)
    with desk(synapse, trouble, mend) as url:
        drilled = drill(fleet_file, [story], {**synapse.env, "DESK_URL": url}, folder / "run")
    return drilled, drilled.case(STORY)


def test_a_server_that_dies_makes_nothing_clean_and_is_cleaned_up_once_it_is_back(
    synapse: Synapse, tmp_path: Path
) -> None:
    drilled, case = troubled(synapse, tmp_path, synapse.daemon.kill, lambda: again(synapse))
    assert case.claimed == "success", case.claim_detail
    assert case.verdict is Verdict.INCONCLUSIVE, [(f.kind, f.outcome, f.reason) for f in case.findings]
    assert {f.outcome for f in case.findings} == {Outcome.INCONCLUSIVE}
    told = {look.reason for found in case.findings for look in found.observations}
    assert any("refused" in reason for reason in told), told
    assert case.cleanup.complete, case.cleanup.leftovers
    assert drilled.run.cleanup.complete, drilled.run.cleanup.leftovers
    people = [u for u in asked(synapse, "/v3/users?locked=true")["users"] if u["name"].startswith("@zz-")]
    assert people
    assert all(user["deactivated"] for user in people)


def test_a_reader_that_is_no_admin_any_more_makes_nothing_clean(synapse: Synapse, tmp_path: Path) -> None:
    reader = ask(synapse, "GET", "/_matrix/client/v3/account/whoami", synapse.reader).json()["user_id"]

    def let(admin: bool) -> None:
        ask(synapse, "PUT", f"/_synapse/admin/v1/users/{reader}/admin", json={"admin": admin}).raise_for_status()

    drilled, case = troubled(synapse, tmp_path, lambda: let(False), lambda: let(True))
    assert case.claimed == "success", case.claim_detail
    assert case.verdict is Verdict.INCONCLUSIVE, [(f.kind, f.outcome, f.reason) for f in case.findings]
    by_admin = [found for found in case.findings if found.vantage == "admin"]
    assert {found.outcome for found in by_admin} == {Outcome.INCONCLUSIVE}
    assert all(any("403" in look.reason for look in found.observations) for found in by_admin)
    assert case.cleanup.complete, case.cleanup.leftovers
    assert drilled.run.cleanup.complete, drilled.run.cleanup.leftovers
