"""A run against a system that hides honey secrets in all it says: none is in any file, log, JUnit or terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from harness.testing.faults import Asked, Given
from tests.cli.command import environment
from tests.verdicts.front import READER, WRITER, Front, given
from tests.verdicts.shop import Shop
from tests.verdicts.test_secrets import SCENARIO, SIGNING, _fleet

# Nobody told the harness of these: only where they stand, or what they look like, gives them away.
HONEY = {
    "cookie": "hny-cookie-7Qw1",
    "header": "hny-header-2Lp9",
    "body": "hny-body-8Zx4",
    "deep body": "hny-deep-5Vb6",
    "presigned URL": "hny-url-3Nm7",
    "userinfo": "hny-userinfo-9Kj2",
    "base64": "hny-basic-4Hg8",
    "PATCH": "hny-patch-6Fd3",
    "error text": "hny-error-1Sa5",
    "exception": "hny-except-8Po6",
    "hidden field": "hny-csrf-2Iu4",
    "connector": "hny-claim-7Yt9",
    "location": "hny-location-5Re1",
    "token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJobnkifQ.hny-jwt-3Wq8",
}
JWT = HONEY["token"]

LOGGING = """
import logging
def pytest_runtest_setup():
    logging.getLogger("urllib3.util").debug("the log is on")
"""


class Sweet(Shop):
    """Its lists and records are as good as the shop's, and full of what nobody should have said."""

    def __init__(self) -> None:
        super().__init__(exercised=True)
        self.loud = False
        self.told = 0
        self.made: list[str] = []

    def __call__(self, asked: Asked, bearer: str, body: Any) -> tuple[int, Any]:
        status, answer = super().__call__(asked, bearer, body)
        for part in (body, answer):
            if isinstance(part, Mapping):
                self.made += [str(part[key]) for key in part.keys() & {"password", "token", "session"}]
        if self.loud and asked.method == "GET" and isinstance(answer, dict):
            self.told += 1
            answer = {**answer, **self._more()}
        return status, answer

    def _more(self) -> dict[str, Any]:
        basic = b64encode(f"svc:{HONEY['base64']}".encode()).decode()
        patch = {"op": "replace", "path": "password", "value": HONEY["PATCH"]}
        return {
            "password": HONEY["body"],
            "meta": {"audit": [{"client_secret": HONEY["deep body"]}]},
            "avatar": f"https://cdn.test/a.png?X-Amz-Date=1&X-Amz-Signature={HONEY['presigned URL']}",
            "repo": f"https://svc:{HONEY['userinfo']}@git.test/x",
            "trace": f"retried with Authorization: Basic {basic}",
            "last_request": {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [patch]},
            "last_response": json.dumps({"access_token": JWT}),
        }


@pytest.fixture(scope="module")
def drilled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Sweet, str]:
    here = tmp_path_factory.mktemp("honey")
    sweet = Sweet()
    asked_again: list[str] = []
    with Front(sweet, sweet.shape) as front:
        good = front.answer

        def answer(method: str, target: str, bearer: str, body: Any) -> Given:
            path = target.partition("?")[0]
            if HONEY["exception"] in target:
                asked_again.append(target)
                return Given(200, {}, b"", cut="reset")
            made = good(method, target, bearer, body)
            if not sweet.loud or method != "GET" or bearer == WRITER or made.status != 200:
                return made
            if path.endswith("/tokens"):  # a page further on, whose address holds a token, and which breaks
                data = made.json()
                data["next"] = f"{target.partition('?')[0]}?page=2&access_token={HONEY['exception']}"
                made.set_json(data)
            elif path == "/shares":
                return Given(
                    500, {"Content-Type": "text/plain"}, f"db: password={HONEY['error text']} refused".encode()
                )
            elif path == "/groups":
                page = f"<html><title>Sign in</title><input name=csrf value={HONEY['hidden field']}>"
                return Given(200, {"Content-Type": "text/html"}, page.encode())
            elif path.endswith("/seats"):
                return Given(302, {"Location": f"https://idp.test/cb?code={HONEY['location']}#id_token={JWT}"}, b"")
            return made

        front.answer = answer  # type: ignore[method-assign]

        def terminate(_: str, body: Mapping[str, Any]) -> Given:
            sweet.disable(str(body["account"]))
            sweet.loud = True
            front.headers = {
                "Set-Cookie": f"sid={HONEY['cookie']}; HttpOnly",
                "X-Auth-Token": HONEY["header"],
                "Link": f'<https://x.test/?sig={HONEY["presigned URL"]}>; rel="help"',
            }
            return given(500, {"error": f"exchange failed: client_secret={HONEY['connector']}, token {JWT}"})

        front.on_event = terminate
        (here / "fleet.yaml").write_text(_told_of_timing(_fleet(front.url)))
        story = here / "scenarios" / "honey.yaml"
        story.parent.mkdir()
        story.write_text(SCENARIO)
        (here / "conftest.py").write_text(LOGGING)
        known = {"READER": READER, "WRITER": WRITER, "SIGNING": SIGNING}
        out = here / "reports" / "run"
        more = [f"--out={out}", f"--junitxml={out}/ci.xml", f"--log-file={out}/pytest.log", "--log-file-level=DEBUG"]
        command = [sys.executable, "-P", "-m", "pytest", "scenarios", "--fleet=fleet.yaml", "-vv", "-rA", *more]
        env = environment({**known, "PYTHONWARNINGS": "default"})
        done = subprocess.run(command, cwd=here, env=env, capture_output=True, text=True, timeout=180)
    assert asked_again, "the address with a token in it was asked for, and broke"
    return out, sweet, done.stdout + done.stderr


def _told_of_timing(text: str) -> str:
    made = yaml.safe_load(text)
    made["timing"] |= {"timeout": "2s"} if "timeout" in made["timing"] else {}
    return yaml.safe_dump(made)


def test_the_honey_was_served_and_the_run_sealed(drilled: tuple[Path, Sweet, str]) -> None:
    """Else the next tests prove nothing."""
    out, sweet, told = drilled
    assert sweet.told > 5
    assert len(HONEY) >= 10
    assert "sealed, unsigned" in told, told
    files = {path.name for path in out.iterdir()}
    assert {"ci.xml", "pytest.log", "junit.xml", "report.html", "results.json", "findings.csv", "ledger.jsonl"} <= files
    run = json.loads((out / "results.json").read_bytes())
    reasons = {finding["reason"] for case in run["cases"] for finding in case["findings"]}
    assert len(reasons) > 3, "each trouble left its reason"
    assert run["cases"][0]["claimed"] == "error"
    assert "the log is on" in (out / "pytest.log").read_text()


@pytest.mark.parametrize("name", HONEY)
def test_no_honey_is_anywhere(drilled: tuple[Path, Sweet, str], name: str) -> None:
    out, _, told = drilled
    secret = HONEY[name]
    needles = {secret, quote(secret, safe=""), b64encode(secret.encode()).decode().rstrip("=")}
    needles |= {b64encode(f"svc:{secret}".encode()).decode(), secret[:-2]}
    texts = {path.relative_to(out).as_posix(): path.read_text("utf-8", "replace") for path in _files(out)}
    texts["the terminal"] = told
    assert not [where for where, text in texts.items() if any(needle in text for needle in needles)]


def test_nor_is_what_the_run_used_and_made(drilled: tuple[Path, Sweet, str]) -> None:
    out, sweet, told = drilled
    known = [READER, WRITER, SIGNING, *sweet.made]
    assert len(known) > 6
    texts = {path.relative_to(out).as_posix(): path.read_text("utf-8", "replace") for path in _files(out)}
    texts["the terminal"] = told
    assert not [where for where, text in texts.items() if any(secret in text for secret in known)]


def _files(out: Path) -> list[Path]:
    return [Path(folder) / name for folder, _, names in os.walk(out) for name in names]
