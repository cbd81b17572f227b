"""The connector `manual`: a person is asked once, and nothing is assumed until they answer."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from pydantic import ValidationError

from harness import marker
from harness.connectors.manual import Manual, ManualConfig
from harness.model import Claim, Event, Progress
from harness.ports import Connector
from tests.scim_server import identity, person, tools

WHO = person(identity())
EVENT = Event("ev-7", "terminate", 1)


def build(
    folder: Path, instruction: str = "Disable {{ identity.username }} in the console"
) -> tuple[Manual, io.StringIO]:
    config = {
        "type": "manual",
        "owner": "desk",
        "folder": str(folder),
        "events": {"terminate": {"instruction": instruction}},
    }
    out = io.StringIO()
    return Manual("desk", ManualConfig.model_validate(config), tools()[0], out), out


def test_it_waits_until_the_person_says_done(tmp_path: Path) -> None:
    connector, out = build(tmp_path)
    assert isinstance(connector, Connector)
    assert connector.events()["terminate"].has_done
    receipt = connector.fire(EVENT, WHO)
    assert (receipt.claim, receipt.in_doubt) == (Claim.NONE, False)
    assert "Disable zz-leaver-1 in the console" in out.getvalue()
    assert "exitproof done r1 'terminate/everyday'" in out.getvalue()
    assert connector.done(EVENT, WHO)[0] is Progress.RUNNING
    assert connector.arrived(EVENT, WHO)[0] is None
    assert [each["case"] for each in marker.waiting(tmp_path, "r1")] == ["terminate/everyday"]

    assert marker.answer(tmp_path, "r1", "terminate/everyday") == "Disable zz-leaver-1 in the console"
    assert connector.done(EVENT, WHO)[0] is Progress.FINISHED
    assert connector.arrived(EVENT, WHO)[0] is True
    assert list(marker.waiting(tmp_path, "r1")) == []


def test_an_answer_is_for_one_event_only(tmp_path: Path) -> None:
    connector, _ = build(tmp_path)
    connector.fire(EVENT, WHO)
    marker.answer(tmp_path, "r1", "terminate/everyday")
    later = Event("ev-8", "terminate", 2)
    connector.fire(later, WHO)
    assert connector.done(later, WHO)[0] is Progress.RUNNING


def test_it_can_fail(tmp_path: Path) -> None:
    connector, _ = build(tmp_path)
    connector.fire(EVENT, WHO)
    marker.answer(tmp_path, "r1", "terminate/everyday", failed="the console was down")
    assert connector.done(EVENT, WHO) == (Progress.FAILED, "the console was down")


def test_only_a_case_that_waits_can_be_answered(tmp_path: Path) -> None:
    connector, _ = build(tmp_path)
    connector.fire(EVENT, WHO)
    with pytest.raises(LookupError, match="terminate/everyday"):
        marker.answer(tmp_path, "r1", "../../etc/passwd")
    with pytest.raises(LookupError, match="none"):
        marker.answer(tmp_path, "r2", "terminate/everyday")


@pytest.mark.parametrize("case", ["../../x", "a/b[c-d]", "ü" * 300, "", "."])
def test_marker_files_stay_in_their_folder(tmp_path: Path, case: str) -> None:
    folder = tmp_path / "markers"
    marker.ask(folder, "../r", case, "e", "n", "do it")
    assert [path.name for path in tmp_path.iterdir()] == ["markers"]
    assert len(list(folder.rglob("*.waiting.json"))) == 1
    assert marker.answer(folder, "../r", case) == "do it"


def test_a_password_is_never_printed(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="password"):
        build(tmp_path, "log in with {{ identity.password }}")
