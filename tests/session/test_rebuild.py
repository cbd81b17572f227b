"""A run is told again from its ledger alone, byte for byte, or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from harness.evidence.ledger import Ledger
from harness.evidence.strict import exact
from harness.model import BadInput, Finding, Observation, RunResult
from harness.report import About, write
from harness.report.record import Share, records, share
from harness.session.drill import Naming, merge
from harness.session.rebuild import rebuild
from tests.report.sample import sample


def ledgered(path: Path | None, run: RunResult, about: About, worker: str = "") -> tuple[RunResult, Ledger]:
    """The hand-made run with every observation in a ledger, as the engine puts them there, and what was told last."""
    ledger = Ledger(path, {"run": run.id, "worker": worker})

    def seen(o: Observation) -> Observation:
        record = {
            "type": "observation",
            **{name: str(getattr(o, name)) for name in ("presence", "phase", "reason", "checkpoint", "control")},
            **{"round": o.round, "sent": o.sent, "answered": o.answered, "evidence": list(o.evidence)},
        }
        return replace(o, id=ledger.append(record))

    def found(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        return tuple(replace(f, observations=tuple(map(seen, f.observations))) for f in findings)

    cases = tuple(replace(case, findings=found(case.findings)) for case in run.cases)
    told = replace(run, cases=cases, bystanders=found(run.bystanders))
    for record in records(Share(told, about, run.deselected)):
        ledger.append(record)
    ledger.close({"run": run.id, "verdict": run.verdict.word, "cases": len(run.cases)})
    return told, ledger


@pytest.fixture
def drilled(tmp_path: Path) -> Path:
    run, about, world = sample()
    folder = tmp_path / "run"
    told, _ = ledgered(folder / "ledger.jsonl", run, about)
    (folder / "exchanges").mkdir()
    for name, made in world.exchanges.items():
        (folder / "exchanges" / f"{name}.json").write_text(json.dumps(made))
    write(folder, told, about, world.exchanges.get)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_everything_again_twice_byte_for_byte(drilled: Path, tmp_path: Path) -> None:
    oscal = {"oscal-assessment-results.json", "oscal-poam.json"}
    names = {"results.json", "report.html", "findings.csv", "junit.xml"} | oscal
    first, second = rebuild(drilled, tmp_path / "one"), rebuild(drilled, tmp_path / "two")
    assert {each.path.name for each in first} == names
    assert all(each.same for each in [*first, *second])
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert contents(tmp_path / "one").items() <= contents(drilled).items()


def test_from_the_ledger_and_nothing_else(drilled: Path, tmp_path: Path) -> None:
    """What else lies there may say anything, or be gone."""
    want = (drilled / "results.json").read_bytes()
    (drilled / "report.html").write_text("All is well.")
    (drilled / "results.json").unlink()
    made = {each.path.name: each.same for each in rebuild(drilled, tmp_path / "out")}
    assert made.pop("results.json") is None
    assert made.pop("report.html") is False
    assert len(made) == 4
    assert all(made.values())
    assert (tmp_path / "out" / "results.json").read_bytes() == want


def test_another_observation_gives_another_report(drilled: Path, tmp_path: Path) -> None:
    """The findings cite their looks by hash: one that changed is no longer there to be cited."""
    lines = (drilled / "ledger.jsonl").read_bytes().splitlines()
    prev, changed = "0" * 64, []
    for line in lines:
        record: dict[str, Any] = {**json.loads(line), "prev": prev}
        if record["type"] == "observation" and record["presence"] == "present":
            record["presence"] = "absent"
        changed.append(json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())
        prev = sha256(changed[-1]).hexdigest()
    (drilled / "ledger.jsonl").write_bytes(b"".join(line + b"\n" for line in changed))
    with pytest.raises(BadInput, match="not told by this version"):
        rebuild(drilled, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_ledger_that_is_broken_or_ends_early_is_not_guessed_at(drilled: Path, tmp_path: Path) -> None:
    path = drilled / "ledger.jsonl"
    good = path.read_bytes()
    lines = good.splitlines(keepends=True)
    closing = json.loads(lines[-1])
    without_told = [line for line in lines[:-1] if json.loads(line)["type"] not in ("case", "run")]
    last = {**closing, "seq": len(without_told), "records": len(without_told)}
    last["prev"] = sha256(without_told[-1][:-1]).hexdigest()
    older = [*without_told, json.dumps(last, sort_keys=True, separators=(",", ":")).encode() + b"\n"]
    for data, why in (
        (b"".join(lines[:-1]), "ends without a close"),
        (good[:-30], "ends without a close"),
        (good.replace(b'"absent"', b'"Absent"', 1), "the chain breaks"),
        (b"".join(older), "written by an older version"),
        (b"", "ends without a close"),
    ):
        path.write_bytes(data)
        with pytest.raises(BadInput, match=why):
            rebuild(drilled, tmp_path / "out")
    path.unlink()
    with pytest.raises(BadInput, match="no ledger"):
        rebuild(drilled, tmp_path / "out")
    with pytest.raises(BadInput, match="not the folder of a run"):
        rebuild(drilled / "nowhere", tmp_path / "out")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadInput, match="a link"):
        rebuild(drilled, tmp_path / "out")


def test_a_run_is_not_written_over(drilled: Path) -> None:
    before = contents(drilled)
    with pytest.raises(BadInput, match="not written over"):
        rebuild(drilled, drilled / ".." / "run")
    assert contents(drilled) == before


def test_shares_of_workers_are_one_run_again(tmp_path: Path) -> None:
    run, about, world = sample()
    half = len(run.cases) // 2
    parts = [replace(run, cases=run.cases[:half], bystanders=()), replace(run, cases=run.cases[half:])]
    folder = tmp_path / "run"
    told = [
        ledgered(folder / f"ledger-gw{n}.jsonl", replace(part, deselected=()), about, f"gw{n}")[0]
        for n, part in enumerate(parts)
    ]
    write(folder, merge(Naming(run.id, 0), told, ()), about, world.exchanges.get)
    (folder / "exchanges").mkdir()
    for name, made in world.exchanges.items():
        (folder / "exchanges" / f"{name}.json").write_text(json.dumps(made))
    assert all(each.same for each in rebuild(folder, tmp_path / "out"))


def test_every_field_comes_back(tmp_path: Path) -> None:
    run, about, _ = sample()
    about = replace(about, timing={"settle": "9s", "poll": "1s"}, signing_key="k" * 64, notes=("a note",))
    told, ledger = ledgered(None, run, about)
    lines = ledger.lines()
    found: list[Mapping[str, Any]] = [exact(line) for line in lines]
    back = share(found, [sha256(line).hexdigest() for line in lines])
    assert back is not None
    assert back.about == about
    assert list(back.about.timing) == ["settle", "poll"], "in its order"
    assert back.deselected == run.deselected
    assert [_bare(case) for case in back.result.cases] == [_bare(case) for case in told.cases]
    assert replace(back.result, cases=()) == replace(told, cases=())


def _bare(case: Any) -> str:
    """Empty mappings of either kind are the same; no password comes back."""
    return repr(case)
