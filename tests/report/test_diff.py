"""Runs beside each other and over time: each way to differ is told once, and what nobody saw is never `fixed`."""

from __future__ import annotations

import json
import os
import shutil
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from harness.model import BadInput, Coverage, Outcome, Verdict
from harness.report.diff import Change, diff, lines, plain
from harness.report.drills import Drilled, Judged, read
from harness.report.index import NAME, runs
from harness.report.trend import flapping, pace, percentile, trend
from tests.report.lineage import Q2, Q3, earlier
from tests.report.sample import DRILLS as HOME
from tests.report.sample import FOLDER


@pytest.fixture
def sample() -> Drilled:
    return read(FOLDER)


def test_the_committed_drills_have_not_drifted() -> None:
    for quarter, name in enumerate((Q2, Q3)):
        committed = json.loads((HOME / name / "results.json").read_text())
        assert committed == earlier(quarter), "run `python -m tests.report.lineage`"


def test_two_committed_drills_differ_in_every_way(sample: Drilled) -> None:
    found = diff(read(HOME / Q3), sample, [read(HOME / Q2)])
    by = {change: [one for one in found.grants if one.change is change] for change in Change}
    assert [one.of.label for one in by[Change.NEW]] == ["crm license sales-pro, admin"]
    assert [one.of.label for one in by[Change.FIXED]] == ["crm license sales-pro, admin"]
    assert [one.of.label for one in by[Change.FLAPPING]] == ["code credential laptop-key, admin"]
    assert [one.of.label for one in by[Change.NO_LONGER_COVERED]] == ["directory group auditors-all, admin"]
    assert [one.of.label for one in by[Change.NOW_COVERED]] == ["mail forwarding to-private, admin"]
    open_ = {one.of.label: one.drills for one in by[Change.STILL_OPEN]}
    assert open_["code ownership build-scripts, admin"] == 3
    assert found.worse
    told = "\n".join(lines(found))
    assert "new: crm license sales-pro, admin: revoked -> residual [terminate/everyday-leaver[terminate]]" in told
    assert "still open: code ownership build-scripts, admin: residual -> residual, failing for 3 drills" in told
    assert plain(found)["counts"]["fixed"] == 1
    json.dumps(plain(found))


def test_nothing_is_different_from_itself(sample: Drilled) -> None:
    found = diff(sample, sample)
    assert {one.change for one in found.grants} == {Change.SAME, Change.STILL_OPEN}
    assert not found.worse


def one(outcome: Outcome | None, **more: object) -> Drilled:
    """A run with one grant, or without it."""
    base = Judged("f", "c", "leaver", "crm", "license", "pro", "admin", "", outcome or Outcome.REVOKED, "", None, None)
    findings = {} if outcome is None else {"f": base}
    run = Drilled(
        "r", "2026-01-01", "fleet", "test", Verdict.PASS, findings, {("crm", "license", "admin"): Coverage.TESTED}
    )
    return replace(run, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (Outcome.RESIDUAL, None, Change.NO_LONGER_COVERED),
        (Outcome.RESIDUAL, Outcome.INCONCLUSIVE, Change.NO_LONGER_COVERED),
        (Outcome.REVOKED, Outcome.INCONCLUSIVE, Change.NO_LONGER_COVERED),
        (Outcome.INCONCLUSIVE, Outcome.INCONCLUSIVE, Change.SAME),
        (None, Outcome.RESIDUAL, Change.NEW),
        (Outcome.INCONCLUSIVE, Outcome.LATE, Change.NEW),
        (Outcome.KEPT, Outcome.RESURRECTED, Change.NEW),
        (Outcome.LATE, Outcome.KEPT, Change.EXCEPTED),
        (Outcome.KEPT, Outcome.KEPT, Change.SAME),
        (Outcome.INCONCLUSIVE, Outcome.REVOKED, Change.NOW_COVERED),
    ],
)
def test_what_nobody_saw_is_never_fixed(before: Outcome | None, after: Outcome | None, change: Change) -> None:
    found = diff(one(before), one(after))
    assert [each.change for each in found.grants] == [change]
    assert found.worse is (change in (Change.NEW, Change.NO_LONGER_COVERED))


def test_a_drill_that_could_not_see_neither_closes_nor_counts() -> None:
    history = [one(Outcome.RESIDUAL), one(Outcome.INCONCLUSIVE), one(None)]
    found = diff(one(Outcome.RESIDUAL), one(Outcome.RESIDUAL), history)
    assert found.grants[0].drills == 3
    assert found.grants[0].change is Change.STILL_OPEN


def test_a_place_that_is_no_longer_seen_is_worse() -> None:
    blind = one(Outcome.REVOKED, cells={("crm", "license", "admin"): Coverage.BLIND})
    found = diff(one(Outcome.REVOKED), blind)
    assert found.worse
    assert found.cells == ((("crm", "license", "admin"), Coverage.TESTED, Coverage.BLIND),)
    assert not diff(blind, one(Outcome.REVOKED)).worse


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"schema": "other/1"}', '{"schema": "exitproof-results/1"}', "null", '{"schema": ' * 9000]
)
def test_a_file_that_is_no_run_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "results.json").write_text(text)
    with pytest.raises(BadInput, match=r"results\.json:1:1: no results of a run"):
        read(tmp_path)
    with pytest.raises(BadInput, match="cannot be read"):
        read(tmp_path / "nowhere")


# --- over time --------------------------------------------------------------------------------


def placed(folder: Path) -> Path:
    shutil.copytree(HOME, folder / "reports")
    shutil.copytree(FOLDER, folder / "reports" / "2026-11-20-0900-7f3a")
    return folder / "reports"


def test_the_index_is_what_the_files_say_now(tmp_path: Path, sample: Drilled) -> None:
    reports = placed(tmp_path)
    first = runs(reports)
    assert [run.id for run in first] == [Q2, Q3, sample.id]
    assert first[-1] == sample
    assert runs(reports) == first  # from the index alone
    told = earlier(1)
    told["run"]["verdict"] = "inconclusive"
    (reports / Q3 / "results.json").write_text(json.dumps(told))
    shutil.rmtree(reports / Q2)
    (reports / "broken").mkdir()
    (reports / "broken" / "results.json").write_text("{")
    again = runs(reports)
    assert [(run.id, run.verdict) for run in again] == [(Q3, Verdict.INCONCLUSIVE), (sample.id, Verdict.FAIL)]
    assert runs(reports, "nobody") == []


def test_the_index_is_read_and_not_the_files_again(tmp_path: Path) -> None:
    reports = placed(tmp_path)
    first = runs(reports)
    file = reports / Q3 / "results.json"
    told = file.stat()
    file.write_bytes(b" " * told.st_size)
    os.utime(file, ns=(told.st_atime_ns, told.st_mtime_ns))
    assert runs(reports) == first


def test_an_index_of_another_version_is_made_anew_and_a_folder_that_cannot_be_written_needs_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports = placed(tmp_path)
    first = runs(reports)
    (reports / NAME).write_bytes(b"not a database at all, but long enough to be looked at" * 40)
    assert runs(reports) == first
    (reports / NAME).unlink(missing_ok=True)
    (reports / NAME).mkdir()
    assert runs(reports) == first
    assert stat.S_ISDIR((reports / NAME).stat().st_mode)


def test_the_trend_tells_upper_bounds_of_what_ended(tmp_path: Path, sample: Drilled) -> None:
    entries = trend(runs(placed(tmp_path)))
    assert [entry.id for entry in entries] == [Q2, Q3, sample.id]
    mail = pace(sample, "mail")
    assert (mail.ended, mail.open, mail.longest) == (2, 1, 1_110_040)
    assert pace(one(Outcome.RESIDUAL), "crm").longest is None
    assert entries[-1].tested == sample.tested > 0


def test_flapping_needs_two_changes_that_were_seen(tmp_path: Path) -> None:
    assert flapping(runs(placed(tmp_path))) == ["code credential laptop-key, admin"]
    fails, passes, unseen = one(Outcome.RESIDUAL), one(Outcome.REVOKED), one(Outcome.INCONCLUSIVE)
    assert flapping([fails, passes]) == []
    assert flapping([fails, unseen, fails]) == []
    assert flapping([fails, unseen, passes, fails]) == ["crm license pro, admin"]


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [([], 50, None), ([7], 90, 7), ([1, 2, 3, 4], 50, 2), (list(range(1, 11)), 90, 9)],
)
def test_a_percentile_is_a_value_that_was_measured(values: list[int], percent: int, expected: int | None) -> None:
    assert percentile(values, percent) == expected
