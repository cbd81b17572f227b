"""A system that echoes every secret it ever heard, everywhere it can: none of them is in any file of the run folder."""

from __future__ import annotations

import json
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
import yaml

from harness import fleet, report, scenario
from harness.model import Outcome, RunResult, Verdict
from harness.report.text import case_table
from harness.session.drill import Drill, Naming
from harness.testing.faults import Asked, Given
from tests.verdicts.front import READER, WRITER, Front, given
from tests.verdicts.shop import Shop

SIGNING = "hmac+key/with=odd&parts 7Q"
REFS = {READER: "${env:READER}", WRITER: "${env:WRITER}"}
SCENARIO = """
title: Echoes
story: A leaver of a system that repeats what it hears.
access:
  shop: [{license: sales-pro}, {group: owners}, {credential: api}, {role: approver}, {share: ledger}]
leave: {via: hr, event: terminate, reason: resignation}
expect: {account: disabled, within: 3s}
"""


class Echo(Shop):
    """Remembers every secret that it is sent or gives away, and repeats all of them in what it shows."""

    def __init__(self) -> None:
        super().__init__(exercised=True)
        self.heard: dict[str, float] = dict.fromkeys((READER, WRITER, SIGNING), 0.0)
        self.loud = False

    def __call__(self, asked: Asked, bearer: str, body: Any) -> tuple[int, Any]:
        status, answer = super().__call__(asked, bearer, body)
        for part in (body, answer):
            if isinstance(part, Mapping):
                for key in part.keys() & {"password", "token", "session"}:
                    self.heard.setdefault(str(part[key]), time.monotonic())
        if self.loud and asked.method == "GET" and isinstance(answer, dict):
            answer = self._echo(answer)
        return status, answer

    def _echo(self, answer: dict[str, Any]) -> dict[str, Any]:
        """In fields, in names and ids of rows, as it is and encoded."""
        words = self.words()
        made = {**answer, "motd": words, "debug": " ".join(words), "links": [f"https://x.test/?q={w}" for w in words]}
        if "items" in answer and answer["items"] and "plan" in answer["items"][0]:
            fresh = [{"id": f"id-{w}", "plan": f"plan {w}"} for w in words]
            made |= {"items": [*answer["items"], *fresh], "total": answer["total"] + len(fresh)}
        return made

    def words(self) -> list[str]:
        """Of all but the newest: whoever was just given a secret must have had the time to read it."""
        old = [secret for secret, since in self.heard.items() if time.monotonic() - since > 0.3]
        return [form for secret in old for form in forms(secret)]


def forms(secret: str) -> Iterator[str]:
    data = secret.encode()
    yield from dict.fromkeys((secret, quote(secret, safe=""), quote_plus(secret)))
    yield from dict.fromkeys((b64encode(data).decode(), urlsafe_b64encode(data).decode().rstrip("=")))


def _fleet(url: str) -> str:
    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {str(key): plain(each) for key, each in value.items()}
        if isinstance(value, list):
            return [plain(each) for each in value]
        return REFS.get(str(value), str(value)) if isinstance(value, str) else value

    described = plain(Shop(exercised=True).described(url))
    event = {"post": "/hr/terminate", "json": {"account": "{{ accounts.shop.id }}"}}
    sign = {"header": "X-Signature", "scheme": "hmac-sha256", "secret": "${env:SIGNING}"}
    hr = {"type": "webhook", "owner": "hr", "url": url, "sign": sign, "events": {"terminate": event}}
    timing = {"settle": "200ms", "within": "3s", "poll": "500ms"}
    return yaml.safe_dump(
        {
            "fleet": "echo",
            "environment": "sandbox",
            "timing": timing,
            "connectors": {"hr": hr},
            "systems": {"shop": described},
        }
    )


@pytest.fixture(scope="module")
def drilled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunResult, Echo]:
    here = tmp_path_factory.mktemp("echo")
    echo = Echo()
    with Front(echo, echo.shape) as front:

        def terminate(_: str, body: Mapping[str, Any]) -> Given:
            echo.disable(str(body["account"]))
            echo.store.tokens[int(body["account"])] = []
            echo.loud = True
            front.headers = {"X-Debug": WRITER, "Warning": f'199 - "{quote(READER)}"', "ETag": f'"{READER}"'}
            return given(500, {"error": f"while using {SIGNING} and {' '.join(echo.words())}"})

        front.on_event = terminate
        (here / "fleet.yaml").write_text(_fleet(front.url))
        story = here / "scenarios" / "echoes.yaml"
        story.parent.mkdir()
        story.write_text(SCENARIO)
        env = {"READER": READER, "WRITER": WRITER, "SIGNING": SIGNING}
        loaded = scenario.load([story], fleet.shape(here / "fleet.yaml", env), datetime.now(UTC).date())
        drill = Drill(str(here / "fleet.yaml"), loaded, here / "run", Naming.new(), env=env)
        drill.start(loaded.cases)
        run = drill.close()

    def exchange(name: str) -> Any:
        return json.loads((here / "run" / "exchanges" / f"{name}.json").read_bytes())

    report.write(here / "run", run, drill.about(), exchange)
    (here / "run" / "terminal.txt").write_text("\n".join(case_table(case) for case in run.cases))
    return here / "run", run, echo


def test_the_echo_was_heard_and_judged(drilled: tuple[Path, RunResult, Echo]) -> None:
    """Else the next test proves nothing."""
    folder, run, echo = drilled
    assert len(echo.heard) >= 3 + 3 * 2, "people's passwords, tokens and sessions"
    assert run.verdict is Verdict.FAIL
    found = {f.name: f for f in run.cases[0].findings}
    assert found["owners"].outcome is Outcome.RESIDUAL
    assert any(name.startswith("plan ") for name in found), "rows whose names were secrets were followed"
    assert {"results.json", "report.html", "ledger.jsonl", "journal.jsonl"} <= {p.name for p in folder.iterdir()}


def test_no_secret_is_in_any_file_of_the_run_folder(drilled: tuple[Path, RunResult, Echo]) -> None:
    folder, _, echo = drilled
    needles = {form.encode() for secret in echo.heard for form in forms(secret)}
    needles |= {form.replace("/", "\\/").encode() for secret in echo.heard for form in forms(secret)}
    bad: dict[str, int] = {}
    for path in (p for p in sorted(folder.rglob("*")) if p.is_file()):
        text = path.read_bytes()
        if found := [needle for needle in needles if needle in text]:
            bad[str(path.relative_to(folder))] = len(found)
    assert not bad


def test_what_the_engine_tells_holds_no_secret_either(drilled: tuple[Path, RunResult, Echo]) -> None:
    """A terminal, a log or another process may be told it."""
    _, run, echo = drilled
    words = repr(run)
    assert not [number for number, secret in enumerate(echo.heard) if secret in words]
